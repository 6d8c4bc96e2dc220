"""Adapters of other kinds than a class: right on right tailers, sharp on wrong ones, and never unjust to either."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import Command

from taillog_fixtures.specimens import kinds as wrong

pytestmark = pytest.mark.long

CORRECT = "taillog_fixtures.correct.kinds"
WRONG = "taillog_fixtures.specimens.kinds"

ADAPTERS = (
    "class_from_the_end",
    "generator",
    "generator_asking",
    "generator_of_none",
    "generator_without_end",
    "generator_from_the_end",
    "iterator_closed",
    "async_generator",
    "async_generator_without_end",
    "callback",
    "callback_blocking",
    "command",
    "command_with_prefix",
    "command_for_all",
    "command_naming",
    "command_with_banners",
    "command_of_input",
    "command_of_flag",
    "command_slow",
    "protocol",
)

TELLING = "DEL-1,DEL-2,FRM-1,FRM-2,FRM-3,FRM-7,ENC-1,PFX-6,ERR-1,CON-2,TRN-1,ROT-1,ROT-4,ROT-5"
"""Requirements in whose checks the stop, the pieces, and whose a line is, matter most."""


def checked(taillog: Command, folder: Path, *arguments: object) -> dict[str, Any]:
    """The report of a run on few processes."""
    file = folder / "report.json"
    done = taillog("check", *arguments, "-n", 2, "-q", "--json", file)
    assert file.exists(), done.stderr
    report: dict[str, Any] = json.loads(file.read_text())
    return report


def of(report: dict[str, Any], *statuses: str) -> dict[str, str]:
    """The requirements of these statuses, with what was said of the first such check."""
    rows = [row for row in report["requirements"] if row["status"] in statuses and row["level"] == "MUST"]
    return {
        row["id"]: next(check["message"] for check in row["checks"] if check["status"] == row["status"]) for row in rows
    }


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_a_correct_tailer_passes(adapter: str, taillog: Command, project: Path) -> None:
    if adapter == "protocol" and shutil.which("node") is None:
        pytest.skip("there is no Node here")
    report = checked(taillog, project, f"{CORRECT}:{adapter}", "--only", TELLING)
    assert of(report, "fail", "error", "blocked") == {}
    assert report["summary"]["passed"] >= 9


@pytest.mark.parametrize(("adapter", "id"), wrong.MUST_FAIL.items())
def test_a_defect_is_found(adapter: str, id: str, taillog: Command, project: Path) -> None:
    assert set(of(checked(taillog, project, f"{WRONG}:{adapter}", "--only", id), "fail", "error")) == {id}


@pytest.mark.parametrize(("adapter", "id"), wrong.ADVISED.items())
def test_advice_is_given(adapter: str, id: str, taillog: Command, project: Path) -> None:
    (row,) = [
        row
        for row in checked(taillog, project, f"{WRONG}:{adapter}", "--only", id)["requirements"]
        if row["status"] == "fail"
    ]
    assert (row["id"], row["level"]) == (id, "SHOULD")


@pytest.mark.parametrize(("adapter", "says"), wrong.MISADAPTED.items())
def test_a_wrong_adapter_is_not_the_tailers_fault(adapter: str, says: str, taillog: Command, project: Path) -> None:
    report = checked(taillog, project, f"{WRONG}:{adapter}", "--only", "DEL")
    assert of(report, "fail") == {}
    assert says in next(iter(of(report, "blocked").values()))
    assert report["verdict"] == "inconclusive"


def driver(habit: str) -> str:
    return f"{sys.executable} -m {WRONG} {habit}"


@pytest.mark.parametrize(("habit", "id"), wrong.DRIVERS_MUST_FAIL.items())
def test_a_driven_tailers_defect_is_found(habit: str, id: str, taillog: Command, project: Path) -> None:
    report = checked(taillog, project, "--driver", driver(habit), "--only", id)
    assert (set(of(report, "fail")), of(report, "error")) == ({id}, {})


@pytest.mark.parametrize(("habit", "says"), wrong.DRIVERS_BROKEN.items())
def test_a_broken_driver_is_not_the_tailers_fault(habit: str, says: str, taillog: Command, project: Path) -> None:
    report = checked(taillog, project, "--driver", driver(habit), "--only", "DEL")
    assert of(report, "fail") == {}
    assert says in next(iter(of(report, "blocked").values()))


def test_a_driver_that_does_not_describe_itself_is_refused(taillog: Command) -> None:
    done = taillog("check", "--driver", "cat")
    assert done.returncode == 2
    assert "does not describe itself in protocol 1" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("target", "says"),
    [
        (["--command", "sh -c 'echo cannot go on >&2; exit 3' {file}"], "the program ended by itself with status 3"),
        (["--driver", driver("ends-later")], "the process of the tailer ended by itself with status 4"),
        ([f"{WRONG}:iterator_that_ends"], "the function that follows the file ended"),
        ([f"{WRONG}:iterator_that_raises"], "the function that follows the file raised KeyError: b'/.*'"),
    ],
)
def test_that_it_ended_before_it_delivered_is_said(
    target: list[str], says: str, taillog: Command, project: Path
) -> None:
    report = checked(taillog, project, *target, "--only", "DEL-3")
    said = " ".join(of(report, "fail")["DEL-3"].split())
    assert re.search(f"{says} before it had delivered a line", said)


def test_a_driver_cannot_be_an_object_of_the_kits_process(taillog: Command) -> None:
    done = taillog("check", "--driver", driver("right"), "--capability", "object", "--capability", "destination-path")
    assert (done.returncode, "declares destination-path, object, which" in done.stderr) == (2, True), done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["tiny:TailLog", "--stop", "flag"], "has a meaning for a command alone"),
        (["--command", "tail -F {file}", "--stop", "SIGNONE"], "unknown stop 'SIGNONE'"),
        (["--command", "tail -F {file}", "--attribute", "(?P<file>.*)"], "has no meaning for one process a file"),
        (["--command", "tail -F {files}", "--attribute", "==> (.*) <=="], "does not tell the file"),
        (["--command", "tail -F {files}", "--attribute", "("], "is not valid"),
        (["tiny:TailLog", "--driver", "node driver.js"], "name one target"),
        (["--command", "tail -F {file}", "--capability", "object"], "declares object, which only a tailer"),
        ([f"{WRONG}:that_raises"], "it is a generator: make an IteratorAdapter of it in your module, and name that"),
        ([f"{CORRECT}:generator_without_end", "--capability", "stream"], "declares stream, which only a tailer"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_line(arguments: list[str], says: str, taillog: Command) -> None:
    done = taillog("check", *arguments)
    assert (done.returncode, says in done.stderr) == (2, True), done.stderr


@pytest.mark.parametrize(
    ("options", "id"),
    [
        (["{files}"], "DEL-6"),
        (["--banner", "{files}", "--attribute", "==> (?P<file>.+) <=="], "FRM-3"),
        (["--stdin", "{file}", "--stop", "end-of-input"], "DEL-7"),
    ],
)
def test_a_command_of_the_command_line(options: list[str], id: str, taillog: Command, project: Path) -> None:
    split = next((at for at, word in enumerate(options) if word in ("--attribute", "--stop")), len(options))
    program = " ".join([sys.executable, "-m", CORRECT, *options[:split]])
    report = checked(taillog, project, "--command", program, *options[split:], "--only", id)
    assert report["summary"]["passed"] == 1


def test_the_messages_of_the_driver_are_those_of_the_schema() -> None:
    """What the kit says and what the example driver says, each against the published schema."""
    if shutil.which("node") is None:
        pytest.skip("there is no Node here")
    import jsonschema

    import taillog_conformance.adapters as package

    schema = json.loads((Path(package.__path__[0]) / "protocol-1.schema.json").read_text())
    start = {"do": "start", "name": "n", "files": [{"key": 0, "path": __file__}], "interval": 0.01, "filter": True}
    asked = [
        {"do": "describe"},
        start,
        {"do": "answer", "id": 1, "keep": True},
        {"do": "answer", "id": 2, "raised": "x"},
    ]
    driver_file = Path(sys.modules["taillog_fixtures"].__path__[0]) / "correct" / "node_tailer.mjs"
    with subprocess.Popen(["node", driver_file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("".join(json.dumps(message) + "\n" for message in asked[:2]))
        process.stdin.flush()
        said = [json.loads(process.stdout.readline()) for _ in range(3)]
        process.stdin.write(json.dumps(asked[2]) + "\n")
        process.stdin.flush()
        said.append(json.loads(process.stdout.readline()))
        process.kill()
    validator = jsonschema.Draft202012Validator(schema)
    for message in asked + said:
        validator.validate(message)
    assert sorted(message["is"] for message in said) == ["description", "question", "question", "started"]
    assert not validator.is_valid({"is": "lines", "key": 0})
    assert not validator.is_valid({"do": "begin"})
