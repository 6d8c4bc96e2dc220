"""`taillog repro`: the scripts show the failure without the kit, on the specimens, and pass on the reference."""

from __future__ import annotations

import ast
import copy
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from taillog_conformance import cli
from taillog_conformance.adapters import CommandAdapter, TailLogAdapter
from taillog_conformance.clocks import Clocks
from taillog_conformance.contract import load_contract
from taillog_conformance.outcomes import ConformanceFailure
from taillog_conformance.played import Move, from_timeline, parts_of
from taillog_conformance.report.message import failure_data
from taillog_conformance.repro import MOST_LINES, NoScript, script
from taillog_conformance.scenario import of_requirement
from taillog_conformance.stage import Profile, Stage
from taillog_conformance.suite._registry import all_checks, function_of
from taillog_conformance.timeline import Timeline
from taillog_fixtures.specimens import get

pytestmark = pytest.mark.long

RACES = ("DEL-1",)
HASTY, PATIENT = 0.2, 2.0
"""Scales of the suite's bounds: what does not come is soon given up, but a race needs its time on a busy machine."""

BOUND = 90.0
"""Seconds that no script takes."""


def failures(adapter: Any, id: str) -> list[dict[str, Any]]:
    """What the checks of `id` have to say of the tailer, as a report holds it."""
    found = []
    for check in all_checks():
        if check.requirement != id:
            continue
        for case in of_requirement(id) if check.cases != ("",) else (None,):
            stage = Stage(adapter, "5", Clocks(PATIENT if id in RACES else HASTY), profile=Profile(offset_visible=True))
            try:
                function_of(check)(stage, **({} if case is None else {"case": case}))
            except ConformanceFailure as failure:
                row = {"name": check.function, "status": "fail", "failure": failure_data(failure, "again")}
                found.append(json.loads(json.dumps(row)))
            finally:
                stage.close()
    return found


def document(adapter: Any, id: str) -> dict[str, Any]:
    target = {"name": adapter.name, "adapter": adapter.kind, "capabilities": sorted(adapter.capabilities)}
    rows = [{"id": id, "status": "fail", "checks": failures(adapter, id)}]
    return {"schema": "taillog-report-1", "target": target, "requirements": rows}


def run(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "repro.py").write_text(text, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "repro.py"], cwd=folder, capture_output=True, text=True, timeout=BOUND, check=False
    )


SHOWN = [
    *(("DEL-1", "FlagAfterTheEnd"), ("DEL-1", "DrainsFirstFileOnly"), ("PFX-3", "PrefixStripped")),
    *(("FRM-1", "PieceAsALine"), ("FRM-2", "PieceLostAtStop"), ("FRM-2", "PieceTwiceAtStop")),
    *(("FRM-3", "PieceRunsIntoTheNextLine"), ("FRM-4", "SplitsLikePython"), ("FRM-5", "UniversalNewlines")),
    *(("FRM-6", "CrKeptByChance"), ("FRM-7", "DropsEmptyLines"), ("FRM-8", "StripsLines"), ("FRM-8", "SwallowsTheBom")),
    *(("FRM-9", "SplitsAtItsLimit"), ("ENC-1", "IgnoresBadBytes"), ("ENC-2", "DecodesEachRead")),
    *(("ENC-3", "NothingBeyondTheBmp"), ("PFX-2", "HeaderByPosition"), ("PFX-5", "EmptyPrefixIsNone")),
    *(("ROT-1", "LeavesAtTheRename"), ("ROT-2", "FollowsTheDescriptor"), ("ROT-5", "PieceJoinsTheNewFile")),
    ("TRN-2", "PieceBeforeTheNewLine"),
]
"""Requirements and specimens that break them, by very different ways of being played."""


@pytest.mark.parametrize(("id", "name"), SHOWN)
def test_the_script_fails_on_the_specimen_and_passes_on_the_reference(id: str, name: str, tmp_path: Path) -> None:
    specimen = get(name)
    adapter = TailLogAdapter(specimen.cls, capabilities=specimen.capabilities)
    text = script(document(adapter, id), id, load_contract())
    assert text.count("\n") < MOST_LINES
    assert text.startswith(f'"""{id} (')
    names = {each.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import) for each in node.names}
    assert names <= sys.stdlib_module_names
    assert "taillog_conformance" not in text
    done = run(text, tmp_path)
    assert (done.returncode, done.stderr) == (1, ""), done.stdout
    expected, got = done.stdout.splitlines()[-2:]
    assert expected.startswith("expected: ")
    assert got.startswith("got:      ")
    right = re.sub(rf"from \S+ import {name}$", f"from taillog import TailLog as {name}", text, flags=re.MULTILINE)
    assert right != text
    done = run(right, tmp_path)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert done.stdout.splitlines()[-1].startswith("as expected: ")


PASSES_ON_PIECES = (
    "import sys, time\nfile = open(sys.argv[1], 'rb')\nwhile True:\n    sys.stdout.buffer.write(file.read())\n"
)
PASSES_ON_PIECES += "    sys.stdout.flush()\n    time.sleep(0.01)\n"


def test_a_program_has_its_script_too(tmp_path: Path) -> None:
    (tmp_path / "follow.py").write_text(PASSES_ON_PIECES)
    adapter = CommandAdapter([sys.executable, str(tmp_path / "follow.py"), "{file}"])
    text = script(document(adapter, "FRM-1"), "FRM-1", load_contract())
    done = run(text, tmp_path)
    assert (done.returncode, done.stderr) == (1, ""), done.stdout
    assert "no piece of a line before its end is written" in done.stdout
    by_lines = PASSES_ON_PIECES.replace("file.read()", "b''.join(iter(whole, b''))").replace(
        "while True",
        "held = b''\ndef whole():\n    global held\n    held += file.readline()\n"
        "    line, held = (held, b'') if held.endswith(b'\\n') else (b'', held)\n    return line\nwhile True",
    )
    (tmp_path / "follow.py").write_text(by_lines)
    done = run(text, tmp_path)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


# What no script can show.


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    return document(TailLogAdapter(get("SplitsLikePython").cls), "FRM-4")


def changed(report: Mapping[str, Any], **failure: object) -> dict[str, Any]:
    other = copy.deepcopy(dict(report))
    for check in other["requirements"][0]["checks"]:
        check["failure"].update(failure)
    return other


def test_a_failure_that_steps_cannot_say_is_one_line(report: dict[str, Any]) -> None:
    with pytest.raises(NoScript, match=r"^no script can show the failure of FRM-4: its check judges by more than"):
        script(changed(report, played=None), "FRM-4", load_contract())


@pytest.mark.parametrize(
    ("target", "complaint"),
    [
        ({"name": "a tailer of ours"}, "is driven by an adapter, which a script without the kit has not"),
        ({"name": "os:system('x')"}, "is driven by an adapter"),
        ({"adapter": "iterator"}, "is driven by an adapter"),
        ({"adapter": "command", "name": "GNU tail 9.1"}, "names the program by a name of its adapter's"),
        ({"adapter": "command", "name": "tail -F {files}"}, "the command has {files}, and a script knows"),
        ({"adapter": "command", "name": "mytail --label {prefix} {file}"}, "the command has {prefix}, and"),
    ],
)
def test_a_target_that_cannot_be_called_is_one_line(
    report: dict[str, Any], target: dict[str, str], complaint: str
) -> None:
    with pytest.raises(NoScript, match=re.escape(complaint)):
        script(report | {"target": report["target"] | target}, "FRM-4", load_contract())


def test_what_a_report_holds_is_never_code_of_the_script(report: dict[str, Any]) -> None:
    """A report may come from anybody: its texts are literals, its names are names."""
    evil = "'); __import__('os').abort(); ('\\\n\"\"\""
    played = report["requirements"][0]["checks"][0]["failure"]["played"]
    steps = [[verb, file, argument, *([evil] if parts else [])] for verb, file, argument, *parts in played["steps"]]
    text = script(changed(report, played=played | {"steps": steps, "contains": evil}), "FRM-4", load_contract())
    calls = [ast.unparse(node) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    assert calls
    assert not any("__import__" in ast.unparse(n.func) for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Call))
    for bad in ({"files": {evil: 0}}, {"steps": [[evil, "a", ""]]}, {"steps": 5}, {"interval": evil}):
        with pytest.raises(NoScript):
            script(changed(report, played=played | bad), "FRM-4", load_contract())


@pytest.mark.parametrize(
    ("content", "id", "complaint"),
    [
        (None, "FRM-4", "cannot be read: No such file"),
        ("not json", "FRM-4", "is not valid JSON: "),
        ("[1]", "FRM-4", "is no JSON report: write one by taillog check TARGET --json FILE"),
        ('{"schema": 1, "target": {}, "requirements": 5}', "FRM-4", "is not as this version of the kit writes it"),
        ("{}", "FRM-99", "unknown requirement"),
        ("report", "FRM-5", "the report has no requirement FRM-5"),
        ("passed", "FRM-4", "FRM-4 did not fail in this report: its status is pass"),
    ],
)
def test_bad_input_is_one_line(
    report: dict[str, Any], tmp_path: Path, content: str | None, id: str, complaint: str
) -> None:
    path = tmp_path / "report.json"
    if content == "passed":
        content = json.dumps(report | {"requirements": [{"id": "FRM-4", "status": "pass", "checks": []}]})
    if content is not None:
        path.write_text(json.dumps(report) if content == "report" else content)
    done = CliRunner().invoke(cli.main, ["repro", str(path), id])
    assert done.exit_code == 2
    assert complaint in done.output.splitlines()[-1]
    assert "Traceback" not in done.output


def test_the_command_prints_it(report: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(json.dumps(report))
    done = CliRunner().invoke(cli.main, ["repro", str(tmp_path / "report.json"), "frm-4"])
    assert done.exit_code == 0
    assert done.output == script(report, "FRM-4", load_contract())


# The steps.


@pytest.mark.parametrize(
    ("data", "parts"),
    [
        (b"", []),
        (b"one\n", ["one\n"]),
        ("ä\u2028".encode(), ["ä\u2028"]),
        (b"a\xff", [{"hex": "61ff"}]),
        (b"a" + b"xy" * 500 + b"\n", ["a", {"repeat": "xy", "times": 500}, "\n"]),
        (b"x" * 20, [{"repeat": "x", "times": 20}]),
        (b"x" * 10, ["x" * 10]),
    ],
)
def test_data_is_written_as_a_scenario_writes_it(data: bytes, parts: list[object]) -> None:
    assert parts_of(data) == parts


def test_steps_are_read_off_a_timeline() -> None:
    timeline = Timeline()
    timeline.add("producer", "append", "a", b"one\n")
    for what in ("construct", "start", "started"):
        timeline.add("tailer", what)
    timeline.add("destination", "write", data="one\n")
    timeline.add("check", "seen", "a", note="delivered")
    timeline.add("check", "seen", "b", note="delivered")
    timeline.add("check", "hold", note="the tailer's thread at tail.py:12 `if line:`")
    timeline.add("producer", "rename", "a", note="the link is turned to x")
    timeline.add("producer", "create", "a")
    timeline.add("producer", "append", "a", b"two")
    timeline.add_read("a", 3)
    timeline.add("producer", "append", "a", b"\n")
    timeline.add_read("a", 4)
    timeline.add("tailer", "stop")
    timeline.add("tailer", "stopped")
    assert from_timeline(timeline.events()) == (
        Move("append", "a", b"one\n"),
        Move("start"),
        Move("settle"),
        Move("hold", argument="tail.py:12"),
        Move("turn", "a"),
        Move("append", "a", b"two"),
        Move("seen", "a"),
        Move("append", "a", b"\n"),
        Move("stop"),
    )


@pytest.mark.parametrize(
    ("lane", "what", "note"),
    [("producer", "rename", "replaced by another file"), ("destination", "refuse", ""), ("tailer", "start", "")],
)
def test_what_steps_cannot_say_is_not_played(lane: Any, what: str, note: str) -> None:
    timeline = Timeline()
    timeline.add("tailer", "start")
    timeline.add(lane, what, "a", note=note)
    timeline.add("tailer", "stop")
    assert from_timeline(timeline.events()) is None
