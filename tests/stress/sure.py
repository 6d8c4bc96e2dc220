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
from dataclasses import dataclass, field
from pathlib import Path

from many import Job, Outcome, run_all

from taillog_fixtures import correct

RIGHT = ("thread_per_file", "one_loop", "event_loop", "slow_reader")
"""Correct tailers of different designs, besides the reference: each run that is not conformant is a false alarm."""

RACES = ("DEL-1", "DEL-7")
"""The requirements that the wrong tailers break, each in a race that a test does not meet unless it is made to."""

WRONG = (
    Job("taillog_fixtures.specimens.del_:FlagAfterTheEnd", only=RACES),
    Job("taillog_fixtures.specimens.del_:ExistsThenFlag", only=RACES),
)
"""Tailers that lose a line only in a race: each run that is not nonconformant is a miss."""


@dataclass
class Tally:
    """What came of all runs against one target."""

    job: Job
    expected: str
    runs: int
    verdicts: collections.Counter[str] = field(default_factory=collections.Counter)
    failed: collections.Counter[str] = field(default_factory=collections.Counter)
    advice: collections.Counter[str] = field(default_factory=collections.Counter)
    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    @property
    def otherwise(self) -> int:
        """Runs with another verdict than the expected one."""
        return self.verdicts.total() - self.verdicts[self.expected]

    def jobs(self) -> list[Job]:
        """The runs, each with a seed of its own."""
        return [Job(self.job.target, seed, self.job.capabilities, self.job.only) for seed in range(self.runs)]

    def take(self, outcome: Outcome, folder: Path) -> None:
        """Count an outcome; a report that shows otherwise is kept."""
        self.verdicts[outcome.verdict] += 1
        self.failed.update(outcome.failed("MUST"))
        self.advice.update(outcome.failed("SHOULD", "MAY"))
        self.seconds.append(outcome.seconds)
        self.cpu.append(outcome.cpu)
        if outcome.verdict != self.expected or (self.expected == "conformant" and outcome.failed("SHOULD")):
            name = f"{outcome.job.target.replace(':', '-')}-{outcome.job.seed}"
            (folder / f"{name}.json").write_text(json.dumps(outcome.report, indent=1), encoding="utf-8")
            (folder / f"{name}.txt").write_text(outcome.said, encoding="utf-8")

    def row(self) -> str:
        """A row of the table, in Markdown."""
        cells = (
            f"`{self.job.target}`",
            self.expected,
            self.verdicts.total(),
            self.otherwise,
            _counts(self.failed),
            _counts(self.advice),
            f"{_median(self.seconds):.1f}",
            f"{_median(self.cpu):.1f}",
        )
        return "| " + " | ".join(map(str, cells)) + " |"


HEAD = "| target | expected | runs | otherwise | MUST that failed | advice | median seconds | median CPU seconds |"


def _counts(counter: collections.Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counter.items())) or "none"


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2] if values else 0.0


def main() -> int:
    """Count, and print a table in Markdown; 1 if a verdict was not the expected one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200, help="runs of each right tailer")
    parser.add_argument("--wrong-runs", type=int, default=100, help="runs of each wrong one")
    parser.add_argument("--jobs", type=int, default=4, help="runs at a time")
    parser.add_argument("--busy", type=int, default=os.cpu_count() or 1, help="processes that only burn time")
    parser.add_argument("--only", action="append", default=[], help="only these requirements of the right tailers")
    parser.add_argument("--right", action="append", help="right tailers (reference, or a module of correct/)")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="taillog-sure-"))
    tallies = [
        Tally(_right(name, tuple(options.only)), "conformant", options.runs)
        for name in options.right or ("reference", *RIGHT)
    ]
    tallies += [Tally(job, "nonconformant", options.wrong_runs) for job in WRONG]
    print(
        f"{options.jobs} runs at a time, {options.busy} busy processes, {os.cpu_count()} cores, niceness {os.nice(0)}; "
        f"reports in {folder}\n\n{HEAD}\n{'| --- ' * HEAD.count(' | ')}| --- |"
    )
    burning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(options.busy)]
    try:
        for tally in tallies:
            for outcome in run_all(tally.jobs(), options.jobs):
                tally.take(outcome, folder)
            print(tally.row(), flush=True)
    finally:
        for process in burning:
            process.kill()
            process.wait()
    return 1 if any(tally.otherwise for tally in tallies) else 0


def _right(name: str, only: tuple[str, ...]) -> Job:
    if name == "reference":
        return Job("taillog:TailLog", only=only)
    module = f"{correct.__name__}.{name}"
    return Job(f"{module}:TailLog", capabilities=correct.capabilities(name), only=only)


if __name__ == "__main__":
    sys.exit(main())
