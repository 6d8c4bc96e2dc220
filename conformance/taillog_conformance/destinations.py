"""Destinations that watch: text streams as a caller would own one, each showing one thing that may go wrong."""

from __future__ import annotations

import errno
import io
import os
import threading
from collections.abc import Callable
from typing import NoReturn

from .timeline import Timeline

FLOOD = 2**26
"""Characters after which a destination keeps nothing more: the largest backlog of the suite is an eighth of it."""

LAST_SHOWN = 60
"""Characters shown of what came last."""


def disk_full() -> OSError:
    """What a write to a full disk raises."""
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def not_in(encoding: str, text: str) -> UnicodeEncodeError | None:
    """What a stream of that encoding raises for `text`; None if it can be encoded."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError as error:
        return error
    return None


class Recorder:
    """Notes each text that reaches a destination, and wakes who waits for it."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self._counting = threading.Lock()
        self._lines = 0
        self._characters = 0
        self._awaited: threading.Event | None = None
        self.flooded = False
        """Whether more came than is kept."""
        self.last = ""
        """The end of what came last, where more came than is kept."""
        self.before: Callable[[], object] = lambda: None
        """Called when a text comes, before it is noted: a check can hold up there whatever delivers."""

    def note(self, text: str, stream: str = "") -> None:
        """Note that `text` has come, on the destination of the file `stream` ('' for the one that all share)."""
        self.before()
        if self._characters + len(text) > FLOOD:
            self.flooded, self.last = True, text[-LAST_SHOWN:]
            return
        self.timeline.add_write(stream, text)
        with self._counting:
            self._lines += text.count("\n")
            self._characters += len(text)
        if (awaited := self._awaited) is not None:
            awaited.set()

    @property
    def lines(self) -> int:
        """How many line ends have come so far."""
        return self._lines

    @property
    def characters(self) -> int:
        """How many characters have come so far."""
        return self._characters

    def wait(self, seconds: float) -> None:
        """Wait until something comes, `seconds` at the most. Only the check's own thread may."""
        self._awaited = threading.Event()
        self._awaited.wait(seconds)
        self._awaited = None


class RecordingStream(io.TextIOBase):
    """A text stream that a caller owns: it notes every write and every close, and goes on whatever is done to it.

    It is lenient on purpose (bytes are taken, a closed stream is written to), so that one defect fails the one check
    that looks for it and not all of them.
    """

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self.recorder = recorder
        self.not_text: list[object] = []
        self.closed_by_tailer = False

    encoding = "utf-8"

    def writable(self) -> bool:
        return True

    def write(self, text: str, /) -> int:
        if not isinstance(text, str):
            self.not_text.append(text)
            text = bytes(text).decode("utf-8", errors="replace")
        self.arrived(text)
        return len(text)

    def arrived(self, text: str) -> None:
        """A text has come whole; a subclass may hold it up, refuse it or count it here."""
        self.recorder.note(text)

    def refuse(self, method: str, text: str, error: BaseException) -> NoReturn:
        """Raise `error` from `method`, which is noted in the timeline with the text that it was about."""
        self.recorder.timeline.add("destination", "refuse", data=text, note=f"{method} raises {error!r}")
        raise error

    def close(self) -> None:
        if not self.closed_by_tailer:
            self.closed_by_tailer = True
            self.recorder.timeline.add("tailer", "close", note="the caller's stream")

    @property
    def closed(self) -> bool:
        return False

    def __del__(self) -> None:
        """No close on collection: that would be noted as the tailer's."""


class BufferedStream(RecordingStream):
    """Shows nothing of what was written before flush(), as a block-buffered stream (DST-4)."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__(recorder)
        self._held: list[str] = []

    @property
    def held(self) -> str:
        """What was written and not yet flushed."""
        return "".join(self._held)

    def arrived(self, text: str) -> None:
        self._held.append(text)

    def flush(self) -> None:
        held, self._held = self.held, []
        if held:
            self.recorder.note(held)


class NoDescriptorStream(BufferedStream):
    """Has no fileno() at all, as many a class of a caller's own (DST-4)."""

    @property
    def fileno(self) -> NoReturn:
        raise AttributeError("fileno")


class FullStream(BufferedStream):
    """Takes each text, and raises from flush() while it is `full`, as a text file on a full disk; it keeps the text."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__(recorder)
        self.full = False
        self.failed = 0
        """Times that flush() has raised."""
        self.taken = ""
        """All that was written to it."""

    def arrived(self, text: str) -> None:
        self.taken += text
        super().arrived(text)

    def flush(self) -> None:
        if self.full and self.held:
            self.failed += 1
            self.refuse("flush()", self.held, disk_full())
        super().flush()


class FalsyStream(RecordingStream):
    """Is false, as a container that is empty (DST-8)."""

    def __len__(self) -> int:
        return 0


class FalsyBufferedStream(FalsyStream, BufferedStream):
    """Is false, and shows nothing of what was written before flush() (DST-4)."""


class Gated(RecordingStream):
    """Has a gate that holds up whoever comes to it while it is shut, so that what the producer does then is exact."""

    GATE_OPENS_AFTER = 30.0
    """Seconds after which a gate that nobody opens lets the tailer go on: a check that failed must still end."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__(recorder)
        self.entered = threading.Event()
        self._open = threading.Event()
        self._open.set()

    def shut(self) -> None:
        self.entered.clear()
        self._open.clear()

    def open_gate(self) -> None:
        self._open.set()

    def pass_gate(self) -> None:
        self.entered.set()
        self._open.wait(self.GATE_OPENS_AFTER)


class GatedStream(Gated):
    """Holds up every write while it is shut."""

    def arrived(self, text: str) -> None:
        self.pass_gate()
        super().arrived(text)


class GatedBuffer(Gated, BufferedStream):
    """Holds up every flush() of what was written while it is shut."""

    def flush(self) -> None:
        if self.held:
            self.pass_gate()
        super().flush()


class FailingStream(RecordingStream):
    """Raises from write() as long as `fault` gives an exception for the text."""

    def __init__(self, recorder: Recorder, fault: Callable[[str], BaseException | None]) -> None:
        super().__init__(recorder)
        self._fault = fault
        self.failed = 0

    def arrived(self, text: str) -> None:
        error = self._fault(text)
        if error is not None:
            self.failed += 1
            self.refuse("write()", text, error)
        super().arrived(text)


class BarrierStream(RecordingStream):
    """Stays in write() for a moment, so that a second write that is let in meanwhile is seen (CON-1)."""

    def __init__(self, recorder: Recorder, stay: float) -> None:
        super().__init__(recorder)
        self._stay = stay
        self._lock = threading.Lock()
        self._second = threading.Event()
        self._inside = 0
        self.together: tuple[str, str] | None = None
        self._first_text = ""

    def arrived(self, text: str) -> None:
        with self._lock:
            self._inside += 1
            if self._inside > 1:
                self.together = self.together or (self._first_text, text)
                self._second.set()
            else:
                self._first_text = text
        try:
            self._second.wait(self._stay)
            super().arrived(text)
        finally:
            with self._lock:
                self._inside -= 1
