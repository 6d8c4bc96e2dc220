"""From zero to CI: `taillog init`, the composite action, shell completion, and output that fits where it goes."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from taillog_conformance import progress
from taillog_conformance.contract import load_contract
from taillog_conformance.starting import ADAPTER, CHECKED, CI_FILES, REPORTS, TEST, TOX

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
SCRIPTS = sysconfig.get_path("scripts")
TAILLOG = os.path.join(SCRIPTS, "taillog")
DRIVER = f"{sys.executable} -m taillog_fixtures.specimens.kinds right"
CHEAP = "--only FRM-7 -n 0 --scale 0.5"

Command = Callable[..., subprocess.CompletedProcess[str]]


def yaml_of(path: Path) -> Any:
    yaml = pytest.importorskip("yaml", reason="pyyaml is not installed")
    return yaml.safe_load(path.read_text(encoding="utf-8"))


# taillog init.


@pytest.mark.parametrize("ci", ["github", "gitlab", "none"])
def test_it_writes_what_a_project_needs(taillog: Command, project: Path, ci: str) -> None:
    done = taillog("init", "tiny:TailLog", "--ci", ci)
    assert (done.returncode, done.stderr) == (0, "")
    files = [ADAPTER, TEST, TOX, *([CI_FILES[ci]] if ci in CI_FILES else [])]
    assert [line for line in done.stdout.splitlines() if line.startswith("wrote ")] == [
        f"wrote {name}" for name in files
    ]
    made = {str(path.relative_to(project)) for path in project.rglob("*") if path.is_file()}
    assert {name for name in made if "__pycache__" not in name} == {"tiny.py", *files}


@pytest.mark.parametrize("package", [False, True], ids=["tests-is-a-folder", "tests-is-a-package"])
def test_what_it_wrote_works_at_once(taillog: Command, run_pytest: Command, project: Path, package: bool) -> None:
    (project / "tests").mkdir()
    if package:
        (project / "tests" / "__init__.py").touch()
    taillog("init", "tiny:Lossy", "--without", "error-report")
    checked = taillog("check", "tests.taillog_adapter:adapter", *CHEAP.split())
    assert checked.returncode == 1
    assert "NONCONFORMANT  tiny:Lossy" in checked.stdout
    tested = run_pytest(TEST, "-q", "-k", "frm_7", "--taillog-scale", "0.5")
    assert tested.returncode == 1
    assert "FRM-7 (MUST) Empty lines MUST be delivered." in tested.stdout
    right = project / "tests" / "taillog_adapter.py"
    right.write_text(right.read_text().replace("Lossy", "TailLog"))
    assert run_pytest(TEST, "-q", "-k", "frm_7", "--taillog-scale", "0.5").returncode == 0


def test_a_program_has_its_adapter(taillog: Command, project: Path) -> None:
    command = "tail -n +1 -F {file}"
    assert taillog("init", "--command", command, "--capability", "rotation").returncode == 0
    text = (project / ADAPTER).read_text()
    assert f"CommandAdapter({command!r}, capabilities=['rotation'])" in text
    done = taillog("check", "tests.taillog_adapter:adapter", *CHEAP.split(), "-q")
    assert done.stdout.startswith("tail -n +1 -F '{file}': inconclusive")


@pytest.mark.parametrize(
    ("words", "made"),
    [
        (["--command", "tail -F {file}", "--stop", "INT"], "CommandAdapter('tail -F {file}', stop='INT')"),
        (
            ["--command", "tail -F {files}", "--attribute", "==> (?P<file>.*) <=="],
            "CommandAdapter('tail -F {files}', attribute='==> (?P<file>.*) <==')",
        ),
        (["--driver", DRIVER, "--without", "rotation"], f"ProtocolAdapter({DRIVER!r}, without=['rotation'])"),
    ],
)
def test_how_a_program_is_driven_stands_in_its_adapter(
    taillog: Command, project: Path, words: list[str], made: str
) -> None:
    done = taillog("init", *words)
    assert (done.returncode, done.stderr) == (0, "")
    assert made in (project / ADAPTER).read_text()
    assert taillog("check", CHECKED, *CHEAP.split(), "-q").returncode == 3


def test_an_adapter_that_is_there_is_used_and_none_is_written(
    taillog: Command, run_pytest: Command, project: Path
) -> None:
    (project / "own.py").write_text(
        "import tiny\nfrom taillog_conformance.adapters import TailLogAdapter\n"
        "class Adapters:\n    mine = TailLogAdapter(tiny.Lossy)\n"
    )
    done = taillog("init", "own:Adapters.mine", "--ci", "github")
    assert (done.returncode, done.stderr) == (0, "")
    assert not (project / ADAPTER).exists()
    for name in (TOX, CI_FILES["github"]):
        assert "taillog check own:Adapters.mine " in (project / name).read_text()
    tested = run_pytest(TEST, "-q", "-k", "frm_7", "--taillog-scale", "0.5")
    assert tested.returncode == 1
    assert "FRM-7 (MUST) Empty lines MUST be delivered." in tested.stdout


def test_nothing_is_overwritten(taillog: Command, project: Path) -> None:
    (project / "tests").mkdir()
    (project / ".github" / "workflows").mkdir(parents=True)
    mine = [ADAPTER, TEST, TOX, CI_FILES["github"]]
    for name in mine:
        (project / name).write_text("mine\n")
    done = taillog("init", "tiny:TailLog", "--ci", "github")
    assert done.returncode == 0
    assert all((project / name).read_text() == "mine\n" for name in mine)
    assert done.stdout.count("kept ") == len(mine)
    assert "tox.ini is there already; add this to it:" in done.stdout
    assert "    [testenv:taillog]" in done.stdout


@pytest.mark.parametrize("packaged", [True, False])
def test_ci_files_are_sound_and_their_command_works(taillog: Command, project: Path, packaged: bool) -> None:
    if packaged:
        (project / "pyproject.toml").write_text("[project]\nname = 'mine'\nversion = '1'\n")
    for ci in CI_FILES:
        taillog("init", "tiny:Lossy", "--ci", ci)
    (job,) = yaml_of(project / CI_FILES["github"])["jobs"].values()
    runs = [step["run"] for step in job["steps"] if "run" in step]
    assert runs[0] == "pip install taillog-conformance" + (" ." if packaged else "")
    assert runs[1] == f"taillog check {CHECKED} {REPORTS}"
    assert yaml_of(project / CI_FILES["gitlab"])["taillog"]["script"] == runs[:2]
    assert ("skip_install = true" in (project / TOX).read_text()) is not packaged
    done = taillog(*runs[1].split()[1:], *CHEAP.split())
    assert done.returncode == 1
    assert {path.suffix for path in project.glob("taillog.*")} == {".json", ".xml", ".md", ".html"}


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "name one tailer: module:Class, --command CMD, or --driver CMD"),
        (["tiny:TailLog", "--command", "tail {file}"], "name one tailer"),
        (["tiny:Nothing"], "the module 'tiny' has no 'Nothing'"),
        (["tiny:TailLog", "--folder", "nowhere"], "nowhere is no folder: name the project's own"),
        (["tiny:TailLog", "--folder", "/proc"], "cannot be written"),
        (["tiny:TailLog", "--ci", "jenkins"], "'jenkins' is not one of"),
        (
            ["taillog_fixtures.subjects.gnu_tail:polling", "--without", "rotation"],
            "is an adapter: what it can do is said where it is made",
        ),
    ],
)
def test_what_it_cannot_do_is_one_line(taillog: Command, words: list[str], complaint: str) -> None:
    done = taillog("init", *words)
    assert done.returncode == 2
    assert complaint in done.stderr.splitlines()[-1]


def test_it_asks_in_a_terminal_only_for_what_is_missing(project: Path, clean_environment: dict[str, str]) -> None:
    status, said = in_a_terminal([TAILLOG, "init"], project, clean_environment, "tiny:TailLog\ngithub\n")
    assert status == 0, said
    assert "The tailer's class" in said
    assert (project / CI_FILES["github"]).exists()


# The composite action.


def test_the_action_checks_and_writes_the_summary(project: Path, clean_environment: dict[str, str]) -> None:
    action = yaml_of(ROOT / "action.yml")
    inputs = {name: each["default"] for name, each in action["inputs"].items()}
    inputs |= {"target": "tiny:Lossy", "options": CHEAP}
    assert action["runs"]["using"] == "composite"
    _, check, summary, keep = action["runs"]["steps"]
    assert (summary["if"], keep["if"]) == ("always()", "always()")
    environment = clean_environment | {"GITHUB_STEP_SUMMARY": str(project / "summary.md")}
    environment["PATH"] = f"{SCRIPTS}:{environment['PATH']}"
    statuses = []
    for step in (check, summary):
        assert step["shell"] == "bash"
        assert "${{" not in step["run"], "inputs reach a script by its environment alone"
        words = {name: inputs[re.findall(r"inputs\.(\w+)", text)[0]] for name, text in step["env"].items()}
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", step["run"]], cwd=project, env=environment | words, check=False
        )
        statuses.append(done.returncode)
    assert statuses == [1, 0]
    assert "`tiny:Lossy`: nonconformant" in (project / "summary.md").read_text()
    written = {path.name for path in (project / inputs["reports"]).iterdir()}
    assert written == {"taillog.json", "taillog.xml", "taillog.md", "taillog.html", "badge.json"}
    assert json.loads((project / inputs["reports"] / "taillog.json").read_text())["verdict"] == "nonconformant"


# The shell.


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("taillog explain FR", {each.id for each in load_contract().requirements if each.area == "FRM"}),
        ("taillog explain frm-1", {"FRM-1", "FRM-10"}),
        ("taillog repro report.json LAT", {"LAT-1", "LAT-2"}),
        ("taillog check x:Y --only LA", {"LAT", "LAT-1", "LAT-2"}),
        ("taillog check x:Y --debug LA", {"LAT-1", "LAT-2"}),
        ("taillog check x:Y --capability rot", {"rotation"}),
        ("taillog init x:Y --without err", {"error-report"}),
        ("taillog bench x:Y --only l", {"latency"}),
        ("taillog check --stop e", {"end-of-input"}),
        ("taillog exp", {"explain"}),
        ("taillog check --jun", {"--junit"}),
    ],
)
def test_the_shell_completes(line: str, offered: set[str], clean_environment: dict[str, str]) -> None:
    words = line.split()
    environment = {"_TAILLOG_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    done = subprocess.run([TAILLOG], env=clean_environment | environment, capture_output=True, text=True, check=False)
    assert {row.partition(",")[2] for row in done.stdout.splitlines()} == offered


@pytest.mark.parametrize("command", ["check", "spec", "explain", "repro", "init"])
def test_every_commands_help_has_an_example(taillog: Command, command: str) -> None:
    done = taillog(command, "--help")
    assert done.returncode == 0
    assert re.search(rf"^  taillog {command}\b(?! \[OPTIONS\])", done.stdout, re.MULTILINE), done.stdout


# Colours and progress.


def in_a_terminal(words: list[str], folder: Path, environment: dict[str, str], typed: str = "") -> tuple[int, str]:
    """Run a command in a terminal; its status and all that it showed."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(words, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    if typed:
        os.write(ours, typed.encode())
    shown = b""
    try:
        while block := os.read(ours, 65536):
            shown += block
    except OSError:  # the terminal is gone with its last process
        pass
    os.close(ours)
    return process.wait(), shown.decode(errors="replace")


COLOURS = re.compile(r"\x1b\[[0-9;]*(3[0-7]|9[0-7])[0-9;]*m")


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
def test_colours_are_for_terminals_that_want_them(
    project: Path, clean_environment: dict[str, str], environment: dict[str, str], coloured: bool
) -> None:
    usual = {name: text for name, text in clean_environment.items() if name not in ("NO_COLOR", "FORCE_COLOR", "CI")}
    status, shown = in_a_terminal([TAILLOG, "check", "tiny:Lossy", *CHEAP.split()], project, usual | environment)
    assert status == 1
    assert "NONCONFORMANT" in shown
    assert bool(COLOURS.search(shown)) is coloured


def test_what_is_no_terminal_gets_no_terminals_signs(taillog: Command) -> None:
    done = taillog("check", "tiny:Lossy", *CHEAP.split())
    assert "\x1b" not in done.stdout + done.stderr


def test_the_log_of_a_ci_is_told_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    monkeypatch.setenv("CI", "true")
    shown = progress.progress(Console(force_terminal=False), 30)
    assert shown is not None
    shown.start()
    for _ in range(30):
        now += 1.0
        shown.advance("FRM-1", 2)
    shown.stop()
    assert capsys.readouterr().out.splitlines() == [f"{done} of 30 checks, 2 failed" for done in (10, 20, 30)]
    monkeypatch.delenv("CI")
    assert progress.progress(Console(force_terminal=False), 30) is None
