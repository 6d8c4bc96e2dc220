"""The result model: what each check came to, each requirement by its checks, and the verdict by its requirements."""

from __future__ import annotations

import functools
import json
import platform
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from importlib import metadata
from typing import Any

from ..contract import Contract, Level, Requirement

SCHEMA = "taillog-report-1"
DISTRIBUTION = "taillog-conformance"

KEPT_EVENTS = 200
"""Events of a failed check's timeline that a report keeps at each end: its head and its tail tell the story."""


class Status(StrEnum):
    """What became of a check, or of a requirement."""

    PASS = "pass"
    FAIL = "fail"
    KNOWN_FAILURE = "known-failure"
    NOT_APPLICABLE = "not-applicable"
    BLOCKED = "blocked"
    ERROR = "error"
    NOT_RUN = "not-run"


class Verdict(StrEnum):
    """What a run says of its target."""

    CONFORMANT = "conformant"
    NONCONFORMANT = "nonconformant"
    INCONCLUSIVE = "inconclusive"


WORST_FIRST = (Status.FAIL, Status.ERROR, Status.BLOCKED, Status.NOT_RUN, Status.KNOWN_FAILURE, Status.PASS)
"""A requirement is what the worst of its checks is; what is not applicable does not count beside others."""


@dataclass(frozen=True)
class CheckResult:
    """One check: its name, the requirement it is about, what it came to, and what a failure shows."""

    name: str
    requirement: str
    status: Status
    seconds: float = 0.0
    message: str = ""
    timeline: Sequence[Mapping[str, Any]] = ()
    failure: Mapping[str, Any] | None = None
    """The parts of a failure's message as plain data (report.failure); None where the tailer did not fail."""
    signature: str = ""
    """By what a failure is known again; see known.py."""

    def as_json(self) -> dict[str, Any]:
        """The check as the report holds it."""
        row = {
            **({"signature": self.signature} if self.signature else {}),
            "name": self.name,
            "status": str(self.status),
            "seconds": round(self.seconds, 4),
            "message": self.message,
            "timeline": list(self.timeline),
        }
        return row if self.failure is None else row | {"failure": dict(self.failure)}


@dataclass(frozen=True)
class RequirementResult:
    """One requirement with its checks."""

    requirement: Requirement
    checks: tuple[CheckResult, ...]

    @cached_property
    def status(self) -> Status:
        found = {check.status for check in self.checks}
        for status in WORST_FIRST:
            if status in found:
                return status
        return Status.NOT_APPLICABLE if found else Status.NOT_RUN

    @property
    def message(self) -> str:
        """The first message of a check that decided the status."""
        return next((check.message for check in self.checks if check.status is self.status and check.message), "")

    def as_json(self) -> dict[str, Any]:
        """The requirement as the report holds it."""
        return self._json

    @cached_property
    def as_text(self) -> str:
        """as_json() as one line of JSON."""
        return json.dumps(self._json)

    @cached_property
    def _json(self) -> dict[str, Any]:
        return {
            "id": self.requirement.id,
            "level": str(self.requirement.level),
            "area": self.requirement.area,
            "title": self.requirement.title,
            "status": str(self.status),
            "checks": [check.as_json() for check in self.checks],
        }


@dataclass(frozen=True)
class Summary:
    """The denominator of a verdict: counts of MUST requirements, and the advice that failed SHOULDs are."""

    required: int
    ran: int
    passed: int
    failed: int
    excused: int
    not_applicable: int
    blocked: int
    errors: int
    not_run: int
    advice: int

    def as_json(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True)
class Shards:
    """Of which of the `of` shards of the suite a report has the results; their numbers count from 1."""

    of: int
    present: tuple[int, ...]

    @property
    def missing(self) -> tuple[int, ...]:
        """The numbers of the others."""
        return tuple(number for number in range(1, self.of + 1) if number not in self.present)

    def as_json(self) -> dict[str, Any]:
        """The shards as the report holds them."""
        return {"of": self.of, "present": list(self.present)}


@dataclass
class Report:
    """All that is known of one run against one target; every view is made from it."""

    contract: Contract
    target: Mapping[str, Any]
    seed: int
    planned: Mapping[str, Sequence[str]]
    """The names of the checks that each requirement has, by id."""
    results: dict[tuple[str, str], CheckResult] = field(default_factory=dict)
    interrupted: bool = False
    shards: Shards | None = None
    """Set where the suite was run in parts."""
    ran_on: Mapping[str, str] = field(default_factory=lambda: environment())
    """What it ran on; where parts of the run were joined, on all of that."""
    _rows: dict[str, RequirementResult] = field(default_factory=dict, init=False, repr=False, compare=False)
    _summary: Summary | None = field(default=None, init=False, repr=False, compare=False)

    def add(self, result: CheckResult) -> None:
        """Take a result; one that is worse replaces another of the same check (its teardown may fail too)."""
        key = (result.requirement, result.name)
        before = self.results.get(key)
        if before is None or WORST_FIRST.index(_rank(result)) < WORST_FIRST.index(_rank(before)):
            self.put(result)

    def put(self, result: CheckResult) -> None:
        """Take a result, whatever there is of the same check."""
        self.results[result.requirement, result.name] = result
        self._rows.pop(result.requirement, None)
        self._summary = None

    def requirements(self) -> tuple[RequirementResult, ...]:
        """Every requirement of the contract that has checks, in its order; checks without a result are not-run."""
        rows = []
        for requirement in self.contract.requirements:
            if requirement.id not in self._rows:  # a report is written at each result, of which it is one row's
                checks = tuple(
                    self.results.get((requirement.id, name))
                    or CheckResult(name, requirement.id, Status.NOT_RUN, message="it was not run")
                    for name in self.planned.get(requirement.id, ())
                )
                self._rows[requirement.id] = RequirementResult(requirement, checks)
            row = self._rows[requirement.id]
            if row.checks or requirement.untested is None:
                rows.append(row)
        return tuple(rows)

    def summary(self) -> Summary:
        """The counts behind the verdict."""
        if self._summary is None:
            self._summary = self._counted()
        return self._summary

    def _counted(self) -> Summary:
        rows = self.requirements()
        must = [row.status for row in rows if row.requirement.level is Level.MUST]
        not_applicable = must.count(Status.NOT_APPLICABLE)
        passed, failed = must.count(Status.PASS), must.count(Status.FAIL)
        excused = must.count(Status.KNOWN_FAILURE)
        return Summary(
            required=len(must) - not_applicable,
            ran=passed + failed + excused,
            passed=passed,
            failed=failed,
            excused=excused,
            not_applicable=not_applicable,
            blocked=must.count(Status.BLOCKED),
            errors=must.count(Status.ERROR),
            not_run=must.count(Status.NOT_RUN),
            advice=sum(row.requirement.level is not Level.MUST and row.status is Status.FAIL for row in rows),
        )

    def notes(self) -> dict[str, int]:
        """What checks that passed have to say all the same, and how many of them say it."""
        return Counter(each.message for each in self.results.values() if each.status is Status.PASS and each.message)

    def unjudged(self) -> list[CheckResult]:
        """Checks of MUST requirements that were begun and could not judge."""
        return [
            result
            for result in self.results.values()
            if result.status in (Status.BLOCKED, Status.ERROR, Status.NOT_RUN)
            and self.contract.get(result.requirement).level is Level.MUST
        ]

    def verdict(self) -> Verdict:
        """Nonconformant if a MUST failed; else conformant only if every one that applies ran; else inconclusive."""
        summary = self.summary()
        if summary.failed:
            return Verdict.NONCONFORMANT
        if self.interrupted or not summary.required or summary.ran < summary.required:
            return Verdict.INCONCLUSIVE
        if self.shards is not None and self.shards.missing:
            return Verdict.INCONCLUSIVE
        return Verdict.CONFORMANT

    def as_json(self) -> dict[str, Any]:
        """The whole report as plain data, in the published schema."""
        return self._head() | {"requirements": [row.as_json() for row in self.requirements()]}

    def as_text(self) -> str:
        """as_json() as one line of JSON; of a result that came since the last time only its own row is made anew."""
        rows = ", ".join(row.as_text for row in self.requirements())
        return f'{json.dumps(self._head())[:-1]}, "requirements": [{rows}]}}'

    def _head(self) -> dict[str, Any]:
        document = {
            "schema": SCHEMA,
            "kit_version": kit_version(),
            "contract_version": self.contract.version,
            "seed": self.seed,
            "target": dict(self.target),
            "environment": dict(self.ran_on),
            "summary": self.summary().as_json(),
            "verdict": str(self.verdict()),
            "interrupted": self.interrupted,
        }
        return document if self.shards is None else document | {"shards": self.shards.as_json()}


def _rank(result: CheckResult) -> Status:
    return Status.PASS if result.status is Status.NOT_APPLICABLE else result.status


@functools.cache  # it is looked up in all that is installed, and written at each result
def kit_version() -> str:
    """The version of the kit that runs."""
    return metadata.version(DISTRIBUTION)


def environment() -> dict[str, str]:
    """What the run ran on."""
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "platform": platform.platform(),
        "pytest": metadata.version("pytest"),
    }


def kept(timeline: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The part of a timeline that a report keeps."""
    rows = list(timeline)
    if len(rows) <= 2 * KEPT_EVENTS:
        return rows
    gap = {"at": rows[KEPT_EVENTS]["at"], "lane": "check", "what": f"{len(rows) - 2 * KEPT_EVENTS} events left out"}
    return [*rows[:KEPT_EVENTS], gap, *rows[-KEPT_EVENTS:]]
