"""The report as a person reads it in a terminal."""

from __future__ import annotations

from itertools import groupby

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from ..contract import Level
from .inert import in_one_line, printable
from .model import Report, RequirementResult, Shards, Status, Verdict

MARKS = {
    Status.PASS: ("pass", "green"),
    Status.FAIL: ("FAIL", "bold red"),
    Status.KNOWN_FAILURE: ("known", "yellow"),
    Status.NOT_APPLICABLE: ("n/a", "dim"),
    Status.BLOCKED: ("blocked", "yellow"),
    Status.ERROR: ("ERROR", "bold magenta"),
    Status.NOT_RUN: ("not run", "yellow"),
}
ADVICE = ("advice", "yellow")
"""A failed SHOULD: shown, and no part of the verdict."""

VERDICT_STYLE = {
    Verdict.CONFORMANT: "bold green",
    Verdict.NONCONFORMANT: "bold red",
    Verdict.INCONCLUSIVE: "bold yellow",
}


def counts_line(report: Report) -> str:
    """The denominator of the verdict, in words."""
    s = report.summary()
    parts = [f"{s.ran} of {s.required} required ran", f"{s.passed} passed"]
    for count, word in (
        (s.failed, "failed"),
        (s.excused, "excused"),
        (s.blocked, "blocked"),
        (s.errors, "in error"),
        (s.not_run, "not run"),
        (s.not_applicable, "not applicable"),
        (s.advice, "advice"),
    ):
        if count:
            parts.append(f"{count} {word}")
    return ", ".join(parts)


def verdict_line(report: Report) -> str:
    """The verdict with its denominator, in one line."""
    return f"{_name(report)}: {report.verdict()} with contract {report.contract.version} ({counts_line(report)})"


def _name(report: Report) -> str:
    return in_one_line(str(report.target.get("name", "the tailer")))


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
        console.print(
            Text(f"\n{blocked} requirements are blocked: nothing more can be said of a tailer that fails this."),
            soft_wrap=True,
        )
    for note, count in report.notes().items():
        console.print(Text(f"\nnoted: {note} (in {count} check{'s' if count > 1 else ''})"), soft_wrap=True)
    console.print()
    style = VERDICT_STYLE[report.verdict()]
    console.print(Text.assemble((str(report.verdict()).upper(), style), "  ", _name(report)), soft_wrap=True)
    console.print(Text(f"  {counts_line(report)}"), soft_wrap=True)
    console.print(Text(f"  contract {report.contract.version}, seed {report.seed}"), soft_wrap=True)
    if report.shards is not None:
        console.print(Text(f"  {_shards_line(report.shards)}"), soft_wrap=True)
    if report.interrupted:
        console.print(Text("  the run was interrupted: what was not run is missing above", style="yellow"))


def _shards_line(shards: Shards) -> str:
    present = ", ".join(map(str, shards.present))
    if not shards.missing:
        return f"all {shards.of} shards"
    missing = ", ".join(map(str, shards.missing))
    return f"shard {present} of {shards.of}; without {missing} there is no verdict: taillog merge joins their reports"


def _row(row: RequirementResult) -> Text:
    word, style = MARKS[row.status]
    if row.status is Status.FAIL and row.requirement.level is not Level.MUST:
        word, style = ADVICE
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
    for row in shown:
        failed = [check for check in row.checks if check.status is row.status]
        console.rule(escape(f"{row.requirement.id} {row.requirement.title}"), align="left")
        console.print(Text(printable(failed[0].message)), soft_wrap=True)
        if len(failed) > 1:
            others = ", ".join(check.name for check in failed[1:])
            console.print(Text(f"\n  also in:  {others}"), soft_wrap=True)
    blocked = [row for row in rows if row.status is Status.BLOCKED]
    if blocked and not any(row.status is Status.FAIL for row in rows):
        console.print(Text(f"\nblocked: {printable(blocked[0].message)}", style="bold red"), soft_wrap=True)
