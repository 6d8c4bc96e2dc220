"""Mutation testing of the reference: each small change of its code that can be seen from outside has to fail the suite.

The mutants are made by cosmic-ray, and kept with their results in its session file, so that an interrupted run goes on
where it was. The test of a mutant is the conformance suite and nothing else, up to its first failure. A mutant that
hangs, or ends the process, counts as killed only if the suite said so in its report.

    tox -e mutation                   # go on with the session, then write docs/mutation.md
    tox -e mutation -- --fresh        # begin anew
    tox -e mutation -- --all          # the changes too that survivors.toml says to be invisible: an hour more
"""

from __future__ import annotations

import argparse
import ast
import collections
import difflib
import itertools
import os
import shutil
import sys
import tempfile
import textwrap
import time
import tomllib
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "stress"))

import cosmic_ray.plugins
from cosmic_ray.commands import init
from cosmic_ray.mutating import mutate_code
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import TestOutcome, WorkerOutcome, WorkResult
from many import Job, Outcome, run_chains

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

KILLERS = (
    "DEL-1",
    "CON-2",
    "LIF-1",
    "RES-4",
    "ROT-8",
    "DST-1",
    "CON-3",
    "ROT-1",
    "DEL-3",
    "LAT-2",
    "LIF-7",
    "ROT-6",
)
"""The requirements that kill most: they are tried first, in both ways of waiting, for the whole suite takes six times
as long, and minutes on a mutant that is late with everything."""

WHOLE_SUITE = ()
"""What comes after them, these once more: on a machine as busy as this run makes it, each has its bad moment."""

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
    """One change of the reference."""

    id: str
    """Its job's, in the session."""
    module: str
    line: int
    name: str
    """The change in one line: the module, the function, the code before and after it."""
    code: str

    @property
    def targets(self) -> tuple[str, ...]:
        """What runs its module."""
        return TARGETS[:1] if self.module in OF_EVENTS else TARGETS


def mutants(db: WorkDB) -> Iterator[Mutant]:
    """All mutants of the session, with their code."""
    named: collections.Counter[str] = collections.Counter()
    for item in db.work_items:
        (spec,) = item.mutations
        operator = cosmic_ray.plugins.get_operator(spec.operator_name)(**spec.operator_args)
        original = spec.module_path.read_text(encoding="utf-8")
        code = mutate_code(original, operator, spec.occurrence)
        before, after = _difference(original, code)
        place = " ".join(filter(None, [spec.module_path.name, spec.definition_name]))
        name = f"{place}: `{before}` -> `{after}`"
        named[name] += 1
        if named[name] > 1:
            name += f" ({named[name]})"
        yield Mutant(item.job_id, spec.module_path.name, spec.start_pos[0], name, code)


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


def explanations() -> dict[str, str]:
    """Of each change that cannot be seen from outside, why."""
    by_reason: dict[str, list[str]] = tomllib.loads(EXPLAINED.read_text(encoding="utf-8"))
    return {name: why for why, names in by_reason.items() for name in names}


def try_all(changes: Iterable[Mutant], db: WorkDB, folder: Path, known: Container[str]) -> None:
    """Try each of `changes` that has no result yet and is none of `known`, and note what came of it."""
    done = {job_id for job_id, _ in db.results}
    tried: dict[tuple[str, ...], Mutant] = {}
    for mutant in changes:
        if mutant.id in done or mutant.name in known:
            continue
        original = (SOURCE / mutant.module).read_text(encoding="utf-8")
        if not another_program(original, mutant.code):
            db.set_result(mutant.id, WorkResult(WorkerOutcome.SKIPPED, NOT_A_MUTANT))
            continue
        tree = folder / mutant.id
        shutil.copytree(SOURCE, tree / "taillog", ignore=shutil.ignore_patterns("__pycache__"))
        (tree / "taillog" / mutant.module).write_text(mutant.code, encoding="utf-8")
        tried[(str(tree),)] = mutant
    chains = [
        [
            Job(target, only=only, to_first_failure=True, path=path)
            for only, target in itertools.product((KILLERS, WHOLE_SUITE), mutant.targets)
        ]
        for path, mutant in tried.items()
    ]
    for count, outcome in enumerate(run_chains(chains, AT_ONCE), 1):
        mutant = tried[outcome.job.path]
        result = _result(outcome, mutant)
        db.set_result(mutant.id, result)
        print(f"{count}/{len(tried)} {result.test_outcome} {result.output}  {mutant.name}", flush=True)
        shutil.rmtree(outcome.job.path[0])


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


def page(changes: Sequence[Mutant], db: WorkDB, seconds: float) -> tuple[str, bool]:
    """The document, and whether the goal is reached and no explanation is out of date."""
    explained = explanations()
    results = dict(db.results)
    tried = {
        mutant: results[mutant.id]
        for mutant in changes
        if mutant.id in results and results[mutant.id].worker_outcome == WorkerOutcome.NORMAL
    }
    killed = [mutant for mutant, result in tried.items() if result.test_outcome == TestOutcome.KILLED]
    equivalent = [mutant for mutant in changes if mutant.name in explained]
    open_ = [mutant for mutant in tried if mutant not in killed and mutant.name not in explained]
    stale = sorted(explained.keys() - {mutant.name for mutant in equivalent if mutant not in killed})
    seen = len(killed) + len(open_)
    score = len(killed) / seen if seen else 0.0
    by = collections.Counter(tried[mutant].output for mutant in killed)
    figures = (
        f"Of {len(changes)} changes {len(changes) - seen - len(equivalent)} make the same program (they are in an "
        f"annotation) or none. {len(equivalent)} cannot be seen from outside; each was tried when it was explained, "
        f"and is tried again only when it is asked for. Of the other {seen} the suite killed {len(killed)}, "
        f"{len(open_)} it let pass. Score: **{score:.1%}**. The last part of the run took {seconds / 60:.0f} minutes "
        f"on {os.cpu_count()} cores."
    )
    lines = [
        "# Mutation of the reference",
        "",
        *_wrapped(WHAT_IT_IS),
        "",
        *_wrapped(figures),
        "",
        "## What killed how many",
        "",
        "| requirement | mutants |",
        "| --- | --- |",
        *(f"| {name} | {count} |" for name, count in by.most_common()),
        "",
        "## Survivors that can be seen",
        "",
        *([f"- {mutant.name} (line {mutant.line})" for mutant in open_] or ["None."]),
        "",
        "## Changes that cannot be seen from outside",
        "",
        f"Each is named in [{EXPLAINED.name}](../{EXPLAINED.relative_to(ROOT)}).",
        "",
        "| why | changes |",
        "| --- | --- |",
        *_by_reason(equivalent, explained),
        "",
        "## Explained, and killed or not there any more",
        "",
        *([f"- {name}" for name in stale] or ["None."]),
    ]
    return "\n".join(lines) + "\n", score >= GOAL and not stale


def _by_reason(equivalent: Iterable[Mutant], explained: Mapping[str, str]) -> Iterator[str]:
    counts = collections.Counter(explained[mutant.name] for mutant in equivalent)
    return (f"| {why} | {count} |" for why, count in sorted(counts.items()))


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, break_on_hyphens=False)


def main() -> int:
    """Go on with the session, write the page; 1 if the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--session", type=Path, default=Path(tempfile.gettempdir()) / "taillog-mutation.sqlite")
    parser.add_argument("--fresh", action="store_true", help="forget what the session holds")
    parser.add_argument("--all", action="store_true", help="try the changes too that cannot be seen from outside")
    options = parser.parse_args()
    fresh = options.fresh or not options.session.exists()
    began = time.monotonic()
    with use_db(str(options.session), WorkDB.Mode.create if fresh else WorkDB.Mode.open) as db:
        if fresh:
            init(sorted(SOURCE.glob("*.py")), db, {})
        changes = list(mutants(db))
        with tempfile.TemporaryDirectory() as folder:
            try_all(changes, db, Path(folder), known=() if options.all else explanations())
        text, reached = page(changes, db, time.monotonic() - began)
    PAGE.write_text(text, encoding="utf-8")
    print(text)
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
