"""Where a tailer is held: at the lines that it passes while it idles, or because of something new."""

from __future__ import annotations

import time

import pytest

from taillog_conformance.adapters import TailLogAdapter
from taillog_conformance.outcomes import ConformanceFailure
from taillog_conformance.races import LEARNS_FOR_LOOKS, held_at_every_line
from taillog_conformance.stage import Profile, Run, Stage
from taillog_fixtures.specimens.del_ import FlagAfterTheEvents

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
