"""The views of a report: the same numbers in each, and nothing in them that acts, whatever a tailer or a user wrote."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

import pytest

from taillog_conformance.contract import load_contract
from taillog_conformance.report.inert import in_code_block, in_code_span, in_html, printable
from taillog_conformance.report.model import CheckResult, Report, Status, Verdict
from taillog_conformance.report.views import VIEWS, render
from taillog_conformance.report.wording import counts_line

PASS, FAIL, KNOWN = Status.PASS, Status.FAIL, Status.KNOWN_FAILURE
APART, BLOCKED, ERROR, NOT_RUN = Status.NOT_APPLICABLE, Status.BLOCKED, Status.ERROR, Status.NOT_RUN

HOSTILE = (
    "<script>window.owned = 1</script><img src=x onerror='window.owned = 1'> & \"quoted\" `ticks` ``` ]]> --> "
    "| cell | [link](javascript:owned) \x00\x1b[31m\x1b]0;owned\x07 \u202e\u2028\ud800 \ufffe ![i](http://a.test/)"
)
"""What a file's name or a line may hold: markup of every view, control characters, a lone surrogate."""

EVENTS: list[dict[str, Any]] = [
    {"n": 0, "at": 0.0001, "lane": "tailer", "what": "start"},
    {"n": 1, "at": 0.0002, "lane": "producer", "what": "append", "file": "a", "data": HOSTILE, "size": 20},
    {"n": 2, "at": 0.0003, "lane": "tailer", "what": "read", "file": "a", "offset": 20, "note": "up to byte 20"},
    {"n": 3, "at": 0.0004, "lane": "destination", "what": "write", "data": HOSTILE, "size": 9},
    {"n": 4, "at": 0.0005, "lane": "check", "what": "hold", "note": HOSTILE},
    {"n": 5, "at": 0.0006, "lane": "tailer", "what": "stop"},
    {"n": 6, "at": 0.0007, "lane": "tailer", "what": "stopped"},
]
FAILURE: dict[str, Any] = {
    **{name: f"{name} {HOSTILE}" for name in ("why", "expected", "got", "repeat", "scenario")},
    "event": 6,
    "lines": [{"file": "a", "text": HOSTILE, "written": 1, "came": None, "must": True}],
    "strays": [{"text": HOSTILE, "came": 3}],
}


def report(statuses: Mapping[str, Status], others: Status = PASS, said: str = "a message", name: str = "it") -> Report:
    """A report on the real contract; each requirement has one check, and a failed one has all that a failure has."""
    contract = load_contract()
    made = Report(contract, {"name": name, "adapter": "class", "capabilities": ["prefix"]}, 7, {})
    made.planned = {each.id: ["test"] for each in contract.requirements}
    for each in contract.requirements:
        status = statuses.get(each.id, others)
        failed = status is FAIL
        message = "" if status is PASS else f"{each.id} {said}"
        result = CheckResult(
            "test", each.id, status, 0.25, message, EVENTS if failed else (), FAILURE if failed else None
        )
        made.add(result)
    return made


MIXED = {"DEL-1": FAIL, "FRM-1": FAIL, "DEL-10": FAIL, "ROT-1": APART, "CON-1": KNOWN}
REPORTS = {
    "conformant": report({}),
    "advice": report({"DEL-10": FAIL, "LIF-14": FAIL}),
    "excused": report({"DEL-1": KNOWN, "ROT-1": APART}),
    "nonconformant": report(MIXED),
    "all-of-it": report(MIXED | {"FRM-2": ERROR, "FRM-3": BLOCKED, "FRM-4": NOT_RUN, "ENC-4": NOT_RUN}),
    "inconclusive": report({"FRM-2": ERROR}),
    "blocked": report({}, others=BLOCKED),
    "nothing-applies": report({}, others=APART),
    "hostile": report(MIXED | {"FRM-2": ERROR}, said=HOSTILE, name=HOSTILE),
}
INTERRUPTED = report({})
INTERRUPTED.interrupted = True
REPORTS["interrupted"] = INTERRUPTED

every_report = pytest.mark.parametrize("made", [pytest.param(made, id=name) for name, made in REPORTS.items()])


class Page(HTMLParser):
    """What a browser would see: the tags with their attributes, and the numbers that are marked as counts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.counts: dict[str, int] = {}
        self._counting = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._counting = dict(attrs).get("data-count") or self._counting

    def handle_data(self, data: str) -> None:
        if self._counting and data.strip().isdigit():
            self.counts[self._counting] = int(data)
            self._counting = ""


WORDS = {
    "required": "required",
    "ran": "ran",
    "passed": "passed",
    "failed": "failed",
    "excused": "excused",
    "not_applicable": "not applicable",
    "blocked": "blocked",
    "errors": "in error",
    "not_run": "not run",
    "advice": "advice",
}
"""What the fields of the summary are called where people read them."""


@every_report
def test_the_same_numbers_stand_in_each_view(made: Report) -> None:
    junitparser = pytest.importorskip("junitparser", reason="junitparser is not installed")
    document = json.loads(render("json", made))
    summary, verdict = document["summary"], document["verdict"]

    page = render("html", made)
    assert Page(page).counts == {WORDS[field]: count for field, count in summary.items()}
    assert f'<p class="verdict {verdict}">{verdict}</p>' in page
    assert counts_line(made) in page

    head, _, row = [
        line.strip("| ").split(" | ") for line in render("markdown", made).splitlines() if line[:2] == "| "
    ][:3]
    assert dict(zip(head, map(int, row), strict=True)) == Page(page).counts

    (suite,) = junitparser.JUnitXml.fromstring(render("junit", made).encode())
    properties = {each.name: each.value for each in suite.properties()}
    assert {field: int(properties[field]) for field in summary} == summary
    assert properties["verdict"] == verdict
    assert suite.failures == summary["failed"]
    unjudged = summary["blocked"] + summary["errors"] + summary["not_run"]
    assert suite.errors == unjudged or (suite.errors, unjudged, verdict) == (1, 0, "inconclusive")

    message = json.loads(render("badge", made))["message"]
    assert message.startswith(f"{verdict}, ")
    said = {"conformant": summary["passed"] + summary["excused"], "nonconformant": summary["failed"]}
    assert re.findall(r"\d+", message) == [str(said.get(verdict, summary["ran"])), str(summary["required"])]


# JUnit.


@every_report
def test_junit_is_green_exactly_when_the_verdict_is_conformant(made: Report) -> None:
    junitparser = pytest.importorskip("junitparser", reason="junitparser is not installed")
    (suite,) = junitparser.JUnitXml.fromstring(render("junit", made).encode())
    assert (suite.failures + suite.errors == 0) is (made.verdict() is Verdict.CONFORMANT)


def test_junit_has_a_row_a_requirement_with_its_facts() -> None:
    junitparser = pytest.importorskip("junitparser", reason="junitparser is not installed")
    made = REPORTS["all-of-it"]
    (suite,) = junitparser.JUnitXml.fromstring(render("junit", made).encode())
    cases = {case.name.partition(" ")[0]: case for case in suite}
    assert list(cases) == [row.requirement.id for row in made.requirements()]
    for row in made.requirements():
        case = cases[row.requirement.id]
        facts = {each.name: each.value for each in case.child(junitparser.Properties)}
        assert facts["status"] == str(row.status)
        assert facts["level"] == str(row.requirement.level)
        assert case.classname == f"taillog.{row.requirement.area}"
        assert case.time == 0.25

    def outcome(id: str) -> tuple[type, str]:
        (result,) = cases[id].result
        return type(result), result.type

    assert outcome("DEL-1") == (junitparser.Failure, "fail")
    assert outcome("DEL-10") == (junitparser.Skipped, "advice")
    assert outcome("ROT-1") == (junitparser.Skipped, "not-applicable")
    assert outcome("CON-1") == (junitparser.Skipped, "known-failure")
    assert outcome("FRM-2") == (junitparser.Error, "error")
    assert outcome("FRM-3") == (junitparser.Error, "blocked")
    assert outcome("FRM-4") == (junitparser.Error, "not-run")
    assert outcome("ENC-4") == (junitparser.Skipped, "not-run")
    assert cases["DEL-2"].result == []
    assert "DEL-1 a message" in cases["DEL-1"].result[0].text


# Inert.

TAGS = {
    *(
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "header",
        "h1",
        "h2",
        "h3",
        "h4",
        "bdi",
        "p",
        "b",
        "div",
        "small",
    ),
    *(
        "section",
        "article",
        "dl",
        "dt",
        "dd",
        "pre",
        "code",
        "details",
        "summary",
        "ul",
        "li",
        "a",
        "table",
        "tr",
        "th",
    ),
    *("td", "svg", "g", "rect", "text", "path", "polyline"),
}


def test_nothing_that_was_written_becomes_part_of_the_page() -> None:
    hostile, plain = (Page(render("html", REPORTS[name])) for name in ("hostile", "nonconformant"))
    assert {tag for tag, _ in hostile.tags} <= TAGS
    assert {name for _, attributes in hostile.tags for name in attributes} <= {
        name for _, attributes in plain.tags for name in attributes
    }
    assert [tag for tag, _ in hostile.tags if tag == "svg"] == ["svg"] * 3
    links = {attributes["href"] for tag, attributes in hostile.tags if tag == "a"}
    assert all(str(link).startswith(("https://", "#")) for link in links)
    sources = {"src", "srcset", "data", "action", "style", "onload", "onerror"}
    assert not any(sources & set(attributes) for _, attributes in hostile.tags)


def test_nothing_that_was_written_becomes_markup_of_the_summary() -> None:
    markdown_it = pytest.importorskip("markdown_it", reason="markdown-it-py is not installed")
    reader = markdown_it.MarkdownIt("commonmark", {"html": True}).enable("table")
    page = Page(reader.render(render("markdown", REPORTS["hostile"])))
    tags = {tag for tag, _ in page.tags}
    assert tags == {
        *("h2", "h3", "p", "code", "pre", "table", "thead", "tbody", "tr", "th", "td", "details", "summary"),
    }
    assert {name for _, attributes in page.tags for name in attributes} <= {"class"}
    rows = [tag for tag, _ in page.tags if tag == "details"]
    assert len(rows) == 3


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_of_hostile_text_can_be_written_and_read(view: str) -> None:
    text = render(view, REPORTS["hostile"])
    text.encode("utf-8")
    assert not set(text) & set("\x00\x1b\x07\u202e\u2028\ufffe")
    if view in ("json", "badge"):
        json.loads(text)
    if view == "junit":
        name = ET.fromstring(text).get("name") or ""
        assert "<script>window.owned = 1</script>" in name


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain äöü 日本 text", "plain äöü 日本 text"),
        ("two\nlines", "two\nlines"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("a\tb\r", "a\\tb\\r"),
        ("\u202eright to left", "\\u202eright to left"),
        ("\ud800", "\\ud800"),
        ("\U000e0001", "\\U000e0001"),
    ],
)
def test_what_does_not_print_is_written_as_an_escape(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_markup_of_html_is_text() -> None:
    assert in_html("<a href='x'>&\"") == "&lt;a href=&#x27;x&#x27;&gt;&amp;&quot;"


@pytest.mark.parametrize("text", ["a", "`", "``", "a`b``c", "`a`", "a\nb", "", "|", "```\n</pre>"])
def test_code_in_markdown_holds_its_text_and_no_more(text: str) -> None:
    markdown_it = pytest.importorskip("markdown_it", reason="markdown-it-py is not installed")
    reader = markdown_it.MarkdownIt("commonmark", {"html": True}).enable("table")
    (block,) = reader.parse(in_code_block(text))
    assert (block.type, block.content) == ("fence", text + "\n")
    table = reader.parse(f"| a |\n| --- |\n| {in_code_span(text)} |\n")
    code = [child for token in table if token.children for child in token.children if child.type == "code_inline"]
    assert [each.content.strip() for each in code] == [" ".join(text.split("\n"))] or not text.strip()
