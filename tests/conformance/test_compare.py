"""taillog compare: the matrix of several reports, its Markdown, and its page in a real browser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import chromium
import pytest
from conftest import Command

from taillog_conformance.contract import load_contract
from taillog_conformance.outcomes import UsageProblem
from taillog_conformance.report import compare
from taillog_conformance.report.compare_html import html

MESSAGE = "FRM-7 (MUST) Empty lines MUST be delivered.\n\n  check:    test_frm_7\n  what:     a <line> | was lost\n"


def report(name: str, statuses: dict[str, str], **changes: Any) -> dict[str, Any]:
    """A report in which all requirements pass but these."""
    rows = []
    for requirement in load_contract().requirements:
        status = statuses.get(requirement.id, "pass")
        message = {"pass": "", "not-applicable": "the tailer does not declare rotation"}.get(status, MESSAGE)
        check = {"name": "test_x", "status": status, "seconds": 0.1, "message": message, "timeline": []}
        rows.append(
            {
                "id": requirement.id,
                "level": str(requirement.level),
                "area": requirement.area,
                "title": requirement.title,
                "status": status,
                "checks": [check],
            }
        )
    counts = (
        "required",
        "ran",
        "passed",
        "failed",
        "excused",
        "not_applicable",
        "blocked",
        "errors",
        "not_run",
        "advice",
    )
    summary = dict.fromkeys(counts, 0) | {
        "required": len(rows),
        "passed": sum(row["status"] == "pass" for row in rows),
        "failed": sum(row["status"] == "fail" and row["level"] == "MUST" for row in rows),
    }
    return {
        "schema": "taillog-report-1",
        "kit_version": "0",
        "contract_version": "1.0",
        "seed": 1,
        "target": {"name": name, "adapter": "class", "capabilities": ["prefix"]},
        "environment": {"python": "3.11.7"},
        "summary": summary,
        "verdict": "nonconformant" if summary["failed"] else "conformant",
        "interrupted": False,
        "requirements": rows,
    } | changes


TAILERS = {
    "zeta": {"FRM-7": "fail", "DEL-1": "fail", "LAT-2": "fail"},
    "alpha <b>": {"FRM-7": "known-failure", "ROT-1": "not-applicable"},
    "mid": {"FRM-7": "fail", "DEL-2": "blocked", "DEL-3": "error", "DEL-4": "not-run"},
}


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    found = []
    for number, (name, statuses) in enumerate(TAILERS.items()):
        found.append(tmp_path / f"{number}.json")
        found[-1].write_text(json.dumps(report(name, statuses)))
    return found


def test_a_cell_is_what_its_report_says(files: list[Path]) -> None:
    matrix = compare.read(files)
    rows = {row.id: row for row in matrix.rows}
    assert [column.name for column in matrix.columns] == list(TAILERS)
    outcomes = {id: [matrix.cell(rows[id], column).outcome for column in matrix.columns] for id in ("FRM-7", "LAT-2")}
    assert outcomes == {"FRM-7": ["fail", "known-failure", "fail"], "LAT-2": ["advice", "pass", "pass"]}
    assert matrix.cell(rows["FRM-7"], matrix.columns[0]).short == "a <line> | was lost"
    assert matrix.totals(rows["FRM-7"]) == {"fail": 2, "known-failure": 1}


def test_two_reports_of_one_name_are_told_apart(files: list[Path]) -> None:
    files[1].write_text(json.dumps(report("zeta", {})))
    assert [column.name for column in compare.read(files).columns] == ["zeta [0]", "zeta [1]", "mid"]


def test_a_requirement_that_one_report_lacks_was_not_run(files: list[Path]) -> None:
    document = report("old", {})
    document["requirements"] = [row for row in document["requirements"] if row["id"] != "FRM-7"]
    files[0].write_text(json.dumps(document))
    matrix = compare.read(files)
    row = next(row for row in matrix.rows if row.id == "FRM-7")
    assert matrix.cell(row, matrix.columns[0]).outcome == "not-run"


def test_the_markdown_has_all_of_it(files: list[Path]) -> None:
    text = compare.markdown(compare.read(files))
    assert "| 1 | zeta | nonconformant |" in text
    assert re.search(r"^\| FRM-7 \| MUST \| .* \| ✗ \| k \| ✗ \| 3 \|$", text, re.M)
    assert re.search(r"^\| LAT-2 \| SHOULD \| .* \| ! \| ✓ \| ✓ \| 1 \|$", text, re.M)
    assert "- ✗ **FRM-7** " in text
    assert "a &lt;line> \\| was lost" in text
    assert "- 1 not applicable: the tailer does not declare rotation" in text
    widths = {line.count(" | ") for line in text.splitlines() if re.match(r"\| [A-Z]{3}-\d", line)}
    assert widths == {6}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("{", "is not JSON"), ("[]", "is no report of this kit"), ('{"schema": "other"}', "is no report of this kit")],
)
def test_what_is_no_report_is_refused_in_a_line(text: str, complaint: str, tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text(text)
    with pytest.raises(UsageProblem, match=complaint):
        compare.read([file])
    with pytest.raises(UsageProblem, match="cannot be read"):
        compare.read([tmp_path / "gone.json"])


def test_the_command_compares_real_reports(taillog: Command, project: Path) -> None:
    for target in ("TailLog", "Lossy"):
        taillog("check", f"tiny:{target}", "--only", "FRM-7", "-n", 0, "-q", "--json", f"{target}.json")
    done = taillog("compare", "TailLog.json", "Lossy.json", "--html", "m.html", "--markdown", "m.md")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert re.search(r"^\| FRM-7 \| MUST \| .* \| ✓ \| ✗ \| 1 \|$", (project / "m.md").read_text(), re.M)
    assert "tiny:Lossy" in (project / "m.html").read_text()
    assert taillog("compare", "TailLog.json", "Lossy.json").stdout == (project / "m.md").read_text()


def test_the_command_refuses_in_a_line(taillog: Command, project: Path) -> None:
    for arguments in (["gone.json"], ["tiny.py"], ["tiny.py", "--html", "no/where.html"], []):
        done = taillog("compare", *arguments)
        assert (done.returncode, "Traceback" in done.stderr) == (2, False)


# The page, in a browser.


@pytest.fixture
def page(files: list[Path], tmp_path: Path) -> Iterator[chromium.Page]:
    if chromium.program() is None:
        pytest.skip("there is no Chromium here")
    file = tmp_path / "matrix.html"
    file.write_text(html(compare.read(files)), encoding="utf-8")
    opened = chromium.Page(file.as_uri())
    yield opened
    opened.close()


ROWS = "[...document.querySelectorAll('#matrix tbody tr')].filter(r => !r.hidden).map(r => r.dataset.id)"
HEADS = "[...document.querySelectorAll('#matrix thead th[data-name]')].filter(c => !c.hidden).map(c => c.dataset.name)"
OPEN = "document.querySelector('dialog').open"
CELL = 'tr[data-id="FRM-7"] td[data-column="0"] button'
IDS = [requirement.id for requirement in load_contract().requirements if requirement.untested is None]


def test_it_shows_all_and_asks_nobody(page: chromium.Page) -> None:
    assert page.ask(ROWS) == IDS
    assert page.ask(HEADS) == list(TAILERS)
    assert page.ask("performance.getEntriesByType('resource').length") == 0
    assert page.ask(f"document.querySelector('{CELL}').textContent") == "✗"


def test_it_filters(page: chromium.Page) -> None:
    page.click("#failing")
    assert page.ask(ROWS) == ["DEL-1", "DEL-2", "DEL-3", "DEL-4", "FRM-7", "LAT-2"]
    page.click("#must")
    assert page.ask(ROWS) == ["DEL-1", "DEL-2", "DEL-3", "DEL-4", "FRM-7"]
    page.click("#find")
    page.type("frm-7")
    assert page.ask(ROWS) == ["FRM-7"]
    assert page.ask("document.getElementById('shown').textContent").startswith("1 of ")


def test_it_filters_by_tailer(page: chromium.Page) -> None:
    page.click("#failing")
    page.click("#find")
    page.type("zeta")
    assert (page.ask(HEADS), page.ask(ROWS)) == (["zeta"], ["DEL-1", "FRM-7", "LAT-2"])


def choose(page: chromium.Page, select: str, value: str) -> None:
    page.ask(
        f"(s => {{ s.value = {value!r}; s.dispatchEvent(new Event('input')) }})(document.getElementById('{select}'))"
    )


def test_it_sorts(page: chromium.Page) -> None:
    choose(page, "rows", "failures")
    assert page.ask(ROWS)[0] == "FRM-7"
    choose(page, "rows", "contract")
    assert page.ask(ROWS) == IDS
    choose(page, "columns", "name")
    assert page.ask(HEADS) == ["alpha <b>", "mid", "zeta"]
    choose(page, "columns", "failures")
    assert page.ask(HEADS) == ["alpha <b>", "mid", "zeta"]
    assert (
        page.ask("[...document.querySelector('tr[data-id=DEL-1]').querySelectorAll('button')].at(-1).textContent")
        == "✗"
    )


def test_a_click_opens_a_cell_and_its_link_leads_to_the_requirement(page: chromium.Page) -> None:
    page.click(CELL)
    page.until(OPEN)
    assert page.ask("document.querySelector('dialog pre').textContent") == MESSAGE
    page.click("dialog a")
    page.until("location.hash === '#FRM-7'")
    assert not page.ask(OPEN)
    place = page.ask("(r => [r.top, innerHeight])(document.getElementById('FRM-7').getBoundingClientRect())")
    assert -1 <= place[0] < place[1]


def test_it_works_with_a_keyboard(page: chromium.Page) -> None:
    page.ask("document.querySelector('#matrix tbody button[tabindex=\"0\"]').focus()")
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", "ArrowUp"):
        page.press(key)
    assert page.ask("document.activeElement.getAttribute('aria-label')") == "DEL-1, mid: passes"
    page.press("Enter")
    page.until(OPEN)
    assert page.ask("document.querySelector('dialog pre').textContent") == "It passes."
    page.press("Escape")
    page.until(f"!{OPEN}")
    assert page.ask("document.activeElement.getAttribute('aria-label')") == "DEL-1, mid: passes"
    assert page.ask("document.querySelectorAll('#matrix tbody button[tabindex=\"0\"]').length") == 1


def test_it_fits_a_phone(page: chromium.Page) -> None:
    page.resize(380, 750)
    assert page.ask("document.documentElement.scrollWidth <= innerWidth")
    assert page.ask(f"document.querySelector('{CELL}').getBoundingClientRect().height") >= 38
    page.click(CELL)
    page.until(OPEN)
    assert page.ask("document.querySelector('dialog').getBoundingClientRect().right <= innerWidth")


def test_it_prints(page: chromium.Page) -> None:
    assert page.printed().startswith(b"%PDF")
    page.call("Emulation.setEmulatedMedia", media="print")
    assert page.ask("getComputedStyle(document.getElementById('controls')).display") == "none"
    assert page.ask("getComputedStyle(document.querySelector('.scroll')).overflow") == "visible"


def test_what_reports_hold_is_shown_and_not_run(page: chromium.Page) -> None:
    assert page.ask("document.querySelectorAll('#matrix b').length") == 0
    assert "alpha <b>" in page.ask("document.querySelector('#tailer-1 h3').textContent")
