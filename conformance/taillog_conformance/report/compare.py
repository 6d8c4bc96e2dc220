"""Several reports side by side: a matrix of tailers and requirements, with totals, and for each cell its message."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..contract import Level, load_contract
from ..outcomes import UsageProblem
from .model import SCHEMA, Status

ADVICE = "advice"
"""What a failed SHOULD or MAY is called: it is no part of a verdict."""

SYMBOLS: dict[str, str] = {
    Status.PASS: "✓",
    Status.FAIL: "✗",
    ADVICE: "!",
    Status.KNOWN_FAILURE: "k",
    Status.NOT_APPLICABLE: "-",
    Status.BLOCKED: "b",
    Status.ERROR: "E",
    Status.NOT_RUN: "·",
}
"""By outcome: the sign of a cell."""

WORDS: dict[str, str] = {
    Status.PASS: "passes",
    Status.FAIL: "fails",
    ADVICE: "fails, which is advice",
    Status.KNOWN_FAILURE: "known failure",
    Status.NOT_APPLICABLE: "not applicable",
    Status.BLOCKED: "blocked",
    Status.ERROR: "error of the kit or adapter",
    Status.NOT_RUN: "not run",
}


@dataclass(frozen=True)
class Cell:
    """What one requirement came to on one tailer."""

    outcome: str
    message: str = ""

    @property
    def short(self) -> str:
        """The line of the message that says what happened."""
        lines = [line.strip() for line in self.message.splitlines()]
        return next(
            (line.removeprefix("what:").strip() for line in lines if line.startswith("what:")),
            lines[0] if lines else "",
        )


@dataclass(frozen=True)
class Column:
    """One tailer: its report's head, and its cells by requirement."""

    name: str
    verdict: str
    summary: dict[str, int]
    seed: int
    environment: dict[str, str]
    contract_version: str
    capabilities: tuple[str, ...]
    cells: dict[str, Cell]

    def count(self, *outcomes: str) -> int:
        return sum(cell.outcome in outcomes for cell in self.cells.values())


@dataclass(frozen=True)
class Row:
    """One requirement."""

    id: str
    level: str
    area: str
    title: str
    statement: str
    rationale: str


@dataclass(frozen=True)
class Matrix:
    """The columns in the order of their reports, the rows in the contract's."""

    rows: tuple[Row, ...]
    columns: tuple[Column, ...]

    def cell(self, row: Row, column: Column) -> Cell:
        return column.cells.get(row.id, Cell(Status.NOT_RUN, "the report does not know this requirement"))

    def totals(self, row: Row) -> Counter[str]:
        """How many tailers came to what."""
        return Counter(self.cell(row, column).outcome for column in self.columns)


def read(paths: Sequence[Path]) -> Matrix:
    """The matrix of these report files.

    Raises:
        UsageProblem: one is no report of this kit; the message is one line.
    """
    documents = [(path, _document(path)) for path in paths]
    names = Counter(document["target"].get("name", path.stem) for path, document in documents)
    columns = tuple(_column(document, path, names) for path, document in documents)
    return Matrix(_rows([document for _, document in documents]), columns)


def _document(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageProblem(f"the report {path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise UsageProblem(f"{path} is not JSON: write a report by taillog check ... --json FILE") from None
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise UsageProblem(f"{path} is no report of this kit: its schema is not {SCHEMA}")
    return found


def _column(document: dict[str, Any], path: Path, names: Counter[str]) -> Column:
    name = document["target"].get("name", path.stem)
    return Column(
        f"{name} [{path.stem}]" if names[name] > 1 else name,
        document["verdict"],
        document["summary"],
        document["seed"],
        document["environment"],
        document["contract_version"],
        tuple(document["target"].get("capabilities", ())),
        {row["id"]: _cell(row) for row in document["requirements"]},
    )


def _cell(row: dict[str, Any]) -> Cell:
    status = row["status"]
    message = next((check["message"] for check in row["checks"] if check["status"] == status and check["message"]), "")
    others = [check["name"] for check in row["checks"] if check["status"] == status and check["message"]][1:]
    if others and status in (Status.FAIL, Status.KNOWN_FAILURE):
        message += f"\n\n  also in:  {', '.join(others)}"
    advice = status == Status.FAIL and row["level"] != Level.MUST
    return Cell(ADVICE if advice else status, message)


def _rows(documents: Sequence[dict[str, Any]]) -> tuple[Row, ...]:
    seen = {row["id"]: row for document in documents for row in document["requirements"]}
    contract = load_contract()
    known = {requirement.id: requirement for requirement in contract.requirements}
    order = [id for id in known if id in seen] + [id for id in seen if id not in known]
    rows = []
    for id in order:
        row, requirement = seen[id], known.get(id)
        statement, rationale = (requirement.statement, requirement.rationale) if requirement else ("", "")
        rows.append(Row(id, row["level"], row["area"], row["title"], statement, rationale))
    return tuple(rows)


# As Markdown.


def markdown(matrix: Matrix) -> str:
    """The matrix as a page of Markdown: the verdicts, the cells by area, and what each cell that is no pass says."""
    parts = ["# Tailers compared\n", _verdicts(matrix), _legend(), *_areas(matrix), *_messages(matrix)]
    return "\n".join(parts)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def _verdicts(matrix: Matrix) -> str:
    lines = [
        "| | tailer | verdict | MUST that apply | passed | failed | excused | not judged | advice |",
        "| ---: | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for number, column in enumerate(matrix.columns, start=1):
        s = column.summary
        unjudged = s["blocked"] + s["errors"] + s["not_run"]
        counts = (s["required"], s["passed"], s["failed"], s["excused"], unjudged, s["advice"])
        cells = [str(number), _escaped(column.name), column.verdict, *map(str, counts)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _legend() -> str:
    return ", ".join(f"{sign} {WORDS[outcome]}" for outcome, sign in SYMBOLS.items()) + ".\n"


def _areas(matrix: Matrix) -> list[str]:
    heads = [str(number) for number in range(1, len(matrix.columns) + 1)]
    parts = []
    for area in dict.fromkeys(row.area for row in matrix.rows):
        lines = [
            f"## {area}\n",
            f"| | level | requirement | {' | '.join(heads)} | failed |",
            f"| --- | --- | --- |{' :-: |' * len(heads)} ---: |",
        ]
        for row in (row for row in matrix.rows if row.area == area):
            signs = [SYMBOLS[matrix.cell(row, column).outcome] for column in matrix.columns]
            totals = matrix.totals(row)
            failed = totals[Status.FAIL] + totals[ADVICE] + totals[Status.KNOWN_FAILURE]
            lines.append(f"| {row.id} | {row.level} | {_escaped(row.title)} | {' | '.join(signs)} | {failed} |")
        parts.append("\n".join([*lines, ""]))
    return parts


SAYS_NOTHING = (Status.PASS, Status.NOT_APPLICABLE)


def _messages(matrix: Matrix) -> list[str]:
    parts = ["## What failed\n"]
    for column in matrix.columns:
        said = [(row, matrix.cell(row, column)) for row in matrix.rows]
        lines = [
            f"- {SYMBOLS[cell.outcome]} **{row.id}** {_escaped(row.title)}: {_escaped(cell.short)}"
            for row, cell in said
            if cell.outcome not in SAYS_NOTHING
        ]
        reasons = Counter(cell.short for _, cell in said if cell.outcome == Status.NOT_APPLICABLE)
        lines += [f"- {count} not applicable: {_escaped(reason)}" for reason, count in reasons.most_common()]
        parts.append("\n".join([f"### {_escaped(column.name)}\n", *(lines or ["Nothing."]), ""]))
    return parts
