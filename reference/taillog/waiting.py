"""The pause between two looks at the files."""

import contextlib
import queue
import threading
from typing import Protocol


class Waiting(Protocol):
    """How a tailer waits until it is worth looking at its files again."""

    def wait(self, timeout: float) -> None:
        """Return after `timeout` seconds, or earlier if there is a reason to look."""

    def wake(self) -> None:
        """End the wait() that is going on, or else the next one, at once. For any thread."""


class Polling:
    """Waits out the interval, unless it is woken: stop() must not take an interval's time (LIF-8)."""

    def __init__(self) -> None:
        # Not a threading.Event: its set() holds a lock, for which a signal handler that calls stop() in the
        # midst of another stop() would wait for ever. A SimpleQueue's put() may interrupt itself.
        self._wakes: queue.SimpleQueue[None] = queue.SimpleQueue()

    def wait(self, timeout: float) -> None:
        """Return after `timeout` seconds, or as soon as wake() is called."""
        with contextlib.suppress(queue.Empty):
            self._wakes.get(timeout=min(timeout, threading.TIMEOUT_MAX))

    def wake(self) -> None:
        """End the wait() that is going on, or else the next one, at once. For any thread."""
        self._wakes.put(None)
