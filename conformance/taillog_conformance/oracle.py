"""The model of what must, and what may, stand in the destination; and the judgement of a timeline by it.

Each source is a sequence of lines. A destination is right when it is an interleaving of all sequences in which no
line that must come is left out and no line stands that none of them holds. It is judged line by line, as an automaton
would: a state says how far each sequence has come; a line that no state can take is the first difference.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import repeat
from typing import NamedTuple

from .outcomes import ConformanceFailure
from .timeline import shorten

REPLACEMENT = "\ufffd"

_RUNS = re.compile(f"{REPLACEMENT}+")


class Line(NamedTuple):
    """One line that a source holds, without its line end; a tuple, for there can be 100,000.

    `available` is the place in the timeline of the step that completed it: delivered before that, it came too early.
    An optional line may be left out. Where `cut_from` is set, any beginning of the line that has at least that many
    characters is right too (the producer was still writing when stop() was called).
    """

    text: str
    available: int = 0
    optional: bool = False
    cut_from: int | None = None

    def taken_by(self, got: str) -> bool:
        """Whether the destination's text `got` is this line, but for its CR (FRM-6)."""
        if got == self.text:
            return True
        if REPLACEMENT in self.text and canonical(got) == canonical(self.text):
            return True
        return self.cut_from is not None and len(got) >= self.cut_from and self.text.startswith(got)


@dataclass(frozen=True, slots=True)
class Source:
    """The lines of one file in their order, and the headers that may stand before each of them.

    `dropped` holds the texts that the run's filter does not keep; they are known so that a failure can say so.
    """

    name: str
    lines: tuple[Line, ...]
    headers: tuple[str, ...] = ("",)
    dropped: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Delivery:
    """A text that reached the destination; `event` is its place in the timeline."""

    text: str
    event: int = 0


CUT_FROM = 1
"""Characters that there must be of a late line of which nothing need come: an empty line is no beginning of it."""


COUNTED = 20
"""Lines of a destination among which a reader finds one by its number; of one further on he is told its neighbour."""


def canonical(text: str) -> str:
    """`text` with each run of U+FFFD as one: how many a decoder makes of one run of bad bytes is its own (ENC-1)."""
    return _RUNS.sub(REPLACEMENT, text) if REPLACEMENT in text else text


def split_lines(text: str) -> tuple[list[str], str]:
    """The complete lines of `text` without their LF, and the rest. Only LF ends a line (FRM-4)."""
    *lines, rest = text.split("\n")
    return lines, rest


def decode(data: bytes) -> str:
    """Bytes as a tailer has to deliver them (ENC-1)."""
    return data.decode("utf-8", errors="replace")


_new_line = functools.partial(tuple.__new__, Line)


def lines_of(chunks: Iterable[tuple[int, bytes]], *, final: int | None, stop: int | None = None) -> tuple[Line, ...]:
    """The lines of one file from what was written to it: pairs of a place in the timeline and the bytes.

    `final` is where the file's unterminated end becomes a line of its own (stop() or the file's replacement), None
    if it never does. What is written after `stop` may come or not, whole or cut.
    """
    held = b""
    held_before_stop = 0
    lines: list[Line] = []
    last = 0
    for event, data in chunks:
        late = stop is not None and event > stop
        whole, newline, rest = (held + data).rpartition(b"\n")
        # Decoded at once: no character goes over a newline, however bad the bytes are.
        ends = decode(whole).split("\n") if newline else []
        if not late:
            # As Line(end, event) for each of what may be 100,000, in a third of the time.
            lines += map(_new_line, zip(ends, repeat(event), repeat(False), repeat(None)))
        for index, end in enumerate(ends if late else ()):
            begun = len(decode(held[:held_before_stop])) if index == 0 else 0
            lines.append(Line(end, event, optional=not begun, cut_from=begun or CUT_FROM))
        if ends:
            held_before_stop = 0
        held, last = rest, event
        if not late:
            held_before_stop = len(held)
    if held and final is not None:
        if stop is not None and last > stop:
            begun = len(decode(held[:held_before_stop]))
            lines.append(Line(decode(held), final, optional=not begun, cut_from=begun or CUT_FROM))
        else:
            lines.append(Line(decode(held), final))
    return tuple(lines)


_CR_KEPT, _CR_DROPPED = "kept", "dropped"

_State = tuple[tuple[int, ...], str]
"""How far each source has come, and what was done to the CR of a CR LF so far ('' before the first)."""


class _Automaton:
    def __init__(self, sources: Sequence[Source], in_time: bool) -> None:
        self.sources = sources
        self.in_time = in_time
        self.states: set[_State] = {(tuple(0 for _ in sources), "")}

    def next_lines(self, position: int, source: Source) -> Iterable[tuple[int, Line]]:
        """The lines that may come next: those up to and including the first that must come."""
        for index in range(position, len(source.lines)):
            line = source.lines[index]
            yield index, line
            if not line.optional:
                return

    def step(self, text: str, event: int) -> set[_State]:
        """The states after the destination's line `text`, complete or last, which was written at `event`."""
        after: set[_State] = set()
        for positions, cr in self.states:
            for number, source in enumerate(self.sources):
                for index, line in self.next_lines(positions[number], source):
                    if self.in_time and line.available > event:
                        continue
                    mode = self._match(text, line, source.headers, cr)
                    if mode is not None:
                        after.add(((*positions[:number], index + 1, *positions[number + 1 :]), mode))
        return after

    @staticmethod
    def _match(text: str, line: Line, headers: Sequence[str], cr: str) -> str | None:
        for header in headers:
            if not text.startswith(header):
                continue
            body = text[len(header) :]
            if line.text.endswith("\r"):
                if cr != _CR_DROPPED and line.taken_by(body):
                    return _CR_KEPT
                if cr != _CR_KEPT and line.taken_by(body + "\r"):
                    return _CR_DROPPED
            elif line.taken_by(body):
                return cr
        return None

    def may_begin(self, text: str, event: int) -> bool:
        """Whether `text`, the unterminated end of the destination at `event`, can become a right line."""
        text = canonical(text)
        for positions, _ in self.states:
            for number, source in enumerate(self.sources):
                if any(header.startswith(text) for header in source.headers):
                    return True
                for _, line in self.next_lines(positions[number], source):
                    if line.available <= event and any(
                        canonical(header + line.text).startswith(text) for header in source.headers
                    ):
                        return True
        return False

    def left(self) -> list[tuple[Source, list[Line]]]:
        """What must still come, in the state that has come furthest; empty where a state has all."""
        best: list[tuple[Source, list[Line]]] | None = None
        best_count = 0
        for positions, _ in self.states:
            rest = [
                (source, [line for line in source.lines[positions[number] :] if not line.optional])
                for number, source in enumerate(self.sources)
            ]
            count = sum(len(lines) for _, lines in rest)
            if best is None or count < best_count:
                best, best_count = [(source, lines) for source, lines in rest if lines], count
        return best or []


def judge(sources: Sequence[Source], deliveries: Sequence[Delivery], *, in_time: bool = False) -> None:
    """Compare what came with what must and may come.

    With `in_time`, also that nothing came before its step in the timeline (FRM-1).

    Raises:
        ConformanceFailure: at the first difference, with the place in the timeline where it shows.
    """
    if not in_time and _plainly_right(sources, "".join(delivery.text for delivery in deliveries)):
        return
    automaton = _Automaton(sources, in_time)
    held = ""
    count = 0
    seen: list[str] = []
    event = 0
    for delivery in deliveries:
        event = delivery.event
        lines, rest = split_lines(delivery.text)
        if lines:
            lines[0] = held + lines[0]
            held = rest
        else:
            held += rest
        for text in lines:
            _take(automaton, text, event, seen, count, deliveries)
            seen.append(text)
            count += 1
        if in_time and held and not automaton.may_begin(held, event):
            raise ConformanceFailure(
                "a piece of a line was delivered before its line was complete",
                expected=f"nothing of {shorten(held)} before its newline has been written",
                got=f"the destination already held {shorten(held)}",
                event=event,
            )
    if held:
        _take(automaton, held, event, seen, count, deliveries)
        count += 1
    left = automaton.left()
    if left:
        raise _missing(left, count)


def _plainly_right(sources: Sequence[Source], text: str) -> bool:
    """Whether each line is the next one of a source, to the letter, and none is left.

    No more than a quick way to the same answer: for 48,000 lines of four files a third of the automaton's time.
    """
    if len(sources) == 1:
        header = sources[0].headers[0]
        return text == "".join([f"{header}{line.text}\n" for line in sources[0].lines])
    *lines, rest = text.split("\n")
    following: dict[str, Iterator[str]] = {}
    for source in sources:
        rendered = iter([source.headers[0] + line.text for line in source.lines])
        if not _queue(following, rendered):
            return False
    for line in lines:
        rendered_on = following.pop(line, None)
        if rendered_on is None or not _queue(following, rendered_on):
            return False
    return not rest and not following


def _queue(following: dict[str, Iterator[str]], lines: Iterator[str]) -> bool:
    """Note the next of `lines`, if there is one; False where another source waits for an equal line."""
    line = next(lines, None)
    if line in following:
        return False
    if line is not None:
        following[line] = lines
    return True


def _take(
    automaton: _Automaton, text: str, event: int, seen: Sequence[str], count: int, deliveries: Sequence[Delivery]
) -> None:
    after = automaton.step(text, event)
    if not after:
        lines, rest = split_lines("".join(delivery.text for delivery in deliveries))
        later = {canonical(line) for line in (*lines[count + 1 :], *filter(None, [rest]))}
        raise _difference(automaton, text, event, seen, count, later)
    automaton.states = after


def _difference(
    automaton: _Automaton, text: str, event: int, seen: Sequence[str], count: int, later: Set[str]
) -> ConformanceFailure:
    """What is wrong with the destination's line `text`, in the words of the contract."""
    where = f"line {count + 1} of the destination"
    positions, cr = max(automaton.states)  # the same one in each process
    next_up = [
        (source, source.lines[position])
        for position, source in zip(positions, automaton.sources, strict=True)
        if position < len(source.lines)
    ]
    expected = " or ".join(rendered(source, line) for source, line in next_up[:3]) or "nothing more"
    got = f"{shorten(text)} as {where}"
    if count > COUNTED:
        got += f", after {shorten(seen[-1])}"

    def failure(why: str) -> ConformanceFailure:
        return ConformanceFailure(why, expected=expected, got=got, event=event)

    def came_as(line: str) -> str:
        return line.removesuffix("\r") if cr == _CR_DROPPED else line

    for source in automaton.sources:
        for index, line in enumerate(source.lines):
            for header in source.headers:
                whole = header + line.text
                position = positions[list(automaton.sources).index(source)]
                if canonical(text) != canonical(came_as(whole)):
                    continue
                if line.available > event:
                    return failure("a line was delivered before it was complete")
                if index < position:
                    return failure("a line was delivered again, or out of its order")
                before = [each for each in source.lines[position:index] if not each.optional]
                following = {each.text for each in source.lines[index:]}  # an equal line that comes may be one of these
                lost = [
                    each
                    for each in before
                    if each.text in following
                    or not any(canonical(came_as(one + each.text)) in later for one in source.headers)
                ]
                if lost:
                    return failure(f"{_lines(len(lost))} before this one did not come")
                if before:
                    return failure(f"{_lines(len(before))} from before this one came after it")
    for source in automaton.sources:
        if any(text.startswith(header) and text[len(header) :] in source.dropped for header in source.headers):
            return failure("a line was delivered that the filter does not keep")
    with_cr = [(source, line) for source, line in next_up if line.text.endswith("\r")]
    if cr and any(text in (header + line.text, header + line.text[:-1]) for s, line in with_cr for header in s.headers):
        return failure(f"the CR of CR LF was {cr} before, and is treated another way here")
    for source, line in next_up:
        for header in source.headers:
            whole = header + line.text
            if len(text) > len(whole) and text.startswith(whole):
                return failure("a line runs on into text that is not its own")
            if text and whole.startswith(text):
                return failure("a line came torn: only its beginning stands in the line")
    if _holds_two(text, automaton.sources):
        return failure("one file's line stands inside another's")
    for source, line in next_up:
        for header in source.headers:
            if header and (text == line.text or (text.endswith(line.text) and not text.startswith(header))):
                return failure("a line does not carry its prefix")
            if line.text and line.text in text:
                return failure("a line came with something added to it")
    for source, line in next_up:
        for header in source.headers:
            change = _change(line.text, text[len(header) :]) if text.startswith(header) else ""
            if change:
                return failure(f"a line's text was changed: {change}")
    return failure(f"a line was delivered that no source holds in this place{_whose(text, automaton.sources)}")


def _whose(text: str, sources: Sequence[Source]) -> str:
    """In brackets, of which source `text` is a line, where it came under the header of another; else ''."""
    for source in sources:
        bodies = {line.text for line in source.lines}
        for other in sources:
            for header in set(other.headers) - {"", *source.headers}:
                if text.startswith(header) and text[len(header) :] in bodies:
                    return f" (a line of {source.name} came as one of {other.name})"
    return ""


def _holds_two(text: str, sources: Sequence[Source]) -> bool:
    """Whether `text` begins with the header of one source and holds another's behind it."""
    for source in sources:
        for header in filter(text.startswith, filter(None, source.headers)):
            others = {each for other in sources for each in other.headers if each} - set(source.headers)
            if any(each in text[len(header) :] for each in others):
                return True
    return False


def _change(expected: str, got: str) -> str:
    """What of `expected` became what in `got`, beyond ASCII escaped; '' where no more than half of it is there."""
    before = _alike(expected, got)
    after = _alike(expected[before:][::-1], got[before:][::-1])
    if 2 * (before + after) <= len(expected):
        return ""
    was, became = (shorten(text[before : len(text) - after]) for text in (expected, got))
    return f"{was} became {became}".encode("ascii", "backslashreplace").decode("ascii")


def _alike(first: str, second: str) -> int:
    """How many characters at the beginning are the same."""
    pairs = zip(first, second, strict=False)
    return next((at for at, (one, other) in enumerate(pairs) if one != other), min(len(first), len(second)))


def rendered(source: Source, line: Line) -> str:
    """The line as it should stand in the destination, in quotes."""
    return shorten(source.headers[0] + line.text)


def _lines(number: int) -> str:
    return f"{number:,} line{'s' if number > 1 else ''}"


def _missing(left: Sequence[tuple[Source, Sequence[Line]]], count: int) -> ConformanceFailure:
    number = sum(len(lines) for _, lines in left)
    source, lines = left[0]
    names = ", ".join(f"{len(rest):,} of {source.name}" for source, rest in left[:5])
    return ConformanceFailure(
        f"{_lines(number)} did not come ({names})",
        expected=f"{rendered(source, lines[0])}" + (f" and {number - 1:,} more" if number > 1 else ""),
        got=f"nothing after line {count} of the destination" if count else "nothing: the destination is empty",
    )
