"""What others wrote (names, messages, lines, files) is read and shown without doing anything."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from taillog_conformance import cli
from taillog_conformance.outcomes import UsageProblem
from taillog_conformance.reading import LARGEST_TOML, MOST_PARTS, parse_toml
from taillog_conformance.replay import read
from taillog_conformance.report.files import write_whole
from taillog_conformance.report.inert import LONGEST_LINE, in_one_line, printable

Command = Callable[..., subprocess.CompletedProcess[str]]

EVIL = "\x1b]0;title\x07\x1b[2J\x9b31m\u202egnol\u2028\r\x00\ud83d"
"""Changes a terminal's title and colours, clears it, turns text round, breaks lines in odd ways, cannot be encoded."""

PLAIN = r"\x1b]0;title\x07\x1b[2J\x9b31m\u202egnol\u2028\r\x00\ud83d"


def inert(text: str) -> bool:
    """Whether nothing in a terminal's text acts."""
    return all(character.isprintable() or character == "\n" for character in text)


# How it is shown.


def test_what_does_not_print_is_written_as_an_escape() -> None:
    assert printable(EVIL) == PLAIN
    assert printable(f"{EVIL}\nb\u00e9 \U0001f600") == f"{PLAIN}\nb\u00e9 \U0001f600"


def test_a_line_is_one_line_of_bounded_length() -> None:
    assert in_one_line(f"a\n{EVIL}") == f"a {PLAIN}"
    line = in_one_line("begins " + "x" * 10**6 + " ends")
    assert LONGEST_LINE <= len(line) < LONGEST_LINE + 10
    assert line.startswith("begins x")
    assert line.endswith("x ends")


HOSTILE = f"""
import tiny
from taillog_conformance.adapters import TailLogAdapter

EVIL = {EVIL!r} + "\\n[bold red]<b>"

class TailLog(tiny.TailLog):
    def stopped(self):
        raise RuntimeError(EVIL)

adapter = TailLogAdapter(TailLog, name=EVIL)
"""

SHOWN = PLAIN + " [bold red]<b>"


def test_a_targets_name_and_what_it_raises_do_nothing_to_the_terminal(taillog: Command, project: Path) -> None:
    (project / "hostile.py").write_text(HOSTILE)
    done = taillog("check", "hostile:adapter", "--only", "LIF-3,FRM-7", "-n", "0", "--json", "out.json")
    assert (done.returncode, done.stderr) == (1, "")
    assert inert(done.stdout)
    assert f"\nNONCONFORMANT  {SHOWN}\n" in done.stdout
    first, _, _ = PLAIN.partition("\\u2028")
    assert f"RuntimeError: {first}" in done.stdout
    report = json.loads((project / "out.json").read_text())
    assert report["target"]["name"] == SHOWN
    messages = [check["message"] for row in report["requirements"] for check in row["checks"]]
    assert all(map(inert, messages))


def test_nor_through_pytest(run_pytest: Command, project: Path) -> None:
    (project / "hostile.py").write_text(HOSTILE)
    words = ("--tailer", "hostile:adapter", "--taillog-only", "LIF-3", "--color", "no")
    done = run_pytest("-q", "--pyargs", "taillog_conformance.suite", *words)
    assert done.returncode == 1
    assert inert(done.stdout)
    assert f"\n{SHOWN}: nonconformant with " in done.stdout


@pytest.mark.parametrize("words", [["nowhere\x1b[2J:X"], ["tiny:\x1b[2J"], ["tiny:TailLog", "--\x1b[2J"], ["\x1b[2J"]])
def test_nor_a_name_that_is_refused(taillog: Command, words: list[str]) -> None:
    done = taillog("check", *words)
    assert done.returncode == 2
    assert inert(done.stderr)
    assert "\\x1b[2J" in done.stderr.splitlines()[-1]


def test_a_terminal_without_unicode_ends_no_run(
    taillog: Command, project: Path, clean_environment: dict[str, str]
) -> None:
    clean_environment["PYTHONIOENCODING"] = "ascii"
    (project / "named.py").write_text(
        "import tiny\nfrom taillog_conformance.adapters import TailLogAdapter\n"
        "adapter = TailLogAdapter(tiny.TailLog, name='\u00e9\u4e2d')\n",
        encoding="utf-8",
    )
    done = taillog("check", "named:adapter", "--only", "FRM-7", "-n", "0")
    assert (done.returncode, done.stderr) == (3, "")
    assert "INCONCLUSIVE  \\xe9\\u4e2d\n" in done.stdout


# Scenario files of others.

STEPS = '[["append", "a", "$one\\n"], ["start"], ["stop"]]'


@pytest.mark.parametrize(
    "name",
    ["../../escaped", "a::b[c]/d", "\\u001b[2J\\u202e\\n\\u0000", "\\u00e9 \\u4e2d", "a\\\\nb", "%s {0} $x", "-p evil"],
)
def test_a_cases_name_is_a_name_and_no_more(taillog: Command, project: Path, name: str) -> None:
    (project / "case.toml").write_text(f'requirement = "DEL-2"\n[[case]]\nname = "{name}"\nsteps = {STEPS}\n')
    before = {path.name for path in project.parent.iterdir()}
    done = taillog("check", "tiny:TailLog", "--scenario", "case.toml", "-n", "1", "--json", "out.json")
    assert (done.returncode, done.stderr) == (3, "")
    assert inert(done.stdout)
    rows = json.loads((project / "out.json").read_text())["requirements"]
    (row,) = (row for row in rows if row["id"] == "DEL-2")
    assert [check["status"] for check in row["checks"]] == ["pass"]
    assert {path.name for path in project.parent.iterdir()} == before
    assert {path.name for path in project.iterdir()} - {"__pycache__"} == {"tiny.py", "case.toml", "out.json"}


def case(*steps: str) -> str:
    listed = ", ".join(['["start"]', *steps, '["stop"]'])
    return f'requirement = "DEL-2"\n[[case]]\nname = "x"\nsteps = [{listed}]\n'


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a = " + "[" * 200_000, "is not valid TOML: it is nested too deep"),
        ("a = " + "{a = " * 20_000, "is not valid TOML: "),
        ("a" + ".a" * 100_000 + " = 1", f"has a key of more than {MOST_PARTS} parts"),
        ("[" + "'a' . " * 40_000 + "a]", f"has a key of more than {MOST_PARTS} parts"),
        ("a = " + "9" * 200_000, "is not valid TOML: Exceeds the limit"),
        ("#" * (LARGEST_TOML + 1), "is larger than 256 KiB"),
        ('a = "\x1b[2J"', "is not valid TOML: "),
        (f'requirement = "{EVIL[:2]}"'.replace("\x1b", "\\u001b"), "needs `requirement = "),
        (case('["append", "a", {repeat = "x", times = 1000000000000}]'), "longer than 64 MiB together"),
        (case('["append", "a", {numbered = "x", lines = 1000000000000}]'), "longer than 64 MiB together"),
        (case(*['["append", "a", {repeat = "x", times = 9000000}]'] * 8), "longer than 64 MiB together"),
        (
            case(
                '["append", "a", {repeat = "x", times = -90000000000}]',
                '["append", "a", {repeat = "x", times = 90000000000}]',
            ),
            "longer than 64 MiB together",
        ),
        (case('["looks", 100000]'), "looks does not take 100000"),
        (case('["append", "../../etc/passwd", "x"]'), "append needs the label of a file, a plain word"),
        (case('["\\u001b[2J", "a"]'), "unknown step '\\x1b[2J'"),
        (case(f'["{"x" * 100_000}"]'), "unknown step 'xxx"),
    ],
)
def test_a_huge_or_malformed_scenario_file_is_one_line(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "hostile.toml"
    file.write_text(text)
    done = CliRunner().invoke(cli.main, ["check", "taillog:TailLog", "--scenario", str(file)])
    assert done.exit_code == 2
    last = done.output.splitlines()[-1]
    assert last.startswith("Error: ")
    assert complaint in last
    assert inert(last)
    assert len(last) < LONGEST_LINE + len("Error: ") + 10


def test_a_requirement_that_names_another_file_is_unknown(tmp_path: Path) -> None:
    file = tmp_path / "hostile.toml"
    file.write_text(case().replace("DEL-2", "../../DEL-2"))
    done = CliRunner().invoke(cli.main, ["check", "taillog:TailLog", "--scenario", str(file)])
    assert done.exit_code == 2
    assert "unknown requirement or area '../../DEL-2'" in done.output.splitlines()[-1]


@pytest.mark.parametrize("data", [b"\xff\xfe", b"a = '\x80'"])
def test_a_file_that_is_no_text_is_one_line(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "bytes.toml"
    file.write_bytes(data)
    with pytest.raises(UsageProblem, match="is not UTF-8: invalid start byte at byte"):
        read(file)


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="this system has no /dev/zero")
def test_a_device_without_end_is_read_no_further_than_a_file() -> None:
    with pytest.raises(UsageProblem, match="is larger than 256 KiB"):
        read(Path("/dev/zero"))


@pytest.mark.parametrize("text", ["a" * 200_000 + " = 1", "a = '" + "a." * 99 + "'", "a = [" + "'x' , " * 30_000 + "]"])
def test_what_is_long_but_no_key_is_read(text: str) -> None:
    assert len(parse_toml(text, "it")) == 1


def test_a_report_goes_into_what_is_no_file_and_does_not_replace_it(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_whole(fifo, "{}\n")
        assert os.read(reader, 100) == b"{}\n"
    finally:
        os.close(reader)
    assert fifo.is_fifo()
