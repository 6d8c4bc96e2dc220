"""Markdown for the summary of a CI job: the verdict, its numbers, what failed and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .inert import in_code_block, in_code_span, in_html, in_markdown
from .model import Report, RequirementResult, Verdict
from .wording import Groups, counts, deciding, groups, name_of, word_of

MARKS = {Verdict.CONFORMANT: "\N{WHITE HEAVY CHECK MARK}", Verdict.NONCONFORMANT: "\N{CROSS MARK}"}
DOUBTFUL = "\N{WARNING SIGN}\N{VARIATION SELECTOR-16}"
"""What stands before an inconclusive verdict."""


def render(report: Report) -> str:
    """The summary."""
    s = report.summary()
    verdict = report.verdict()
    found = groups(report.requirements())
    parts = [
        f"## {MARKS.get(verdict, DOUBTFUL)} {in_code_span(name_of(report))}: {verdict}",
        f"{s.ran} of {s.required} required checks of contract {report.contract.version} ran.",
        _table(
            ["required", "ran", *(word for _, word in counts(report))],
            [[str(s.required), str(s.ran), *(str(count) for count, _ in counts(report))]],
        ),
        *_section("What failed", found.failed),
        *_section("Advice (SHOULD, no part of the verdict)", found.advice),
        *_unjudged(report, found),
        f"Seed {report.seed}; capabilities: {_capabilities(report)}.",
    ]
    return "\n\n".join(parts) + "\n"


def _section(title: str, rows: Sequence[RequirementResult]) -> list[str]:
    if not rows:
        return []
    parts = [f"### {title}", _rows(rows)]
    for row in rows:
        head = f"<summary>{row.requirement.id} {in_html(row.requirement.title)}</summary>"
        messages = [in_code_block(check.message) for check in deciding(row)[:1]]
        parts += ["\n\n".join([f"<details>{head}", *messages, "</details>"])]
    return parts


def _unjudged(report: Report, found: Groups) -> list[str]:
    if not found.unjudged:
        return []
    reasons: dict[tuple[str, str], int] = {}
    for row in found.unjudged:
        key = (word_of(row), row.message.partition("\n")[0])
        reasons[key] = reasons.get(key, 0) + 1
    rows = [[str(count), word, in_code_span(reason)] for (word, reason), count in reasons.items()]
    return ["### What could not be judged", _table(["requirements", "status", "reason"], rows)]


def _rows(rows: Iterable[RequirementResult]) -> str:
    return _table(
        ["", "level", "what has to hold"],
        [[row.requirement.id, str(row.requirement.level), in_markdown(row.requirement.title)] for row in rows],
    )


def _capabilities(report: Report) -> str:
    return ", ".join(in_code_span(str(name)) for name in report.target.get("capabilities", ())) or "none"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows))
