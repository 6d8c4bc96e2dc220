"""The processes of the checks: they share the work, and end it when they are told to."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

Command = Callable[..., subprocess.CompletedProcess[str]]

BOUND = 120.0
"""Seconds after which a command is taken to hang."""

NOTES_EACH = """
import os
from pathlib import Path
from tiny import TailLog as Tiny

class TailLog(Tiny):
    def start(self):
        with open(Path(__file__).with_name("begun"), "a") as begun:
            begun.write(f"{os.getpid()} {os.getppid()}\\n")
        return super().start()
"""


def starts_in_checks(begun: Path) -> Counter[str]:
    """How many tailers each process of checks began itself; not those of the smoke check, in a process below it."""
    rows = [row.split() for row in begun.read_text().splitlines()]
    processes = {pid for pid, _ in rows}
    return Counter(pid for pid, over in rows if over not in processes)


def test_checks_are_shared_and_each_is_run_once(taillog: Command, project: Path) -> None:
    (project / "noting.py").write_text(NOTES_EACH)
    begun = project / "begun"
    counts = {}
    for processes in (3, 0):
        words = ("--only", "FRM-8,PFX-3,FLT-1,DEL-2", "--seed", "1", "-n", str(processes), "--json", "out.json")
        done = taillog("check", "noting:TailLog", *words)
        assert (done.returncode, done.stderr) == (3, "")
        rows = json.loads((project / "out.json").read_text())["requirements"]
        ran = [check for row in rows for check in row["checks"] if check["status"] != "not-run"]
        assert len(ran) > 10
        assert {check["status"] for check in ran} <= {"pass", "not-applicable"}
        counts[processes] = starts_in_checks(begun)
        begun.unlink()
    assert len(counts[3]) >= 2  # the third may find that nothing is left
    assert len(counts[0]) == 1
    assert counts[3].total() == counts[0].total()


RUNS_TO_THE_FIRST_FAILURE = """
from pathlib import Path
from taillog_conformance.runner import run
described = {"name": "tiny:Lossy", "adapter": "class", "capabilities": []}
options = ["--tailer=tiny:Lossy", "--exitfirst", "--taillog-only=FRM-7", "--taillog-only=PFX"]
run(described, options, 2, 1, None, None, {"json": Path("out.json")}, quiet=True)
"""


def test_after_the_first_failure_nobody_gets_another_check(project: Path, clean_environment: dict[str, str]) -> None:
    words = [sys.executable, "-c", RUNS_TO_THE_FIRST_FAILURE]
    subprocess.run(words, cwd=project, env=clean_environment, timeout=BOUND, check=True)
    rows = json.loads((project / "out.json").read_text())["requirements"]
    statuses = Counter(check["status"] for row in rows for check in row["checks"])
    assert statuses["fail"] >= 1
    assert statuses["fail"] + statuses["pass"] < 10
