"""One failure message of each area, held word for word: it is what a maintainer reads.

`pytest tests/specimens/test_messages.py --update-messages` writes them; what has changed is to be read in the diff.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from judged import Outcomes

from taillog_conformance.contract import load_contract
from taillog_fixtures.specimens import Specimen, get

MESSAGES = Path(__file__).with_name("messages")

SHOWN = {
    "DEL": ("TiresOfAnIdleFile", "DEL-3"),
    "FRM": ("PieceLostAtStop", "FRM-2"),
    "ENC": ("NormalizesText", "ENC-3"),
    "PFX": ("HeaderByPosition", "PFX-2"),
    "FLT": ("NoneDropsAll", "FLT-3"),
    "MIS": ("CreatesTheMissing", "MIS-4"),
    "SRC": ("OnePathSharesItsPlace", "SRC-1"),
    "ERR": ("SourceErrorSwallowed", "ERR-1"),
    "DST": ("NeverFlushes", "DST-4"),
    "CON": ("SharedStopFlag", "CON-5"),
    "LIF": ("NeverStopped", "LIF-3"),
    "LAT": ("HoldsTheLastLine", "LAT-1"),
    "RES": ("LeavesAThread", "RES-1"),
    "TRN": ("PieceBeforeTheNewLine", "TRN-2"),
    "ROT": ("LinkResolvedOnce", "ROT-7"),
}
"""By area: a specimen whose run has one course only, and what fails on it."""

VARIES = (
    (re.compile(r"^ +[0-9]+\.[0-9] ms", re.MULTILINE), "      (time)"),
    (re.compile(r"(/[\w.-]+)*/tmp\w{8}/[\w-]+/"), "(folder)/"),
    (re.compile(r"Thread-[0-9]+"), "Thread-(number)"),
    # When start() returns and when the first line comes is decided by the scheduler.
    (re.compile(r"(  tailer +start\n)((?:.*\n)*?)(.*  tailer +started\n)"), r"\1\3\2"),
)
"""What differs between two runs of one seed, and what stands for it."""


def as_held(message: str) -> str:
    """`message` without what differs between two runs."""
    for pattern, instead in VARIES:
        message = pattern.sub(instead, message)
    return message + "\n"


def test_there_is_one_for_each_area() -> None:
    assert list(SHOWN) == list(load_contract().areas)
    assert {path.stem for path in MESSAGES.glob("*.txt")} == set(SHOWN)


@pytest.mark.parametrize(
    ("area", "each", "id"), [(area, get(name), id) for area, (name, id) in SHOWN.items()], ids=list(SHOWN)
)
def test_its_message_is_this(
    area: str, each: Specimen, id: str, outcomes: Outcomes, pytestconfig: pytest.Config
) -> None:
    message = as_held(outcomes.of(each).messages(id)[0])
    path = MESSAGES / f"{area}.txt"
    if pytestconfig.getoption("--update-messages"):
        MESSAGES.mkdir(exist_ok=True)
        path.write_text(message, encoding="utf-8")
    assert message == path.read_text(encoding="utf-8")
