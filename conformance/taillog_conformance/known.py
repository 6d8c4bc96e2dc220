"""Known failures: a file that excuses what a tailer is known to break, each with a reason, and nothing else.

A failure is excused where its requirement stands in the file with its signature. One that is not known, one with
another signature, and a known one that passes are failures. What the seed or a race chooses has no signature that
lasts: see BY_CHANCE.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .contract import Level, UnknownRequirement, load_contract
from .outcomes import UsageProblem
from .reading import parse_toml, read_toml_text
from .report.model import CheckResult, Report, RequirementResult, Status
from .report.views import KNOWN_FAILURES

EXTENDS = "extends"
BY_CHANCE = frozenset(
    {
        "test_frm_10_the_cut_of_the_writes_does_not_matter",
        "test_pfx_6_any_prefix_stands_on_each_line",
        "test_flt_1_any_choice_of_lines_is_delivered",
        "test_del_1_a_stop_in_the_midst_of_a_backlog_loses_nothing",  # the seed says whether a block ends in a line
        "test_del_4_any_sequence_keeps_the_order",
        "test_trn_4_any_sequence_with_truncations",
        "test_rot_6_any_sequence_with_rotations",
        "test_con_2_no_line_stands_inside_another",
        "test_con_3_a_pipe_carries_exactly_the_lines_written",
        "test_con_3_a_buffered_file_holds_exactly_the_lines_written",
        "test_con_4_no_race_of_two_stops_ends_before_the_drain",
        "test_rot_1_late_lines_are_not_lost_to_a_race",
    }
)
"""Checks whose steps the seed chooses, or whose end a race: one defect fails each of them in several ways, and in some
runs in none. So any failure of theirs is excused where their requirement is known to fail."""

FIELDS = frozenset({"reason", "issue", "signatures", "by_luck"})


@dataclass(frozen=True)
class Known:
    """One known failure of a requirement.

    `signatures` are those of its checks' failures, in any number and order. One that is `by_luck` may pass as well.
    """

    id: str
    reason: str
    signatures: tuple[str, ...]
    issue: str = ""
    by_luck: bool = False
    file: str = field(default="", compare=False)

    @property
    def why(self) -> str:
        """The reason and the thread, in a line."""
        return f"{self.reason} ({self.issue})" if self.issue else self.reason


def signature(why: str) -> str:
    """By what a failure is known again: its words, without what varies from run to run."""
    why = why.partition("; the tailer's thread had been held at")[0].partition(" (seen once")[0]
    while (shorter := re.sub(r"\([^()]*\)", "", why)) != why:  # from the innermost outwards
        why = shorter
    why = re.sub(r"(?<!\w)'[^']*'(?!\w)", "'...'", why)
    why = why.replace("'...' ... '...'", "'...'")  # the two ends of one that was shortened
    why = re.sub(r"\d+(?:[.,]\d+)*", "N", why)
    return " ".join(re.sub(r"\bN lines?\b", "N lines", why).split())


def load(path: Path, inside: tuple[Path, ...] = ()) -> dict[str, Known]:
    """The known failures of a file, and of those it extends, by id; what the file says itself wins.

    Raises:
        UsageProblem: it cannot be read, extends itself, or is not of this form; the message is one line.
    """
    path = path.resolve()
    where = f"the {KNOWN_FAILURES} {path}"
    if path in inside:
        raise UsageProblem(f"{where} extends itself")
    document = parse_toml(read_toml_text(path, KNOWN_FAILURES), where)
    extended = document.pop(EXTENDS, [])
    if isinstance(extended, str):
        extended = [extended]
    if not isinstance(extended, list) or not all(isinstance(each, str) for each in extended):
        raise UsageProblem(f"{where}: {EXTENDS} is the path of another file, or a list of them")
    found: dict[str, Known] = {}
    for other in extended:
        found |= load(path.parent / other, (*inside, path))
    for id, entry in document.items():
        known = _known(id, entry, where, str(path))
        found[known.id] = known
    return found


def _known(id: str, entry: object, where: str, file: str) -> Known:
    try:
        id = load_contract().get(id).id
    except UnknownRequirement as problem:
        raise UsageProblem(f"{where}: {problem}") from None
    where = f"{where}, {id}"
    if not isinstance(entry, dict):
        raise UsageProblem(f"{where}: a known failure is a table with reason and signatures, not {entry!r}")
    for name in sorted(set(entry) - FIELDS):
        raise UsageProblem(f"{where}: unknown field {name!r}; there are {', '.join(sorted(FIELDS))}")
    reason, issue = entry.get("reason"), entry.get("issue", "")
    if not isinstance(reason, str) or not reason.strip():
        raise UsageProblem(f"{where}: it needs a reason")
    if not isinstance(issue, str) or (issue and not re.fullmatch(r"https?://\S+", issue)):
        raise UsageProblem(f"{where}: the issue is a link, not {issue!r}")
    signatures = entry.get("signatures")
    if not isinstance(signatures, list) or not signatures or not all(isinstance(each, str) for each in signatures):
        raise UsageProblem(f"{where}: it needs signatures, a list of texts; --write-known-failures writes them")
    by_luck = entry.get("by_luck", False)
    if not isinstance(by_luck, bool):
        raise UsageProblem(f"{where}: by_luck is true or false, not {by_luck!r}")
    return Known(id, reason, tuple(map(signature, signatures)), issue, by_luck, file)


# What a run comes to by them.


def apply(known: Mapping[str, Known], report: Report, selected: Collection[str] | None = None) -> None:
    """Turn the known failures of `report` into excused ones, and what is wrong with the file into failures.

    `selected` are the ids that the run was asked for; entries of others say nothing of it. An interrupted run may have
    left out what would have failed.
    """
    for row in report.requirements():
        entry = known.get(row.requirement.id)
        if entry is None or (selected is not None and entry.id not in selected):
            continue
        failed = [check for check in row.checks if check.status is Status.FAIL]
        for check in failed:
            report.put(_excused(check, entry))
        if not failed and not entry.by_luck and not report.interrupted:
            _unexpected(report, row.checks, row.status, entry)


def _excused(check: CheckResult, entry: Known) -> CheckResult:
    if check.signature in entry.signatures or _is_by_chance(check):
        message = f"known failure: {entry.why}\n\n{check.message}"
        return replace(check, status=Status.KNOWN_FAILURE, message=message)
    message = (
        f"it does not fail as it is known to.\n  known:  {'; '.join(entry.signatures)}\n  now:    {check.signature}\n"
        f"  file:   {entry.file}\n\n{check.message}"
    )
    return replace(check, message=message)


def _is_by_chance(check: CheckResult) -> bool:
    return check.name in BY_CHANCE


def _unexpected(report: Report, checks: Collection[CheckResult], status: Status, entry: Known) -> None:
    """Fail the first check of a requirement that is known to fail and does not."""
    how = {Status.PASS: "passes", Status.NOT_APPLICABLE: "is not applicable to this tailer"}.get(status)
    if how is None:
        return  # it was not judged, and the verdict says so
    first = next(iter(checks))
    message = f"{entry.id} {how}, and is listed as a known failure: take it out of {entry.file}\n  listed: {entry.why}"
    report.put(replace(first, status=Status.FAIL, message=message))


# Writing the file.

PASSED_BY_CHANCE = "passes, and may fail with another seed by what else fails here"
"""The reason of an entry for what has not failed yet."""

HEADER = """\
# Known failures of {name}, as `taillog check --known-failures FILE` takes them.
# A signature is how a failure is known again; by_luck = true says that it may pass too.
"""


def dump(report: Report, before: Mapping[str, Known]) -> str:
    """The file that excuses what fails in `report`; reasons, links and luck of `before` are kept."""
    entries = [entry for row in report.requirements() if (entry := _entry(row, before.get(row.requirement.id)))]
    entries += _with_another_seed(report, entries)
    order = list(report.contract.requirements)
    entries.sort(key=lambda entry: order.index(report.contract.get(entry.id)))
    return "\n".join([HEADER.format(name=report.target.get("name", "the tailer")), *map(_toml, entries)])


def _entry(row: RequirementResult, kept: Known | None) -> Known | None:
    """What excuses a requirement that fails, or that has failed by luck; None if nothing has to."""
    broken = [check for check in row.checks if check.status in (Status.FAIL, Status.KNOWN_FAILURE)]
    found = {check.signature for check in broken if check.signature}
    if kept is not None and kept.by_luck:
        found |= set(kept.signatures)
    if not found or (row.requirement.level is not Level.MUST and kept is None):
        return None
    signatures = tuple(sorted(found))
    if kept is not None:
        return replace(kept, signatures=signatures)
    reason = row.requirement.title + ": to be explained"
    return Known(row.requirement.id, reason, signatures, by_luck=all(map(_is_by_chance, broken)))


def _with_another_seed(report: Report, entries: Collection[Known]) -> list[Known]:
    """What excuses the requirements that passed by chance: with another seed they meet what their area fails by."""
    met: dict[str, set[str]] = {}
    for entry in entries:
        met.setdefault(report.contract.get(entry.id).area, set()).update(entry.signatures)
    found = []
    for row in report.requirements():
        of_chance = row.status is Status.PASS and any(map(_is_by_chance, row.checks))
        if of_chance and row.requirement.level is Level.MUST and row.requirement.area in met:
            reason = f"{row.requirement.title}: {PASSED_BY_CHANCE}"
            found.append(Known(row.requirement.id, reason, tuple(sorted(met[row.requirement.area])), by_luck=True))
    return [entry for entry in found if entry.id not in {each.id for each in entries}]


def _toml(entry: Known) -> str:
    fields: dict[str, Any] = {"reason": entry.reason}
    if entry.issue:
        fields["issue"] = entry.issue
    if entry.by_luck:
        fields["by_luck"] = True
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in fields.items()]
    signatures = "".join(f"  {json.dumps(each, ensure_ascii=False)},\n" for each in entry.signatures)
    return "\n".join([f"[{entry.id}]", *lines, f"signatures = [\n{signatures}]", ""])
