"""The matrix as one page of HTML that needs no network: a table to filter and sort, whose cells open their messages."""

from __future__ import annotations

from html import escape
from importlib import resources

from .compare import ADVICE, SYMBOLS, WORDS, Cell, Column, Matrix, Row
from .model import Status

KINDS: dict[str, str] = {
    Status.PASS: "pass",
    Status.FAIL: "fail",
    ADVICE: "advice",
    Status.KNOWN_FAILURE: "known",
    Status.NOT_APPLICABLE: "na",
    Status.BLOCKED: "other",
    Status.ERROR: "other",
    Status.NOT_RUN: "other",
}
"""By outcome: the class of a cell, by which it is coloured and filtered."""


def html(matrix: Matrix) -> str:
    """The whole page."""
    package = resources.files(__package__ or "")
    style = (package / "compare.css").read_text(encoding="utf-8")
    script = (package / "compare.js").read_text(encoding="utf-8")
    legend = "".join(f'<li><span class="{KINDS[o]}">{sign}</span> {WORDS[o]}</li>' for o, sign in SYMBOLS.items())
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Log tailers and the contract</title>
<style>
{style}</style>
</head>
<body>
<h1>Log tailers and the contract</h1>
<p>{len(matrix.columns)} tailers, {len(matrix.rows)} requirements. A cell opens what its check said.</p>
<form id="controls" role="search">
<label>Find <input id="find" type="search" placeholder="requirement or tailer"></label>
<label><input id="must" type="checkbox"> MUST only</label>
<label><input id="failing" type="checkbox"> only what fails</label>
<label>Rows <select id="rows"><option value="contract">as in the contract</option>
<option value="failures">most failures first</option></select></label>
<label>Tailers <select id="columns"><option value="given">as given</option><option value="name">by name</option>
<option value="failures">fewest failures first</option></select></label>
<output id="shown"></output>
</form>
<ul class="legend">{legend}</ul>
<div class="scroll" tabindex="0" role="region" aria-label="The matrix">
<table id="matrix">
{_head(matrix)}
<tbody>
{"".join(_row(matrix, row) for row in matrix.rows)}</tbody>
{_foot(matrix)}
</table>
</div>
<dialog id="message" aria-labelledby="message-title">
<h2 id="message-title"></h2>
<pre></pre>
<p><a></a></p>
<button type="button" autofocus>Close</button>
</dialog>
<h2>Tailers</h2>
{"".join(_tailer(number, column) for number, column in enumerate(matrix.columns))}
<h2>Requirements</h2>
<dl>
{"".join(_requirement(row) for row in matrix.rows)}</dl>
<script>
{script}</script>
</body>
</html>
"""


def _head(matrix: Matrix) -> str:
    cells = "".join(
        f'<th scope="col" data-column="{number}" data-name="{escape(column.name)}" '
        f'data-failed="{column.summary["failed"]}"><a href="#tailer-{number}">'
        f"<span>{escape(column.name)}</span></a></th>"
        for number, column in enumerate(matrix.columns)
    )
    return f'<thead><tr><th scope="col">requirement</th>{cells}<th scope="col">failed</th></tr></thead>'


def _row(matrix: Matrix, row: Row) -> str:
    totals = matrix.totals(row)
    failed = totals[Status.FAIL] + totals[ADVICE] + totals[Status.KNOWN_FAILURE]
    cells = "".join(
        _cell(row, number, column, matrix.cell(row, column)) for number, column in enumerate(matrix.columns)
    )
    return (
        f'<tr data-id="{row.id}" data-level="{row.level}" data-failed="{failed}">'
        f'<th scope="row"><a href="#{row.id}">{row.id}</a> <small>{row.level}</small> {escape(row.title)}</th>'
        f'{cells}<td class="total">{failed}</td></tr>\n'
    )


def _cell(row: Row, number: int, column: Column, cell: Cell) -> str:
    kind = KINDS[cell.outcome]
    label = f"{row.id}, {column.name}: {WORDS[cell.outcome]}"
    return (
        f'<td data-column="{number}"><button type="button" class="{kind}" tabindex="-1" aria-label="{escape(label)}" '
        f'data-message="{escape(cell.message)}">{SYMBOLS[cell.outcome]}</button></td>'
    )


def _foot(matrix: Matrix) -> str:
    def line(name: str, key: str) -> str:
        cells = "".join(
            f'<td data-column="{number}" class="total">{column.summary[key]}</td>'
            for number, column in enumerate(matrix.columns)
        )
        return f'<tr><th scope="row">{name}</th>{cells}<td></td></tr>'

    names = {
        "required": "MUST that apply",
        "passed": "passed",
        "failed": "failed",
        "excused": "excused",
        "advice": "advice",
    }
    return f"<tfoot>{''.join(line(name, key) for key, name in names.items())}</tfoot>"


def _tailer(number: int, column: Column) -> str:
    environment = ", ".join(f"{name} {value}" for name, value in column.environment.items())
    return (
        f'<section id="tailer-{number}"><h3>{escape(column.name)}</h3>'
        f"<p><strong>{column.verdict}</strong> with contract {escape(column.contract_version)}; seed {column.seed}; "
        f"{escape(environment)}; capabilities: {escape(', '.join(column.capabilities))}</p></section>\n"
    )


def _requirement(row: Row) -> str:
    return (
        f'<dt id="{row.id}"><a href="#matrix">{row.id}</a> ({row.level}) {escape(row.title)}</dt>'
        f"<dd>{escape(row.statement)} <em>{escape(row.rationale)}</em></dd>\n"
    )
