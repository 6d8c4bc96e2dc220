"""Reports of shards, joined: the verdict of the whole, and what is refused."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from click.testing import CliRunner

from taillog_conformance import cli
from taillog_conformance.contract import load_contract
from taillog_conformance.report.files import write_whole
from taillog_conformance.report.model import CheckResult, Report, Shards, Status
from taillog_conformance.report.shape import mismatch
from taillog_conformance.shards import requirements_of
from taillog_conformance.suite._registry import all_names

NAMES = all_names()
CONTRACT = load_contract()
TARGET = {"name": "mine:Tailer", "adapter": "class", "capabilities": ["prefix", "filter"]}
OF = 3

Statuses = Mapping[str, Status]


def made(number: int, statuses: Statuses = MappingProxyType({}), of: int = OF) -> dict[str, Any]:
    """The report of one shard, in which all its requirements passed but those named in `statuses`."""
    shards = Shards(of, (number,))
    report = Report(CONTRACT, TARGET, 7, NAMES, shards=shards)
    report.ran_on = {"python": f"3.1{number}.0", "pytest": "9.0"}
    for id in requirements_of(shards, list(NAMES)):
        for name in NAMES[id]:
            status = statuses.get(id, Status.PASS)
            if status is not Status.NOT_RUN:
                report.add(CheckResult(name, id, status, 0.5, "" if status is Status.PASS else f"{id} says"))
    document: dict[str, Any] = json.loads(json.dumps(report.as_json()))
    return document


def owner(id: str) -> int:
    """The shard that has the requirement."""
    return next(number for number in range(1, OF + 1) if id in requirements_of(Shards(OF, (number,)), list(NAMES)))


Joined = tuple[int, str, dict[str, Any] | None]
Join = Callable[..., Joined]


@pytest.fixture
def join(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Join:
    """Writes documents to files and runs `taillog merge` on them: status, what it said, and the report, if there is."""
    monkeypatch.chdir(tmp_path)

    def join(*documents: object, words: tuple[str, ...] = ("-q",)) -> Joined:
        files = []
        for number, document in enumerate(documents, start=1):
            file = tmp_path / f"{number}.json"
            text = document if isinstance(document, str) else json.dumps(document)
            file.write_text(text, encoding="utf-8")
            files.append(file.name)
        done = CliRunner().invoke(cli.main, ["merge", *files, "--json", "out.json", *words])
        assert done.exception is None or isinstance(done.exception, SystemExit)
        out = tmp_path / "out.json"
        return done.exit_code, done.output, json.loads(out.read_text()) if out.exists() else None

    return join


def test_all_shards_make_the_verdict_of_the_whole(join: Join) -> None:
    status, said, report = join(made(1), made(2), made(3))
    assert status == 0
    assert said.startswith("mine:Tailer: conformant with contract 1.0 (")
    assert report is not None
    assert (report["verdict"], report["seed"], report["target"]) == ("conformant", 7, TARGET)
    assert report["shards"] == {"of": 3, "present": [1, 2, 3]}
    assert report["environment"] == {"python": "3.11.0, 3.12.0, 3.13.0", "pytest": "9.0"}
    assert report["summary"]["ran"] == report["summary"]["required"]
    assert mismatch(report) is None


def test_without_one_it_is_inconclusive_and_says_which(join: Join) -> None:
    status, said, report = join(made(1), made(3), words=())
    assert status == 3
    assert report is not None
    assert (report["verdict"], report["shards"]) == ("inconclusive", {"of": 3, "present": [1, 3]})
    assert "\n  shard 1, 3 of 3; without 2 there is no verdict: taillog merge joins their reports\n" in said
    shown = {id for id in NAMES if f" {id} " in said}
    assert shown == requirements_of(Shards(OF, (1, 3)), list(NAMES))


def test_without_a_shard_that_holds_advice_only_it_is_inconclusive_too(join: Join) -> None:
    """Every MUST ran, and yet a part of the run is not there."""
    document = made(1)
    others = [made(2), made(3)]
    for other in others:
        rows = {row["id"]: row for row in document["requirements"]}
        for row in other["requirements"]:
            if row["status"] != "not-run":
                rows[row["id"]].update(row)
    status, _, report = join(document)
    assert report is not None
    assert report["summary"]["not_run"] == 0
    assert (status, report["verdict"]) == (3, "inconclusive")


@pytest.mark.parametrize(
    ("status", "expected"),
    [(Status.FAIL, 1), (Status.ERROR, 3), (Status.BLOCKED, 3), (Status.NOT_RUN, 3), (Status.NOT_APPLICABLE, 0)],
)
def test_what_one_shard_came_to_counts(join: Join, status: Status, expected: int) -> None:
    documents = [made(number, {"FRM-7": status}) for number in (1, 2, 3)]
    code, _, report = join(*documents)
    assert code == expected
    assert report is not None
    (row,) = (row for row in report["requirements"] if row["id"] == "FRM-7")
    assert row["status"] == str(status)


def test_a_failure_makes_the_verdict_though_a_shard_is_missing(join: Join) -> None:
    assert join(made(owner("FRM-7"), {"FRM-7": Status.FAIL}))[0] == 1


def test_what_was_joined_can_be_joined_again_in_any_order(join: Join) -> None:
    documents = [made(1), made(2, {"FRM-7": Status.FAIL}), made(3)]
    _, _, whole = join(*documents)
    _, _, two = join(documents[2], documents[0])
    status, _, again = join(documents[1], two)
    assert again == whole
    assert status == (1 if owner("FRM-7") == 2 else 0)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (Status.PASS, Status.FAIL, 1),
        (Status.FAIL, Status.PASS, 1),
        (Status.PASS, Status.PASS, 0),
        (Status.ERROR, Status.PASS, 0),
        (Status.PASS, Status.BLOCKED, 0),
        (Status.NOT_RUN, Status.PASS, 0),
        (Status.ERROR, Status.BLOCKED, 3),
    ],
)
def test_a_shard_that_ran_twice_a_judgement_counts_and_of_two_the_worse(
    join: Join, first: Status, second: Status, expected: int
) -> None:
    twice = owner("DEL-2")
    others = [made(number) for number in (1, 2, 3) if number != twice]
    assert join(made(twice, {"DEL-2": first}), *others, made(twice, {"DEL-2": second}))[0] == expected


def test_a_shard_that_was_interrupted_makes_it_inconclusive_until_it_ran_to_its_end(join: Join) -> None:
    broken = made(2) | {"interrupted": True}
    status, _, report = join(made(1), broken, made(3))
    assert report is not None
    assert (status, report["interrupted"]) == (3, True)
    assert join(made(1), broken, made(3), made(2))[0] == 0


def changed(document: dict[str, Any], **values: object) -> dict[str, Any]:
    return copy.deepcopy(document) | values


@pytest.mark.parametrize(
    ("other", "complaint"),
    [
        (changed(made(2), seed=8), "1.json and 2.json are not of one run: the seed of one is 7, of the other 8"),
        (changed(made(2), kit_version="9.9"), "not of one run: the kit version of one is "),
        (changed(made(2), contract_version="2.0"), "not of one run: the contract version of one is '1.0', of the"),
        (changed(made(2), target=TARGET | {"name": "x:Y"}), "not of one run: the target of one is {"),
        (changed(made(2), target=TARGET | {"capabilities": ["prefix"]}), "not of one run: the target of one is {"),
        (made(2, of=4), "not of one run: one is of 3 shards, the other of 4"),
    ],
)
def test_shards_of_different_runs_are_refused_in_one_line(join: Join, other: dict[str, Any], complaint: str) -> None:
    assert_refused(join(made(1), other), complaint)


def test_the_order_of_capabilities_makes_no_other_target(join: Join) -> None:
    other = changed(made(2), target=TARGET | {"capabilities": ["filter", "prefix"]})
    assert join(made(1), other, made(3))[0] == 0


def without(document: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != name}


def with_check(document: dict[str, Any], **values: object) -> dict[str, Any]:
    document = copy.deepcopy(document)
    document["requirements"][0]["checks"][0].update(values)
    return document


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ("", "the JSON report 1.json is not valid JSON: Expecting value"),
        ("{", "the JSON report 1.json is not valid JSON: "),
        ("[" * 100_000, "the JSON report 1.json is not valid JSON: it is nested too deep"),
        ("[" + "9" * 5000 + "]", "the JSON report 1.json is not valid JSON: Exceeds the limit"),
        ("[NaN]", "the JSON report 1.json is not valid JSON: NaN is no number"),
        ("[]", "1.json is no report of the schema taillog-report-1"),
        ({"schema": "taillog-report-2"}, "1.json is no report of the schema taillog-report-1"),
        (without(made(1), "seed"), "the report has no 'seed'"),
        (without(made(1), "shards"), "1.json is not the report of a shard: make it by `taillog check --shard I/N"),
        (changed(made(1), more=1), "the report has an unknown 'more'"),
        (changed(made(1), shards={"of": 10**12, "present": [1]}), "shards: of is 1000000000000, more than 1000"),
        (changed(made(1), shards={"of": 3, "present": [4]}), "1.json has shard 4 of 3, which there is not"),
        (changed(made(1), shards={"of": 3, "present": []}), "shards: present has less than 1 items"),
        (changed(made(1), kit_version="9.9"), "was made with kit version '9.9', and this is "),
        (with_check(made(1), name="test_of_another"), "'test_of_another', which is no check of DEL-1 in this kit"),
        (with_check(made(1), status="fine"), "requirements 1: checks 1: status is 'fine', not 'pass', "),
        (with_check(made(1), seconds=True), "requirements 1: checks 1: seconds is no number"),
    ],
)
def test_what_is_no_report_of_a_shard_is_refused_in_one_line(join: Join, document: object, complaint: str) -> None:
    assert_refused(join(document), complaint)


def assert_refused(joined: Joined, complaint: str) -> None:
    status, said, report = joined
    assert status == 2
    assert report is None
    *_, last = said.splitlines()
    assert last.startswith("Error: ")
    assert complaint in last


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "Missing argument 'REPORTS...'"),
        (["none.json"], "the JSON report none.json cannot be read: No such file or directory"),
        (["."], "the JSON report . cannot be read: Is a directory"),
        (["/dev/zero"], "the JSON report /dev/zero is larger than 32,768 KiB"),
        (["none.json", "--json", "no/out.json"], "the folder no does not exist"),
    ],
)
def test_files_that_cannot_be_read_or_written_are_one_line(words: list[str], complaint: str) -> None:
    done = CliRunner().invoke(cli.main, ["merge", *words])
    assert done.exit_code == 2
    assert complaint in done.output.splitlines()[-1]


def test_a_report_may_be_replaced_by_what_it_is_joined_to(tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.json" for number in (1, 2, 3)]
    for number, file in enumerate(files, start=1):
        write_whole(file, json.dumps(made(number)))
    done = CliRunner().invoke(cli.main, ["merge", *map(str, files), "-q", "--json", str(files[0])])
    assert done.exit_code == 0
    assert json.loads(files[0].read_text())["shards"]["present"] == [1, 2, 3]


def test_what_a_report_of_anothers_says_is_shown_and_does_nothing(join: Join) -> None:
    evil, shown = "\x1b[2J\u202egnol\ud83d[bold]", r"\x1b[2J\u202egnol\ud83d[bold]"
    hostile = made(owner("FRM-7"), {"FRM-7": Status.FAIL, "DEL-1": Status.ERROR})
    hostile["target"]["name"] = evil
    for row in hostile["requirements"]:
        for check in row["checks"]:
            check["message"] = f"{evil}\nmore {evil}"
    status, said, _ = join(hostile, words=())
    assert status == 1
    assert all(character.isprintable() or character == "\n" for character in said)
    assert f"\n{shown}\nmore {shown}\n" in said
    assert f"\nNONCONFORMANT  {shown}\n" in said
