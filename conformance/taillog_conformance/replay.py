"""Replays a scenario file of the user's own: `taillog check TARGET --scenario FILE`."""

from __future__ import annotations

from pathlib import Path

import pytest

from .plugin import MARK
from .reading import read_toml_text
from .scenario import Scenario, load, play
from .stage import Stage

CHECK = "test_replayed"


def read(path: Path) -> tuple[Scenario, ...]:
    """The cases of the file.

    Raises:
        UsageProblem: it cannot be read, or is no scenario file; one line.
    """
    return load(read_toml_text(path, "scenario file"), str(path))


def names(scenarios: tuple[Scenario, ...]) -> dict[str, list[str]]:
    """The names of the checks that replay them, by requirement."""
    return {scenarios[0].requirement: [f"{CHECK}[{scenario.slug}]" for scenario in scenarios]}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test a case of the file that the option names."""
    file = metafunc.config.getoption("--taillog-scenario")
    if file is not None:
        marks = getattr(pytest.mark, MARK)
        cases = read(Path(file))
        metafunc.parametrize(
            "case", [pytest.param(case, id=case.slug, marks=marks(case.requirement, ())) for case in cases]
        )


def test_replayed(taillog_stage: Stage, case: Scenario) -> None:
    """A case of the file is played, and what came is judged."""
    play(taillog_stage, case)
