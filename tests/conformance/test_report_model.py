"""The result model: from checks to requirements, from requirements to the verdict, and the report as plain data."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence

import pytest

from taillog_conformance.contract import Contract, parse_contract
from taillog_conformance.report.model import (
    KEPT_EVENTS,
    SCHEMA,
    CheckResult,
    Report,
    RequirementResult,
    Shards,
    Status,
    Summary,
    Verdict,
    kept,
)
from taillog_conformance.report.wording import counts_line, verdict_line

PASS, FAIL, KNOWN = Status.PASS, Status.FAIL, Status.KNOWN_FAILURE
APART, BLOCKED, ERROR, NOT_RUN = Status.NOT_APPLICABLE, Status.BLOCKED, Status.ERROR, Status.NOT_RUN


def contract(**levels: str) -> Contract:
    """A contract of requirements with these levels, by id (`AAA_1` is AAA-1); `MUST untested` gives a reason."""
    rows = []
    for name, level in levels.items():
        level, _, untested = level.partition(" ")
        rows.append(
            f"""
            [[requirement]]
            id = "{name.replace("_", "-")}"
            level = "{level}"
            title = "a title"
            statement = "It {level} hold."
            rationale = "Because."
            if_it_fails = "Look."
            since = "1.0"
            {'untested = "No way to."' if untested else ""}
            """
        )
    head = 'contract_version = "1.0"\n[areas]\nAAA = "first"\nBBB = "second"\n[capabilities]\n[renamed]\n'
    return parse_contract(head + "".join(rows))


THREE_MUST = contract(AAA_1="MUST", AAA_2="MUST", BBB_1="MUST", BBB_2="SHOULD", BBB_3="MAY")


def report(statuses: Mapping[str, Sequence[Status]], of: Contract = THREE_MUST) -> Report:
    """A report in which each requirement's checks came to these statuses; one that did not run has no result."""
    planned = {
        each.id: [f"test_{number}" for number in range(len(statuses.get(each.id, [PASS])))]
        for each in of.requirements
        if each.untested is None
    }
    made = Report(of, {"name": "it"}, 7, planned)
    for id, names in planned.items():
        for name, status in zip(names, statuses.get(id, [PASS]), strict=True):
            if status is not NOT_RUN:
                made.add(CheckResult(name, id, status, 0.25, "" if status is PASS else f"{id} {name}"))
    return made


# The verdict.


@pytest.mark.parametrize(
    ("must", "verdict"),
    [
        ([PASS, PASS, PASS], Verdict.CONFORMANT),
        ([PASS, PASS, APART], Verdict.CONFORMANT),
        ([PASS, APART, APART], Verdict.CONFORMANT),
        ([PASS, PASS, KNOWN], Verdict.CONFORMANT),
        ([KNOWN, KNOWN, KNOWN], Verdict.CONFORMANT),
        ([APART, APART, APART], Verdict.INCONCLUSIVE),
        ([PASS, PASS, NOT_RUN], Verdict.INCONCLUSIVE),
        ([PASS, PASS, BLOCKED], Verdict.INCONCLUSIVE),
        ([PASS, PASS, ERROR], Verdict.INCONCLUSIVE),
        ([NOT_RUN, NOT_RUN, NOT_RUN], Verdict.INCONCLUSIVE),
        ([KNOWN, APART, ERROR], Verdict.INCONCLUSIVE),
        ([PASS, PASS, FAIL], Verdict.NONCONFORMANT),
        ([FAIL, NOT_RUN, NOT_RUN], Verdict.NONCONFORMANT),
        ([FAIL, BLOCKED, ERROR], Verdict.NONCONFORMANT),
        ([FAIL, APART, KNOWN], Verdict.NONCONFORMANT),
    ],
)
def test_the_verdict(must: Sequence[Status], verdict: Verdict) -> None:
    made = report({id: [status] for id, status in zip(("AAA-1", "AAA-2", "BBB-1"), must, strict=True)})
    assert made.verdict() is verdict


@pytest.mark.parametrize("status", list(Status))
def test_what_is_no_must_never_changes_it(status: Status) -> None:
    assert report({"BBB-2": [status], "BBB-3": [status]}).verdict() is Verdict.CONFORMANT
    assert report({"AAA-1": [FAIL], "BBB-2": [status]}).verdict() is Verdict.NONCONFORMANT


@pytest.mark.parametrize(
    ("must", "verdict"), [(PASS, Verdict.INCONCLUSIVE), (NOT_RUN, Verdict.INCONCLUSIVE), (FAIL, Verdict.NONCONFORMANT)]
)
def test_an_interrupted_run_is_never_conformant(must: Status, verdict: Verdict) -> None:
    made = report({"AAA-1": [must]})
    made.interrupted = True
    assert made.verdict() is verdict


def test_nothing_that_ran_is_inconclusive() -> None:
    assert Report(THREE_MUST, {}, 0, {"AAA-1": ["test"]}).verdict() is Verdict.INCONCLUSIVE
    assert Report(THREE_MUST, {}, 0, {}).verdict() is Verdict.INCONCLUSIVE
    assert Report(contract(AAA_1="SHOULD"), {}, 0, {}).verdict() is Verdict.INCONCLUSIVE


def test_a_requirement_without_a_check_counts_unless_it_says_why() -> None:
    of = contract(AAA_1="MUST", AAA_2="MUST")
    made = Report(of, {}, 0, {"AAA-1": ["test"]})
    made.add(CheckResult("test", "AAA-1", PASS))
    assert made.verdict() is Verdict.INCONCLUSIVE
    assert made.summary().not_run == 1
    excused = report({}, contract(AAA_1="MUST", AAA_2="MUST untested"))
    assert excused.verdict() is Verdict.CONFORMANT
    assert [row.requirement.id for row in excused.requirements()] == ["AAA-1"]


@pytest.mark.parametrize(
    ("status", "unjudged"), [(BLOCKED, 1), (ERROR, 1), (PASS, 0), (FAIL, 0), (APART, 0), (KNOWN, 0)]
)
def test_checks_of_musts_that_were_begun_and_could_not_judge_are_known(status: Status, unjudged: int) -> None:
    assert len(report({"AAA-1": [status, PASS], "BBB-2": [status], "AAA-2": [NOT_RUN]}).unjudged()) == unjudged


# From checks to a requirement.


@pytest.mark.parametrize(
    ("checks", "status"),
    [
        ([], NOT_RUN),
        ([PASS], PASS),
        ([PASS, PASS], PASS),
        ([PASS, APART], PASS),
        ([APART, APART], APART),
        ([PASS, KNOWN], KNOWN),
        ([KNOWN, NOT_RUN], NOT_RUN),
        ([PASS, NOT_RUN], NOT_RUN),
        ([APART, NOT_RUN], NOT_RUN),
        ([NOT_RUN, BLOCKED], BLOCKED),
        ([BLOCKED, ERROR], ERROR),
        ([ERROR, FAIL], FAIL),
        ([PASS, KNOWN, NOT_RUN, BLOCKED, ERROR, FAIL, APART], FAIL),
    ],
)
def test_a_requirement_is_what_its_worst_check_is(checks: Sequence[Status], status: Status) -> None:
    results = [CheckResult(f"test_{number}", "AAA-1", each) for number, each in enumerate(checks)]
    for _ in range(3):
        assert RequirementResult(THREE_MUST.get("AAA-1"), tuple(results)).status is status
        random.Random(1).shuffle(results)


def test_its_message_is_that_of_a_check_that_decided() -> None:
    row = RequirementResult(
        THREE_MUST.get("AAA-1"),
        (
            CheckResult("a", "AAA-1", ERROR, message="an error"),
            CheckResult("b", "AAA-1", FAIL),
            CheckResult("c", "AAA-1", FAIL, message="the failure"),
            CheckResult("d", "AAA-1", FAIL, message="another"),
        ),
    )
    assert row.message == "the failure"
    assert RequirementResult(THREE_MUST.get("AAA-1"), ()).message == ""


def test_a_check_without_a_result_was_not_run() -> None:
    made = Report(THREE_MUST, {}, 0, {"AAA-1": ["test_a", "test_b"]})
    made.add(CheckResult("test_b", "AAA-1", PASS))
    row = made.requirements()[0]
    assert [(check.name, check.status, check.message) for check in row.checks] == [
        ("test_a", NOT_RUN, "it was not run"),
        ("test_b", PASS, ""),
    ]
    assert row.status is NOT_RUN


@pytest.mark.parametrize(
    ("first", "second", "kept_status"),
    [
        (PASS, ERROR, ERROR),
        (PASS, FAIL, FAIL),
        (FAIL, ERROR, FAIL),
        (ERROR, FAIL, FAIL),
        (FAIL, PASS, FAIL),
        (APART, ERROR, ERROR),
        (APART, PASS, APART),
        (PASS, PASS, PASS),
    ],
)
def test_of_two_results_of_a_check_the_worse_is_kept(first: Status, second: Status, kept_status: Status) -> None:
    made = Report(THREE_MUST, {}, 0, {"AAA-1": ["test"]})
    for status in (first, second):
        made.add(CheckResult("test", "AAA-1", status, message=str(status)))
    (check,) = made.requirements()[0].checks
    assert (check.status, check.message) == (kept_status, str(kept_status))


def test_the_rows_stand_in_the_contracts_order_whatever_came_first() -> None:
    made = Report(THREE_MUST, {}, 0, {"BBB-1": ["test"], "AAA-2": ["test"], "AAA-1": ["test"]})
    for id in ("BBB-1", "AAA-1", "AAA-2"):
        made.add(CheckResult("test", id, PASS))
    assert [row.requirement.id for row in made.requirements()] == ["AAA-1", "AAA-2", "BBB-1", "BBB-2", "BBB-3"]


# The denominator.


def test_the_counts_add_up() -> None:
    of = contract(**{f"AAA_{number}": "MUST" for number in range(1, 9)}, BBB_1="SHOULD", BBB_2="SHOULD", BBB_3="MAY")
    statuses = [PASS, PASS, FAIL, KNOWN, APART, BLOCKED, ERROR, NOT_RUN]
    made = report(
        {f"AAA-{number}": [status] for number, status in enumerate(statuses, start=1)}
        | {"BBB-1": [FAIL], "BBB-2": [ERROR], "BBB-3": [FAIL]},
        of,
    )
    summary = made.summary()
    assert summary == Summary(
        required=7,
        ran=4,
        passed=2,
        failed=1,
        excused=1,
        not_applicable=1,
        blocked=1,
        errors=1,
        not_run=1,
        advice=2,
    )
    assert summary.required == summary.ran + summary.blocked + summary.errors + summary.not_run
    assert summary.ran == summary.passed + summary.failed + summary.excused
    assert counts_line(made) == (
        "4 of 7 required ran, 2 passed, 1 failed, 1 excused, 1 blocked, 1 in error, "
        "1 not run, 1 not applicable, 2 advice"
    )
    assert verdict_line(made).startswith("it: nonconformant with contract 1.0 (4 of 7 required ran, ")


def test_counts_of_nothing_are_left_out_of_the_words() -> None:
    assert counts_line(report({})) == "3 of 3 required ran, 3 passed"


# As plain data.


def test_the_report_is_plain_data() -> None:
    made = report({"AAA-1": [PASS, FAIL], "AAA-2": [APART], "BBB-2": [NOT_RUN]})
    document = json.loads(json.dumps(made.as_json()))
    assert set(document) == {
        *("schema", "kit_version", "contract_version", "seed", "target", "environment"),
        *("summary", "verdict", "interrupted", "requirements"),
    }
    assert (document["schema"], document["seed"], document["verdict"]) == (SCHEMA, 7, "nonconformant")
    assert document["contract_version"] == "1.0"
    assert document["target"] == {"name": "it"}
    assert document["interrupted"] is False
    assert set(document["summary"]) == set(Summary.__dataclass_fields__)
    assert {"python", "platform", "pytest"} <= set(document["environment"])
    first, second, *_ = document["requirements"]
    assert set(first) == {"id", "level", "area", "title", "status", "checks"}
    assert (first["id"], first["level"], first["area"], first["status"]) == ("AAA-1", "MUST", "AAA", "fail")
    assert first["checks"][1] == {
        "name": "test_1",
        "status": "fail",
        "seconds": 0.25,
        "message": "AAA-1 test_1",
        "timeline": [],
    }
    assert second["status"] == "not-applicable"
    assert document["requirements"][3]["checks"][0]["status"] == "not-run"


@pytest.mark.parametrize("shards", [None, Shards(2, (1,))])
def test_in_one_line_it_is_the_same_at_each_result_that_comes(shards: Shards | None) -> None:
    made = report({"AAA-1": [NOT_RUN, NOT_RUN], "BBB-2": [NOT_RUN]})
    made.shards = shards
    verdicts = []
    for id, number, status in (("AAA-1", 0, PASS), ("BBB-2", 0, FAIL), ("AAA-1", 1, FAIL)):
        made.put(CheckResult(f"test_{number}", id, status, message="a \N{BULLET}"))
        text = made.as_text()
        assert json.loads(text) == made.as_json()
        assert "\n" not in text
        verdicts.append(json.loads(text)["verdict"])
    assert verdicts == ["inconclusive", "inconclusive", "nonconformant"]
    made.interrupted = True
    assert json.loads(made.as_text()) == made.as_json()


@pytest.mark.parametrize("status", list(Status))
def test_statuses_have_the_designs_names(status: Status) -> None:
    assert str(status) in {"pass", "fail", "known-failure", "not-applicable", "blocked", "error", "not-run"}
    assert json.dumps(status) == f'"{status}"'


def test_a_short_timeline_is_kept_whole() -> None:
    rows = [{"at": number, "lane": "producer", "what": "append"} for number in range(2 * KEPT_EVENTS)]
    assert kept(rows) == rows
    assert kept([]) == []


def test_of_a_long_timeline_the_ends_are_kept() -> None:
    rows = [{"at": number, "lane": "producer", "what": "append"} for number in range(2 * KEPT_EVENTS + 5)]
    found = kept(iter(rows))
    assert len(found) == 2 * KEPT_EVENTS + 1
    assert found[:KEPT_EVENTS] == rows[:KEPT_EVENTS]
    assert found[KEPT_EVENTS] == {"at": KEPT_EVENTS, "lane": "check", "what": "5 events left out"}
    assert found[KEPT_EVENTS + 1 :] == rows[-KEPT_EVENTS:]
