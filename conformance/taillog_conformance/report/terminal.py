"""The report as a person reads it in a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from ..known import signature
from .inert import in_one_line, printable
from .model import CheckResult, Report, RequirementResult, Shards, Status, Verdict
from .wording import counts_line, is_advice, name_of, word_of

STYLES = {
    Status.PASS: "green",
    Status.FAIL: "bold red",
    Status.KNOWN_FAILURE: "yellow",
    Status.NOT_APPLICABLE: "dim",
    Status.BLOCKED: "yellow",
    Status.ERROR: "bold magenta",
    Status.NOT_RUN: "yellow",
}
ADVICE_STYLE = "yellow"

VERDICT_STYLE = {
    Verdict.CONFORMANT: "bold green",
    Verdict.NONCONFORMANT: "bold red",
    Verdict.INCONCLUSIVE: "bold yellow",
}


def show(report: Report, console: Console, *, selected: frozenset[str] | None = None) -> None:
    """Print areas, requirements, what failed and why, and the verdict.

    `selected` are the ids that the run was asked for; the others are left out of the rows.
    """
    rows = [row for row in report.requirements() if selected is None or row.requirement.id in selected]
    blocked = sum(row.status is Status.BLOCKED for row in rows)
    shown = [row for row in rows if row.status is not Status.BLOCKED] if blocked else rows
    for area, group in groupby(shown, key=lambda row: row.requirement.area):
        console.print(Text(f"\n{area}  {report.contract.areas[area]}", style="bold"))
        for row in group:
            console.print(_row(row), soft_wrap=True)
    _show_messages(rows, console)
    if blocked:
        are = f"{blocked} requirements are" if blocked > 1 else "1 requirement is"
        console.print(Text(f"\n{are} blocked: nothing more can be said of a tailer that fails this."), soft_wrap=True)
    for note, count in report.notes().items():
        console.print(
            Text(f"\nnoted: {in_one_line(note)} (in {count} check{'s' if count > 1 else ''})"), soft_wrap=True
        )
    console.print()
    style = VERDICT_STYLE[report.verdict()]
    console.print(Text.assemble((str(report.verdict()).upper(), style), "  ", name_of(report)), soft_wrap=True)
    console.print(Text(f"  {counts_line(report)}"), soft_wrap=True)
    console.print(Text(f"  contract {report.contract.version}, seed {report.seed}"), soft_wrap=True)
    if report.shards is not None:
        console.print(Text(f"  {_shards_line(report.shards)}"), soft_wrap=True)
    if report.interrupted:
        console.print(Text("  the run was interrupted: what is not run above was still to come", style="yellow"))


def _shards_line(shards: Shards) -> str:
    present = ", ".join(map(str, shards.present))
    if not shards.missing:
        return f"all {shards.of} shards"
    missing = ", ".join(map(str, shards.missing))
    return f"shard {present} of {shards.of}; without {missing} there is no verdict: taillog merge joins their reports"


def _row(row: RequirementResult) -> Text:
    word, style = word_of(row), ADVICE_STYLE if is_advice(row) else STYLES[row.status]
    seconds = sum(check.seconds for check in row.checks)
    text = Text.assemble(
        "  ", (f"{word:<8}", style), f"{row.requirement.id:<7}", f"{row.requirement.level:<7}", row.requirement.title
    )
    if row.status in (Status.PASS, Status.FAIL):
        text.append(f"  {seconds:.2f} s", "dim")
    elif row.message:
        first, _, _ = row.message.partition("\n")
        text.append(f"  {in_one_line(first)}", "dim")
    return text


def _show_messages(rows: list[RequirementResult], console: Console) -> None:
    shown = [row for row in rows if row.status in (Status.FAIL, Status.ERROR)]
    told: dict[tuple[str, str], RequirementResult] = {}
    for row in shown:
        failed = [check for check in row.checks if check.status is row.status]
        console.rule(escape(f"{row.requirement.id} {row.requirement.title}"), align="left")
        before = told.setdefault(cause, row) if (cause := _what_raised(failed[0])) else row
        console.print(Text(printable(failed[0].message if before is row else _as(before, failed[0]))), soft_wrap=True)
        if len(failed) > 1:
            others = ", ".join(check.name for check in failed[1:])
            console.print(Text(f"\n  also in:  {others}"), soft_wrap=True)
    if why := blocked_because(rows):
        console.print(Text(f"\nblocked: {why}", style="bold red"), soft_wrap=True)


def _what_raised(check: CheckResult) -> tuple[str, str] | None:
    """What a call of the tailer raised, and where, without what varies from run to run; None of other failures."""
    if check.failure is None or " raised " not in check.failure["why"]:
        return None
    return signature(check.failure["why"]), signature(check.failure["got"])


def _as(row: RequirementResult, check: CheckResult) -> str:
    """What is told of a failure whose exception was told of another requirement: that one, and how to repeat this."""
    assert check.failure is not None
    why, repeat = check.failure["why"], check.failure["repeat"]
    return f"  what:     as {row.requirement.id}: {why}, at the same place\n  repeat:   {repeat}"


def blocked_because(rows: Iterable[RequirementResult]) -> str:
    """Why nothing could be judged, where no failure tells it; else ''."""
    blocked = [row for row in rows if row.status is Status.BLOCKED]
    return printable(blocked[0].message) if blocked and not any(row.status is Status.FAIL for row in rows) else ""
