"""What ends a run before its time: SIGTERM is taken as Ctrl-C is."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


@contextlib.contextmanager
def termination_interrupts() -> Iterator[None]:
    """SIGTERM, which `timeout` and CI services send, does meanwhile what Ctrl-C does: what was measured is told.

    The first one only: `timeout` sends it to this process, and then to the whole group.
    """
    before = signal.getsignal(signal.SIGTERM)

    def on_termination(signum: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        on_interrupt = signal.getsignal(signal.SIGINT)
        if not callable(on_interrupt):  # a run in the background has it ignored
            raise KeyboardInterrupt
        on_interrupt(signal.SIGINT, frame)

    if before is not signal.SIG_DFL or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGTERM, on_termination)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
