"""Where a tailer is held: at the lines that it passes while it idles, or because of something new."""

from __future__ import annotations

import threading
import time
from typing import Self

import pytest

from taillog_conformance import perturb, races
from taillog_conformance.adapters import TailLogAdapter
from taillog_conformance.outcomes import ConformanceFailure
from taillog_conformance.races import LEARNS_FOR_LOOKS, held_at_every_line, held_at_its_first_lines
from taillog_conformance.stage import Profile, Run, Stage
from taillog_fixtures.specimens._loop import OneLoop
from taillog_fixtures.specimens.del_ import FlagAfterTheEvents, NotStartedYet

TIDIES_FOR = 0.75
"""Of the time in which the lines of an idle tailer are learned: that in which it is still busy with what came."""


class TidiesUp(FlagAfterTheEvents):
    """Passes lines for a while after it has delivered, and then none until something comes."""

    def pause(self) -> None:
        ends = time.monotonic() + TIDIES_FOR * LEARNS_FOR_LOOKS * self.interval_sec
        while time.monotonic() < ends:
            time.sleep(0.001)
        super().pause()


def append(run: Run) -> None:
    run["a"].append(run.stage.words.text() + "\n")


def prepare(run: Run) -> None:
    append(run)
    run.start()
    run.settle()


def test_a_tailer_that_is_still_busy_when_its_lines_are_learned_is_held_where_it_can_be_surprised() -> None:
    stage = Stage(TailLogAdapter(TidiesUp), seed="held", profile=Profile(offset_visible=True))
    try:
        with pytest.raises(ConformanceFailure) as caught:
            held_at_every_line(stage, prepare, append, before=append)
    finally:
        stage.close()
    assert "had been held at" in caught.value.why


class WaitsForItsThread(OneLoop):
    """Its start() returns once its thread has begun."""

    def prepare(self) -> None:
        self.begun = threading.Event()

    def start(self) -> Self:
        super().start()
        self.begun.wait()
        return self

    def run(self) -> None:
        self.begun.set()
        super().run()


def test_a_start_that_waits_for_its_thread_is_held_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (perturb, races):
        monkeypatch.setattr(module, "LONGEST_HOLD", 0.5)
    stage = Stage(TailLogAdapter(WaitsForItsThread), seed="held", profile=Profile(offset_visible=True))
    try:
        held_at_its_first_lines(stage, append)
    finally:
        stage.close()
    assert len(stage.runs) == 2, "the one whose lines were learned, and one that was held"


def test_a_stop_before_the_first_look_is_tried() -> None:
    stage = Stage(TailLogAdapter(NotStartedYet), seed="held", profile=Profile(offset_visible=True))
    try:
        with pytest.raises(ConformanceFailure) as caught:
            held_at_its_first_lines(stage, append)
    finally:
        stage.close()
    assert "had been held at" in caught.value.why
