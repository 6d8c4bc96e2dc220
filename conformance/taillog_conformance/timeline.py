"""One timeline a check: what the producer did, what was asked of the tailer, and what the destination got, in order.

Its order is causal: a producer's step is noted before it is carried out, a delivery at the moment in which write()
is entered. So a delivery that stands before the step that allowed it came too early, whatever the clock says.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Literal

Lane = Literal["producer", "tailer", "destination", "check"]

SHOWN_CHARACTERS = 60
"""Characters of a text that a line of the printed timeline shows: enough to tell lines apart, and still one row."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, `at` seconds after the timeline began."""

    at: float
    lane: Lane
    what: str
    file: str = ""
    data: bytes | str | None = None
    note: str = ""

    def shown(self) -> str:
        """The event as one line of a printed timeline."""
        words = [self.what]
        if self.file:
            words.append(self.file)
        if self.data is not None:
            words.append(shorten(self.data))
        if self.note:
            words.append(f"({self.note})" if self.data is not None or self.file else self.note)
        return f"{self.at * 1000:9.1f} ms  {self.lane:<11}  {' '.join(words)}"

    def as_json(self) -> dict[str, object]:
        """The event as plain data for a report; a long text is shortened as it is in print."""
        row: dict[str, object] = {"at": round(self.at, 6), "lane": self.lane, "what": self.what}
        if self.file:
            row["file"] = self.file
        if self.data is not None:
            row["data"] = shorten(self.data)
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

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._events: list[Event] = []

    def __getstate__(self) -> dict[str, object]:
        return {"_began": self._began, "_events": list(self.events())}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state, _lock=threading.Lock())

    def add(self, lane: Lane, what: str, file: str = "", data: bytes | str | None = None, note: str = "") -> int:
        """Note an event that happens now; its place in the order."""
        with self._lock:
            self._events.append(Event(time.monotonic() - self._began, lane, what, file, data, note))
            return len(self._events) - 1

    def events(self) -> tuple[Event, ...]:
        """All events so far."""
        with self._lock:
            return tuple(self._events)

    def around(self, index: int | None, before: int = 14, after: int = 6) -> list[str]:
        """The printed lines round the event at `index` (the last one where it is None)."""
        events = self.events()
        if index is None:
            index = len(events) - 1
        first, last = max(0, index - before), min(len(events), index + after + 1)
        lines = [events[at].shown() + ("   <-- here" if at == index else "") for at in range(first, last)]
        if first:
            lines.insert(0, f"{'':>12}  ... {first} events before")
        if last < len(events):
            lines.append(f"{'':>12}  ... {len(events) - last} events after")
        return lines
