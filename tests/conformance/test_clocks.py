"""A time in which the process that judges stood still is held against no tailer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from taillog_conformance import deadline, isolated
from taillog_conformance.adapters import TailLogAdapter, draining
from taillog_conformance.clocks import Clocks, RunningClock
from taillog_conformance.stage import Stage
from taillog_fixtures.specimens._loop import OneLoop

PATIENCE = 0.5
"""Seconds that the waits of these tests have, far less than they stand still for."""

STANDS_STILL = """
while ! grep -q '^State:.T' /proc/$PPID/status; do sleep 0.01; done
sleep 1
kill -CONT $PPID
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="whether a process has stopped is known by /proc")


def stand_still() -> None:
    """Stop this process, as Ctrl-Z does, for twice as long as its waits have patience."""
    with subprocess.Popen(["sh", "-c", STANDS_STILL]):
        os.kill(os.getpid(), signal.SIGSTOP)


def after_a_stop() -> Callable[[], bool]:
    """What stops the process once a wait has gone on for a while, and becomes true two calls later."""
    began = time.monotonic()
    after = 0

    def happened() -> bool:
        nonlocal after
        if after:
            after += 1
        elif time.monotonic() > began + PATIENCE / 5:
            stand_still()
            after = 1
        return after > 2

    return happened


def test_of_what_passes_between_two_readings_so_much_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    clock = RunningClock(0.5)
    seconds = []
    for passes in (0.0, 0.25, 0.5, 1000.0, 0.25):
        now += passes
        seconds.append(clock())
    assert seconds == [0.0, 0.25, 0.75, 1.25, 1.5]


def test_a_wait_goes_on(tmp_path: Path) -> None:
    stage = Stage(TailLogAdapter(OneLoop), "1", Clocks(PATIENCE / 10), parent=tmp_path)
    assert stage.clocks.must_happen_within == PATIENCE
    try:
        stage.open().must_happen("a second look", after_a_stop())
    finally:
        stage.close()


@pytest.mark.parametrize("thread", ["main", "other"])
def test_a_call_goes_on(monkeypatch: pytest.MonkeyPatch, thread: str) -> None:
    monkeypatch.setattr(deadline, "TICK", 0.02)
    looks: list[int] = []

    def function() -> str:
        stand_still()
        seen = len(looks)
        while len(looks) < seen + 2:
            time.sleep(0.001)
        return "returned"

    results: list[str] = []

    def call() -> None:
        results.append(
            deadline.call("stop()", function, within=PATIENCE, over_all=PATIENCE, progress=lambda: looks.append(1))
        )

    if thread == "main":
        call()
    else:
        other = threading.Thread(target=call)
        other.start()
        other.join()
    assert results == ["returned"]


def test_a_process_of_its_own_goes_on() -> None:
    """Both stood still: it, too, has had no time."""
    ends = after_a_stop()

    class Process:
        pid = os.getpid()

        def is_alive(self) -> bool:
            return not ends()

        def join(self, within: float) -> None:
            time.sleep(within)

    class Nothing:
        def poll(self) -> bool:
            return False

    assert isolated._watch(Process(), Nothing(), [], PATIENCE, PATIENCE, memory=float("inf")) == ""


def test_a_drain_goes_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(draining, "NEVER_RESTS_FOR", PATIENCE)
    (path := tmp_path / "a").write_text("a line that has not come\n")
    ends = after_a_stop()
    over = False

    class Spins(draining.Following):
        def alive(self, key: int) -> bool:
            nonlocal over
            over = ends()
            return not over

        def rests(self, pids: object) -> bool:
            return False

    draining.drain({0: str(path)}, Spins(), draining.Ledger())
    assert over
