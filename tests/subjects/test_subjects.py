"""What the suite says of tailers that people use is what is known of them: nothing else fails, and all of that does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from taillog_conformance import known
from taillog_fixtures.subjects import SUBJECTS, arguments, known_failures


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_subject_fails_as_it_is_known_to(subject: str, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    words = [sys.executable, "-m", "taillog_conformance", "check", *arguments(subject), "-q", "--json", str(report)]
    words += ["--known-failures", str(known_failures(subject))]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode == 2:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    rows = json.loads(report.read_text())["requirements"]
    failed = {
        row["id"]: check["message"]
        for row in rows
        for check in row["checks"]
        if row["level"] == "MUST" and check["status"] in ("fail", "error")
    }
    assert failed == {}
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("subject", [subject for subject in SUBJECTS if known_failures(subject).exists()])
def test_what_is_known_is_explained(subject: str) -> None:
    for entry in known.load(known_failures(subject)).values():
        assert "to be explained" not in entry.reason


def test_the_drain_race_shows_in_an_old_version_of_pytorch_and_not_in_the_new() -> None:
    found = {name: set(known.load(known_failures(f"pytorch:{name}"))) for name in ("v2_9_1", "v2_15_0")}
    race = {"DEL-1", "DEL-7"}
    assert (race <= found["v2_9_1"], race & found["v2_15_0"]) == (True, set())
