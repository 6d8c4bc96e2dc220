"""What the suite says of tailers that people use, against what is known of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from taillog_conformance.outcomes import UsageProblem
from taillog_fixtures.subjects import gnu_tail, pytorch

PYTORCH = {
    "DEL-1",
    "DEL-7",
    "FRM-1",
    "FRM-3",
    "FRM-5",
    "FRM-6",
    "FRM-10",
    "ENC-2",
    "FLT-2",
    "FLT-3",
    "ERR-5",
    "DST-4",
    "DST-8",
    "CON-1",
    "LIF-6",
}
"""Every MUST that PyTorch's TailLog 2.13 breaks in each run (FRM-10 is the sum of FRM-1, FRM-5, FRM-6 and ENC-2)."""

PYTORCH_BY_LUCK = {"DEL-9", "FRM-9"}
"""Broken when a thread reads while a long line is being written."""

if sys.version_info < (3, 12, 4):
    PYTORCH.add("CON-3")  # later interpreters keep a text stream whole though several threads write to it

PYTORCH_ADVICE = {"ERR-7", "LIF-8", "LIF-9", "LIF-10", "RES-5"}

GNU_INOTIFY = {"FRM-1", "ROT-1", "ROT-5", "ROT-7"}
GNU_POLLING = {"FRM-1", "ROT-5"}
"""FRM-1 and ROT-5: bytes are passed on as they come, half lines too."""


def failed(target: str, folder: Path) -> tuple[set[str], set[str]]:
    """The ids of the MUST and of the SHOULD requirements that fail on the target."""
    file = folder / "report.json"
    words = [sys.executable, "-m", "taillog_conformance", "check", target, "-q", "--json", str(file)]
    status = subprocess.run(words, check=False, stdout=subprocess.DEVNULL).returncode
    report: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    assert (status, report["verdict"]) == (1, "nonconformant")
    assert report["summary"]["ran"] == report["summary"]["required"]
    rows = [row for row in report["requirements"] if row["status"] == "fail"]
    return {row["id"] for row in rows if row["level"] == "MUST"}, {row["id"] for row in rows if row["level"] != "MUST"}


def test_pytorchs_taillog(tmp_path: Path) -> None:
    try:
        version = pytorch.load().name
    except UsageProblem as problem:
        pytest.skip(str(problem))
    if "2.13." not in version:
        pytest.skip(f"what is known here is of 2.13, not of {version}")
    must, should = failed("taillog_fixtures.subjects.pytorch:adapter", tmp_path)
    assert must - PYTORCH_BY_LUCK == PYTORCH
    assert should >= PYTORCH_ADVICE


@pytest.mark.parametrize(("waiting", "known"), [("inotify", GNU_INOTIFY), ("polling", GNU_POLLING)])
def test_gnu_tail(waiting: str, known: set[str], tmp_path: Path) -> None:
    try:
        gnu_tail.load(waiting)
    except UsageProblem as problem:
        pytest.skip(str(problem))
    must, _ = failed(f"taillog_fixtures.subjects.gnu_tail:{waiting}", tmp_path)
    assert must >= known
