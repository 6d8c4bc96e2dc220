"""Reports of the shards of one run, joined into one report; those that do not belong together are refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ..contract import Contract, UnknownRequirement
from ..outcomes import UsageProblem
from ..reading import read_json
from .model import SCHEMA, CheckResult, Report, Shards, Status, kit_version
from .shape import mismatch

WHAT = "JSON report"

BEST_KNOWN_FIRST = (
    Status.FAIL,
    Status.KNOWN_FAILURE,
    Status.PASS,
    Status.NOT_APPLICABLE,
    Status.ERROR,
    Status.BLOCKED,
    Status.NOT_RUN,
)
"""Of two results of one check (a job that ran twice) one that judged counts more than one that could not, and of two
that judged the worse: what failed once is not hidden by another try."""

SEPARATOR = ", "
"""Between what several parts of a run ran on."""

ONE_RUN = ("seed", "kit_version", "contract_version", "target")
"""What the shards of one run have in common."""


@dataclass(frozen=True)
class ShardReport:
    """A report that was read, and the file that it came from."""

    path: Path
    document: Mapping[str, Any]

    @property
    def shards(self) -> Shards:
        """Of which shards it has results."""
        given = self.document["shards"]
        return Shards(given["of"], tuple(given["present"]))


def read_shard(path: Path) -> ShardReport:
    """The report of one shard, or of several that were joined before.

    Raises:
        UsageProblem: it cannot be read, is no report, or not one of a shard; one line.
    """
    document = read_json(path, WHAT)
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise UsageProblem(f"{path} is no report of the schema {SCHEMA}")
    wrong = mismatch(document)
    if wrong is not None:
        raise UsageProblem(f"{path} is no report as the schema {SCHEMA} has it: {wrong}")
    if "shards" not in document:
        raise UsageProblem(f"{path} is not the report of a shard: make it by `taillog check --shard I/N --json FILE`")
    found = ShardReport(path, document)
    if max(found.shards.present) > found.shards.of:
        raise UsageProblem(f"{path} has shard {max(found.shards.present)} of {found.shards.of}, which there is not")
    return found


def merge(parts: Sequence[ShardReport], contract: Contract, planned: Mapping[str, Sequence[str]]) -> Report:
    """One report of all `parts`, of which there is at least one; `planned` are the names of all checks, by requirement.

    It is inconclusive while a shard is missing, unless something failed.

    Raises:
        UsageProblem: they are not of one run, or of another version of the kit or the contract; one line.
    """
    first = parts[0]
    for part in parts:
        _same_run(first, part)
        for what, here in (("kit", kit_version()), ("contract", contract.version)):
            made_with = part.document[f"{what}_version"]
            if made_with != here:
                raise UsageProblem(
                    f"{part.path} was made with {what} version {made_with!r}, and this is {here}: "
                    "merge with the version of the kit that made it"
                )
    present = tuple(sorted({number for part in parts for number in part.shards.present}))
    report = Report(contract, first.document["target"], first.document["seed"], planned)
    report.shards = Shards(first.shards.of, present)
    report.ran_on = _ran_on(part.document["environment"] for part in parts)
    whole = {number for part in parts if not part.document["interrupted"] for number in part.shards.present}
    report.interrupted = not whole.issuperset(present)
    for part in parts:
        for result in _results(part, contract, planned):
            key = (result.requirement, result.name)
            before = report.results.get(key)
            if before is None or _rank(result) < _rank(before):
                report.put(result)
    return report


def _rank(result: CheckResult) -> int:
    return BEST_KNOWN_FIRST.index(result.status)


def _same_run(first: ShardReport, part: ShardReport) -> None:
    for name in ONE_RUN:
        one, other = _comparable(first.document[name]), _comparable(part.document[name])
        if one != other:
            raise UsageProblem(
                f"{first.path} and {part.path} are not of one run: the {name.replace('_', ' ')} of one is "
                f"{one!r}, of the other {other!r}"
            )
    if first.shards.of != part.shards.of:
        raise UsageProblem(
            f"{first.path} and {part.path} are not of one run: one is of {first.shards.of} shards, "
            f"the other of {part.shards.of}"
        )


def _comparable(value: Any) -> Any:
    """A value as it is compared: the order of a target's capabilities says nothing."""
    if isinstance(value, dict):
        return {name: sorted(each) if isinstance(each, list) else each for name, each in sorted(value.items())}
    return value


def _ran_on(environments: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """What the parts ran on: where they differ, all of it."""
    found: dict[str, dict[str, None]] = {}
    for environment in environments:
        for name, value in environment.items():
            found.setdefault(name, {}).update(dict.fromkeys(value.split(SEPARATOR)))
    return {name: SEPARATOR.join(sorted(values)) for name, values in found.items()}


def _results(part: ShardReport, contract: Contract, planned: Mapping[str, Sequence[str]]) -> Iterable[CheckResult]:
    own = {each.name for each in fields(CheckResult)}
    for row in part.document["requirements"]:
        try:
            id = contract.get(row["id"]).id
        except UnknownRequirement as unknown:
            raise UsageProblem(f"{part.path}: {unknown}") from None
        for check in row["checks"]:
            if check["name"] not in planned.get(id, ()):
                raise UsageProblem(
                    f"{part.path} has a result of {check['name']!r}, which is no check of {id} in this kit: "
                    "merge with the version of the kit that made it"
                )
            values = {name: value for name, value in check.items() if name in own}
            yield CheckResult(**values | {"requirement": id, "status": Status(check["status"])})
