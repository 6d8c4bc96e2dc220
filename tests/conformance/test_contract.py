"""The contract's data: complete, sound, and read with care."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest

from taillog_conformance.contract import (
    ContractError,
    Level,
    UnknownRequirement,
    load_contract,
    parse_contract,
)

LEVELS = {
    "DEL": "MMMMMMMMMS",
    "FRM": "MMMMMMMMMM",
    "ENC": "MMMS",
    "PFX": "MMMMMM",
    "FLT": "MMMMMMS",
    "MIS": "MMMMMMMMS",
    "SRC": "MMSSS",
    "ERR": "MMMMMMSS",
    "DST": "MMMMMMSMMSS",
    "CON": "MMMMM",
    "LIF": "MMMMMMMSSSSSSO",
    "LAT": "MS",
    "RES": "MMMSSSS",
    "TRN": "MMSM",
    "ROT": "MMMMMMMSSS",
}
"""An independent copy of contract 1.0: the level of each requirement of each area (O is MAY), in order."""

LETTERS = {"M": Level.MUST, "S": Level.SHOULD, "O": Level.MAY}

CAPABILITIES = {
    "PFX": "prefix",
    "FLT": "filter",
    "ERR": "error-report",
    "TRN": "truncation",
    "ROT": "rotation",
    "DST-1": "destination-path",
    "DST-2": "destination-path",
    "DST-9": "destination-path",
    "DST-10": "destination-path",
}
"""Which area or requirement needs which capability; all others need none."""

TEST_NAMES = [
    "setUp",
    "tearDown",
    "write",
    "test_tail",
    "test_tail_with_custom_prefix",
    "test_tail_with_custom_filter",
    "test_tail_write_to_dst_file",
    "test_tail_no_files",
    "test_tail_logfile_never_generates",
    "test_tail_logfile_error_in_tail_fn",
]

WORDS_IN_A_TITLE = range(3, 9)

SMALL = """
contract_version = "1.0"
[areas]
AAA = "first"
BBB = "second"
[capabilities]
magic = "Does magic."
[renamed]
OLD-1 = "AAA-1"
[[requirement]]
id = "AAA-1"
level = "MUST"
capability = "magic"
title = "One thing"
statement = '''
It MUST
    hold.
'''
rationale = "Because."
if_it_fails = "Look."
since = "1.0"
[[requirement.seen_in]]
what = "somewhere"
link = "https://example.org/1"
[[requirement]]
id = "BBB-1"
level = "MAY"
title = "Another thing"
statement = "It MAY hold."
rationale = "Because."
if_it_fails = "Look."
since = "1.0"
[[traced]]
name = "test_one"
ids = ["AAA-1"]
note = "The same."
"""
"""A sound contract as small as can be, for each test of an error to spoil in one place."""


def test_every_row_is_there_with_its_level() -> None:
    expected = [
        (f"{area}-{number}", LETTERS[letter])
        for area, letters in LEVELS.items()
        for number, letter in enumerate(letters, start=1)
    ]
    assert [(each.id, each.level) for each in load_contract().requirements] == expected
    assert list(load_contract().areas) == list(LEVELS)
    assert load_contract().version == "1.0"


def test_ids_are_unique_and_without_a_gap() -> None:
    numbers: dict[str, list[int]] = {}
    for each in load_contract().requirements:
        numbers.setdefault(each.area, []).append(int(each.id.removeprefix(f"{each.area}-")))
    assert numbers == {area: list(range(1, len(letters) + 1)) for area, letters in LEVELS.items()}


def test_capabilities_are_needed_just_where_the_contract_says() -> None:
    for each in load_contract().requirements:
        assert each.capability == CAPABILITIES.get(each.id, CAPABILITIES.get(each.area)), each.id
    assert set(load_contract().capabilities) == set(CAPABILITIES.values())


def test_each_statement_says_its_level() -> None:
    for each in load_contract().requirements:
        assert each.level in each.statement.split(), each.id


def test_titles_are_short_and_differ() -> None:
    titles = {each.id: each.title for each in load_contract().requirements}
    wrong = {id: title for id, title in titles.items() if len(title.split()) not in WORDS_IN_A_TITLE}
    assert not wrong
    assert len(set(titles.values())) == len(titles)


def test_texts_are_sentences_on_one_line() -> None:
    for each in load_contract().requirements:
        for text in (each.statement, each.rationale, each.if_it_fails):
            assert text == " ".join(text.split()), each.id
            assert text.endswith("."), each.id


def test_backticks_come_in_pairs() -> None:
    contract = load_contract()
    texts = [
        text
        for each in contract.requirements
        for text in (each.title, each.statement, each.rationale, each.if_it_fails)
    ]
    texts += [case.what for each in contract.requirements for case in each.seen_in]
    texts += [*contract.capabilities.values(), *(trace.note for trace in contract.traced)]
    assert not [text for text in texts if text.count("`") % 2]


def test_every_name_of_the_original_is_traced() -> None:
    contract = load_contract()
    assert [trace.name for trace in contract.traced] == TEST_NAMES
    known = {each.id for each in contract.requirements}
    for trace in contract.traced:
        assert known.issuperset(trace.ids), trace.name
        assert len(set(trace.ids)) == len(trace.ids), trace.name
        assert trace.ids or trace.note.startswith("Not a test"), trace.name


def test_the_contract_is_read_once_and_cannot_be_changed() -> None:
    contract = load_contract()
    assert load_contract() is contract
    with pytest.raises(dataclasses.FrozenInstanceError):
        contract.requirements[0].level = Level.MAY  # type: ignore[misc]
    with pytest.raises(TypeError):
        contract.areas["NEW"] = "new"  # type: ignore[index]


def test_loading_it_needs_the_standard_library_alone() -> None:
    program = (
        "import sys; before = set(sys.modules); from taillog_conformance.contract import load_contract; "
        "load_contract(); print(*{name.partition('.')[0] for name in set(sys.modules) - before})"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert set(run.stdout.split()) - sys.stdlib_module_names == {"taillog_conformance"}


def test_a_small_contract_is_read_as_written() -> None:
    contract = parse_contract(SMALL)
    first, second = contract.requirements
    assert (first.area, first.capability, first.statement) == ("AAA", "magic", "It MUST hold.")
    assert [(case.what, case.link) for case in first.seen_in] == [("somewhere", "https://example.org/1")]
    assert (second.level, second.capability, second.seen_in, second.untested) == (Level.MAY, None, (), None)


def test_an_untested_requirement_says_why() -> None:
    contract = parse_contract(
        SMALL.replace('title = "Another thing"', 'title = "Another thing"\nuntested = "No way to."')
    )
    assert contract.get("BBB-1").untested == "No way to."


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        pytest.param('contract_version = "1.0"', "contract_version =", "not TOML: ", id="syntax"),
        pytest.param('contract_version = "1.0"', "", "field 'contract_version' is missing", id="version"),
        pytest.param("[areas]", "[zones]", "top level: unknown field 'zones'", id="top-level-field"),
        pytest.param("[renamed]\nOLD-1", "[areas.x]\nOLD-1", "areas: field 'x' is not a text", id="sub-table"),
        pytest.param("[renamed]\nOLD-1", "OLD-1", "table [renamed] is missing", id="table-missing"),
        pytest.param(
            "[[requirement]]",
            "[[requirements]]",
            "top level: unknown field 'requirements'",
            id="rows-misspelt",
        ),
        pytest.param('id = "AAA-1"\n', "", "top level, requirement 1: field 'id' is missing", id="id-missing"),
        pytest.param('id = "BBB-1"', 'id = "AAA-1"', "requirement AAA-1 stands there twice", id="id-twice"),
        pytest.param('id = "BBB-1"', 'id = "BBB-01"', "BBB-01: an id is an area's three letters", id="id-form"),
        pytest.param('id = "BBB-1"', 'id = "CCC-1"', "CCC-1: unknown area 'CCC'", id="area"),
        pytest.param('level = "MAY"', 'level = "OUGHT"', "BBB-1: unknown level 'OUGHT'", id="level"),
        pytest.param(
            'capability = "magic"', 'capability = "luck"', "AAA-1: unknown capability 'luck'", id="capability"
        ),
        pytest.param('title = "One thing"', 'titel = "One thing"', "AAA-1: unknown field 'titel'", id="field"),
        pytest.param('title = "One thing"', "", "AAA-1: field 'title' is missing", id="field-missing"),
        pytest.param('title = "One thing"', "title = 1", "AAA-1: field 'title' is not a text", id="field-kind"),
        pytest.param('title = "One thing"', 'title = " "', "AAA-1: field 'title' is not a text", id="empty"),
        pytest.param(
            "[[requirement.seen_in]]", "[requirement.seen_in]", "'seen_in' is not an array", id="seen-in-kind"
        ),
        pytest.param('what = "', 'who = "', "AAA-1, seen_in 1: unknown field 'who'", id="seen-in-field"),
        pytest.param("https://example", "example", "AAA-1, seen_in 1: link 'example.org/1' is no", id="link"),
        pytest.param('OLD-1 = "AAA-1"', 'OLD-1 = "AAA-2"', "leads to AAA-2, which is no", id="renamed-to"),
        pytest.param('OLD-1 = "AAA-1"', 'BBB-1 = "AAA-1"', "ids are never reused", id="renamed-from"),
        pytest.param('ids = ["AAA-1"]', 'ids = ["AAA-2"]', "test_one: unknown requirement", id="traced-id"),
        pytest.param('ids = ["AAA-1"]', 'ids = "AAA-1"', "field 'ids' is not a list", id="traced-list"),
        pytest.param('ids = ["AAA-1"]', "ids = [1]", "an item of 'ids' is not a text", id="traced-item"),
        pytest.param(
            "[[traced]]",
            '[[traced]]\nname = "test_one"\nids = []\nnote = "Twice."\n[[traced]]',
            "traced name test_one stands there twice",
            id="traced-twice",
        ),
    ],
)
def test_a_fault_in_the_data_is_one_clear_line(old: str, new: str, complaint: str) -> None:
    assert old in SMALL
    with pytest.raises(ContractError) as caught:
        parse_contract(SMALL.replace(old, new))
    message = str(caught.value)
    assert message.startswith("requirements.toml: ")
    assert complaint in message
    assert "\n" not in message


def test_get_finds_an_id_and_follows_a_rename() -> None:
    assert load_contract().get("FRM-1").id == "FRM-1"
    assert parse_contract(SMALL).get("OLD-1").id == "AAA-1"
    with pytest.raises(UnknownRequirement, match="'FRM-99'"):
        load_contract().get("FRM-99")


def test_select_takes_ids_and_areas_in_any_case_and_keeps_the_order() -> None:
    select = load_contract().select
    assert [each.id for each in select(["rot-2", "FRM-10", "Frm-1"])] == ["FRM-1", "FRM-10", "ROT-2"]
    assert [each.id for each in select(["lat", "LAT-1", "enc"])] == [
        *(f"ENC-{number}" for number in range(1, 5)),
        "LAT-1",
        "LAT-2",
    ]
    assert select([]) == ()
    assert select(LEVELS) == load_contract().requirements


def test_select_follows_a_rename() -> None:
    assert [each.id for each in parse_contract(SMALL).select(["old-1"])] == ["AAA-1"]


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("frm-11", "FRM-1"),
        ("RTO", "ROT"),
        ("dell-3", "DEL-3"),
        ("zzzzzz", "the areas are DEL, FRM, ENC"),
    ],
)
def test_an_unknown_word_is_named_with_what_comes_near(word: str, hint: str) -> None:
    with pytest.raises(UnknownRequirement) as caught:
        load_contract().select(["DEL-1", word])
    message = str(caught.value)
    assert message.startswith(f"unknown requirement or area {word!r}: ")
    assert hint in message
    assert "\n" not in message
