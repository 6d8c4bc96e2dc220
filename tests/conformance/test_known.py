"""Known failures: what they excuse, what they do not, and what is wrong with a file of them."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Command

from taillog_conformance import known
from taillog_conformance.contract import load_contract
from taillog_conformance.outcomes import UsageProblem
from taillog_conformance.report.model import CheckResult, Report, Status
from taillog_conformance.suite._registry import all_checks, function_of

LOSSY = "FRM-7"
"""What tiny:Lossy breaks: it leaves out empty lines."""


def checked(taillog: Command, project: Path, *arguments: object) -> tuple[int, dict[str, Any]]:
    file = project / "report.json"
    done = taillog("check", *arguments, "-n", 0, "-q", "--json", file)
    assert file.exists(), done.stderr
    return done.returncode, json.loads(file.read_text())


def row(report: dict[str, Any], id: str) -> dict[str, Any]:
    return next(each for each in report["requirements"] if each["id"] == id)


@pytest.fixture
def written(taillog: Command, project: Path) -> Path:
    """What fails on tiny:Lossy, as a file of known failures."""
    file = project / "known.toml"
    status, report = checked(taillog, project, "tiny:Lossy", "--only", "FRM-7,FRM-4", "--write-known-failures", file)
    assert (status, report["summary"]["failed"]) == (1, 1)
    return file


def test_what_fails_is_written_and_then_excused(taillog: Command, project: Path, written: Path) -> None:
    assert set(known.load(written)) == {LOSSY}
    status, report = checked(taillog, project, "tiny:Lossy", "--only", "FRM-7,FRM-4", "--known-failures", written)
    assert status == 3  # only two requirements were asked for: no failure, and not enough to be conformant
    assert (report["summary"]["failed"], report["summary"]["excused"], report["summary"]["passed"]) == (0, 1, 1)
    assert row(report, LOSSY)["status"] == "known-failure"
    assert row(report, LOSSY)["checks"][0]["message"].startswith("known failure: ")


def test_it_is_excused_with_any_seed(taillog: Command, project: Path, written: Path) -> None:
    for seed in (1, 2, 3):
        arguments = ("tiny:Lossy", "--only", LOSSY, "--known-failures", written, "--seed", seed)
        assert row(checked(taillog, project, *arguments)[1], LOSSY)["status"] == "known-failure"


def test_one_that_passes_is_a_failure(taillog: Command, project: Path, written: Path) -> None:
    status, report = checked(taillog, project, "tiny:TailLog", "--only", LOSSY, "--known-failures", written)
    assert (status, row(report, LOSSY)["status"]) == (1, "fail")
    assert "passes, and is listed as a known failure: take it out of" in row(report, LOSSY)["checks"][0]["message"]


def test_one_by_luck_may_pass(taillog: Command, project: Path, written: Path) -> None:
    written.write_text(written.read_text().replace("signatures = [", "by_luck = true\nsignatures = ["))
    status, report = checked(taillog, project, "tiny:TailLog", "--only", LOSSY, "--known-failures", written)
    assert (status, row(report, LOSSY)["status"]) == (3, "pass")


def test_another_signature_is_a_failure(taillog: Command, project: Path, written: Path) -> None:
    written.write_text(f'[{LOSSY}]\nreason = "why"\nsignatures = ["it raised ValueError"]\n')
    status, report = checked(taillog, project, "tiny:Lossy", "--only", LOSSY, "--known-failures", written)
    assert (status, row(report, LOSSY)["status"]) == (1, "fail")
    assert "it does not fail as it is known to" in row(report, LOSSY)["checks"][0]["message"]


def test_one_that_is_not_known_is_a_failure(taillog: Command, project: Path) -> None:
    empty = project / "known.toml"
    empty.write_text("")
    status, report = checked(taillog, project, "tiny:Lossy", "--only", LOSSY, "--known-failures", empty)
    assert (status, row(report, LOSSY)["status"]) == (1, "fail")


def test_one_that_is_not_applicable_is_a_failure(taillog: Command, project: Path, written: Path) -> None:
    written.write_text('[TRN-1]\nreason = "why"\nsignatures = ["any"]\n')
    status, report = checked(taillog, project, "tiny:TailLog", "--only", "TRN-1", "--known-failures", written)
    assert (status, row(report, "TRN-1")["status"]) == (1, "fail")
    assert "not applicable" in row(report, "TRN-1")["checks"][0]["message"]


def test_what_was_not_asked_for_says_nothing(taillog: Command, project: Path, written: Path) -> None:
    status, report = checked(taillog, project, "tiny:TailLog", "--only", "FRM-4", "--known-failures", written)
    assert (status, report["summary"]["failed"]) == (3, 0)


def test_a_file_extends_another_and_wins(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(
        '[FRM-1]\nreason = "base"\nsignatures = ["a"]\n[FRM-5]\nreason = "base"\nsignatures = ["b"]\n'
    )
    over = tmp_path / "over.toml"
    over.write_text('extends = ["base.toml"]\n[FRM-5]\nreason = "own"\nissue = "https://x.org/1"\nsignatures = ["c"]\n')
    found = known.load(over)
    assert {id: (entry.reason, entry.signatures) for id, entry in found.items()} == {
        "FRM-1": ("base", ("a",)),
        "FRM-5": ("own", ("c",)),
    }
    assert found["FRM-5"].why == "own (https://x.org/1)"


ENTRY = 'reason = "why"\nsignatures = ["a"]\n'


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[FRM-1]\n", "it needs a reason"),
        ('[FRM-1]\nreason = " "\nsignatures = ["a"]', "it needs a reason"),
        ('[FRM-1]\nreason = "why"', "it needs signatures"),
        ('[FRM-1]\nreason = "why"\nsignatures = []', "it needs signatures"),
        (f'[FRM-1]\n{ENTRY}issue = "143823"', "the issue is a link"),
        (f"[FRM-1]\n{ENTRY}by_luck = 1", "by_luck is true or false"),
        (f"[FRM-1]\n{ENTRY}flaky = true", "unknown field 'flaky'"),
        (f"[FRM-99]\n{ENTRY}", "FRM-99"),
        ('FRM-1 = "why"', "is a table"),
        ("[FRM-1", "is not valid TOML"),
        ('extends = "gone.toml"', "cannot be read: No such file"),
        ('extends = "known.toml"', "extends itself"),
        ("extends = 3", "is the path of another file"),
    ],
)
def test_a_file_that_is_wrong_is_refused_in_a_line(text: str, complaint: str, tmp_path: Path) -> None:
    file = tmp_path / "known.toml"
    file.write_text(text)
    with pytest.raises(UsageProblem) as caught:
        known.load(file)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_command_refuses_it_too(taillog: Command, project: Path) -> None:
    (project / "known.toml").write_text(f"[FRM-99]\n{ENTRY}")
    done = taillog("check", "tiny:TailLog", "--known-failures", "known.toml")
    assert (done.returncode, "FRM-99" in done.stderr, "Traceback" in done.stderr) == (2, True, False)


def test_reasons_links_and_luck_are_kept_when_a_file_is_written_anew(
    taillog: Command, project: Path, written: Path
) -> None:
    text = written.read_text()
    before = next(iter(known.load(written).values()))
    written.write_text(f'[{LOSSY}]\nreason = "mine"\nissue = "https://x.org/1"\nsignatures = ["gone"]\n')
    options = ("--known-failures", written, "--write-known-failures", project / "new.toml")
    checked(taillog, project, "tiny:Lossy", "--only", LOSSY, *options)
    after = known.load(project / "new.toml")[LOSSY]
    assert (after.reason, after.issue, after.signatures) == ("mine", "https://x.org/1", before.signatures)
    assert text.startswith("# Known failures of tiny:Lossy")


@pytest.mark.parametrize(
    ("why", "same"),
    [
        (
            "1 line did not come (1 of a); the tailer's thread had been held at x.py:44 `if`",
            "3 lines did not come (3 of b)",
        ),
        ("stop() had not returned after 10 s", "stop() had not returned after 1,234.5 s"),
        ("one file's 'abc' x 'def'", "one file's 'q' x 'rrr'"),
        ("'abc' ... 'xyz' became 'abc'", "'abc' became 'a' ... 'c'"),
    ],
)
def test_a_signature_is_without_what_varies(why: str, same: str) -> None:
    assert known.signature(why) == known.signature(same)


def test_a_signature_tells_defects_apart() -> None:
    whys = [
        "a line came torn: only its beginning stands in the line",
        "a line does not carry its prefix",
        "3 lines did not come",
    ]
    assert len({known.signature(why) for why in whys}) == 3


# What the seed or a race chooses.


def test_checks_of_chance_are_checks_and_all_properties_are_among_them() -> None:
    properties = {each.function for each in all_checks() if "explore(" in inspect.getsource(function_of(each))}
    assert properties <= known.BY_CHANCE <= {name for each in all_checks() for name in each.names}


PROPERTY = "test_frm_10_the_cut_of_the_writes_does_not_matter"


def report_of(*results: CheckResult) -> Report:
    report = Report(load_contract(), {"name": "it"}, 0, {each.requirement: [each.name] for each in results})
    for each in results:
        report.add(each)
    return report


def test_a_property_is_excused_however_it_fails_and_may_pass(tmp_path: Path) -> None:
    file = tmp_path / "known.toml"
    file.write_text(known.dump(report_of(CheckResult(PROPERTY, "FRM-10", Status.FAIL, signature="torn")), {}))
    entries = known.load(file)
    assert (entries["FRM-10"].signatures, entries["FRM-10"].by_luck) == (("torn",), True)
    for status, expected in ((Status.FAIL, Status.KNOWN_FAILURE), (Status.PASS, Status.PASS)):
        report = report_of(CheckResult(PROPERTY, "FRM-10", status, signature="changed"))
        known.apply(entries, report)
        assert {row.status for row in report.requirements() if row.requirement.id == "FRM-10"} == {expected}


def test_a_property_that_passes_is_written_beside_what_its_area_fails_by(tmp_path: Path) -> None:
    passing = CheckResult(PROPERTY, "FRM-10", Status.PASS)
    lost = CheckResult("test_frm_7", "FRM-7", Status.FAIL, signature="N lines did not come")
    prefix = CheckResult("test_pfx_1", "PFX-1", Status.FAIL, signature="a line does not carry its prefix")
    file = tmp_path / "known.toml"
    file.write_text(known.dump(report_of(passing, lost, prefix), {}))
    entries = known.load(file)
    assert set(entries) == {"PFX-1", "FRM-7", "FRM-10"}
    assert (entries["FRM-10"].by_luck, entries["FRM-10"].signatures) == (True, entries["FRM-7"].signatures)
    assert not entries["FRM-7"].by_luck
    assert "[FRM-10]" not in known.dump(report_of(passing, prefix), {})
