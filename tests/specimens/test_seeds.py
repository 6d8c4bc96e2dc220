"""What the suite gives a tailer varies with the seed: no tailer can know it by what it was given before."""

from __future__ import annotations

import itertools
import json
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from judged import Job, run_all
from spy import NOTES

SEEDS = (1, 2, 3)

Notes = list[dict[str, Any]]


@pytest.fixture(scope="session")
def notes(tmp_path_factory: pytest.TempPathFactory) -> list[Notes]:
    """By seed: what the suite gave a correct tailer, life by life."""
    found = []
    with pytest.MonkeyPatch.context() as patch:
        for seed in SEEDS:
            path = tmp_path_factory.mktemp("notes") / str(seed)
            patch.setenv(NOTES, str(path))
            (outcome,) = run_all([Job("spy:Spy", seed, path=(str(Path(__file__).parent),))], 1)
            assert outcome.verdict == "conformant", outcome.said
            found.append([json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()])
    return found


Given = Callable[[dict[str, Any]], Iterable[Any]]


def shared(notes: list[Notes], of: Given) -> set[Any]:
    """What `of` finds in the notes of two seeds or more."""
    by_seed = [{each for life in lives for each in of(life)} for lives in notes]
    return {each for first, second in itertools.combinations(by_seed, 2) for each in first & second}


def test_no_name_comes_again(notes: list[Notes]) -> None:
    """But for the empty one of PFX-1."""
    assert shared(notes, lambda life: [life["name"]]) == {""}


def test_no_files_name_comes_again(notes: list[Notes]) -> None:
    names = shared(notes, lambda life: [os.path.basename(path) for path in life["paths"]])
    assert names == {os.path.basename(os.devnull)}


def test_only_prefixes_that_are_the_case_itself_come_again(notes: list[Notes]) -> None:
    """Empty ones, what a formatter would take for its own, those beyond ASCII; and short ones of a property's."""
    word = re.compile("[A-Za-z]{4}")
    again = {each for each in shared(notes, lambda life: life["prefixes"]) if word.search(each)}
    assert again == {"%s %d %(name)s {} {0} {name}|"}


OVER_THE_ENDS_OF_BLOCKS = "x" + "\u00e9\u20ac" * 7
"""A line of ENC-3: what stands at the end of a block is counted in bytes, and no word of any length goes before it."""


def test_only_texts_of_properties_come_again(notes: list[Notes]) -> None:
    """Their alphabets are small: a text of theirs is never longer than some characters."""
    again = {each.strip() for each in shared(notes, lambda life: life["first_lines"])} - {OVER_THE_ENDS_OF_BLOCKS}
    assert all(len(each) <= len("abc 0") for each in again)
    every = {each for lives in notes for life in lives for each in life["first_lines"]}
    assert len(again) < len(every) / 20


def test_keys_and_sizes_differ(notes: list[Notes]) -> None:
    for of in (lambda life: [tuple(life["keys"])], lambda life: [life["bytes"]]):
        given = [[each for life in lives for each in of(life)] for lives in notes]
        assert all(first != second for first, second in itertools.combinations(map(sorted, given), 2))
