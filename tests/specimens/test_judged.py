"""What a run of a specimen is held to: a defect that is missed, or found for another reason, is a mistake."""

from __future__ import annotations

from typing import Any

import pytest
from judged import Job, Outcome, contains, mistakes, told

from taillog_fixtures.specimens import get

MESSAGE = """\
PFX-2 (MUST) The header MUST carry the key: a line does not carry its prefix.

  check:    test_pfx_2
  what:     {what}
  expected: 'a'
            or 'b'
  got:      'c'

  timeline:
        0.1 ms  tailer       start

  look at:  a line does not carry its prefix
"""


def outcome(not_run: int = 0, **failed: str) -> Outcome:
    """A run in which these requirements failed (PFX_2 stands for PFX-2), each with what its message says."""
    rows: list[dict[str, Any]] = [
        {
            "id": id.replace("_", "-"),
            "level": "MUST",
            "status": "fail",
            "checks": [{"name": "test", "status": "fail", "message": MESSAGE.format(what=what)}],
        }
        for id, what in failed.items()
    ]
    return Outcome(Job("x:Y"), {"summary": {"not_run": not_run}, "requirements": rows}, "", 0.0, 0.0)


RIGHT = "a line does not carry its prefix 0]:"


@pytest.mark.parametrize(
    ("run", "mistake"),
    [
        (outcome(PFX_2=RIGHT), ""),
        (outcome(PFX_2=RIGHT, PFX_1="it shows there too"), ""),
        (outcome(), "PFX-2 did not fail"),
        (outcome(PFX_2=RIGHT, DEL_1="1 line did not come"), "DEL-1 failed too: 1 line did not come"),
        (outcome(PFX_2="a line was delivered again"), "PFX-2 failed, and does not say"),
        (outcome(not_run=1, PFX_2=RIGHT), "1 MUST were not run"),
    ],
)
def test_a_run_is_held_to_what_the_specimen_states(run: Outcome, mistake: str) -> None:
    found = mistakes(get("HeaderByPosition"), run)
    assert bool(found) == bool(mistake)
    assert "".join(found).startswith(mistake)


def test_a_run_without_a_report_is_a_mistake() -> None:
    (found,) = mistakes(get("HeaderByPosition"), Outcome(Job("x:Y"), {}, "Traceback", 0.0, 0.0))
    assert found.endswith("Traceback")


def test_what_a_message_tells_is_neither_the_contracts_words_nor_the_advice() -> None:
    assert told(MESSAGE.format(what="one\n            two")) == "one two expected: 'a' or 'b' got: 'c'"


@pytest.mark.parametrize(
    ("words", "there"), [("one", True), ("one ... three", True), ("three ... one", False), ("two ... two", False)]
)
def test_words_stand_in_their_order(words: str, there: bool) -> None:
    assert contains("one two three", words) is there
