"""Mutation testing of the reference: each small change of its code that can be seen from outside has to fail the suite.

The mutants are made by cosmic-ray, and kept with their results in its session file, so that an interrupted run goes on
where it was. The test of a mutant is the conformance suite and nothing else, up to its first failure. A mutant that
hangs, or ends the process, counts as killed only if the suite said so in its report.

    tox -e mutation                   # go on with the session, then write docs/mutation.md
    tox -e mutation -- --fresh        # begin anew
"""

from __future__ import annotations

import argparse
import ast
import collections
import difflib
import os
import shutil
import sys
import tempfile
import textwrap
import time
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "stress"))

import cosmic_ray.plugins
from cosmic_ray.commands import init
from cosmic_ray.mutating import mutate_code
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import TestOutcome, WorkerOutcome, WorkItem, WorkResult
from many import Job, Outcome, run_all

ROOT = Path(__file__).parent.parent.parent
SOURCE = ROOT / "reference" / "taillog"
EXPLAINED = Path(__file__).parent / "survivors.toml"
PAGE = ROOT / "docs" / "mutation.md"

AT_ONCE = 10 * (os.cpu_count() or 1)
"""Mutants that are tried at a time: a run waits for most of its time, one of a mutant that hangs even more."""

TARGETS = ("taillog:TailLog", "taillog:PollingTailLog")
"""The reference in both ways of waiting: a mutant that passes in the one is tried in the other."""

OF_EVENTS = ("events.py", "inotify.py")
"""Modules of the first way only."""

GOAL = 0.95
"""The share of the mutants that can be seen from outside that has to be killed."""

WHAT_IT_IS = """`tox -e mutation` makes each small change that [cosmic-ray](https://cosmic-ray.readthedocs.io) knows to
the code of the reference, one at a time, and runs the conformance suite on it, up to its first failure. What the suite
lets pass is either a change that cannot be seen from outside, for the reason given here, or a hole in the suite."""

WIDTH = 120
"""Columns of the page, as of the other documents."""

NOT_A_MUTANT = "not a mutant"
"""What the session says of a change that is none: it makes the same program, or none at all."""


@dataclass(frozen=True)
class Mutant:
    """One change: where it is, and the lines before and after it."""

    item: WorkItem
    module: str
    line: int
    before: str
    after: str
    code: str

    @property
    def name(self) -> str:
        """The change in one line."""
        return f"{self.place} -> `{self.after}`"

    @property
    def place(self) -> str:
        """The line that is changed."""
        return f"{self.module}: `{self.before}`"

    @property
    def targets(self) -> tuple[str, ...]:
        """What runs its module."""
        return TARGETS[:1] if self.module in OF_EVENTS else TARGETS

    def why(self, explained: Mapping[str, str]) -> str:
        """Why it cannot be seen from outside: the change alone, or whatever this line is changed to; '' if it can."""
        return explained.get(self.name) or explained.get(self.place, "")


def mutants(db: WorkDB) -> Iterator[Mutant]:
    """All mutants of the session, with their code."""
    for item in db.work_items:
        (spec,) = item.mutations
        operator = cosmic_ray.plugins.get_operator(spec.operator_name)(**spec.operator_args)
        original = spec.module_path.read_text(encoding="utf-8")
        code = mutate_code(original, operator, spec.occurrence)
        before, after = _difference(original, code)
        yield Mutant(item, spec.module_path.name, spec.start_pos[0], before, after, code)


def _difference(original: str, mutated: str) -> tuple[str, str]:
    lines = list(difflib.unified_diff(original.splitlines(), mutated.splitlines(), n=0, lineterm=""))[2:]
    before, after = (" ".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in "-+")
    return before, after


def another_program(original: str, mutated: str) -> bool:
    """Whether the mutated module is a program, and differs in more than annotations and how a constant is written."""
    try:
        if _without_annotations(original) == _without_annotations(mutated):
            return False
        return not _same_constants(original, mutated)
    except SyntaxError:  # such as that of the slash between parameters, which is taken for a division
        return False


def _same_constants(original: str, mutated: str) -> bool:
    """Whether they differ in the value of a module's constant only, and that is the same: bits may be added, too."""
    before, after = (ast.parse(code).body for code in (original, mutated))
    differ = [pair for pair in zip(before, after, strict=True) if ast.dump(pair[0]) != ast.dump(pair[1])]
    if not all(isinstance(each, ast.Assign) for pair in differ for each in pair):
        return False
    values = []
    for code in (original, mutated):
        names: dict[str, object] = {"__name__": "taillog.mutant"}
        try:
            exec(compile(code, "mutant", "exec"), names)
        except Exception:
            return False
        values.append([names[ast.unparse(pair[0].targets[0])] for pair in differ if isinstance(pair[0], ast.Assign)])
    return values[0] == values[1]


def _without_annotations(code: str) -> str:
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
        elif isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and _is_alias(node):
            node.value = ast.Constant(None)
    return ast.dump(tree)


def _is_alias(node: ast.Assign) -> bool:
    """Whether it is `Name = Type | Other`, which only annotations use: a class's name begins with a capital."""
    return (
        isinstance(node.targets[0], ast.Name) and node.targets[0].id[0].isupper() and not node.targets[0].id.isupper()
    )


def try_all(db: WorkDB, folder: Path, progress: bool) -> None:
    """Try every mutant that has no result yet, and note what came of it."""
    done = {job_id for job_id, _ in db.results}
    jobs: dict[tuple[str, ...], Mutant] = {}
    for mutant in mutants(db):
        if mutant.item.job_id in done:
            continue
        original = (SOURCE / mutant.module).read_text(encoding="utf-8")
        if not another_program(original, mutant.code):
            db.set_result(mutant.item.job_id, WorkResult(WorkerOutcome.SKIPPED, NOT_A_MUTANT))
            continue
        tree = folder / mutant.item.job_id
        shutil.copytree(SOURCE, tree / "taillog", ignore=shutil.ignore_patterns("__pycache__"))
        (tree / "taillog" / mutant.module).write_text(mutant.code, encoding="utf-8")
        jobs[(str(tree),)] = mutant
    left = dict(jobs)
    for target in TARGETS:
        todo = [Job(target, to_first_failure=True, path=path) for path in left if target in left[path].targets]
        for count, outcome in enumerate(run_all(todo, AT_ONCE), 1):
            mutant = left[outcome.job.path]
            result = _result(outcome, mutant)
            if progress:
                print(f"{target} {count}/{len(todo)} {result.test_outcome} {result.output}  {mutant.name}", flush=True)
            if result.test_outcome == TestOutcome.KILLED or target == mutant.targets[-1]:
                db.set_result(mutant.item.job_id, result)
                shutil.rmtree(outcome.job.path[0])
                del left[outcome.job.path]


def _result(outcome: Outcome, mutant: Mutant) -> WorkResult:
    failed = outcome.failed("MUST", "SHOULD", "MAY")
    if failed:
        kind, words = TestOutcome.KILLED, failed[0]
    elif outcome.verdict == "conformant":
        kind, words = TestOutcome.SURVIVED, "conformant"
    elif "cannot be" in outcome.said:
        kind, words = TestOutcome.KILLED, "the target cannot be loaded"
    else:
        kind, words = TestOutcome.SURVIVED, f"{outcome.verdict}: {outcome.said[-200:]}"
    return WorkResult(WorkerOutcome.NORMAL, words, kind, mutant.name)


def page(db: WorkDB, seconds: float) -> tuple[str, bool]:
    """The document, and whether the goal is reached with every survivor explained."""
    explained: dict[str, str] = tomllib.loads(EXPLAINED.read_text(encoding="utf-8")) if EXPLAINED.exists() else {}
    results = dict(db.results)
    found = [(mutant, results[mutant.item.job_id]) for mutant in mutants(db) if mutant.item.job_id in results]
    tried = [(mutant, result) for mutant, result in found if result.worker_outcome == WorkerOutcome.NORMAL]
    killed = [(mutant, result) for mutant, result in tried if result.test_outcome == TestOutcome.KILLED]
    survivors = [mutant for mutant, result in tried if result.test_outcome == TestOutcome.SURVIVED]
    equivalent = [mutant for mutant in survivors if mutant.why(explained)]
    open_ = [mutant for mutant in survivors if not mutant.why(explained)]
    seen = len(tried) - len(equivalent)
    score = len(killed) / seen if seen else 0.0
    by = collections.Counter(result.output for _, result in killed)
    figures = (
        f"Of {len(found)} changes {len(found) - len(tried)} make the same program (they are in an annotation) or none. "
        f"Of the other {len(tried)} the suite killed {len(killed)}; {len(equivalent)} survivors cannot be seen from "
        f"outside, {len(open_)} can. Score: **{score:.1%}** of the {seen} that can be seen. The last part of the run "
        f"took {seconds / 60:.0f} minutes on {os.cpu_count()} cores."
    )
    lines = [
        "# Mutation of the reference",
        "",
        *textwrap.wrap(WHAT_IT_IS, WIDTH, break_on_hyphens=False),
        "",
        *textwrap.wrap(figures, WIDTH, break_on_hyphens=False),
        "",
        "## What killed how many",
        "",
        "| requirement | mutants |",
        "| --- | --- |",
        *(f"| {name} | {count} |" for name, count in by.most_common()),
        "",
        "## Survivors that cannot be seen from outside",
        "",
        "A line of the reference, how many changes of it are meant, and why.",
        "",
        *_explained(equivalent, explained),
        "",
        "## Survivors that can be seen",
        "",
        *([f"- {mutant.name} (line {mutant.line})" for mutant in open_] or ["None."]),
    ]
    return "\n".join(lines) + "\n", score >= GOAL


def _explained(survivors: Iterable[Mutant], explained: Mapping[str, str]) -> list[str]:
    counts = collections.Counter((mutant.place, mutant.why(explained)) for mutant in survivors)
    return [f"- {place} ({count}): {why}" for (place, why), count in counts.items()]


def main() -> int:
    """Go on with the session, write the page; 1 if the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--session", type=Path, default=Path(tempfile.gettempdir()) / "taillog-mutation.sqlite")
    parser.add_argument("--fresh", action="store_true", help="forget what the session holds")
    options = parser.parse_args()
    fresh = options.fresh or not options.session.exists()
    began = time.monotonic()
    with use_db(str(options.session), WorkDB.Mode.create if fresh else WorkDB.Mode.open) as db:
        if fresh:
            init(sorted(SOURCE.glob("*.py")), db, {})
        with tempfile.TemporaryDirectory() as folder:
            try_all(db, Path(folder), progress=True)
        text, reached = page(db, time.monotonic() - began)
    PAGE.write_text(text, encoding="utf-8")
    print(text)
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
