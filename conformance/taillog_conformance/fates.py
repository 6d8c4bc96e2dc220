"""What became of each line: where it was written, and where it came, or that it did not; for reports, not for verdicts.

The oracle stops at the first difference. A reader of a failure wants to see all lines, so here each line of a source is
paired with the first equal line of the destination that is not taken yet.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .oracle import Delivery, Source, canonical, split_lines
from .timeline import shorten

KEPT_LINES = 100
"""Lines of one kind (came, did not come, stray) that are kept for a report: a person looks at the first few."""


@dataclass(frozen=True, slots=True)
class Fate:
    """One line of a source: `written` and `came` are places in the timeline; None where it did not come as it is."""

    file: str
    text: str
    written: int
    came: int | None
    must: bool

    def as_json(self) -> dict[str, object]:
        """The line as plain data; a long text is shortened."""
        row = {"file": self.file, "text": shorten(self.text), "written": self.written, "must": self.must}
        return row | {"came": self.came}


@dataclass(frozen=True, slots=True)
class Stray:
    """A line of the destination, at the place `came` of the timeline, that is no line of a source, or one once more."""

    text: str
    came: int

    def as_json(self) -> dict[str, object]:
        """The line as plain data; a long text is shortened."""
        return {"text": shorten(self.text), "came": self.came}


@dataclass(frozen=True, slots=True)
class Fates:
    """All lines: those that the sources hold, and those of the destination that are left over."""

    lines: tuple[Fate, ...]
    strays: tuple[Stray, ...]


def fates(sources: Sequence[Source], deliveries: Iterable[Delivery]) -> Fates:
    """Pair the lines of `sources` with those of one destination."""
    there: dict[str, deque[tuple[str, int]]] = {}
    for text, at in _lines_of(deliveries):
        there.setdefault(_key(text), deque()).append((text, at))
    lines = []
    kept = {True: 0, False: 0}
    for source in sources:
        for line in source.lines:
            found = next((key for header in source.headers if (key := _key(header + line.text)) in there), None)
            came = None
            if found is not None:
                _, came = there[found].popleft()
                if not there[found]:
                    del there[found]
            lost = came is None and not line.optional
            if kept[lost] < KEPT_LINES:  # there can be 800,000
                kept[lost] += 1
                lines.append(Fate(source.name, line.text, line.available, came, not line.optional))
    strays = sorted((Stray(text, at) for left in there.values() for text, at in left), key=lambda each: each.came)
    return combined([Fates(tuple(lines), tuple(strays))])


def combined(parts: Iterable[Fates]) -> Fates:
    """Those of several destinations as one, in the order of the timeline, of each kind as many as a report keeps."""
    parts = list(parts)
    lines = [line for part in parts for line in part.lines]
    missing = [line for line in lines if line.came is None and line.must][:KEPT_LINES]
    others = [line for line in lines if line.came is not None or not line.must][:KEPT_LINES]
    strays = sorted((stray for part in parts for stray in part.strays), key=lambda each: each.came)
    return Fates(tuple(sorted([*missing, *others], key=lambda each: each.written)), tuple(strays[:KEPT_LINES]))


def _lines_of(deliveries: Iterable[Delivery]) -> Iterable[tuple[str, int]]:
    """The destination's lines, each with the place of the write that ended it; the unterminated end counts as one."""
    held: list[str] = []
    at = 0
    for delivery in deliveries:
        at = delivery.event
        lines, rest = split_lines(delivery.text)
        for line in lines:
            yield "".join([*held, line]), at
            held = []
        if rest:
            held.append(rest)
    if held:
        yield "".join(held), at


def _key(text: str) -> str:
    """What is left open by the contract left out: how many U+FFFD, and the CR before the LF."""
    return canonical(text).removesuffix("\r")
