"""`taillog explain`, and that the right ways it shows lead to what is there."""

from __future__ import annotations

import importlib
import inspect
import re
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner

import taillog
from taillog_conformance import cli
from taillog_conformance.contract import load_contract
from taillog_conformance.explain import right_ways
from taillog_conformance.suite._registry import all_checks

CONTRACT = load_contract()
IDS = [each.id for each in CONTRACT.requirements]


def said(id: str) -> str:
    done = CliRunner().invoke(cli.main, ["explain", id])
    assert done.exit_code == 0, done.output
    return done.output


def folded(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("id", IDS)
def test_all_that_is_known_of_a_requirement_is_said(id: str) -> None:
    requirement = CONTRACT.get(id)
    text = folded(said(id))
    wanted = [requirement.title, requirement.statement, requirement.rationale, requirement.if_it_fails]
    wanted += [right_ways()[id].how, *(case.what for case in requirement.seen_in)]
    wanted += [case.link for case in requirement.seen_in if case.link]
    wanted += [check.function for check in all_checks() if check.requirement == id]
    wanted += [requirement.capability] if requirement.capability else []
    for words in wanted:
        assert folded(words) in text


def test_every_requirement_has_a_right_way_and_no_other_id_has() -> None:
    assert sorted(right_ways()) == sorted(IDS)


@cache
def reference_function(where: str) -> object:
    module, _, path = where.partition(":")
    found: object = importlib.import_module(module)
    for part in path.split("."):
        found = getattr(found, part)
    return found


@pytest.mark.parametrize("id", IDS)
def test_a_right_way_leads_into_the_reference(id: str) -> None:
    where = right_ways()[id].where
    found = reference_function(where)
    assert where.startswith(f"{taillog.__name__}.")
    assert inspect.isfunction(found) or inspect.isclass(found)
    source = Path(inspect.getsourcefile(found) or "")
    assert source.parent == Path(taillog.__file__).parent
    assert f"{found.__module__}:{found.__qualname__}" == where


def noted() -> dict[str, set[str]]:
    """Where the reference's own comments name a requirement: ids by the text of their modules."""
    found: dict[str, set[str]] = {}
    for path in Path(taillog.__file__).parent.glob("*.py"):
        for id in re.findall(r"\b[A-Z]{3}-[0-9]+\b", path.read_text(encoding="utf-8")):
            found.setdefault(id, set()).add(f"taillog.{path.stem}")
    return found


@pytest.mark.parametrize("id", sorted(set(noted()) & set(IDS)))
def test_it_leads_to_a_module_that_says_so_itself(id: str) -> None:
    places = noted()[id] - {"taillog.__init__"}
    assert not places or right_ways()[id].where.partition(":")[0] in places


@pytest.mark.parametrize(
    ("id", "complaint"),
    [
        ("FRM-99", "unknown requirement"),
        ("xyz", "unknown requirement"),
        ("lat", "LAT is an area, and here goes one requirement: LAT-1, LAT-2"),
    ],
)
def test_an_unknown_id_is_one_line(id: str, complaint: str) -> None:
    done = CliRunner().invoke(cli.main, ["explain", id])
    assert done.exit_code == 2
    assert complaint in done.output.splitlines()[-1]


def test_an_id_may_be_written_small() -> None:
    assert said("frm-1") == said("FRM-1")
