"""The HTML report: one file of its own, without a script or anything to fetch, so that it opens anywhere and for long.

Everything that came from a tailer or a user is escaped, and the page's own policy lets nothing run or load besides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from importlib import resources
from itertools import groupby
from typing import Any

from .inert import in_html
from .model import DISTRIBUTION, CheckResult, Report, RequirementResult, kit_version
from .picture import picture
from .wording import counts, counts_line, deciding, groups, name_of, word_of

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""Nothing may be loaded, run or sent; styles stand in the page."""

STYLE = "report.css"


def render(report: Report) -> str:
    """The page."""
    rows = report.requirements()
    found = groups(rows)
    body = [
        _head(report),
        *_failures("What failed", found.failed),
        *_failures("Advice: SHOULD and MAY that failed, no part of the verdict", found.advice),
        *_unjudged(found.unjudged),
        _all(report, rows),
        _about(report),
    ]
    title = in_html(f"{name_of(report)}: {report.verdict()}")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>\n{_style()}</style>\n</head>\n<body>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def _style() -> str:
    return (resources.files(__package__) / STYLE).read_text(encoding="utf-8")


def _head(report: Report) -> str:
    s = report.summary()
    cells = [(s.required, "required"), (s.ran, "ran"), *counts(report)]
    numbers = "".join(
        f'<div class="count" data-count="{in_html(word)}"><b>{count}</b> {in_html(word)}</div>' for count, word in cells
    )
    interrupted = "<p>The run was interrupted: what was not run is missing.</p>" if report.interrupted else ""
    return (
        f"<header>\n<h1><bdi>{in_html(name_of(report))}</bdi></h1>\n"
        f'<p class="verdict {report.verdict()}">{report.verdict()}</p>\n'
        f"<p>{in_html(counts_line(report))}; contract {in_html(report.contract.version)}, seed {report.seed}</p>\n"
        f'{interrupted}<div class="counts">{numbers}</div>\n</header>'
    )


def _failures(title: str, rows: Sequence[RequirementResult]) -> list[str]:
    return [_section(title, [_requirement(row) for row in rows])] if rows else []


def _section(title: str, parts: Iterable[str]) -> str:
    return "<section>\n" + "\n".join([f"<h2>{in_html(title)}</h2>", *parts]) + "\n</section>"


def _requirement(row: RequirementResult) -> str:
    requirement = row.requirement
    seen = "".join(f"<li>{_case(case.what, case.link)}</li>" for case in requirement.seen_in)
    return "\n".join(
        [
            f'<article id="{requirement.id}">',
            f"<h3>{requirement.id} <small>{requirement.level}</small> {in_html(requirement.title)}</h3>",
            f"<p>{_prose(requirement.statement)}</p>",
            *(_check(check) for check in deciding(row)),
            f"<p><b>Look at:</b> {_prose(requirement.if_it_fails)}</p>",
            f"<p><b>Why it matters:</b> {_prose(requirement.rationale)}</p>",
            f"<details><summary>Seen in other tailers</summary><ul>{seen}</ul></details>" if seen else "",
            "</article>",
        ]
    )


def _case(what: str, link: str | None) -> str:
    return f'<a rel="noreferrer" href="{in_html(link)}">{_prose(what)}</a>' if link else _prose(what)


def _prose(text: str) -> str:
    """A text of the contract's: what stands in backticks there is code."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", in_html(text))


def _check(check: CheckResult) -> str:
    failure = check.failure
    if failure is None:
        return f'<div class="check"><h4>{in_html(check.name)}</h4><pre>{in_html(check.message)}</pre></div>'
    fields = [("what", failure["why"]), ("expected", failure["expected"]), ("got", failure["got"])]
    facts = "".join(f"<dt>{name}</dt><dd><pre>{in_html(text)}</pre></dd>" for name, text in fields if text)
    more = [("The timeline", _table(check.timeline, failure["event"]))]
    if failure["scenario"]:
        more.append(("The scenario, for --scenario FILE", f"<pre>{in_html(failure['scenario'])}</pre>"))
    more.append(("The message as text", f"<pre>{in_html(check.message)}</pre>"))
    details = "".join(f"<details><summary>{head}</summary>{body}</details>" for head, body in more)
    return (
        f'<div class="check"><h4>{in_html(check.name)}</h4><dl>{facts}</dl>\n'
        f'<div class="picture">{picture(check.timeline, failure)}</div>\n'
        f"<p>Again: <code>{in_html(failure['repeat'])}</code></p>\n{details}</div>"
    )


def _table(timeline: Sequence[Any], here: int | None) -> str:
    rows = []
    for row in timeline:
        mark = ' class="here"' if here is not None and row.get("n") == here else ""
        cells = (row["lane"], row["what"], row.get("file", ""), row.get("data", ""), row.get("note", ""))
        told = "".join(f"<td>{in_html(str(cell))}</td>" for cell in cells)
        rows.append(f"<tr{mark}><td>{row['at'] * 1000:.1f}</td>{told}</tr>")
    names = ("ms", "lane", "what", "file", "data", "note")
    head = "".join(f"<th>{name}</th>" for name in names)
    return f'<table class="events"><tr>{head}</tr>{"".join(rows)}</table>'


def _unjudged(rows: Sequence[RequirementResult]) -> list[str]:
    if not rows:
        return []
    reasons: dict[str, list[str]] = {}
    for row in rows:
        reasons.setdefault(f"{word_of(row)}: {row.message}", []).append(row.requirement.id)
    parts = [f"<p>{', '.join(ids)}</p><pre>{in_html(reason)}</pre>" for reason, ids in reasons.items()]
    return [_section("What could not be judged", parts)]


def _all(report: Report, rows: Sequence[RequirementResult]) -> str:
    parts = []
    for area, group in groupby(rows, key=lambda row: row.requirement.area):
        lines = "".join(_line(row) for row in group)
        parts.append(f"<h3>{area} {in_html(report.contract.areas[area])}</h3><table class='rows'>{lines}</table>")
    return _section("All requirements", parts)


def _line(row: RequirementResult) -> str:
    requirement = row.requirement
    said = "" if row.message.startswith(requirement.id) else row.message.partition("\n")[0]
    seconds = sum(check.seconds for check in row.checks)
    name = f'<a href="#{requirement.id}">{requirement.id}</a>' if deciding(row) and row.message and not said else ""
    return (
        f'<tr data-id="{requirement.id}" class="{row.status}"><td>{name or requirement.id}</td>'
        f"<td>{requirement.level}</td><td><b>{word_of(row)}</b></td><td>{in_html(requirement.title)}</td>"
        f"<td>{seconds:.2f} s</td><td>{in_html(said)}</td></tr>"
    )


def _about(report: Report) -> str:
    facts = [
        ("kit", f"{DISTRIBUTION} {kit_version()}"),
        ("adapter", report.target.get("adapter", "")),
        ("capabilities", ", ".join(report.target.get("capabilities", ()))),
        *report.ran_on.items(),
    ]
    return _section("About this run", [f"<p>{in_html(name)}: {in_html(str(value))}</p>" for name, value in facts])
