"""How sure the suite is, in figures: it is run again and again on a busy machine, and its verdicts are counted.

Not part of the tests: it takes the better part of an hour. `tox -e stress` runs it; docs/how-sure.md holds its figures.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

RIGHT = (
    "taillog:TailLog",
    "taillog_fixtures.correct.thread_per_file:TailLog",
    "taillog_fixtures.correct.one_loop:TailLog",
    "taillog_fixtures.correct.event_loop:TailLog",
    "taillog_fixtures.correct.slow_reader:TailLog",
)
"""Correct tailers of different designs: each run that is not conformant is a false alarm."""

WRONG = (
    "taillog_fixtures.specimens.del_:FlagAfterTheEnd",
    "taillog_fixtures.specimens.del_:ExistsThenFlag",
)
"""Tailers that lose a line only in a race: each run that is not nonconformant is a miss."""


@dataclass
class Tally:
    """What came of all runs against one target."""

    target: str
    expected: str
    verdicts: collections.Counter[str] = field(default_factory=collections.Counter)
    failed: collections.Counter[str] = field(default_factory=collections.Counter)
    seconds: list[float] = field(default_factory=list)

    @property
    def otherwise(self) -> int:
        """Runs with another verdict than the expected one."""
        return self.verdicts.total() - self.verdicts[self.expected]


def one_run(tally: Tally, seed: int, only: list[str], folder: Path) -> None:
    """Run the suite once in one process, and count its verdict; a report that shows otherwise is kept."""
    report_file = folder / f"{tally.target.replace(':', '-')}-{seed}.json"
    began = time.monotonic()
    words = [sys.executable, "-m", "taillog_conformance", "check", tally.target, "-n", "0", "-q", "--seed", str(seed)]
    words += ["--json", str(report_file), *(f"--only={name}" for name in only)]
    subprocess.run(words, capture_output=True, check=False)
    report = json.loads(report_file.read_text(encoding="utf-8"))
    failed = [
        row["id"] for row in report["requirements"] if row["status"] in ("fail", "error") and row["level"] == "MUST"
    ]
    verdict = report["verdict"]
    if only and verdict == "inconclusive" and not failed:
        verdict = "conformant"  # as far as was asked
    tally.verdicts[verdict] += 1
    tally.failed.update(failed)
    tally.seconds.append(time.monotonic() - began)
    if verdict == tally.expected:
        report_file.unlink()


def main() -> int:
    """Count, and print a table in Markdown; 1 if a verdict was not the expected one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200, help="runs of each right tailer")
    parser.add_argument("--wrong-runs", type=int, default=100, help="runs of each wrong one")
    parser.add_argument("--jobs", type=int, default=4, help="runs at a time")
    parser.add_argument("--busy", type=int, default=os.cpu_count() or 1, help="processes that only burn time")
    parser.add_argument("--only", action="append", default=[], help="only these requirements")
    parser.add_argument("--right", action="append", help="right tailers instead of the usual ones")
    parser.add_argument("--wrong", action="append", help="wrong tailers instead of the usual ones")
    options = parser.parse_args()
    burning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(options.busy)]
    folder = Path(tempfile.mkdtemp(prefix="taillog-sure-"))
    tallies = [Tally(target, "conformant") for target in options.right or RIGHT]
    tallies += [Tally(target, "nonconformant") for target in options.wrong or WRONG]
    print(
        f"{options.jobs} runs at a time, {options.busy} busy processes, {os.cpu_count()} cores; reports in {folder}\n"
    )
    print("| target | expected | runs | otherwise | MUST that failed | median seconds |")
    print("| --- | --- | --- | --- | --- | --- |")
    try:
        for tally in tallies:
            runs = options.runs if tally.expected == "conformant" else options.wrong_runs
            with ThreadPoolExecutor(options.jobs) as pool:
                list(pool.map(lambda seed, tally=tally: one_run(tally, seed, options.only, folder), range(runs)))
            failed = ", ".join(f"{name} {count}" for name, count in sorted(tally.failed.items())) or "none"
            median = sorted(tally.seconds)[len(tally.seconds) // 2] if tally.seconds else 0.0
            row = (tally.target, tally.expected, tally.verdicts.total(), tally.otherwise, failed, f"{median:.1f}")
            print("| " + " | ".join(map(str, row)) + " |", flush=True)
    finally:
        for process in burning:
            process.kill()
            process.wait()
    return 1 if any(tally.otherwise for tally in tallies) else 0


if __name__ == "__main__":
    sys.exit(main())
