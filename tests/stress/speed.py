"""How fast the suite is, beside the kind of test that it replaces: medians of runs that take turns, as a page.

Not part of the tests: a figure is no verdict. `tox -e speed` writes docs/suite-speed.md.

    python tests/stress/speed.py [--output docs/suite-speed.md] [--runs 5] [--other module:Class]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

KIT = (sys.executable, "-m", "taillog_conformance")
REFERENCE = "taillog:TailLog"

LOAD_TEST = """
import importlib, io, sys, tempfile, threading, time
from pathlib import Path

module, _, name = sys.argv[1].partition(":")
tailer = getattr(importlib.import_module(module), name)
def write(path, pause):
    with path.open("w") as file:
        for number in range(1000):
            file.write(f"{number}\\n")
            file.flush()
            time.sleep(pause)
for first in (True, False):  # the writers before the tailer, and after it
    with tempfile.TemporaryDirectory() as folder:
        logs = {key: Path(folder, str(key)) for key in range(32)}
        writers = [threading.Thread(target=write, args=(path, key * 0.0001)) for key, path in logs.items()]
        dst = io.StringIO()
        tail = tailer("writer", {key: str(path) for key, path in logs.items()}, dst, interval_sec=0.0001)
        if not first:
            tail.start()
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        if first:
            tail.start()
        tail.stop()
    if len(dst.getvalue().splitlines()) != 32_000:
        sys.exit("lines were lost")
"""
"""A test of a tailer as PyTorch has one: 32 writers of 1,000 lines each, twice, that pause between their lines."""


@dataclass
class Timed:
    """A command, and what its runs took."""

    what: str
    words: Sequence[str]
    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    said: str = ""

    def run(self) -> None:
        """Run it once."""
        before, began = os.times(), time.monotonic()
        done = subprocess.run(self.words, capture_output=True, text=True, check=False)
        self.seconds.append(time.monotonic() - began)
        after = os.times()
        self.cpu.append(after.children_user - before.children_user + after.children_system - before.children_system)
        if done.returncode:
            self.said = (done.stdout + done.stderr).strip().splitlines()[-1]

    def row(self) -> str:
        """Its row of the table."""
        cells = (self.what, _spread(self.seconds), _spread(self.cpu), self.said)
        return "| " + " | ".join(cells) + " |"


def _spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def by_requirement(report: Path) -> list[str]:
    """Rows of what each requirement took, the longest first."""
    rows = json.loads(report.read_text(encoding="utf-8"))["requirements"]
    took = {row["id"]: sum(check["seconds"] for check in row["checks"]) for row in rows}
    checks = {row["id"]: len(row["checks"]) for row in rows}
    return [
        f"| {id} | {checks[id]} | {seconds:.2f} | {100 * seconds / sum(took.values()):.1f} |"
        for id, seconds in sorted(took.items(), key=lambda each: -each[1])
    ]


def main() -> int:
    """Measure, and write the page or print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, help="write the page here")
    parser.add_argument("--runs", type=int, default=5, help="runs of each command")
    parser.add_argument("--other", action="append", default=[], help="a class whose load test is measured, too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        check = [*KIT, "check", REFERENCE, "-q"]
        timed = [
            Timed("the command's start-up (`taillog --version`)", [*KIT, "--version"]),
            Timed(f"`taillog check {REFERENCE}`", [*check, "--json", str(report)]),
            Timed(f"`taillog check {REFERENCE} -n 0`", [*check, "-n", "0"]),
        ]
        timed += [
            Timed(f"32 writers of 1,000 lines, twice, of `{target}`", [sys.executable, "-c", LOAD_TEST, target])
            for target in (REFERENCE, *options.other)
        ]
        for _ in range(options.runs):
            for each in timed:
                each.run()
        page = _page(timed, by_requirement(report), options.runs)
    if options.output:
        options.output.write_text(page, encoding="utf-8")
    else:
        print(page, end="")
    return 0


def _page(timed: Sequence[Timed], requirements: Sequence[str], runs: int) -> str:
    head = [
        "# How fast the suite is",
        "",
        f"Measured by `tox -e speed` on {date.today()}: {platform.system()}, {os.cpu_count()} cores, CPython "
        f"{platform.python_version()}; {runs} runs that took turns. Each cell: the median (lowest to highest).",
        "",
        "Beside the suite stands a test of the kind that PyTorch has of its TailLog, in which 32 threads write 1,000",
        "lines each, once before and once after start(), with an interval of 0.1 ms; the nth of them pauses for n",
        "tenths of a millisecond after each line.",
        "",
        "| what | seconds | CPU seconds | what it said |",
        "| --- | --- | --- | --- |",
        *(each.row() for each in timed),
        "",
        "## Where the time goes",
        "",
        f"The seconds of each requirement's checks in one run of `taillog check {REFERENCE}`. In most of them a worker",
        "waits, while another is at work.",
        "",
        "| requirement | checks | seconds | % |",
        "| --- | --- | --- | --- |",
        *requirements,
    ]
    return "\n".join([*head, ""])


if __name__ == "__main__":
    sys.exit(main())
