"""The pytest plugin in an adopter's project: how a tailer is named, what it meets there, and what it leaves alone."""

from __future__ import annotations

import importlib.util
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Command = Callable[..., subprocess.CompletedProcess[str]]

SUITE = ("-q", "--pyargs", "taillog_conformance.suite")

ADOPTED = """
import pytest
import tiny
from taillog_conformance.adapters import TailLogAdapter
from taillog_conformance.suite import *  # noqa: F403


@pytest.fixture
def taillog_adapter():
    return TailLogAdapter(tiny.{name})
"""


@pytest.fixture
def adopted(project: Path) -> Callable[[str], None]:
    """Writes the adopter's module of checks for a tailer of `tiny.py`."""

    def adopt(name: str) -> None:
        (project / "test_my_tailer.py").write_text(ADOPTED.format(name=name))

    return adopt


def outcomes(done: subprocess.CompletedProcess[str]) -> dict[str, int]:
    """How many of what pytest's last line tells: {'passed': 2, 'deselected': 160}."""
    last = done.stdout.splitlines()[-1].strip("= ").rpartition(" in ")[0]
    counts = (part.strip().split() for part in last.split(","))
    return {word: int(count) for count, word in counts}


# How a tailer is named.


def test_the_checks_are_imported_and_the_fixture_is_overridden(
    run_pytest: Command, adopted: Callable[[str], None]
) -> None:
    adopted("TailLog")
    done = run_pytest("-q", "test_my_tailer.py", "--taillog-only", "FRM-7", "--taillog-only", "PFX-1")
    assert done.returncode == 0
    assert outcomes(done)["passed"] >= 3
    assert "failed" not in outcomes(done)
    assert "log tailer conformance" in done.stdout
    assert "tiny:TailLog: inconclusive with contract 1.0 (2 of " in done.stdout
    assert "\nseed " in done.stdout


def test_a_failure_reads_as_it_does_in_the_command(run_pytest: Command, adopted: Callable[[str], None]) -> None:
    adopted("Lossy")
    done = run_pytest("-q", "--taillog-only", "frm-7", "--taillog-seed", "12", "--taillog-scale", "0.5")
    assert done.returncode == 1
    assert outcomes(done)["failed"] == 3
    assert "FRM-7 (MUST) Empty lines MUST be delivered." in done.stdout
    for word in ("expected:", "timeline:", "<-- here", "look at:"):
        assert word in done.stdout
    assert "repeat:   pytest 'test_my_tailer.py::test_frm_7_" in done.stdout
    assert "--taillog-seed 12\n" in done.stdout
    assert "conformance/" not in done.stdout, "no traceback through the kit"
    assert "tiny:Lossy: nonconformant with contract 1.0 (1 of " in done.stdout


TELLS_ITS_PATIENCE = """

@pytest.fixture(autouse=True)
def patience(request, taillog_stage):
    with open("patience", "a") as file:
        file.write(f"{request.node.name[:10]} {taillog_stage.clocks.must_happen_within:.0f}\\n")
"""


def test_the_other_checks_of_a_requirement_that_has_failed_wait_less_long(
    run_pytest: Command, adopted: Callable[[str], None], project: Path
) -> None:
    adopted("Lossy")
    with (project / "test_my_tailer.py").open("a") as file:
        file.write(TELLS_ITS_PATIENCE)
    done = run_pytest("-q", "test_my_tailer.py", "--taillog-only", "FRM-7", "--taillog-only", "PFX-1")
    assert outcomes(done)["failed"] == 3
    told = (project / "patience").read_text().splitlines()
    assert {line for line in told if "frm_7" in line} == {"test_frm_7 10", "test_frm_7 2"}
    assert {line for line in told if "pfx_1" in line} == {"test_pfx_1 10"}


def test_an_adapter_that_declares_what_there_is_not_is_told_in_a_line(
    run_pytest: Command, adopted: Callable[[str], None]
) -> None:
    adopted("TailLog, capabilities=['rotations']")
    done = run_pytest("-q", "test_my_tailer.py", "--taillog-only", "FRM-7")
    assert done.returncode == 1
    assert set(outcomes(done)) == {"errors", "deselected"}
    assert "\nunknown capability 'rotations'; there are prefix, filter, " in done.stdout
    assert "Traceback" not in done.stdout


def test_a_tailer_is_named_by_an_option(run_pytest: Command) -> None:
    done = run_pytest(*SUITE, "--tailer", "tiny:TailLog", "--taillog-only", "FRM-7")
    assert (done.returncode, outcomes(done)["passed"]) == (0, 4)
    assert "tiny:TailLog: inconclusive" in done.stdout


def test_options_take_capabilities_away(run_pytest: Command) -> None:
    done = run_pytest(
        *SUITE, "--tailer", "tiny:TailLog", "--taillog-only", "PFX-1", "--tailer-without", "prefix", "-rs"
    )
    assert "passed" not in outcomes(done)
    assert "the tailer does not declare prefix" in done.stdout


def test_a_command_is_named_by_an_option(run_pytest: Command, project: Path) -> None:
    (project / "follow.py").write_text(
        "import sys, time\n"
        "file = open(sys.argv[1], 'rb') \n"
        "while True:\n"
        "    sys.stdout.buffer.write(file.read())\n"
        "    sys.stdout.flush()\n"
        "    time.sleep(0.01)\n"
    )
    command = f"python3 {project / 'follow.py'} {{file}}"
    done = run_pytest(*SUITE, "--tailer-command", command, "--taillog-only", "FRM-7", "--taillog-only", "PFX-1")
    assert done.returncode == 0
    assert outcomes(done)["passed"] == 4
    assert outcomes(done)["skipped"] >= 1  # no prefix


def test_without_a_tailer_a_plain_failure_says_what_to_do(run_pytest: Command, project: Path) -> None:
    (project / "test_bare.py").write_text("from taillog_conformance.suite import *\n")
    done = run_pytest("-q", "test_bare.py", "--taillog-only", "FRM-7")
    assert done.returncode == 1
    assert outcomes(done)["errors"] == 4
    assert "no tailer to check: run pytest with --tailer module:Class" in done.stdout
    assert "override the fixture taillog_adapter" in done.stdout
    assert "Traceback" not in done.stdout
    assert "conformance/" not in done.stdout


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ([], "no tailer to check: run pytest with --tailer module:Class"),
        (["--tailer", "nowhere:X"], "the module 'nowhere' of the target cannot be imported"),
        (["--tailer", "tiny:TailLog", "--taillog-only", "FRX-7"], "unknown requirement or area 'FRX-7'"),
    ],
)
def test_bad_options_are_one_clear_line(run_pytest: Command, options: list[str], complaint: str) -> None:
    done = run_pytest(*SUITE, *options, "--taillog-only", "FRM-7")
    assert done.returncode in (1, 4)
    assert complaint in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_two_tailers_have_two_verdicts(run_pytest: Command, project: Path) -> None:
    for name in ("TailLog", "Lossy"):
        (project / f"test_{name.lower()}.py").write_text(ADOPTED.format(name=name))
    done = run_pytest("-q", "--taillog-only", "FRM-7", "--taillog-scale", "0.5")
    assert done.returncode == 1
    assert outcomes(done) | {"deselected": 0} == {"passed": 5, "failed": 3, "deselected": 0}
    assert "tiny:TailLog: inconclusive with contract 1.0 (1 of " in done.stdout
    assert "tiny:Lossy: nonconformant with contract 1.0 (1 of " in done.stdout


# Beside other plugins, tests and settings.


def test_with_workers_that_agree_on_a_seed_that_nobody_gave(
    run_pytest: Command, adopted: Callable[[str], None]
) -> None:
    adopted("Lossy")
    done = run_pytest("-q", "-n", "2", "--taillog-only", "FRM-7", "--taillog-only", "FRM-5", "--taillog-scale", "0.5")
    assert done.returncode == 1
    assert outcomes(done)["failed"] == 3
    assert outcomes(done)["passed"] >= 1
    assert "tiny:Lossy: nonconformant with contract 1.0 (2 of " in done.stdout
    repeated = {line.rpartition("--taillog-seed ")[2] for line in done.stdout.splitlines() if " repeat: " in line}
    (seed,) = repeated
    assert f"\nseed {seed}\n" in done.stdout


@pytest.mark.skipif(importlib.util.find_spec("pytest_randomly") is None, reason="pytest-randomly is not installed")
def test_in_random_order(run_pytest: Command, adopted: Callable[[str], None]) -> None:
    adopted("TailLog")
    chosen = ["--taillog-only", "FRM-7", "--taillog-only", "FRM-10", "--taillog-only", "ENC-3"]
    done = run_pytest(*chosen, randomly=True)
    assert done.returncode == 0
    assert "Using --randomly-seed=" in done.stdout
    assert outcomes(done)["passed"] >= 4


def test_beside_the_adopters_own_tests_fixtures_and_settings(run_pytest: Command, project: Path) -> None:
    (project / "pytest.ini").write_text(
        "[pytest]\naddopts = -q --strict-markers --strict-config -W error\nmarkers =\n    slow: mine\n"
        "xfail_strict = true\nlog_level = DEBUG\ntestpaths = tests\npythonpath = .\n"
    )
    (project / "tests").mkdir()
    (project / "tests" / "conftest.py").write_text(
        "import pytest, tiny\n"
        "from taillog_conformance.adapters import TailLogAdapter\n"
        "@pytest.fixture(autouse=True)\n"
        "def in_a_folder(tmp_path, monkeypatch):\n"
        "    monkeypatch.chdir(tmp_path)\n"
        "@pytest.fixture\n"
        "def my_tailer():\n"
        "    return tiny.TailLog\n"
        "@pytest.fixture\n"
        "def taillog_adapter(my_tailer):\n"
        "    return TailLogAdapter(my_tailer)\n"
    )
    (project / "tests" / "test_conformance.py").write_text("from taillog_conformance.suite import *\n")
    (project / "tests" / "test_own.py").write_text(
        "import pytest\n"
        "@pytest.mark.slow\n"
        "def test_one(my_tailer): assert my_tailer\n"
        "@pytest.mark.skip(reason='mine')\n"
        "def test_two(): ...\n"
    )
    chosen = ["FRM-7", "FRM-10", "DEL-2", "DST-3", "MIS-5"]
    done = run_pytest(*(word for id in chosen for word in ("--taillog-only", id)))
    assert done.returncode == 0, done.stdout
    assert outcomes(done)["skipped"] == 1
    assert outcomes(done)["passed"] >= 6 + 1
    assert f"({len(chosen)} of " in done.stdout


def test_the_adopters_own_failures_and_skips_stay_what_they_are(run_pytest: Command, project: Path) -> None:
    (project / "test_own.py").write_text(
        "import pytest\n"
        "def test_fails(): assert 1 == 2\n"
        "def test_skips(): pytest.skip('mine')\n"
        "def test_calls_skip_in_a_filter(): pytest.fail('mine too')\n"
    )
    done = run_pytest("-q", "-rs", "test_own.py")
    assert done.returncode == 1
    assert outcomes(done) == {"failed": 2, "skipped": 1}
    assert "assert 1 == 2" in done.stdout
    assert "log tailer conformance" not in done.stdout


# Installed, but not asked for.

LOOK = """
import json, pathlib, sys

def test_ordinary():
    pathlib.Path("modules.json").write_text(json.dumps(sorted(sys.modules)))
"""


def test_a_project_that_does_not_ask_for_it_sees_nothing_of_it(run_pytest: Command, project: Path) -> None:
    (project / "test_ordinary.py").write_text(LOOK)
    done = run_pytest("-p", "no:hypothesispytest", "-p", "no:xdist")
    assert (done.returncode, done.stderr) == (0, "")
    said = [line for line in done.stdout.splitlines() if not line.startswith(("plugins:", "rootdir:"))]
    assert "taillog" not in "\n".join(said)
    modules = set(json.loads((project / "modules.json").read_text()))
    assert {name for name in modules if name.startswith("taillog")} == {
        *("taillog_conformance", "taillog_conformance.plugin"),
    }
    assert not modules & {"hypothesis", "rich", "click", "tomllib", "taillog_fixtures"}


def test_it_costs_such_a_project_nothing_with_workers_either(run_pytest: Command, project: Path) -> None:
    (project / "test_ordinary.py").write_text(LOOK)
    done = run_pytest("-q", "-p", "no:hypothesispytest", "-n", "1")
    assert (done.returncode, done.stderr) == (0, "")
    assert "taillog" not in done.stdout
    modules = set(json.loads((project / "modules.json").read_text()))
    assert not {name for name in modules if name.startswith("taillog_conformance.")} - {"taillog_conformance.plugin"}


def test_its_marker_and_its_options_are_documented(run_pytest: Command) -> None:
    said = run_pytest("--help").stdout
    for option in ("--tailer", "--tailer-command", "--tailer-capability", "--taillog-only", "--taillog-seed"):
        assert f"  {option}" in said
    assert "@pytest.mark.taillog(" in run_pytest("--markers").stdout


# A run that says nothing is not green.

ADAPTERS = """
from taillog_conformance.adapters import Adapter


class Mine(Adapter):
    name = "mine"
    capabilities = frozenset({"stream"})

    def open(self, job):
        raise OSError("no licence")


adapter = Mine()
"""


def test_an_inconclusive_run_is_not_green(run_pytest: Command, project: Path) -> None:
    (project / "own.py").write_text(ADAPTERS)
    done = run_pytest(*SUITE, "--tailer", "own:adapter", "-rs")
    assert set(outcomes(done)) == {"skipped", "errors"}  # what it broke, and the rest
    assert done.returncode == 1
    assert "mine: inconclusive with contract 1.0 (0 of " in done.stdout
    assert "OSError" in done.stdout


def test_a_part_of_the_suite_that_could_not_be_judged_is_not_green_either(run_pytest: Command, project: Path) -> None:
    (project / "own.py").write_text(ADAPTERS)
    done = run_pytest(*SUITE, "--tailer", "own:adapter", "--taillog-only", "FRM-7")
    assert set(outcomes(done)) == {"skipped", "deselected"}
    assert done.returncode == 1


@pytest.mark.parametrize(
    "choice",
    [
        ["-k", "frm_7_empty_lines_are_delivered"],
        ["test_my_tailer.py::test_frm_7_empty_lines_are_delivered"],
    ],
)
def test_one_check_that_was_asked_for_and_passed_is_green(
    run_pytest: Command, adopted: Callable[[str], None], choice: list[str]
) -> None:
    adopted("TailLog")
    done = run_pytest("-q", *choice)
    assert outcomes(done)["passed"] == 3
    assert done.returncode == 0


UNPARSABLE = """
import ast
from tiny import Lossy


def fail(*_, **__):
    raise SystemError("AST constructor recursion depth mismatch")


class Unparsable(Lossy):
    '''Leaves out empty lines; Python cannot parse while it runs, as when two threads do so at once in CPython 3.11.'''

    def start(self):
        ast.parse = fail
        return super().start()
"""


@pytest.mark.parametrize("workers", ["0", "1"])
def test_a_failure_is_reported_where_python_cannot_parse(taillog: Command, project: Path, workers: str) -> None:
    (project / "unparsable.py").write_text(UNPARSABLE)
    done = taillog("check", "unparsable:Unparsable", "--only", "FRM-7", "--only", "FRM-4", "-n", workers)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "  FAIL    FRM-7" in done.stdout
    assert "  pass    FRM-4" in done.stdout
    assert "INTERNALERROR" not in done.stdout + done.stderr
