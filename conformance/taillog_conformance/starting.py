"""`taillog init`: what a project needs to check its tailer in its own tests and in its CI, written once.

Nothing that is there already is touched: what would have been written is shown, for its owner to add.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .outcomes import UsageProblem
from .target import Target

ADAPTER = "tests/taillog_adapter.py"
TEST = "tests/test_taillog.py"
TOX = "tox.ini"
CHECKED = "tests.taillog_adapter:adapter"
"""The adapter that is written, as seen from the project's folder."""

CI_FILES: Mapping[str, str] = {"github": ".github/workflows/taillog.yml", "gitlab": ".gitlab-ci.yml"}
"""The file of each CI that is known."""

NO_CI = "none"

REPORTS = "--json taillog.json --junit taillog.xml --markdown taillog.md --html taillog.html"

PACKAGED_BY = ("pyproject.toml", "setup.py", "setup.cfg")
"""Files of which one makes a folder something that pip installs."""


@dataclass(frozen=True)
class Wanted:
    """What is to be checked, and where."""

    target: Target
    ci: str
    folder: Path
    is_adapter: bool = False
    """Whether the target is an adapter object, which the project has already."""

    @property
    def checked(self) -> str:
        """The target in the written files."""
        return self.target.name if self.is_adapter and self.target.name is not None else CHECKED

    @property
    def check(self) -> str:
        """The command of a CI job: all that somebody may want to look at afterwards."""
        return f"taillog check {self.checked} {REPORTS}"


@dataclass(frozen=True)
class Outcome:
    """What became of one file: written, or kept as it was, with the text that it would have got."""

    path: str
    written: bool
    text: str


def begin(wanted: Wanted) -> list[Outcome]:
    """Write the files that are not there yet.

    Raises:
        UsageProblem: the folder is none, or cannot be written to; one line.
    """
    if not wanted.folder.is_dir():
        raise UsageProblem(f"{wanted.folder} is no folder: name the project's own")
    files = {} if wanted.is_adapter else {ADAPTER: _adapter(wanted)}
    files |= {TEST: _test(wanted), TOX: _tox(wanted)}
    if wanted.ci in CI_FILES:
        files[CI_FILES[wanted.ci]] = (_github if wanted.ci == "github" else _gitlab)(wanted)
    try:
        return [Outcome(name, _write(wanted.folder / name, text), text) for name, text in files.items()]
    except OSError as error:
        raise UsageProblem(f"{error.filename} cannot be written: {error.strerror}") from None


def _write(path: Path, text: str) -> bool:
    """Write a new file; False if there is one, which stays as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        return False
    return True


def _adapter(wanted: Wanted) -> str:
    target = wanted.target
    said = {
        "stop": target.stop,
        "attribute": target.attribute,
        "capabilities": list(target.capabilities),
        "without": list(target.without),
    }
    more = "".join(f", {name}={value!r}" for name, value in said.items() if value)
    for adapter, command, how in (
        ("CommandAdapter", target.command, "a program"),
        ("ProtocolAdapter", target.driver, "by a driver that speaks the kit's protocol"),
    ):
        if command is not None:
            return f'''"""How the conformance kit drives our tailer: {how}."""

from taillog_conformance.adapters import {adapter}

adapter = {adapter}({command!r}{more})
'''
    module, _, path = (target.name or "").partition(":")
    first = path.partition(".")[0]
    return f'''"""How the conformance kit drives our tailer: a class of the contract's shape."""

from taillog_conformance.adapters import TailLogAdapter

from {module} import {first}

adapter = TailLogAdapter({path}, name={target.name!r}{more})
'''


def _test(wanted: Wanted) -> str:
    if wanted.is_adapter:
        module, _, path = wanted.checked.partition(":")
    else:
        packaged = (wanted.folder / "tests" / "__init__.py").exists()
        module, path = "tests.taillog_adapter" if packaged else "taillog_adapter", "adapter"
    return f'''"""Our tailer keeps the TailLog contract: each test is a check of the conformance kit."""

import pytest
from taillog_conformance.suite import *  # noqa: F403

from {module} import {path.partition(".")[0]}


@pytest.fixture
def taillog_adapter():
    return {path}
'''


def _is_packaged(wanted: Wanted) -> bool:
    return any((wanted.folder / name).exists() for name in PACKAGED_BY)


def _tox(wanted: Wanted) -> str:
    skip = "" if _is_packaged(wanted) else "skip_install = true\n"
    return f"""[testenv:taillog]
description = our tailer against the TailLog contract
{skip}deps = taillog-conformance
commands = taillog check {wanted.checked} {{posargs}}
"""


def _install(wanted: Wanted) -> str:
    return "pip install taillog-conformance" + (" ." if _is_packaged(wanted) else "")


def _github(wanted: Wanted) -> str:
    return f"""name: taillog
on: [push, pull_request]
jobs:
  conformance:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
      - run: {_install(wanted)}
      - run: {wanted.check}
      - run: cat taillog.md >> "$GITHUB_STEP_SUMMARY"
        if: always()
      - uses: actions/upload-artifact@v4
        if: always()
        with:
          name: taillog
          path: taillog.*
"""


def _gitlab(wanted: Wanted) -> str:
    return f"""taillog:
  image: python:3.12
  script:
    - {_install(wanted)}
    - {wanted.check}
  artifacts:
    when: always
    paths: ["taillog.*"]
    reports:
      junit: taillog.xml
"""


def told(outcomes: Sequence[Outcome], checked: str) -> str:
    """What a person is told: each file, what to add to those that were kept, and what to do next."""
    lines = [f"{'wrote' if each.written else 'kept '} {each.path}" for each in outcomes]
    for each in outcomes:
        if not each.written and each.path not in (ADAPTER, TEST):
            shown = "\n".join(f"    {line}".rstrip() for line in each.text.splitlines())
            lines.append(f"\n{each.path} is there already; add this to it:\n\n{shown}")
    lines += [
        "\nNext:",
        f"    taillog check {shlex.quote(checked)}",
        f"    python -m pytest {TEST}",
    ]
    return "\n".join(lines) + "\n"
