"""Parts of the suite: what `--shard` means, that the parts make up the whole, and that they cost alike."""

from __future__ import annotations

import random

import pytest

from taillog_conformance.outcomes import UsageProblem
from taillog_conformance.report.model import Shards
from taillog_conformance.shards import COSTS, OTHERS_COST, parse_shard, requirements_of
from taillog_conformance.suite._registry import all_names

IDS = tuple(all_names())


def part(number: int, of: int) -> frozenset[str]:
    return requirements_of(Shards(of, (number,)), IDS)


def cost(ids: frozenset[str]) -> float:
    return sum(COSTS.get(id, OTHERS_COST) for id in ids)


@pytest.mark.parametrize("of", [1, 2, 3, 5, 16, len(IDS)])
def test_the_parts_are_the_whole_and_none_has_what_another_has(of: int) -> None:
    parts = [part(number, of) for number in range(1, of + 1)]
    assert sorted(id for each in parts for id in each) == sorted(IDS)
    assert all(parts)


@pytest.mark.parametrize("of", [2, 3, 5, 8])
def test_the_parts_cost_alike(of: int) -> None:
    costs = [cost(part(number, of)) for number in range(1, of + 1)]
    assert max(costs) - min(costs) < 0.3


def test_the_division_does_not_hang_on_the_order_in_which_checks_are_found() -> None:
    shuffled = list(IDS)
    random.Random(1).shuffle(shuffled)
    for number in range(1, 6):
        assert requirements_of(Shards(5, (number,)), shuffled) == part(number, 5)


def test_several_parts_are_those_of_each() -> None:
    assert requirements_of(Shards(5, (2, 4)), IDS) == part(2, 5) | part(4, 5)


def test_only_requirements_with_checks_have_a_cost() -> None:
    assert set(COSTS) <= set(IDS)


def test_a_shard_is_named_by_its_number_and_how_many_there_are() -> None:
    assert parse_shard("2/5", 112) == Shards(5, (2,))
    assert Shards(5, (2, 4)).missing == (1, 3, 5)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("2", "'2' is no shard: write its number and how many there are, as in 2/5"),
        ("2/", "'2/' is no shard"),
        ("-1/5", "'-1/5' is no shard"),
        ("1/5\n", "'1/5\\n' is no shard"),
        ("\u0662/\u0665", "is no shard"),  # digits, but not of ASCII
        ("1/99999", "'1/99999' is no shard"),
        ("0/5", "there is no shard 0/5: the shards of 5 are 1/5 to 5/5"),
        ("6/5", "there is no shard 6/5: the shards of 5 are 1/5 to 5/5"),
        ("1/0", "there is no shard 1/0"),
        ("1/113", "there is no shard 1/113: 112 requirements make 112 shards at the most"),
    ],
)
def test_what_names_no_shard_is_one_line(text: str, complaint: str) -> None:
    with pytest.raises(UsageProblem, match="shard") as caught:
        parse_shard(text, 112)
    assert complaint in str(caught.value)
