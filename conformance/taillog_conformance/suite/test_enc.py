"""ENC: bytes and characters."""

from __future__ import annotations

from ..scenario import Scenario, play
from ..stage import Stage
from ._registry import requirement


@requirement("ENC-1", scenarios=True)
def test_enc_1_bad_bytes_end_and_drop_nothing(taillog_stage: Stage, case: Scenario) -> None:
    """Bytes that are not UTF-8 never end or drop anything: they come as U+FFFD, and all else round them is exact."""
    play(taillog_stage, case)


@requirement("ENC-2", scenarios=True)
def test_enc_2_a_character_in_two_writes_is_one_character(taillog_stage: Stage, case: Scenario) -> None:
    """A character whose bytes come in separate writes is delivered as that character."""
    play(taillog_stage, case)


@requirement("ENC-3", scenarios=True)
def test_enc_3_valid_utf_8_is_exact(taillog_stage: Stage, case: Scenario) -> None:
    """Valid UTF-8, beyond the BMP too, is delivered exactly."""
    play(taillog_stage, case)
