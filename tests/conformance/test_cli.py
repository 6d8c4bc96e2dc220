"""The command `taillog check`, run as a person runs it: exit statuses, messages, reports, and Ctrl-C."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from taillog_conformance import cli, runner
from taillog_conformance.contract import load_contract
from taillog_conformance.interruption import termination_interrupts
from taillog_conformance.offsets import family
from taillog_conformance.report.model import CheckResult, Status, Summary
from taillog_conformance.suite._registry import all_checks

BOUND = 60.0
"""Seconds that nothing here takes, for what must happen."""

Command = Callable[..., subprocess.CompletedProcess[str]]

CHEAP = ("--only", "FRM-7", "--only", "PFX-1", "-n", "0", "--scale", "0.5")
"""Options for a run of a second: few checks, in one process, with little patience for what does not come."""


def document(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def rows(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """A report's requirements by id."""
    return {row["id"]: row for row in report["requirements"]}


# Bad input.

BAD_MODULES = {
    "raising.py": "raise ValueError('why\\nin two lines')",
    "syntax.py": "def f(:",
    "importing.py": "import no_such_module_at_all",
    "leaving.py": "import sys\nprint('good')\nsys.exit('bye\\nbye')",
    "gone.py": "import os, sys\nprint('so long', file=sys.stderr, flush=True)\nos._exit(7)",
    "cmd.py": "class X: ...",
    "shapes.py": "class NoStop:\n def __init__(self, name, log_files, dst): ...\n def start(self): ...\n"
    "class TooFew:\n def __init__(self, path): ...\n def start(self): ...\n def stop(self): ...\n"
    " def stopped(self): ...\n"
    "from taillog_conformance.adapters import TailLogAdapter\nnumber = 5",
}

TARGET = "tiny:TailLog"


refusals = partial(pytest.mark.parametrize, ("arguments", "complaint"))


@refusals(
    [
        pytest.param(
            [], "name one target: module:Class, module:adapter_object, --command CMD, or --driver CMD", id="nothing"
        ),
        pytest.param([TARGET, "--command", "tail -F {file}"], "name one target: ", id="target-and-command"),
        pytest.param(["nowhere:TailLog"], "the module 'nowhere' of the target cannot be imported", id="no-module"),
        pytest.param(["tiny:Nothing"], "the module 'tiny' has no 'Nothing'", id="no-name"),
        pytest.param(["tiny:TailLog.deep"], "the module 'tiny' has no 'TailLog.deep'", id="no-deep-name"),
        pytest.param(["tiny"], "the target 'tiny' is not of the form module:Class", id="no-colon"),
        pytest.param(["tiny:"], "the target 'tiny:' is not of the form module:Class", id="no-class"),
        pytest.param(["./tiny.py:TailLog"], "named as in an import it is tiny:TailLog", id="a-path"),
        pytest.param(["tiny.py:TailLog"], "named as in an import it is tiny:TailLog", id="a-file"),
        pytest.param(["..tiny:TailLog"], "named as in an import it is tiny:TailLog", id="a-relative-name"),
        pytest.param(["cmd:X"], "'cmd' of the target has the name of one of Python's own", id="shadowing"),
        pytest.param(["raising:X"], "'raising' of the target cannot be imported: ValueError: why in two", id="raises"),
        pytest.param(["syntax:X"], "cannot be imported: SyntaxError: ", id="syntax"),
        pytest.param(["importing:X"], "ModuleNotFoundError: No module named 'no_such_module_at_all'", id="import"),
        pytest.param(["leaving:X"], "cannot be imported: SystemExit: bye bye", id="exits"),
        pytest.param(["gone:X"], "the target gone:X ended the process with status 7: so long", id="os-exits"),
        pytest.param(["shapes:NoStop"], "has not the shape of a TailLog: it has no stop(), stopped()", id="methods"),
        pytest.param(["shapes:TooFew"], "its constructor must take (name, log_files, dst)", id="constructor"),
        pytest.param(["shapes:number"], "shapes:number is neither a class nor an adapter", id="no-class-at-all"),
        pytest.param(["shapes:TailLogAdapter"], "is a class of adapters; name an object of it", id="adapter-class"),
        pytest.param(
            [TARGET, "--capability", "magic"], "unknown capability 'magic'; there are prefix,", id="capability"
        ),
        pytest.param([TARGET, "--without", "magic"], "unknown capability 'magic'; there are prefix,", id="without"),
        pytest.param(["--command", "no-such-program {file}"], "'no-such-program' does not exist", id="program"),
        pytest.param(["--command", "tail -F"], "the command 'tail -F' names no file: put {file}", id="no-file"),
        pytest.param(["--command", "tail '{file}"], "is not well quoted", id="quotes"),
        pytest.param(["--command", ""], "names no file", id="empty-command"),
    ],
)
def test_a_target_that_cannot_be_had_is_one_clear_line_and_status_2(
    taillog: Command, project: Path, arguments: Sequence[str], complaint: str
) -> None:
    for name, text in BAD_MODULES.items():
        (project / name).write_text(text)
    done = taillog("check", *arguments)
    assert done.stdout == ""
    assert_refused(done.returncode, done.stderr, complaint)


@refusals(
    [
        pytest.param(["--only", "FRM-99"], "unknown requirement or area 'FRM-99'", id="id"),
        pytest.param(["--only", "FRN"], "unknown requirement or area 'FRN': did you mean ", id="area"),
        pytest.param(["--only", "FRM-1,XYZ-1"], "unknown requirement or area 'XYZ-1'", id="id-in-a-list"),
        pytest.param(["--only", ""], "--only names nothing: ", id="only-nothing"),
        pytest.param(["--only", " , "], "--only names nothing: ", id="only-a-comma"),
        pytest.param(["--json", "no/such/folder.json"], "the folder no/such does not exist", id="json-folder"),
        pytest.param(["--json", "."], "cannot be written to .: it is a folder", id="json-is-a-folder"),
        pytest.param(
            ["--json", "/proc/report.json"],
            "the JSON report cannot be written to /proc/report.json: ",
            id="json-refused",
            marks=pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="this system has no /proc"),
        ),
        pytest.param(["-n", "many"], "'many' is neither a number nor auto", id="workers"),
        pytest.param(["-n", "65"], "more than 64 workers only wait for each other", id="too-many-workers"),
        pytest.param(["-n", "9" * 5000], "more than 64 workers", id="workers-without-end"),
        pytest.param(["--json", "a", "--junit", "./a"], "the JSON report and the JUnit XML cannot both be", id="twice"),
        pytest.param(["--json", "a", "--write-known-failures", "a"], "cannot both be written to a", id="twice-known"),
        pytest.param(["--json", "dangling"], "the folder /no/such does not exist", id="json-dangling-link"),
        pytest.param(["--seed", "x"], "'x' is not a valid", id="seed"),
        pytest.param(["--seed", "-1"], "-1 is not in the range", id="seed-negative"),
        *(
            pytest.param(["--scale", scale], "is not in the range", id=f"scale-{scale}")
            for scale in ("0", "-1", "inf", "1e300")
        ),
        pytest.param(["--scale", "nan"], "nan is no number", id="scale-nan"),
        pytest.param(["--jsno", "x"], "No such option", id="option"),
        pytest.param(["another:Target"], "unexpected extra argument", id="two-targets"),
        pytest.param(["--shard", "2/5"], "--shard needs a --seed, the same for all shards", id="shard-without-seed"),
        pytest.param(["--shard", "6/5", "--seed", "1"], "there is no shard 6/5", id="shard-out-of-range"),
        pytest.param(["--shard", "x", "--seed", "1"], "'x' is no shard: write its number and", id="no-shard"),
        pytest.param(["--shard", "1/2", "--only", "FRM"], "leave out --only and --scenario", id="shard-of-a-part"),
    ],
)
def test_an_option_that_cannot_be_used_is_one_clear_line_and_status_2(
    project: Path, monkeypatch: pytest.MonkeyPatch, arguments: Sequence[str], complaint: str
) -> None:
    monkeypatch.chdir(project)
    monkeypatch.setattr(runner, "_pytest", None)  # nothing is run
    (project / "dangling").symlink_to("/no/such/report.json")
    done = CliRunner().invoke(cli.main, ["check", TARGET, *arguments])
    assert_refused(done.exit_code, done.output, complaint)


def assert_refused(status: int, output: str, complaint: str) -> None:
    """The message is the last line, and it is one line."""
    assert status == 2
    assert "Traceback" not in output
    last = output.splitlines()[-1]
    assert last.startswith("Error: ")
    assert complaint in last


def test_a_report_path_is_looked_at_before_the_target_is_imported(taillog: Command, project: Path) -> None:
    (project / "slow_import.py").write_text("import pathlib; pathlib.Path('imported').touch()\n")
    done = taillog("check", "slow_import:X", "--json", "no/folder.json")
    assert done.returncode == 2
    assert not (project / "imported").exists()


def test_a_target_that_is_refused_leaves_no_report(taillog: Command, project: Path) -> None:
    (project / "kept.json").write_text("an older report")
    assert taillog("check", "nowhere:X", "--json", "kept.json").returncode == 2
    assert (project / "kept.json").read_text() == "an older report"


def test_a_module_may_print_while_it_is_imported_and_ids_come_in_a_list(taillog: Command, project: Path) -> None:
    said = "import sys\nprint('hello')\nprint('hello', file=sys.stderr)\n"
    (project / "chatty.py").write_text(said + "from tiny import *\n")
    done = taillog("check", "chatty:TailLog", "--only", "frm-7, pfx-1", "-n", "0", "--quiet", "--json", "out.json")
    assert done.returncode == 3
    assert done.stdout.splitlines()[-1].startswith("chatty:TailLog: inconclusive with contract 1.0 (2 of ")
    assert rows(document(project / "out.json"))["FRM-7"]["status"] == "pass"


def test_help_shows_how(taillog: Command) -> None:
    done = taillog("check", "--help")
    assert done.returncode == 0
    for word in ("module:Class", "--command", "{file}", "Exit status: 0 conformant, 1 nonconformant, 2 "):
        assert word in done.stdout


# What comes of a run.


def test_a_part_of_the_suite_is_inconclusive_and_status_3(taillog: Command) -> None:
    done = taillog("check", TARGET, *CHEAP)
    assert (done.returncode, done.stderr) == (3, "")
    words = done.stdout.split()
    assert words.count("pass") == 2
    assert "INCONCLUSIVE  tiny:TailLog" in done.stdout
    assert re.search(r"\n  2 of \d+ required ran, 2 passed, \d+ not run", done.stdout)
    assert "DEL-1" not in done.stdout


def test_a_tailer_that_cannot_be_started_is_one_line(taillog: Command, project: Path) -> None:
    done = taillog("check", "tiny:Broken", "--only", "FRM", "-n", "0", "--json", "out.json")
    assert done.returncode == 3
    assert "INCONCLUSIVE" in done.stdout
    report = document(project / "out.json")
    statuses = {row["status"] for row in report["requirements"] if row["area"] == "FRM"}
    assert statuses == {"blocked"}
    assert report["summary"]["blocked"] == 10
    reason = "the smoke check of the tailer failed (LIF-1: start() raised RuntimeError)"
    assert reason in rows(report)["FRM-1"]["checks"][0]["message"]
    assert f"\nblocked: {reason}\n" in done.stdout
    quiet = taillog("check", "tiny:Broken", "--only", "FRM", "-n", "0", "-q")
    assert quiet.stdout.splitlines()[1:] == [f"blocked: {reason}"]


def test_what_a_check_holds_open_itself_is_not_the_tailers(taillog: Command, project: Path) -> None:
    """Where one start() that fails leaves a stop() that raises, the next one is cleared away rightly."""
    (project / "half.py").write_text(
        "import threading, taillog\n"
        "class TailLog(taillog.TailLog):\n"
        "    def start(self):\n"
        "        self.over = threading.Event()\n"
        "        self.beside = threading.Thread(target=self.over.wait)\n"
        "        self.beside.start()\n"
        "        try:\n"
        "            return super().start()\n"
        "        except BaseException:\n"
        "            self.over.set()\n"
        "            raise\n"
        "    def stop(self):\n"
        "        super().stop()\n"
        "        self.over.set()\n"
        "        self.beside.join()\n"
    )
    done = taillog("check", "half:TailLog", "--only", "RES-2", "-n", "0")
    assert " 1 passed" in done.stdout, done.stdout


def test_what_blocks_all_others_fails_in_its_own_place(taillog: Command) -> None:
    done = taillog("check", "tiny:Broken", "--only", "LIF-1", "--only", "FRM-7", "-n", "0", "-q")
    assert done.returncode == 1
    assert "1 failed" in done.stdout
    assert "1 blocked" in done.stdout


def test_an_adapter_that_breaks_is_no_failure_of_the_tailer(taillog: Command, project: Path) -> None:
    (project / "own.py").write_text(
        "from taillog_conformance.adapters import Adapter\n"
        "class Mine(Adapter):\n"
        "    name = 'mine'\n"
        "    capabilities = frozenset()\n"
        "    def open(self, job):\n"
        "        raise OSError('no licence')\n"
        "adapter = Mine()\n"
    )
    done = taillog("check", "own:adapter", *CHEAP)
    assert done.returncode == 3
    assert "OSError" in done.stdout
    assert "INCONCLUSIVE  mine" in done.stdout


def test_a_factory_of_something_else_is_one_line(taillog: Command, project: Path) -> None:
    (project / "made.py").write_text("def make(name, log_files, dst): return None\n")
    done = taillog("check", "made:make", "--only", "FRM-7", "-n", "0")
    assert done.returncode == 3
    assert "blocked: made:make made None, which has no start(), stop(), stopped();" in done.stdout
    assert "Traceback" not in done.stdout


def test_an_adapter_object_is_a_target(taillog: Command, project: Path) -> None:
    (project / "own.py").write_text(
        "import tiny\nfrom taillog_conformance.adapters import TailLogAdapter\n"
        "adapter = TailLogAdapter(tiny.TailLog, name='mine', capabilities={'rotation'}, without={'filter'})\n"
    )
    done = taillog("check", "own:adapter", *CHEAP, "--without", "prefix", "-q", "--json", "out.json")
    assert done.stdout.startswith("mine: inconclusive ")
    report = document(project / "out.json")
    assert report["target"]["name"] == "mine"
    assert report["target"]["adapter"] == "class"
    assert set(report["target"]["capabilities"]) >= {"rotation", "error-report"}
    assert not {"filter", "prefix"} & set(report["target"]["capabilities"])
    assert rows(report)["PFX-1"]["status"] == "not-applicable"


@pytest.mark.skipif(not os.path.exists("/usr/bin/tail"), reason="there is no tail here")
def test_a_command_is_a_target(taillog: Command, project: Path) -> None:
    done = taillog("check", "--command", "/usr/bin/tail -n +1 -F {file}", *CHEAP, "-q", "--json", "out.json")
    assert (done.returncode, done.stderr) == (3, "")
    report = document(project / "out.json")
    assert report["target"]["adapter"] == "command"
    assert rows(report)["FRM-7"]["status"] == "pass"
    assert rows(report)["PFX-1"]["status"] == "not-applicable"


@pytest.mark.parametrize(
    ("status", "expected", "verdict"),
    [(Status.PASS, 0, "CONFORMANT"), (Status.FAIL, 1, "NONCONFORMANT"), (Status.ERROR, 3, "INCONCLUSIVE")],
)
def test_the_exit_status_is_the_verdicts(
    monkeypatch: pytest.MonkeyPatch, status: Status, expected: int, verdict: str
) -> None:
    def all_came_to(*arguments: object) -> int:
        (watcher,) = (each for each in arguments if isinstance(each, runner._Watcher))
        for check in all_checks():
            for name in check.names:
                watcher(watcher.report, CheckResult(name, check.requirement, status, message="because"))
        return 0

    monkeypatch.setattr(runner, "_pytest", all_came_to)
    done = CliRunner().invoke(cli.main, ["check", "taillog:TailLog"])
    assert done.exit_code == expected
    assert f"\n{verdict}  taillog:TailLog\n" in done.output


def test_a_conformant_run_without_its_report_ends_as_an_inconclusive_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def all_came_to(status: Status, *arguments: object) -> int:
        (watcher,) = (each for each in arguments if isinstance(each, runner._Watcher))
        for check in all_checks():
            for name in check.names:
                watcher(watcher.report, CheckResult(name, check.requirement, status, message="because"))
        return 0

    for option in ("--json", "--write-known-failures"):
        for status, expected in ((Status.PASS, 3), (Status.FAIL, 1)):
            monkeypatch.setattr(runner, "_pytest", partial(all_came_to, status))
            done = CliRunner().invoke(cli.main, ["check", "taillog:TailLog", "-q", option, "/dev/full"])
            assert done.exit_code == expected
            assert done.output.endswith("could not be written to /dev/full: No space left on device\n")
            assert done.output.count("\n") == 2  # after the verdict


def test_a_module_named_as_one_of_pythons_own_breaks_no_run(taillog: Command, project: Path) -> None:
    (project / "queue.py").write_text("raise RuntimeError('mine')\n")
    done = taillog("check", TARGET, "--only", "FRM-7", "-n", "1")
    assert (done.returncode, done.stderr) == (3, "")
    assert "1 passed" in done.stdout


BREAKS_PYTEST = """
import pytest
from tiny import TailLog as Tiny

class TailLog(Tiny):
    def start(self):
        pytest.TestReport.from_item_and_call = None
        return super().start()
"""


def test_what_breaks_round_a_check_is_an_error_and_nobodys_failure(taillog: Command, project: Path) -> None:
    (project / "breaking.py").write_text(BREAKS_PYTEST)
    done = taillog("check", "breaking:TailLog", "--only", "FRM-7,FRM-5", "-n", "1", "--json", "out.json")
    assert (done.returncode, done.stderr) == (3, "")
    rows = {row["id"]: row for row in json.loads((project / "out.json").read_text())["requirements"]}
    for id in ("FRM-7", "FRM-5"):
        assert rows[id]["status"] == "error"
        assert all(check["message"].startswith("the check itself broke:") for check in rows[id]["checks"])


def test_the_reports_of_all_shards_are_joined_into_the_verdict(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def what_was_asked_for_passed(_: object, options: Sequence[str], __: int, watcher: Any) -> int:
        asked = {word.removeprefix("--taillog-only=") for word in options if word.startswith("--taillog-only=")}
        for check in all_checks():
            for name in check.names if check.requirement in asked else ():
                watcher(watcher.report, CheckResult(name, check.requirement, Status.PASS))
        return 0

    monkeypatch.chdir(project)
    monkeypatch.setattr(runner, "_pytest", what_was_asked_for_passed)
    for number in (1, 2, 3):
        words = ["--shard", f"{number}/3", "--seed", "5", "--json", f"{number}.json"]
        done = CliRunner().invoke(cli.main, ["check", TARGET, *words])
        assert done.exit_code == 3
        assert f"\n  shard {number} of 3; without " in done.output
        assert document(project / f"{number}.json")["shards"] == {"of": 3, "present": [number]}
    assert CliRunner().invoke(cli.main, ["merge", "1.json", "3.json"]).exit_code == 3
    done = CliRunner().invoke(cli.main, ["merge", "1.json", "2.json", "3.json", "--json", "all.json"])
    assert done.exit_code == 0
    assert "\nCONFORMANT  tiny:TailLog\n" in done.output
    assert "\n  all 3 shards\n" in done.output
    assert document(project / "all.json")["verdict"] == "conformant"


# The report.


def test_a_failure_is_nonconformant_and_status_1_and_said_in_both_reports(taillog: Command, project: Path) -> None:
    done = taillog("check", "tiny:Lossy", *CHEAP, "--seed", "12", "--json", "out.json")
    assert (done.returncode, done.stderr) == (1, "")
    assert "NONCONFORMANT  tiny:Lossy" in done.stdout
    assert "FRM-7 (MUST) Empty lines MUST be delivered." in done.stdout
    for word in ("did not come", "expected:", "timeline:", "<-- here", "look at:"):
        assert word in done.stdout
    assert "repeat:   taillog check tiny:Lossy --only FRM-7 --seed 12\n" in done.stdout
    assert "Traceback" not in done.stdout
    report = document(project / "out.json")
    assert {
        *("schema", "kit_version", "contract_version", "seed", "target", "environment"),
        *("summary", "verdict", "requirements"),
    } <= set(report)
    assert report["seed"] == 12
    assert report["contract_version"] == load_contract().version
    assert report["verdict"] == "nonconformant"
    assert set(report["target"]) == {"name", "adapter", "capabilities"}
    assert report["target"]["name"] == "tiny:Lossy"
    assert set(report["summary"]) == set(Summary.__dataclass_fields__)
    assert report["summary"]["ran"] == 2
    assert report["summary"]["failed"] == 1
    ids = [row["id"] for row in report["requirements"]]
    in_order = [each.id for each in load_contract().requirements]
    assert ids == [id for id in in_order if id in ids]
    for row in report["requirements"]:
        assert set(row) == {"id", "level", "area", "title", "status", "checks"}
        for check in row["checks"]:
            failed = {"failure", "signature"} if check["status"] == "fail" else set()
            assert set(check) == {"name", "status", "seconds", "message", "timeline"} | failed
    found = rows(report)
    assert found["PFX-1"]["status"] == "pass"
    assert found["DEL-1"]["status"] == "not-run"
    assert found["FRM-7"]["status"] == "fail"
    failed = next(check for check in found["FRM-7"]["checks"] if check["status"] == "fail")
    assert "FRM-7 (MUST)" in failed["message"]
    assert failed["seconds"] > 0
    assert {"why", "expected", "got", "event", "repeat", "scenario", "played", "lines", "strays"} == set(
        failed["failure"]
    )
    assert next(line["text"] for line in failed["failure"]["lines"] if line["came"] is None) == "''"
    assert {"producer", "tailer", "destination"} <= {event["lane"] for event in failed["timeline"]}
    assert list(project.glob(".out.json*")) == []


def test_each_view_is_written_to_its_file(taillog: Command, project: Path) -> None:
    views = ("json", "junit", "markdown", "html", "badge")
    options = [word for view in views for word in (f"--{view}", f"out.{view}")]
    assert taillog("check", "tiny:Lossy", *CHEAP, "-q", *options).returncode == 1
    found = {view: (project / f"out.{view}").read_text(encoding="utf-8") for view in views}
    assert document(project / "out.json")["verdict"] == "nonconformant"
    assert found["junit"].startswith("<?xml")
    assert found["markdown"].startswith("## ")
    assert found["html"].startswith("<!DOCTYPE html>")
    assert json.loads(found["badge"])["schemaVersion"] == 1
    assert all("nonconformant" in text for text in found.values())
    assert {path.name for path in project.iterdir() if path.name.startswith(".")} == set()


def test_a_seed_plays_the_same_texts_again(taillog: Command, project: Path) -> None:
    def texts(seed: int, workers: int) -> list[str]:
        chosen = ("--only", "FRM-7", "-n", workers, "--seed", seed, "--scale", 0.5)
        taillog("check", "tiny:Lossy", *chosen, "-q", "--json", "out.json")
        return [
            event["data"]
            for check in rows(document(project / "out.json"))["FRM-7"]["checks"]
            for event in check["timeline"]
            if event["lane"] == "producer" and "data" in event
        ]

    first = texts(12, workers=2)
    assert first
    assert texts(12, workers=0) == first
    assert texts(13, workers=0) != first


def test_without_a_seed_each_run_has_its_own_and_shows_it(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    monkeypatch.setattr(runner, "_pytest", lambda *_: 0)
    seeds = set()
    for _ in range(2):
        done = CliRunner().invoke(cli.main, ["check", TARGET, "--json", "out.json"])
        seed = document(project / "out.json")["seed"]
        assert f"seed {seed}\n" in done.output
        seeds.add(seed)
    assert len(seeds) == 2


LEAVES_A_THREAD = """
import threading
from taillog_fixtures.correct import one_loop

class TailLog(one_loop.TailLog):
    def stop(self):
        super().stop()
        threading.Thread(target=threading.Event().wait).start()
"""


@pytest.mark.parametrize("workers", [0, 2])
def test_a_thread_that_a_tailer_leaves_behind_does_not_keep_the_command(
    taillog: Command, project: Path, workers: int
) -> None:
    (project / "lasting.py").write_text(LEAVES_A_THREAD)
    done = taillog(
        "check", "lasting:TailLog", "--only", "PFX-1", "--scale", "0.5", "-n", str(workers), "--json", "report.json"
    )
    assert done.returncode == 3, done.stdout
    assert rows(document(project / "report.json"))["PFX-1"]["status"] == "pass"


def test_the_run_takes_nothing_from_the_project_round_it(taillog: Command, project: Path) -> None:
    (project / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    (project / "conftest.py").write_text("raise RuntimeError('not mine')\n")
    (project / "test_of_the_project.py").write_text("def test(): assert False\n")
    done = taillog("check", TARGET, *CHEAP, "-q")
    assert (done.returncode, done.stderr) == (3, "")
    assert "(2 of " in done.stdout
    left = {path.name for path in project.iterdir()} - {"__pycache__"}
    assert left == {"tiny.py", "pytest.ini", "conftest.py", "test_of_the_project.py"}


# Ctrl-C, and worse.

STARTER = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background has it ignored
from taillog_conformance.cli import main
main()
"""

Begin = Callable[[str, int], subprocess.Popen[str]]


@pytest.fixture
def begin(project: Path, clean_environment: dict[str, str]) -> Iterator[Begin]:
    """Begins a long run on a tailer, in a session of its own and with so many workers."""
    begun = []

    def begin(target: str, workers: int) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", STARTER, "check", target, "--only", "FRM", "-n", str(workers), "--json", "out.json"],
            cwd=project,
            env=clean_environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        begun.append(process)
        return process

    yield begin
    for process in begun:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def await_(process: subprocess.Popen[str], what: Callable[[], object]) -> None:
    """Wait until `what()` is true, while the process runs."""
    ends = time.monotonic() + BOUND
    while not what():
        assert process.poll() is None
        assert time.monotonic() < ends
        time.sleep(0.02)


def passed(path: Path) -> int:
    """How many checks have passed by the report that stands there now, which is whole whenever it is read."""
    if not path.exists():
        return 0
    checks = [check for row in document(path)["requirements"] for check in row["checks"]]
    return sum(check["status"] == "pass" for check in checks)


def ends_as_interrupted(process: subprocess.Popen[str], project: Path) -> None:
    out, _ = process.communicate(timeout=BOUND)
    assert process.returncode == 3
    assert "the run was interrupted" in out
    report = document(project / "out.json")
    assert report["interrupted"]
    assert report["summary"]["failed"] == 0


@pytest.mark.parametrize("workers", [0, 2])
def test_ctrl_c_ends_the_run_soon_with_a_report_of_what_was_done(project: Path, begin: Begin, workers: int) -> None:
    process = begin("tiny:Stuck", workers)
    await_(process, (project / "stuck").exists)
    began = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=BOUND)
    assert time.monotonic() - began < 10
    assert process.returncode == 3
    assert "Traceback" not in err
    assert "INCONCLUSIVE  tiny:Stuck" in out
    assert "the run was interrupted" in out
    report = document(project / "out.json")
    assert (report["verdict"], report["interrupted"]) == ("inconclusive", True)
    assert passed(project / "out.json")
    assert report["summary"]["failed"] == 0
    assert report["summary"]["not_run"] > 0


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("to_all", [False, True])
def test_sigterm_does_what_ctrl_c_does(project: Path, begin: Begin, workers: int, to_all: bool) -> None:
    """As `kill` and CI services send it, to the command alone, and as `timeout` does, first to it and then to all."""
    process = begin("tiny:Stuck", workers)
    await_(process, (project / "stuck").exists)
    below = family(process.pid)[1:]
    process.terminate()
    if to_all:
        os.killpg(process.pid, signal.SIGTERM)
    ends_as_interrupted(process, project)
    assert passed(project / "out.json")
    assert not [pid for pid in below if Path(f"/proc/{pid}").exists()]


def test_after_a_sigterm_another_one_does_nothing() -> None:
    """It may come when the report is being written."""

    def come_to_one() -> None:
        with termination_interrupts():
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(BOUND)

    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    interrupt = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            come_to_one()
        os.kill(os.getpid(), signal.SIGTERM)
        begun = subprocess.Popen(["sleep", str(BOUND)])
        begun.terminate()
        assert begun.wait() == -signal.SIGTERM, "a program that is started then hears it"
    finally:
        signal.signal(signal.SIGTERM, before)
        signal.signal(signal.SIGINT, interrupt)


@pytest.mark.parametrize(("stop", "workers"), [("INT", "0"), ("HUP", "2"), ("TERM", "0")])
def test_a_program_hears_the_signals_that_the_run_ignores(
    project: Path, clean_environment: dict[str, str], stop: str, workers: str
) -> None:
    """A shell has SIGINT ignored by what it runs in the background, and nohup SIGHUP."""
    words = [sys.executable, "-m", "taillog_conformance", "check", "--command", "tail -n +1 -F {file}", "--stop", stop]
    words += ["--only", "SRC-1", "-n", workers, "--json", "out.json"]
    ignoring = ["sh", "-c", 'trap "" INT HUP TERM; exec "$@"', "sh", *words]
    subprocess.run(ignoring, cwd=project, env=clean_environment, capture_output=True, check=False, timeout=BOUND)
    summary = document(project / "out.json")["summary"]
    assert (summary["passed"], summary["failed"], summary["blocked"]) == (1, 0, 0)


def test_ctrl_c_that_reaches_the_workers_first_is_no_crash_of_theirs(project: Path, begin: Begin) -> None:
    process = begin("tiny:Stuck", 2)
    await_(process, (project / "stuck").exists)
    for worker in family(process.pid)[1:]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker, signal.SIGINT)
    ends_as_interrupted(process, project)


def test_ctrl_c_is_not_lost_where_python_drops_what_is_raised(project: Path, begin: Begin) -> None:
    process = begin("tiny:Interrupting", 0)
    ends_as_interrupted(process, project)


def test_a_run_that_is_killed_leaves_a_whole_report(project: Path, begin: Begin) -> None:
    process = begin("tiny:Slow", 0)
    await_(process, lambda: passed(project / "out.json"))
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=BOUND)
    assert document(project / "out.json")["verdict"] == "inconclusive"
    assert passed(project / "out.json")


def test_a_report_goes_into_a_pipe_once(taillog: Command, project: Path) -> None:
    done = taillog("check", TARGET, *CHEAP, "-q", "--json", "/dev/stdout")
    assert (done.returncode, done.stderr) == (3, "")
    report, _, verdict = done.stdout.rstrip("\n").rpartition("\n")
    assert json.loads(report)["verdict"] == "inconclusive"
    assert verdict.startswith("tiny:TailLog: inconclusive ")


def test_a_report_to_a_device_leaves_the_device_there(tmp_path: Path) -> None:
    """As root, a rename would put a file in the place of /dev/null."""
    from taillog_conformance.report.files import write_whole

    link = tmp_path / "link"
    link.symlink_to("/dev/null")
    write_whole(link, "report")
    assert link.is_symlink()
    assert Path("/dev/null").is_char_device()
    target, other = tmp_path / "target", tmp_path / "other"
    target.write_text("before")
    other.symlink_to(target)
    write_whole(other, "after")
    assert (other.is_symlink(), target.read_text()) == (True, "after")


OPENS_AT_ONCE = """
from tiny import TailLog


class OpensAtOnce(TailLog):
    def start(self):
        for path, *_ in self.files:
            open(path).close()
        return super().start()
"""


def test_what_start_raises_is_told_once(taillog: Command, project: Path) -> None:
    (project / "hasty.py").write_text(OPENS_AT_ONCE)
    done = taillog("check", "hasty:OpensAtOnce", "--only", "MIS-1", "--only", "MIS-6", "--seed", "5")
    assert done.returncode == 1
    first, _, second = done.stdout.partition("MIS-6 A missing file delays no other \u2500")
    assert "  what:     start() raised FileNotFoundError\n" in first
    assert "Look first at where it raised, and why" in first
    assert second.splitlines()[1:3] == [
        "  what:     as MIS-1: start() raised FileNotFoundError, at the same place",
        "  repeat:   taillog check hasty:OpensAtOnce --only MIS-6 --seed 5",
    ]
