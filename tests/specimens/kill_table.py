"""The kill table: which requirements failed on which specimen, as a page and a picture, from a run on all of them.

`tox -e specimens -- --kill-table` writes docs/kill-table.md and docs/kill-table.svg.
"""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from judged import AT_ONCE, SEED, Outcome, Outcomes, mistakes, run

from taillog_conformance.contract import Level, load_contract
from taillog_conformance.suite._registry import all_checks
from taillog_fixtures.specimens import Specimen, all_specimens

DOCS = Path(__file__).resolve().parents[2] / "docs"
TABLE, PICTURE = "kill-table.md", "kill-table.svg"


@dataclass(frozen=True)
class Row:
    """One specimen, and what failed on it."""

    specimen: Specimen
    failed: tuple[str, ...]
    """Ids in the contract's order."""
    checks: tuple[str, ...]
    """The names of the checks that failed."""

    @property
    def must(self) -> tuple[str, ...]:
        return tuple(id for id in self.failed if id in self.specimen.must_fail)

    @property
    def may(self) -> tuple[str, ...]:
        """What failed because the defect shows there too."""
        return tuple(id for id in self.failed if id not in self.specimen.must_fail and id not in self.engine)

    @property
    def engine(self) -> tuple[str, ...]:
        """What failed because the engine that the specimen is built on does not keep it by design."""
        short = self.specimen.cls.falls_short
        return tuple(id for id in self.failed if id in short and id not in self.specimen.must_fail)


def row_of(each: Specimen, outcome: Outcome) -> Row:
    """The specimen's row of the table."""
    checks = [
        check["name"]
        for row in outcome.report["requirements"]
        for check in row["checks"]
        if check["status"] == "fail" and (row["id"] not in each.cls.falls_short or row["id"] in each.must_fail)
    ]
    return Row(each, tuple(outcome.failed(*Level)), tuple(checks))


# --- holes


def never_failed(rows: Sequence[Row]) -> list[str]:
    """Requirements that failed on no specimen."""
    failed = {id for row in rows for id in row.failed}
    return [each.id for each in load_contract().requirements if each.id not in failed]


def never_failed_alone(rows: Sequence[Row]) -> list[str]:
    """Requirements that on each specimen failed together with others."""
    alone = {row.must[0] for row in rows if len(row.must) + len(row.may) == 1}
    return [each.id for each in load_contract().requirements if each.id not in alone]


def checks_never_alone(rows: Sequence[Row]) -> dict[str, int]:
    """Checks that on no specimen were the only one to fail: by name, on how many specimens they failed at all."""
    alone = {row.checks[0] for row in rows if len(row.checks) == 1}
    names = [name for check in all_checks() for name in check.names]
    return {name: sum(name in row.checks for row in rows) for name in names if name not in alone}


# --- the page

HEAD = """\
# The kill table

Who tests the tests? Each row is a faulty tailer of `fixtures/taillog_fixtures/specimens/`, with one documented
defect. The suite was run on all of them; the table says which requirements failed.

- **fails** is what has to fail on it: the specimen states it, and a test (`tox -e specimens`) holds the suite to it,
  with the words that the message of each has to contain. Whatever else fails is a failure of that test.
- **also failed** is what failed besides in this run because the same defect shows there too. The specimen states the
  reason for each; timing, or the seed, can decide whether it does.
- What the engine does not keep by design is not shown in the table: half of the specimens have a thread for each file
  (RES-5) and leave a renamed file soon (ROT-10), and both are only advice. In the picture it is grey.

![specimens and the requirements that failed on them](kill-table.svg)
"""


def page(rows: Sequence[Row], made: str) -> str:
    """The page in Markdown."""
    contract = load_contract()
    parts = [HEAD, made, ""]
    parts += _holes(rows)
    for area, title in contract.areas.items():
        parts += [
            "",
            f"## {area}: {title}",
            "",
            "| specimen | what it does | fails | also failed |",
            "| --- " * 4 + "|",
        ]
        parts += [_line(row) for row in rows if area_of(row.specimen) == area]
    return "\n".join([*parts, ""])


def area_of(each: Specimen) -> str:
    """The area in whose module the specimen stands."""
    return each.cls.__module__.rpartition(".")[2].strip("_").upper()


def what_it_does(each: Specimen) -> str:
    """Its docstring in one line, as a cell of a table takes it."""
    return " ".join(each.doc.split()).replace("|", "\\|")


def _line(row: Row) -> str:
    cells = (f"`{row.specimen.name}`", what_it_does(row.specimen), ", ".join(row.must), ", ".join(row.may))
    return f"| {' | '.join(cells)} |"


def _holes(rows: Sequence[Row]) -> list[str]:
    checks = checks_never_alone(rows)
    total = sum(len(check.names) for check in all_checks())
    unseen = [name for name, count in checks.items() if not count]
    together = [f"`{name}` ({count})" for name, count in checks.items() if count]
    return [
        "## Holes",
        "",
        f"- Requirements that no specimen fails: {_list(never_failed(rows))}.",
        f"- Checks, of {total}, that no specimen fails: {_list([f'`{name}`' for name in unseen])}.",
        "- Requirements that never fail alone (a sequence, or any cut of the same bytes, shows their defects too): "
        f"{_list(never_failed_alone(rows))}.",
        "",
        f"<details><summary>Checks that never fail alone: {len(together)}</summary>",
        "",
        f"With the number of specimens on which each fails together with others: {_list(together)}.",
        "",
        "</details>",
    ]


def _list(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"


# --- the picture

CELL = 9
"""Pixels of a cell's side: rows of it can just be labelled."""

LEFT, TOP = 190, 62
"""Pixels for the names of specimens, and for the ids and areas above."""

FONT = 7.5
COLOURS: Mapping[str, str] = {"must": "#b91c1c", "may": "#f59e0b", "engine": "#cbd5e1"}
LEGEND: Mapping[str, str] = {
    "must": "has to fail",
    "may": "failed too: the defect shows there as well",
    "engine": "failed by the design of its engine",
}
BANDS = ("#ffffff", "#eef2f7")


def picture(rows: Sequence[Row]) -> str:
    """The matrix as SVG: a row for each specimen, a column for each requirement, bands for the areas."""
    contract = load_contract()
    ids = [each.id for each in contract.requirements]
    width, height = LEFT + CELL * len(ids) + CELL, TOP + CELL * len(rows) + 3 * CELL
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="sans-serif" font-size="{FONT}">',
        "<title>Which requirements fail on which specimen</title>",
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for number, area in enumerate(contract.areas):
        columns = [at for at, id in enumerate(ids) if id.startswith(f"{area}-")]
        lines = [at for at, row in enumerate(rows) if area_of(row.specimen) == area]
        x, y = LEFT + CELL * columns[0], TOP + CELL * lines[0]
        if number % 2:
            out.append(_rect(x, TOP, CELL * len(columns), CELL * len(rows), BANDS[1]))
            out.append(_rect(LEFT, y, CELL * len(ids), CELL * len(lines), BANDS[1]))
        out.append(f'<text x="{x + CELL * len(columns) / 2}" y="10" text-anchor="middle" font-size="9">{area}</text>')
    for at, id in enumerate(ids):
        x, y = LEFT + CELL * at + CELL * 0.75, TOP - 4
        out.append(f'<text x="{x}" y="{y}" transform="rotate(-90 {x} {y})">{id}</text>')
    for at, row in enumerate(rows):
        y = TOP + CELL * at
        out.append(f'<text x="{LEFT - 4}" y="{y + CELL * 0.75}" text-anchor="end">{row.specimen.name}</text>')
        for kind in COLOURS:
            for id in getattr(row, kind):
                title = escape(f"{row.specimen.name}: {id} {LEGEND[kind]}")
                x = LEFT + CELL * ids.index(id)
                out.append(_rect(x + 1, y + 1, CELL - 2, CELL - 2, COLOURS[kind], f"<title>{title}</title>"))
    for number, (kind, text) in enumerate(LEGEND.items()):
        x, y = LEFT + 220 * number, height - CELL * 2
        out += [_rect(x, y, CELL, CELL, COLOURS[kind]), f'<text x="{x + 14}" y="{y + CELL * 0.8}">{text}</text>']
    return "\n".join([*out, "</svg>", ""])


def _rect(x: float, y: float, width: float, height: float, colour: str, inside: str = "") -> str:
    return f'<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="{colour}">{inside}</rect>'


# --- both


def write(outcomes: Outcomes) -> None:
    """Write the page and the picture of a run on all specimens.

    Raises:
        ValueError: a specimen was not caught for what it is: a table of such a run would be wrong.
    """
    specimens = all_specimens()
    rows, wrong = [], []
    for each in specimens:
        outcome = outcomes.of(each)
        if outcome.not_run(each.must_fail) or mistakes(each, outcome):
            # Alone: ROT-9 needs an inode's number twice, and what runs beside it makes files too, which take it; and a
            # race can be missed where the machine stands still at the wrong moment.
            outcome = next(run([each]))
        wrong += [f"{each.name}: {found}" for found in mistakes(each, outcome)]
        rows.append(row_of(each, outcome))
    if wrong:
        raise ValueError("\n".join(["no kill table is written:", *wrong]))
    cpu = sum(outcomes.of(each).cpu for each in specimens)
    made = (
        f"Made on {datetime.date.today()} by `tox -e specimens`: {len(rows)} specimens, seed {SEED}, "
        f"{AT_ONCE} runs at a time, {outcomes.seconds:.0f} seconds ({cpu:.0f} of processor time), "
        f"{os.cpu_count()} cores, {platform.python_implementation()} {platform.python_version()}."
    )
    (DOCS / TABLE).write_text(page(rows, made), encoding="utf-8")
    (DOCS / PICTURE).write_text(picture(rows), encoding="utf-8")
