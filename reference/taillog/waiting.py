"""The pause between two looks at the files: until the interval is over, or until there is a reason to look."""

import contextlib
import queue
import threading
from typing import Protocol

from taillog.source import Source


class Waiting(Protocol):
    """How a tailer waits until it is worth looking at its files again."""

    def watch(self, source: Source) -> bool:
        """See to it that wait() tells of whatever happens to the source from now on; whether it will."""

    def wait(self, timeout: float) -> set[Source]:
        """Return after `timeout` seconds, or earlier if there is a reason to look; those with a reason."""

    def wake(self) -> None:
        """End the wait() that is going on, or else the next one, at once. For any thread."""

    def close(self) -> None:
        """Give back what it holds."""


class Polling:
    """Waits out the interval, unless it is woken: stop() must not take an interval's time (LIF-8)."""

    def __init__(self) -> None:
        # Not a threading.Event: its set() holds a lock, for which a signal handler that calls stop() in the
        # midst of another stop() would wait for ever. A SimpleQueue's put() may interrupt itself.
        self._wakes: queue.SimpleQueue[None] = queue.SimpleQueue()

    def watch(self, source: Source) -> bool:
        """Nothing is told here."""
        return False

    def wait(self, timeout: float) -> set[Source]:
        """Return after `timeout` seconds, or as soon as wake() is called."""
        with contextlib.suppress(queue.Empty):
            self._wakes.get(timeout=min(timeout, threading.TIMEOUT_MAX))
        return set()

    def wake(self) -> None:
        """End the wait() that is going on, or else the next one, at once. For any thread."""
        self._wakes.put(None)

    def close(self) -> None:
        """Nothing to do."""
