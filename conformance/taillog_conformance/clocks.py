"""The clocks by which the suite waits: each a bound with its reason, all scaled by one number.

A wait never decides for a tailer's good. What has to happen is awaited under a generous bound and ends at once
when it happens; what must not happen is given a short moment to show itself and is followed by something that
must happen, so that a dead tailer cannot pass.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

MUST_HAPPEN_WITHIN = 10.0
"""Seconds without any progress before the suite says that something did not happen. A tailer needs milliseconds;
the rest is for machines that stall (a shared CI host was seen to stop a process for several seconds)."""

HURRIED = 2.0
"""The same in the further checks of a requirement that has failed: its verdict is known, and a tailer that has come to
an end would keep each of them waiting."""

LATENCIES_TO_SEE = 3
"""Times its measured latency that a tailer gets to show something, at the least."""

MUST_NOT_HAPPEN_FOR = 0.025
"""Seconds in which a faulty tailer may show itself. Five looks at the suite's interval; a correct tailer passes
however long or short this is."""

MUST_STOP_WITHIN = 10.0
"""Seconds without progress before a call of the tailer counts as hung."""

SETTLES_WITHIN = 0.4
"""Seconds without progress after which a check stops waiting for deliveries and goes on to stop(). It never decides:
a correct tailer delivers the rest while it drains."""

OVER_ALL = 60.0
"""Seconds after which a wait ends though something still moves, if nothing comes any more that is due: a tailer that
writes for ever moves too. One that is slow gets as long as it takes."""

INTERVAL = 0.005
"""interval_sec that the suite passes: small, so that a check takes milliseconds, and no smaller, so that what a
look takes by itself is little beside it, and the looks that a check waits for are made on a busy machine too."""

FAST_INTERVAL = 0.001
"""The same in checks of many looks or rounds. Asked to look twice as often, most tailers do not any more."""


@dataclass(frozen=True)
class Clocks:
    """All bounds in seconds, multiplied by `scale` (a slow machine takes 2, an emulated one 10)."""

    scale: float = 1.0
    patience: float = MUST_HAPPEN_WITHIN

    def hurried(self, latency: float) -> Clocks:
        """For the further checks of a requirement that has failed, of a tailer with this latency in seconds."""
        return replace(self, patience=min(HURRIED + LATENCIES_TO_SEE * latency, self.patience))

    @property
    def must_happen_within(self) -> float:
        return self.patience * self.scale

    @property
    def must_not_happen_for(self) -> float:
        return MUST_NOT_HAPPEN_FOR * self.scale

    @property
    def must_stop_within(self) -> float:
        return MUST_STOP_WITHIN * self.scale

    @property
    def settles_within(self) -> float:
        return SETTLES_WITHIN * self.scale

    @property
    def over_all(self) -> float:
        return OVER_ALL * self.scale


class RunningClock:
    """Seconds in which this process ran: of what passes between two readings, `at_most` counts.

    While it stood still (Ctrl-Z, a paused machine), or got next to nothing of a busy one, it cannot say that nothing
    happened: a tailer beside it had no time to do anything.
    """

    def __init__(self, at_most: float) -> None:
        self._at_most = at_most
        self._seconds = 0.0
        self._read = time.monotonic()

    def __call__(self) -> float:
        """The seconds up to now."""
        now = time.monotonic()
        self._seconds += min(now - self._read, self._at_most)
        self._read = now
        return self._seconds


class Patience:
    """For how long something may go on: `within` seconds in which nothing moves, `over_all` in which nothing is done of
    what is due, whatever else moves."""

    def __init__(self, within: float, over_all: float) -> None:
        self._within = within
        self._over_all = over_all
        self._moved = self._got_on = 0.0
        self._last: object = self  # most waits are over before the first look, which is the one to compare with
        self._done: object = None

    def look(self, now: float, progress: object, due: Callable[[], object]) -> None:
        """Take note at `now` of what shows `progress`, and if that has changed, of how much is done that is `due`."""
        if progress != self._last:
            self._last, self._moved = progress, now
            if (done := due()) != self._done:
                self._done, self._got_on = done, now

    def is_over(self, now: float) -> bool:
        return now - self._moved >= self._within or now - self._got_on >= self._over_all

    def told(self, now: float) -> str:
        """In words, how it stands at `now`."""
        still = now - self._moved
        if still >= self._within:
            return f"nothing had moved for {still:.0f} s"
        return f"something moved {still:.1f} s ago, but nothing that was due had come for {self._over_all:g} s"


class Unhurried(Clocks):
    """Clocks for a person with a debugger: what has to happen may take for ever; the short waits stay."""

    @property
    def must_happen_within(self) -> float:
        return math.inf

    @property
    def must_stop_within(self) -> float:
        return math.inf

    @property
    def over_all(self) -> float:
        return math.inf
