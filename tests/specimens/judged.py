"""The suite run on specimens, and what came of it held against what each specimen states."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator, Iterable
from pathlib import Path

from taillog_conformance.contract import Level
from taillog_fixtures.specimens import ANYTHING, Specimen

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "stress"))

from many import Job, Outcome, run_all

AT_ONCE = 16
"""Runs at a time: most of each is waiting, and sixteen keep two cores busy."""

SEED = 1
"""The seed of a run whose messages are held word for word; the verdicts are the same with any."""

GAP = " ... "
"""In the words that a message has to contain: here anything may stand, as a number or a text of the seed."""


class Outcomes:
    """The outcomes of runs that go on while the first of them are looked at."""

    def __init__(self, coming: Generator[Outcome, None, None]) -> None:
        self._coming = coming
        self._come: dict[str, Outcome] = {}
        self._began = time.monotonic()
        self.seconds = 0.0
        """From the beginning to the last outcome so far."""

    def of(self, each: Specimen) -> Outcome:
        """What came of the specimen's run, which is waited for.

        Raises:
            LookupError: it is none of those that are run.
        """
        while each.target not in self._come:
            outcome = next(self._coming, None)
            if outcome is None:
                raise LookupError(f"the suite was not run on {each.name}")
            self._come[outcome.job.target] = outcome
            self.seconds = time.monotonic() - self._began
        return self._come[each.target]

    def end(self) -> None:
        """End what still runs."""
        self._coming.close()


def run(
    specimens: Iterable[Specimen], seed: int = SEED, at_once: int = AT_ONCE, *, only_what_must_fail: bool = False
) -> Generator[Outcome, None, None]:
    """Run the suite on each of `specimens`, or of the suite what must fail on it; each outcome as it comes.

    Those on which nearly everything fails take the longest, minutes, then those that deliver late: they begin first.
    """
    in_order = sorted(specimens, key=lambda each: (ANYTHING not in each.may_fail, ".lat:" not in each.target))
    return run_all(
        [Job(each.target, seed, each.capabilities, each.must_fail if only_what_must_fail else ()) for each in in_order],
        at_once,
    )


def mistakes(each: Specimen, outcome: Outcome) -> list[str]:
    """What the specimen states and the run does not show, or the other way round; empty where it was caught for what
    it is.
    """
    if not outcome.report:
        return [f"its run left no report; it said: {outcome.said}"]
    if outcome.report["summary"]["not_run"] and not outcome.job.only:
        return [f"{outcome.report['summary']['not_run']} MUST were not run: {outcome.said}"]
    failed = outcome.failed(*Level)
    found = [f"{id} did not fail" for id in each.must_fail if id not in failed]
    if ANYTHING not in each.may_fail:
        others = [id for id in failed if id not in each.must_fail and id not in each.may_fail]
        found += [f"{id} failed too: {shown(outcome, id)}" for id in others]
    for id, words in each.says.items():
        if id in failed and not any(contains(told(message), words) for message in outcome.messages(id)):
            found.append(f"{id} failed, and does not say {words!r}: {shown(outcome, id)}")
    return found


def shown(outcome: Outcome, id: str) -> str:
    """What the messages of a requirement told, or why its checks could not judge."""
    messages = [told(message) for message in outcome.messages(id)]
    rows = [row for row in outcome.report["requirements"] if row["id"] == id]
    return " | ".join(messages) or str([check["message"] for row in rows for check in row["checks"]])


def told(message: str) -> str:
    """The part of a failure message that tells this failure: what, expected and got, with every run of white space
    folded. The rest is the contract's words and the timeline.
    """
    _, _, rest = message.partition("\n  what:")
    return " ".join(rest.partition("\n\n")[0].split())


def contains(text: str, words: str) -> bool:
    """Whether the parts of `words`, which GAP separates, stand in `text` one after the other."""
    at = 0
    for part in words.split(GAP):
        at = text.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return True
