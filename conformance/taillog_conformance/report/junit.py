"""JUnit XML: a test case a requirement, its facts as properties. It is green exactly when the verdict is conformant."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable

from .inert import printable
from .model import DISTRIBUTION, Report, RequirementResult, Status, Verdict, kit_version
from .wording import cannot_tell, counts_line, is_advice, name_of, verdict_line


def render(report: Report) -> str:
    """The report as JUnit XML.

    A MUST that failed is a failure; one that could not be judged is an error, as nothing may pass that was not seen
    to hold; a failed SHOULD is advice, and like what was excused or does not apply, skipped with its reason.
    """
    rows = report.requirements()
    cases = [_case(row) for row in rows]
    if report.verdict() is Verdict.INCONCLUSIVE and not any(map(cannot_tell, rows)):
        case = ET.Element("testcase", classname="taillog", name="verdict", time="0")
        _said(case, "error", "inconclusive", counts_line(report))
        cases.append(case)
    attributes = {
        "name": printable(f"log tailer conformance: {name_of(report)}"),
        "tests": str(len(cases)),
        "failures": str(_count(cases, "failure")),
        "errors": str(_count(cases, "error")),
        "skipped": str(_count(cases, "skipped")),
        "time": f"{sum(check.seconds for row in rows for check in row.checks):.3f}",
    }
    suite = ET.Element("testsuite", attributes)
    suite.append(_properties(_facts(report)))
    suite.extend(cases)
    suites = ET.Element("testsuites", attributes)
    suites.append(suite)
    ET.indent(suites, " ")
    return ET.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _facts(report: Report) -> list[tuple[str, str]]:
    target = report.target
    facts = [
        ("kit", f"{DISTRIBUTION} {kit_version()}"),
        ("contract", report.contract.version),
        ("seed", str(report.seed)),
        ("target", name_of(report)),
        ("adapter", str(target.get("adapter", ""))),
        ("capabilities", " ".join(target.get("capabilities", ()))),
        ("verdict", str(report.verdict())),
        ("says", verdict_line(report)),
    ]
    facts += [(name, str(count)) for name, count in report.summary().as_json().items()]
    return facts + [(f"environment.{name}", value) for name, value in report.ran_on.items()]


def _case(row: RequirementResult) -> ET.Element:
    requirement = row.requirement
    case = ET.Element(
        "testcase",
        classname=f"taillog.{requirement.area}",
        name=f"{requirement.id} {requirement.title}",
        time=f"{sum(check.seconds for check in row.checks):.3f}",
    )
    facts = [("id", requirement.id), ("level", str(requirement.level)), ("area", requirement.area)]
    case.append(_properties([*facts, ("status", str(row.status)), ("since", requirement.since)]))
    first = row.message.partition("\n")[0]
    if is_advice(row):
        _said(case, "skipped", "advice", f"advice: {requirement.title}")
        ET.SubElement(case, "system-out").text = printable(row.message)
    elif row.status is Status.FAIL:
        _said(case, "failure", "fail", _why(row) or first, row.message)
    elif cannot_tell(row):
        _said(case, "error", str(row.status), first or "it was not run", row.message)
    elif row.status is not Status.PASS:
        _said(case, "skipped", str(row.status), f"{row.status}: {first}")
    return case


def _why(row: RequirementResult) -> str:
    """What a failure says in one line."""
    return next((str(check.failure["why"]) for check in row.checks if check.failure is not None), "")


def _said(case: ET.Element, tag: str, kind: str, message: str, text: str = "") -> None:
    ET.SubElement(case, tag, type=kind, message=printable(message)).text = printable(text) or None


def _properties(facts: Iterable[tuple[str, str]]) -> ET.Element:
    properties = ET.Element("properties")
    for name, value in facts:
        ET.SubElement(properties, "property", name=name, value=printable(value))
    return properties


def _count(cases: Iterable[ET.Element], tag: str) -> int:
    return sum(case.find(tag) is not None for case in cases)
