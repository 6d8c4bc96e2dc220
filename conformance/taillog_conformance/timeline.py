"""One timeline a check: what the producer did, what was asked of the tailer, and what the destination got, in order.

Its order is causal: a producer's step is noted before it is carried out, a delivery at the moment in which write()
is entered. So a delivery that stands before the step that allowed it came too early, whatever the clock says.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Literal, NamedTuple

Lane = Literal["producer", "tailer", "destination", "check"]

READ = "read"
"""What an event is called that says how far the tailer was seen to have read."""

SHOWN_CHARACTERS = 60
"""Characters of a text that a line of the printed timeline shows: enough to tell lines apart, and still one row."""


JOINS_AFTER = 500
"""Writes to the destination in a row after which further ones are noted as one event: of a backlog of 100,000 lines no
one reads each, and their events would take longer than the tailer."""


class Event(NamedTuple):
    """One thing that happened, `at` seconds after the timeline began."""

    at: float
    lane: Lane
    what: str
    file: str = ""
    data: bytes | str | None = None
    note: str = ""
    offset: int | None = None
    """Bytes up to which the tailer was seen to have read the file (a `read`)."""

    def shown(self) -> str:
        """The event as a line of a printed timeline; what goes on below it (a trace) stands under its text."""
        words = [self.what]
        if self.file:
            words.append(self.file)
        if self.data is not None:
            words.append(shorten(self.data))
        if self.note:
            words.append(f"({self.note})" if self.data is not None or self.file else self.note)
        head = f"{self.at * 1000:9.1f} ms  {self.lane:<11}  "
        return head + " ".join(words).replace("\n", "\n" + " " * len(head))

    def as_json(self, number: int) -> dict[str, object]:
        """The event as plain data for a report: `number` is its place; a long text is shortened as it is in print."""
        row: dict[str, object] = {"n": number, "at": round(self.at, 6), "lane": self.lane, "what": self.what}
        if self.file:
            row["file"] = self.file
        if self.data is not None:
            row["data"] = shorten(self.data)
            row["size"] = len(self.data)
        if self.offset is not None:
            row["offset"] = self.offset
        if self.note:
            row["note"] = self.note
        return row


def shorten(data: bytes | str, limit: int = SHOWN_CHARACTERS) -> str:
    """`data` in quotes, with its middle left out where it is longer than `limit` characters or bytes."""
    if len(data) <= limit:
        return repr(data)
    half = limit // 2
    return (
        f"{data[:half]!r} ... {data[-half:]!r} ({len(data):,} {'bytes' if isinstance(data, bytes) else 'characters'})"
    )


class Timeline:
    """The events of one check, in the order in which they began. Safe to add to from any thread."""

    def __init__(self, watch: Callable[[Event], None] | None = None) -> None:
        """`watch` is called with each event as it is noted, in the thread in which it happens."""
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._events: list[Event] = []
        self._in_a_row = 0
        self._joined: list[str] = []
        """What was written since the last event, and belongs to it."""
        self._watch = watch

    def __getstate__(self) -> dict[str, object]:
        return {"_began": self._began, "_events": list(self.events())}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state, _lock=threading.Lock(), _in_a_row=0, _joined=[], _watch=None)

    def add(self, lane: Lane, what: str, file: str = "", data: bytes | str | None = None, note: str = "") -> int:
        """Note an event that happens now; its place in the order."""
        with self._lock:
            self._in_a_row = 0
            number = self._append(lane, what, file, data, note)
            event = self._events[number]
        if self._watch is not None:
            self._watch(event)
        return number

    def add_write(self, file: str, text: str) -> None:
        """Note a write to the destination of `file`; after many in a row it is noted with the one before it.

        An empty one after another write is left out: of a tailer that writes nothing at each look once says it all, and
        the memory that the notes take is not the tailer's.
        """
        with self._lock:
            if self._in_a_row and not text:
                return
            last = self._events[-1] if self._in_a_row else None
            if last is not None and last.file != file:
                self._in_a_row = 0
            if self._in_a_row < JOINS_AFTER:
                self._append("destination", "write", file, text, "")
                self._in_a_row += 1
            else:
                self._joined.append(text)
        if self._watch is not None:
            self._watch(Event(time.monotonic() - self._began, "destination", "write", file, text))

    def add_read(self, file: str, offset: int) -> None:
        """Note that the tailer was seen to have read `file` up to `offset`; of looks in a row the last one stays.

        It is left out while writes in a row are noted as one.
        """
        at = time.monotonic() - self._began
        event = Event(at, "tailer", READ, file, note=f"up to byte {offset}", offset=offset)
        with self._lock:
            last = self._events[-1] if self._events else None
            if self._joined:
                return
            if last is not None and (last.what, last.file) == (READ, file):
                self._events[-1] = event
            else:
                self._in_a_row = 0
                self._events.append(event)
        if self._watch is not None:
            self._watch(event)

    def _append(self, lane: Lane, what: str, file: str, data: bytes | str | None, note: str) -> int:
        self._join()
        self._events.append(Event(time.monotonic() - self._began, lane, what, file, data, note))
        return len(self._events) - 1

    def _join(self) -> None:
        if self._joined:
            last = self._events[-1]
            self._events[-1] = last._replace(data="".join([str(last.data), *self._joined]))
            self._joined.clear()

    def events(self) -> tuple[Event, ...]:
        """All events so far."""
        with self._lock:
            self._join()
            return tuple(self._events)

    def around(self, index: int | None, before: int = 14, after: int = 6) -> list[str]:
        """The printed lines round the event at `index` (the last one where it is None)."""
        events = self.events()
        if index is None:
            index = len(events) - 1
        first, last = max(0, index - before), min(len(events), index + after + 1)
        lines = []
        for at in range(first, last):
            line, *below = events[at].shown().split("\n")
            lines += [line + ("   <-- here" if at == index else ""), *below]
        if first:
            lines.insert(0, f"{'':>12}  ... {first} earlier")
        if last < len(events):
            lines.append(f"{'':>12}  ... {len(events) - last} later")
        return lines
