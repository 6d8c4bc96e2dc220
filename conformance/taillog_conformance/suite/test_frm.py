"""FRM: what a line is."""

from __future__ import annotations

from ..scenario import Scenario, play
from ..stage import Stage
from ._registry import requirement


@requirement("FRM-1", scenarios=True)
def test_frm_1_a_half_line_waits_for_its_end(taillog_stage: Stage, case: Scenario) -> None:
    """A line is not delivered before its newline has been written, as long as the tailer runs."""
    play(taillog_stage, case)
