"""Scenario files of the user's own, and the sequences that a property found: replayed."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

from hypothesis import HealthCheck, given, settings

from taillog_conformance.scenario import dump, load
from taillog_conformance.sequences import PLAIN, ROTATION, TRUNCATION, scenarios

REPEATS_THE_NEW_FILE = "taillog_fixtures.specimens.rot:NewFileTwice"
LOSES_A_LINE = "taillog_fixtures.specimens.rot:DeletionIsTheEnd"
PRINTED = "  scenario, to be replayed by --scenario FILE:"


def check(folder: Path, *words: str) -> tuple[int, dict[str, dict[str, object]], str]:
    """Exit status, the requirements of the report by id, and standard error of a run in one process."""
    file = folder / "report.json"
    command = [sys.executable, "-m", "taillog_conformance", "check", *words, "-n", "0", "-q", "--json", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    rows = json.loads(file.read_text(encoding="utf-8"))["requirements"] if file.exists() else []
    return done.returncode, {row["id"]: row for row in rows}, done.stderr


def test_a_sequence_that_a_property_found_is_printed_as_a_scenario_file(tmp_path: Path) -> None:
    words = ("--capability", "rotation", "--only", "ROT-6", "--seed", "1", "--scale", "20")  # it may search long
    status, rows, _ = check(tmp_path, REPEATS_THE_NEW_FILE, *words)
    assert (status, rows["ROT-6"]["status"]) == (1, "fail")
    checks = rows["ROT-6"]["checks"]
    assert isinstance(checks, list)
    message = next(row["message"] for row in checks if "any_sequence" in row["name"])
    text = textwrap.dedent(message.split(PRINTED, 1)[1].split("\n  look at:", 1)[0])
    (tmp_path / "found.toml").write_text(text, encoding="utf-8")
    (tmp_path / "report.json").unlink()
    status, rows, _ = check(tmp_path, "taillog:TailLog", "--scenario", "found.toml")
    assert (status, rows["ROT-6"]["status"]) == (3, "pass")


GONE = """
requirement = "ROT-6"

[[case]]
name = "gone for some looks"
steps = [
  ["append", "a", "$one\\n"], ["start"], ["deliver"], ["delete", "a"], ["looks", 300],
  ["append", "a", "$two\\n"], ["settle"], ["stop"],
]
"""


def test_a_scenario_file_is_replayed(tmp_path: Path) -> None:
    (tmp_path / "gone.toml").write_text(GONE, encoding="utf-8")
    for target, expected in ((LOSES_A_LINE, (1, "fail")), ("taillog:TailLog", (3, "pass"))):
        status, rows, _ = check(tmp_path, target, "--capability", "rotation", "--scenario", "gone.toml")
        assert (status, rows["ROT-6"]["status"]) == expected
        (tmp_path / "report.json").unlink()


def test_a_scenario_file_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("requirement = ", encoding="utf-8")
    for words, complaint in (
        (["--scenario", "none.toml"], "the scenario file none.toml cannot be read"),
        (["--scenario", "broken.toml"], "broken.toml is not valid TOML"),
        (["--scenario", "broken.toml", "--only", "FRM"], "--only has no meaning with --scenario"),
    ):
        status, _, said = check(tmp_path, "taillog:TailLog", *words)
        assert status == 2
        assert said.splitlines()[-1].startswith(f"Error: {complaint}")


def test_a_thorough_run_tries_more_examples(tmp_path: Path) -> None:
    counter = tmp_path / "counted.py"
    counter.write_text(
        "from taillog_fixtures.correct import one_loop\n"
        "class TailLog(one_loop.TailLog):\n"
        "    def start(self):\n"
        "        open('starts', 'a').write('.')\n"
        "        return super().start()\n",
        encoding="utf-8",
    )
    starts = []
    for words in ([], ["--thorough"]):
        (tmp_path / "starts").unlink(missing_ok=True)
        assert check(tmp_path, "counted:TailLog", "--only", "FLT-1", *words)[0] == 3
        starts.append(len((tmp_path / "starts").read_text()))
    assert starts[1] > 5 * starts[0]


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(scenarios("ROT-6", (*PLAIN, *TRUNCATION, *ROTATION)))
def test_a_sequence_is_the_same_when_it_is_read_back(scenario: object) -> None:
    assert load(dump(scenario), "here")[0] == scenario  # type: ignore[arg-type]
