"""A run disturbs nothing and loses nothing: two at once, a folder that takes no file, a run that is killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

from taillog_conformance import runner
from taillog_conformance.contract import load_contract
from taillog_conformance.report.model import CheckResult, Report, Status
from taillog_conformance.suite._registry import all_names

Command = Callable[..., subprocess.CompletedProcess[str]]

TAILLOG = os.path.join(sysconfig.get_path("scripts"), "taillog")

PART = ("FRM-5", "FRM-7", "FRM-8", "PFX-1")
"""Requirements whose checks take no time."""

BOUND = 120.0
"""Seconds after which a command is taken to hang."""


@pytest.fixture
def place(tmp_path: Path, clean_environment: dict[str, str]) -> Path:
    """An empty folder in which the commands make their temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    clean_environment["TMPDIR"] = str(folder)
    return folder


def test_two_runs_side_by_side_do_not_disturb_each_other(
    project: Path, place: Path, clean_environment: dict[str, str]
) -> None:
    def begin(name: str, target: str) -> subprocess.Popen[str]:
        words = ["--only", ",".join(PART), "-n", "2", "--scale", "0.5", "-q", "--json", f"{name}.json"]
        return subprocess.Popen(
            [TAILLOG, "check", target, *words],
            cwd=project,
            env=clean_environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    begun = {"one": begin("one", "tiny:TailLog"), "other": begin("other", "tiny:Lossy")}
    said = {name: process.communicate(timeout=BOUND) for name, process in begun.items()}
    assert [process.returncode for process in begun.values()] == [3, 1]
    assert said["one"][0].startswith("tiny:TailLog: inconclusive with contract 1.0 (4 of ")
    assert (said["one"][1], said["other"][1]) == ("", "")
    assert "1 failed" in said["other"][0]
    for name, failed in (("one", set()), ("other", {"FRM-7"})):
        rows = json.loads((project / f"{name}.json").read_text())["requirements"]
        judged = {status: {row["id"] for row in rows if row["status"] == status} for status in ("pass", "fail")}
        assert judged == {"pass": set(PART) - failed, "fail": failed}
    assert list(place.iterdir()) == []


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="this system has no /proc, where nobody can make a file")
@pytest.mark.parametrize("workers", [0, 2])
def test_a_current_folder_that_takes_no_file_will_do(
    place: Path, clean_environment: dict[str, str], workers: int, tmp_path: Path
) -> None:
    words = ["--only", "FRM-10", "--only", "DST-2", "-n", str(workers), "-q", "--json", str(tmp_path / "out.json")]
    done = subprocess.run(
        [TAILLOG, "check", "taillog_fixtures.correct.one_loop:TailLog", *words],
        cwd="/proc",
        env=clean_environment,
        capture_output=True,
        text=True,
        timeout=BOUND,
        check=False,
    )
    assert (done.returncode, done.stderr) == (3, "")
    assert "2 passed" in done.stdout
    assert list(place.iterdir()) == []


def test_temporary_files_may_have_long_paths(
    place: Path, clean_environment: dict[str, str], taillog: Command, project: Path
) -> None:
    folder = place / ("deep" * 30)
    folder.mkdir()
    clean_environment["TMPDIR"] = str(folder)
    words = ["--only", "ERR", "--only", "SRC", "--only", "DST", "-q", "--json", "out.json"]
    assert taillog("check", "taillog_fixtures.correct.one_loop:TailLog", *words).returncode == 3
    rows = json.loads((project / "out.json").read_text())["requirements"]
    asked = {row["id"]: row["status"] for row in rows if row["id"][:3] in ("ERR", "SRC", "DST")}
    assert {id for id, status in asked.items() if status not in ("pass", "not-applicable")} <= {"ERR-8"}  # by design


def test_nothing_is_left_where_the_user_stands(taillog: Command, project: Path, place: Path) -> None:
    assert taillog("check", "tiny:TailLog", "--only", "FRM-10", "-q").returncode == 3
    assert {path.name for path in project.iterdir()} - {"__pycache__"} == {"tiny.py"}
    assert list(place.iterdir()) == []


def test_each_result_is_in_the_report_before_the_next_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "WRITTEN_AT_ONCE", BOUND)  # however long a busy machine takes to write one
    names = all_names()
    file = tmp_path / "out.json"
    target = {"name": "x:Y", "adapter": "class", "capabilities": []}
    watcher = runner._Watcher(Report(load_contract(), target, 7, names), {"json": file}, None)
    with watcher:
        for number, id in enumerate(names, start=1):
            for name in names[id]:
                watcher(watcher.report, CheckResult(name, id, Status.PASS, 0.1))
            document = json.loads(file.read_text())
            assert sum(row["status"] == "pass" for row in document["requirements"]) == number
            expected = "conformant" if number == len(names) else "inconclusive"
            assert document["verdict"] == expected or document["summary"]["not_run"] == 0
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]


KILLS_ITSELF = """
import os, signal
from tiny import TailLog as Tiny

class TailLog(Tiny):
    home = os.getpid()

    def start(self):
        if os.getpid() == self.home and not all(prefix.startswith("[") for _, prefix, *_ in self.files):
            os.kill(self.home, signal.SIGKILL)
        return super().start()
"""


def test_a_tailer_that_kills_the_process_of_the_run_leaves_what_was_done_before(
    run_pytest: Command, project: Path, clean_environment: dict[str, str]
) -> None:
    """In one process there is no saving the run; what it had done is not lost."""
    (project / "killing.py").write_text(KILLS_ITSELF)
    only = [word for id in ("FRM-7", "FRM-5", "PFX-3") for word in ("--only", id)]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "taillog_conformance",
            "check",
            "killing:TailLog",
            *only,
            "-n",
            "0",
            "--json",
            "out.json",
        ],
        cwd=project,
        env=clean_environment,
        capture_output=True,
        timeout=BOUND,
        check=False,
    )
    assert done.returncode != 0
    document = json.loads((project / "out.json").read_text())
    assert document["verdict"] != "conformant"
    passed = {row["id"] for row in document["requirements"] if row["status"] == "pass"}
    assert passed == {"FRM-5", "FRM-7"}
