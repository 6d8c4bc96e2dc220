"""Every command and every piece of code in the documents is run, and does what stands there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import sysconfig
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from taillog_conformance.scenario import load

ROOT = Path(__file__).parents[2]
DOCS = sorted((ROOT / "docs").glob("*.md"))
OWN_TESTS = {"adapters.md"}
"""Documents whose code needs a tailer to adapt: a test of their own has one."""

BOUND = 500.0
"""Seconds that no command of the documents takes."""

NOT_RUN = ("pip install ", "eval ", "python3 -m venv ")
"""How a line of a block of `sh` begins: it installs something, or is for an interactive shell."""

_FENCE = re.compile(r"^( *)```([^\n]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_EXITS = re.compile(r"  # exits with ([0-9]+)$")


@dataclass(frozen=True)
class Block:
    """A piece of code of a document: what the fence says of it, and its text."""

    kind: str
    text: str


def blocks(document: Path) -> list[Block]:
    found = []
    for indent, kind, text in _FENCE.findall(document.read_text(encoding="utf-8")):
        found.append(Block(kind, re.sub(f"^{indent}", "", text, flags=re.MULTILINE)))
    return found


def commands(text: str) -> list[tuple[str, int, list[str]]]:
    """The commands of a console block: each with its exit status and the lines that are shown of its output."""
    found: list[tuple[str, int, list[str]]] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            exits = _EXITS.search(line)
            found.append((_EXITS.sub("", line[2:]), int(exits[1]) if exits else 0, []))
        else:
            found[-1][2].append(line)
    return found


def stands_in(shown: list[str], output: str) -> bool:
    """Whether the shown lines come in the output, in their order; a shown line may be a part of one."""
    lines = iter(" ".join(line.split()) for line in output.splitlines())
    wanted = [" ".join(line.split()) for line in shown if line != "..."]
    return all(any(want in line for line in lines) for want in wanted)


@pytest.mark.parametrize(
    "document", [each for each in DOCS if blocks(each) and each.name not in OWN_TESTS], ids=lambda each: each.name
)
@pytest.mark.long
def test_what_a_document_shows_is_what_happens(
    document: Path, tmp_path: Path, clean_environment: dict[str, str]
) -> None:
    environment = clean_environment | {"PATH": f"{sysconfig.get_path('scripts')}:{clean_environment['PATH']}"}

    def run(words: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=BOUND, check=False
        )

    for block in blocks(document):
        kind, _, options = block.kind.partition(" ")
        if kind == "console":
            for command, status, shown in commands(block.text):
                done = run(shlex.split(command))
                assert done.returncode == status, f"{command}\n{done.stdout}{done.stderr}"
                assert stands_in(shown, done.stdout), f"{command}\n{done.stdout}"
        elif kind == "python" and options:
            (tmp_path / options.removeprefix("file=")).write_text(block.text, encoding="utf-8")
        elif kind == "python":
            done = run([sys.executable, "-c", block.text])
            assert done.returncode == 0, done.stderr
        elif kind == "toml":
            assert tomllib.loads(block.text)
            if document.name == "scenarios.md":
                assert load(block.text, document.name)
        elif kind == "yaml":
            assert pytest.importorskip("yaml", reason="pyyaml is not installed").safe_load(block.text)
        else:
            assert kind in ("sh", "text"), f"a block of {kind!r} is not run by anything"
            assert kind == "text" or all(line.startswith(NOT_RUN) for line in block.text.splitlines())


@pytest.mark.parametrize("document", [*DOCS, ROOT / "README.md"], ids=lambda each: each.name)
def test_what_a_document_leads_to_is_there(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" not in link:
            path, _, anchor = link.partition("#")
            target = (document.parent / path) if path else document
            assert target.exists(), link
            if anchor:
                heads = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
                assert anchor in {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}, link


def test_every_document_can_be_found_from_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [each.name for each in DOCS if f"docs/{each.name}" not in readme] == []


def test_every_option_of_the_command_that_a_document_names_exists() -> None:
    from taillog_conformance import cli

    commands = [cli.main, *cli.main.commands.values()]
    known = {option for command in commands for each in command.params for option in each.opts}
    known |= {"--taillog-seed", "--tailer", "--pyargs", "--help", "--tx", "--dist"}
    for document in [*DOCS, ROOT / "README.md"]:
        named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", document.read_text(encoding="utf-8")))
        assert named <= known, f"{document.name}: {sorted(named - known)}"
