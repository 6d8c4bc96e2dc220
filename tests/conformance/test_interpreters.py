"""One run of pytest-xdist over workers of several interpreters, each with a kit of its own."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

import taillog
import taillog_conformance
import taillog_fixtures

pytestmark = pytest.mark.long

Command = Callable[..., subprocess.CompletedProcess[str]]

PACKAGES = (taillog, taillog_conformance, taillog_fixtures)

OTHERS = "TAILLOG_PYTHONS"
"""Variable with the paths of other interpreters that have this very kit installed, separated as PATH is."""

TELLING = """
import pathlib, sys
import taillog_conformance
from tiny import TailLog as Tiny

class TailLog(Tiny):
    def start(self):
        version = ".".join(map(str, sys.version_info[:3]))
        kit = pathlib.Path(taillog_conformance.__file__).parent
        with open(pathlib.Path(__file__).with_name("ran"), "a") as file:
            file.write(f"{version} {sys.prefix} {kit}\\n")
        return super().start()
"""
"""A tailer that tells on which interpreter, and with which kit, it was checked."""

CHECKS = ("FRM-4", "FRM-5", "FRM-7", "FRM-8", "PFX-1", "PFX-2")
PART = (*(word for id in CHECKS for word in ("--taillog-only", id)), "-p", "no:randomly", "-p", "no:cacheprovider")


def suite(run_pytest: Command, project: Path, pythons: list[Path], *words: str) -> tuple[str, set[tuple[str, ...]]]:
    """What a run with a worker of each of `pythons` said, and where it was run: version, prefix and kit."""
    (project / "telling.py").write_text(TELLING)
    nodes = [word for python in pythons for word in ("--tx", f"popen//python={python}")]
    done = run_pytest("--pyargs", "taillog_conformance.suite", "--tailer", "telling:TailLog", *nodes, *PART, *words)
    assert done.returncode == 0, done.stdout
    return done.stdout, {tuple(line.split()) for line in (project / "ran").read_text().splitlines()}


@pytest.fixture
def second(project: Path) -> Path:
    """Another environment of this Python in the project: with a copy of the kit, and what it needs from this one.

    It stands in the project, as environments do: there pytest names what it collects by its folder.
    """
    home = project / ".second"
    venv.create(home, with_pip=False, symlinks=True)
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(home), "platbase": str(home)}))
    for package in PACKAGES:
        shutil.copytree(package.__path__[0], site / package.__name__, ignore=shutil.ignore_patterns("__pycache__"))
    (site / "needs.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return home / "bin" / "python"


@pytest.mark.parametrize("dist", ["load", "each"])
def test_a_worker_of_another_environment_checks_with_its_own_kit(
    run_pytest: Command, project: Path, second: Path, dist: str
) -> None:
    said, ran = suite(run_pytest, project, [Path(sys.executable), second], "--dist", dist)
    version = platform.python_version()
    own = str(Path(taillog_conformance.__path__[0]))
    home = str(second.parent.parent)
    here = (version, sys.prefix, own)
    there = (version, home, next(kit for _, prefix, kit in ran if prefix == home))
    assert ran == {here, there}
    assert there[2].startswith(home)
    assert f"telling:TailLog: inconclusive with contract 1.0 ({len(CHECKS)} of " in said


def test_a_worker_that_no_interpreter_is_named_for_is_this_one(
    run_pytest: Command, project: Path, second: Path
) -> None:
    """Named after the other, it does not get the other's path."""
    _, ran = suite(run_pytest, project, [second], "--tx", "popen", "--dist", "each")
    assert {prefix for _, prefix, _ in ran} == {sys.prefix, str(second.parent.parent)}
    assert {kit for _, prefix, kit in ran if prefix == sys.prefix} == {taillog_conformance.__path__[0]}


def test_checks_are_named_by_the_import_and_can_be_called_by_that_name(run_pytest: Command, project: Path) -> None:
    name = "taillog_conformance.suite.test_frm::test_frm_7_empty_lines_are_delivered"
    done = run_pytest("--pyargs", name, "--tailer", "tiny:TailLog", "-v", "-p", "no:xdist")
    assert done.returncode == 0
    assert f"{name}[" in done.stdout


def other_pythons() -> list[Path]:
    """The interpreters of other versions that the variable names, as far as they are there."""
    named = [Path(word) for word in os.environ.get(OTHERS, "").split(os.pathsep) if word]
    return [python for python in named if python.exists() and python.parent.parent != Path(sys.prefix)]


@pytest.mark.skipif(
    not other_pythons(), reason=f"{OTHERS} names no other Python that is there (see tox -e interpreters)"
)
def test_one_run_over_several_versions_of_python(run_pytest: Command, project: Path) -> None:
    said, ran = suite(run_pytest, project, [Path(sys.executable), *other_pythons()], "--dist", "each")
    versions = sorted({version for version, _, _ in ran})
    assert len({prefix for _, prefix, _ in ran}) == 1 + len(other_pythons())
    assert f"\nPython {', '.join(versions)}\n" in said
    assert platform.python_version() in versions
    assert len(versions) > 1
