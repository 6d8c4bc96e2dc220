"""`taillog check --debug ID`: breakpoints work, no deadline breaks in, and the timeline is told as it goes."""

from __future__ import annotations

import os
import re
import subprocess
import sysconfig
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from taillog_conformance import debugging

Command = Callable[..., subprocess.CompletedProcess[str]]

TAILERS = """
import sys, threading, time
from tiny import Lossy, TailLog

class Stopping(TailLog):
    '''A person has set a breakpoint in its thread.'''
    def look(self, file, last):
        if not last and not Stopping.seen:
            Stopping.seen = True
            breakpoint()
        super().look(file, last)
    seen = False

class Late(TailLog):
    '''Its stop() takes longer than a check of this scale has patience for.'''
    def stop(self):
        time.sleep(1.5)
        super().stop()
"""


@pytest.fixture
def tailers(project: Path) -> Path:
    (project / "mine.py").write_text(TAILERS)
    return project


def test_a_breakpoint_in_the_tailers_thread_stops_it(tailers: Path, clean_environment: dict[str, str]) -> None:
    done = subprocess.run(
        [os.path.join(sysconfig.get_path("scripts"), "taillog"), "check", "mine:Stopping", "--debug", "FRM-7"],
        cwd=tailers,
        env=clean_environment | {"PYTHONUNBUFFERED": "1"},
        input="p 6 * 7, last\nc\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 3, done.stdout + done.stderr
    assert "(42, False)" in done.stdout
    assert done.stdout.count("\n  pass\n") == 4
    assert "FAIL" not in done.stdout


def test_no_deadline_breaks_in(tailers: Path, taillog: Command) -> None:
    usual = taillog("check", "mine:Late", "--only", "PFX-1", "-n", "0", "--scale", "0.1")
    assert "had not returned" in usual.stdout
    debugged = taillog("check", "mine:Late", "--debug", "PFX-1", "--scale", "0.1")
    assert (debugged.returncode, debugged.stderr) == (3, "")
    assert "had not returned" not in debugged.stdout
    assert debugged.stdout.endswith("  pass\n")


def test_the_timeline_is_told_as_it_goes(tailers: Path, taillog: Command) -> None:
    done = taillog("check", "tiny:Lossy", "--debug", "frm-7", "--seed", "3")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("FRM-7 (MUST) Empty lines MUST be delivered.\n")
    told = re.findall(r"^ +[0-9.]+ ms  (producer|tailer|destination|check) +(\w+)", done.stdout, re.MULTILINE)
    life = [what for lane, what in told if lane == "tailer" and what != "read"]
    assert life == 4 * ["construct", "start", "started", "stop", "stopped"]
    assert ("producer", "append") in told
    assert ("destination", "write") in told
    assert "did not come" in done.stdout
    assert done.stdout.index("stopped") < done.stdout.index("did not come")
    assert "look at:" in done.stdout


def test_it_ends_quietly_where_nobody_listens_any_more(tailers: Path, clean_environment: dict[str, str]) -> None:
    script = os.path.join(sysconfig.get_path("scripts"), "taillog")
    words = [script, "check", "tiny:TailLog", "--debug", "FRM-7"]
    with subprocess.Popen(
        words, cwd=tailers, env=clean_environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith("FRM-7")
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(60) == 3


def test_a_trace_stands_under_its_event(tailers: Path, taillog: Command) -> None:
    with (tailers / "mine.py").open("a") as module:
        module.write("class Dying(TailLog):\n    def look(self, file, last):\n        raise ValueError('gone')\n")
    done = taillog("check", "mine:Dying", "--debug", "FRM-7")
    told = done.stdout[done.stdout.index("  thread ended Thread-") :].splitlines()
    assert re.fullmatch(r"  thread ended Thread-\d+ \(run\):", told[0])
    assert all(line.startswith(20 * " ") for line in told[1:4])


def test_each_line_is_told_in_one_piece(capsys: pytest.CaptureFixture[str]) -> None:
    def tell() -> None:
        for _ in range(300):
            debugging._say("a line")

    threads = [threading.Thread(target=tell) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert capsys.readouterr().out == 1200 * "a line\n"


def test_what_is_not_declared_is_not_applicable(tailers: Path, taillog: Command) -> None:
    done = taillog("check", "tiny:TailLog", "--debug", "ROT-2")
    assert done.returncode == 3
    assert "not applicable: the tailer does not declare rotation" in done.stdout


def test_a_tailer_that_cannot_start_is_debugged_all_the_same(tailers: Path, taillog: Command) -> None:
    done = taillog("check", "tiny:Broken", "--debug", "LIF-1")
    assert done.returncode == 1
    assert "note: the smoke check of the tailer failed (LIF-1" in done.stdout
    assert "no thread to be had" in done.stdout


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        (["--only", "FRM"], "--debug tells of one requirement"),
        (["--html", "x.html"], "--debug tells of one requirement"),
        (["--known-failures", "known.toml"], "--debug tells of one requirement"),
        (["--write-known-failures", "known.toml"], "--debug tells of one requirement"),
        ([], "unknown requirement or area 'FRM-77'"),
    ],
)
def test_what_does_not_go_with_it_is_one_line(tailers: Path, taillog: Command, more: list[str], complaint: str) -> None:
    done = taillog("check", "tiny:TailLog", "--debug", "FRM-77", *more)
    assert done.returncode == 2
    assert complaint in done.stderr.splitlines()[-1]
