"""What is published with the kit is what the kit does: SPEC.md, and the schema of the JSON report."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

from taillog_conformance import known
from taillog_fixtures.subjects import SUBJECTS, known_failures

ROOT = Path(__file__).parents[2]


def taillog(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "taillog_conformance", *words], capture_output=True, text=True, check=False
    )


def test_spec_md_is_what_the_command_writes(tmp_path: Path) -> None:
    assert taillog("spec", "-o", str(tmp_path / "SPEC.md")).returncode == 0
    written = (tmp_path / "SPEC.md").read_text(encoding="utf-8")
    assert written == (ROOT / "SPEC.md").read_text(encoding="utf-8"), "run: taillog spec -o SPEC.md"


def test_every_requirement_has_a_check() -> None:
    assert "no check yet" not in taillog("spec").stdout


def test_a_spec_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    done = taillog("spec", "-o", str(tmp_path / "no" / "SPEC.md"))
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("Error: the contract cannot be written to")


@pytest.mark.parametrize("target", ["taillog:TailLog", "taillog_fixtures.specimens.frm:SplitsLikePython"])
def test_the_json_report_has_the_published_schema(target: str, tmp_path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    file = tmp_path / "report.json"
    taillog("check", target, "--only", "FRM-4", "-n", "0", "-q", "--json", str(file))
    name = "report-1.schema.json"
    schema = json.loads((resources.files("taillog_conformance") / "report" / name).read_text(encoding="utf-8"))
    jsonschema.validate(json.loads(file.read_text(encoding="utf-8")), schema)


def test_what_fails_in_the_matrix_is_explained() -> None:
    lines = (ROOT / "docs" / "matrix.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    tailers = [row[1] for row in rows if row[0].isdigit()]
    failed = {
        (tailers[column], row[0])
        for row in rows
        if row[1] == "MUST"
        for column, cell in enumerate(row[3:-1])
        if cell == "✗"
    }
    explained = set()
    for subject in SUBJECTS:
        file = known_failures(subject)
        name = file.read_text(encoding="utf-8").partition("# Known failures of ")[2].partition(", as")[0]
        explained |= {(name, id) for id in known.load(file)}
    assert len(tailers) == len(SUBJECTS)
    assert len(failed) > 200
    assert sorted(failed - explained) == []
