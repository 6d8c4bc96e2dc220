"""Properties: which of many examples is shown, and when exploring ends."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from hypothesis import strategies as st

from taillog import TailLog
from taillog_conformance import properties
from taillog_conformance.adapters import TailLogAdapter
from taillog_conformance.clocks import Clocks
from taillog_conformance.outcomes import AdapterProblem, ConformanceFailure
from taillog_conformance.smoke import smoke
from taillog_conformance.stage import Stage

SEEN_ONCE = " (seen once, and not each time when the same was tried again)"


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    adapter, clocks = TailLogAdapter(TailLog), Clocks(1.0)
    return Stage(adapter, "1", clocks, smoke(adapter, "1", clocks, tmp_path).profile, parent=tmp_path)


def test_the_smallest_failing_example_is_shown(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(properties, "SHRINKS_WITHIN", 60.0)

    def holds(number: int) -> None:
        if number > 3:
            raise ConformanceFailure(f"{number} is more than 3")

    with pytest.raises(ConformanceFailure) as found:
        properties.explore(stage, st.integers(0, 1000), holds)
    assert found.value.why in {f"{number} is more than 3" for number in range(4, 10)}  # the shortest to write


def test_one_that_fails_but_once_is_shown_with_that_word(stage: Stage) -> None:
    tried: list[int] = []

    def holds(number: int) -> None:
        tried.append(number)
        if len(tried) == 3:
            raise ConformanceFailure("a race")

    with pytest.raises(ConformanceFailure) as found:
        properties.explore(stage, st.integers(), holds)
    assert found.value.why == f"a race{SEEN_ONCE}"


def test_an_adapter_that_raises_is_its_own_problem(stage: Stage) -> None:
    tried: list[int] = []

    def holds(number: int) -> None:
        tried.append(number)
        if len(tried) == 2:
            raise AdapterProblem("the adapter's stop() raised")

    with pytest.raises(AdapterProblem, match="the adapter's stop"):
        properties.explore(stage, st.integers(), holds)
    assert len(tried) == 2


def test_no_example_is_tried_when_the_time_is_over(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(properties, "EXPLORES_WITHIN", -1.0)
    tried: list[int] = []
    signs: list[None] = []
    stage.alive = lambda: signs.append(None)
    properties.explore(stage, st.integers(), tried.append)
    assert tried == []
    assert len(signs) > 1  # each example that is turned away is a sign of life


def test_a_failing_example_is_tried_again_only_while_there_is_time(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(properties, "TRIES_AGAIN_WITHIN", -1.0)
    with pytest.raises(ConformanceFailure) as found:
        properties.explore(stage, st.integers(), lambda number: _fail())
    assert found.value.why == f"always{SEEN_ONCE}"


def _fail() -> None:
    raise ConformanceFailure("always")


def test_the_examples_are_of_the_seed_alone(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def examples() -> list[str]:
        seen: list[str] = []
        properties.explore(stage, st.text(), lambda text: seen.append(text), 200)
        return seen

    before = examples()
    (tmp_path / "anybodys.py").write_text("".join(f"T{number} = 'text {number}'\n" for number in range(1000)))
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("anybodys")
    assert examples() == before
    assert len(set(before)) > 50
