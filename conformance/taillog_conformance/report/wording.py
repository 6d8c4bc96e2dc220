"""The words of a report that every view shares: its counts, its verdict, and what a row is called."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..contract import Level
from .inert import in_one_line
from .model import CheckResult, Report, RequirementResult, Status, Verdict

WORDS = {
    Status.PASS: "pass",
    Status.FAIL: "FAIL",
    Status.KNOWN_FAILURE: "known",
    Status.NOT_APPLICABLE: "n/a",
    Status.BLOCKED: "blocked",
    Status.ERROR: "ERROR",
    Status.NOT_RUN: "not run",
}
ADVICE = "advice"
"""A failed SHOULD: shown, and no part of the verdict."""


def counts(report: Report) -> tuple[tuple[int, str], ...]:
    """Each count of the summary beside `required` and `ran`, with its word; those of nothing too."""
    s = report.summary()
    return (
        (s.passed, "passed"),
        (s.failed, "failed"),
        (s.excused, "excused"),
        (s.blocked, "blocked"),
        (s.errors, "in error"),
        (s.not_run, "not run"),
        (s.not_applicable, "not applicable"),
        (s.advice, "advice"),
    )


def counts_line(report: Report) -> str:
    """The denominator of the verdict, in words."""
    s = report.summary()
    parts = [f"{count} {word}" for count, word in counts(report) if count or word == "passed"]
    return ", ".join([f"{s.ran} of {s.required} required ran", *parts])


def name_of(report: Report) -> str:
    """What the target is called, in one line."""
    return in_one_line(str(report.target.get("name", "the tailer")))


def verdict_line(report: Report) -> str:
    """The verdict with its denominator, in one line."""
    return f"{name_of(report)}: {report.verdict()} with contract {report.contract.version} ({counts_line(report)})"


def is_advice(row: RequirementResult) -> bool:
    """Whether it failed and is no MUST."""
    return row.status is Status.FAIL and row.requirement.level is not Level.MUST


def word_of(row: RequirementResult) -> str:
    """What a row is called."""
    return ADVICE if is_advice(row) else WORDS[row.status]


@dataclass(frozen=True)
class Groups:
    """The requirements that a reader has to look at, by what is to be done about them."""

    failed: tuple[RequirementResult, ...]
    advice: tuple[RequirementResult, ...]
    unjudged: tuple[RequirementResult, ...]
    """Those that could not be judged: an error, blocked, or not run though the level is MUST."""


def groups(rows: Iterable[RequirementResult]) -> Groups:
    """`rows` by what is to be done about them; the others need nothing."""
    rows = tuple(rows)
    return Groups(
        failed=tuple(row for row in rows if row.status is Status.FAIL and not is_advice(row)),
        advice=tuple(row for row in rows if is_advice(row)),
        unjudged=tuple(row for row in rows if cannot_tell(row)),
    )


def cannot_tell(row: RequirementResult) -> bool:
    """Whether the verdict lacks this row: it is a MUST, and no check of it could judge."""
    return row.requirement.level is Level.MUST and row.status in (Status.ERROR, Status.BLOCKED, Status.NOT_RUN)


def deciding(row: RequirementResult) -> tuple[CheckResult, ...]:
    """The checks of a row that made its status."""
    return tuple(check for check in row.checks if check.status is row.status)


COLOURS = {Verdict.CONFORMANT: "brightgreen", Verdict.NONCONFORMANT: "red", Verdict.INCONCLUSIVE: "yellow"}
"""Of a badge, in the names that shields.io knows."""
