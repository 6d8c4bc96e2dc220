"""Runs the suite with many seeds: its texts differ, and its verdicts must not. docs/how-sure.md has figures.

python tests/specimens/seeds.py
"""

from __future__ import annotations

import importlib
import sys
import time
from collections import Counter
from collections.abc import Mapping

from judged import AT_ONCE, mistakes
from many import Job, Outcome, run_all

from taillog_fixtures.specimens import Specimen, all_specimens

SEEDS = range(20)

DESIGNS = ("thread_per_file", "one_loop", "event_loop", "slow_reader", "pread_reader", "process_reader")
"""The correct tailers of other designs than the reference."""

SPECIMENS = 30
"""Specimens that are run with each seed, as far apart in the register as they can be."""


def right() -> dict[str, tuple[str, ...]]:
    """The correct tailers, the reference first, with the capabilities that each declares."""
    modules = [importlib.import_module(f"taillog_fixtures.correct.{name}") for name in DESIGNS]
    return {"taillog:TailLog": (), **{f"{each.__name__}:TailLog": tuple(each.CAPABILITIES) for each in modules}}


def chosen() -> list[Specimen]:
    """Specimens of all areas."""
    every = all_specimens()
    return [every[number * len(every) // SPECIMENS] for number in range(SPECIMENS)]


def main() -> int:
    """Run, and print a table in Markdown; 1 if a verdict moved."""
    specimens = {each.target: each for each in chosen()}
    correct = right()
    jobs = [Job(target, seed, capabilities) for seed in SEEDS for target, capabilities in correct.items()]
    jobs += [Job(each.target, seed, each.capabilities) for seed in SEEDS for each in specimens.values()]
    moved: Counter[str] = Counter()
    began = time.monotonic()
    for outcome in run_all(jobs, AT_ONCE):
        for what in what_moved(outcome, specimens):
            moved[outcome.job.target] += 1
            print(f"{outcome.job.target}, seed {outcome.job.seed}: {what}", file=sys.stderr)
    print("| target | seeds | runs with another verdict |\n| --- | --- | --- |")
    for target in (*correct, *specimens):
        print(f"| `{target}` | {len(SEEDS)} | {moved[target]} |")
    print(f"\n{len(jobs)} runs in {time.monotonic() - began:.0f} seconds, {AT_ONCE} at a time")
    return 1 if moved else 0


def what_moved(outcome: Outcome, specimens: Mapping[str, Specimen]) -> list[str]:
    """How the run's verdict is another one than it has to be."""
    each = specimens.get(outcome.job.target)
    if each is not None:
        return mistakes(each, outcome)[:1]
    if outcome.verdict == "conformant":
        return []
    return [f"{outcome.verdict}: {', '.join(outcome.failed('MUST')) or outcome.said}"]


if __name__ == "__main__":
    sys.exit(main())
