"""From what the producer did to what each source holds: the timeline's producer lane read as the oracle's sources.

A file's life falls into spans: a truncation, or another file at the path, ends one and begins the next. Where the
tailer was seen to have read before the span ended, its lines must come; where that is not known, they may.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from .oracle import Line, Source, decode, lines_of
from .timeline import Event

APPEND = "append"
CREATE = "create"
TRUNCATE = "truncate"
RENAME = "rename"
DELETE = "delete"
APPEND_OLD = "append-old"
"""Appended to the file that was renamed away, after another one stands at its path (ROT-10)."""
SEEN = "seen"
"""The check knows that the tailer has read all of a file's bytes so far."""

Keep = Callable[[str], bool]
Headers = Callable[[str], Sequence[str]]


@dataclass
class _Span:
    """One stretch of bytes that a tailer reads from a first byte to a last."""

    chunks: list[tuple[int, bytes]] = field(default_factory=list)
    ended: int | None = None
    how: str = ""
    seen: int | None = None
    """The last time at which the tailer was known to have read all so far."""
    late: list[tuple[int, bytes]] = field(default_factory=list)


def _spans(events: Sequence[Event], file: str) -> list[_Span]:
    spans: list[_Span] = []
    current: _Span | None = None
    renamed: _Span | None = None

    def end(span: _Span | None, at: int, how: str) -> None:
        if span is not None and span.ended is None:
            span.ended, span.how = at, how

    for at, event in enumerate(events):
        if event.file != file:
            continue
        if event.what == CREATE or (event.what == APPEND and current is None):
            if renamed is not None:
                end(renamed, at, RENAME)
            current = _Span()
            spans.append(current)
        if event.what == APPEND and current is not None and isinstance(event.data, bytes):
            current.chunks.append((at, event.data))
        elif event.what == APPEND_OLD and renamed is not None and isinstance(event.data, bytes):
            renamed.late.append((at, event.data))
        elif event.what == TRUNCATE:
            end(current, at, TRUNCATE)
            current = _Span()
            spans.append(current)
        elif event.what == RENAME:
            renamed = current  # what is appended until a new file stands at the path still goes to this one
        elif event.what == DELETE:
            end(current, at, DELETE)
            current = None
        elif event.what == SEEN and current is not None:
            current.seen = at
    return spans


def sources(
    events: Sequence[Event],
    files: Sequence[str],
    headers: Headers,
    keep: Keep | None,
    *,
    late_optional: bool = True,
    piece_optional: bool = False,
    from_start: bool = True,
) -> list[Source]:
    """What each of `files` holds by `events`, with its headers, and only the lines that `keep` keeps; None keeps all.

    `late_optional` says that what was written to a renamed file after another one stood at its path may be left out,
    `piece_optional` that an unterminated last piece may: the tailer is not told when to stop. One that does not deliver
    what stood in its files at start() (`from_start`) may leave that out, the beginning of a line too.
    """
    start = next((at for at, event in enumerate(events) if event.lane == "tailer" and event.what == "started"), None)
    stop = next((at for at, event in enumerate(events) if event.lane == "tailer" and event.what == "stop"), None)
    found: list[Source] = []
    for file in files:
        spans = _spans(events, file)
        for number, span in enumerate(spans):
            lines = _lines_of_span(span, stop, late_optional, piece_optional)
            if not from_start and start is not None:
                lines = _lines_from(start, lines, span)
            kept = tuple(lines if keep is None else [line for line in lines if keep(line.text)])
            name = file if len(spans) == 1 else f"{file} (file {number + 1} at its path)"
            found.append(Source(name, kept, tuple(headers(file)), _dropped(lines, kept)))
    return found


def _dropped(lines: Sequence[Line], kept: Sequence[Line]) -> frozenset[str]:
    if len(kept) == len(lines):
        return frozenset()  # mostly, and there can be 100,000
    return frozenset(line.text for line in lines) - {line.text for line in kept}


def _lines_from(start: int, lines: Sequence[Line], span: _Span) -> list[Line]:
    """`lines`, of which those that stood there at `start` may be left out, and of one that was begun its beginning."""
    before = b"".join(data for at, data in span.chunks if at < start)
    begun = decode(before.rpartition(b"\n")[2])
    found: list[Line] = []
    for line in lines:
        straddles = begun and line.available >= start and line.text.startswith(begun)
        if not line.optional and (line.available < start or straddles):
            line = line._replace(optional=True)  # there can be 100,000 that stay as they are
        found.append(line)
        if straddles:
            found.append(line._replace(text=line.text[len(begun) :], optional=True))
            begun = ""
    return found


def _lines_of_span(span: _Span, stop: int | None, late_optional: bool, piece_optional: bool) -> list[Line]:
    if span.ended is None or (stop is not None and span.ended > stop):
        current = list(lines_of(span.chunks, final=stop, stop=stop))
        if piece_optional and current and not b"".join(data for _, data in span.chunks).endswith(b"\n"):
            current[-1] = current[-1]._replace(optional=True)
        return current
    ended = span.ended
    # It had the file open before the renaming: it can read on to its end (ROT-1, ROT-5), if not past it (ROT-10).
    followed = span.how == RENAME and span.seen is not None
    lines = lines_of([*span.chunks, *span.late], final=ended, stop=ended if late_optional else stop)
    judged = []
    for line in lines:
        must = followed or (span.seen is not None and line.available <= span.seen)
        judged.append(line._replace(optional=line.optional or not must))
    return judged
