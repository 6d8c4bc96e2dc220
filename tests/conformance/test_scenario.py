"""Scenario files: how they are read, what is refused, and how they are played."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import resources

import pytest

from taillog import TailLog
from taillog_conformance.adapters import TailLogAdapter
from taillog_conformance.contract import load_contract
from taillog_conformance.outcomes import ConformanceFailure, UsageProblem
from taillog_conformance.scenario import (
    ON_A_FILE,
    PLAIN,
    Scenario,
    ScenarioError,
    Step,
    load,
    of_requirement,
    play,
)
from taillog_conformance.stage import Stage
from taillog_conformance.suite._registry import all_checks

SHIPPED = sorted(
    file.name.removesuffix(".toml")
    for file in (resources.files("taillog_fixtures") / "scenarios").iterdir()
    if file.name.endswith(".toml")
)


def case(*lines: str, steps: str = '["start"], ["stop"]') -> str:
    """A scenario file of one case with these lines and these steps."""
    return "\n".join(['requirement = "FRM-1"', "[[case]]", 'name = "x y"', f"steps = [{steps}]", *lines])


def with_step(step: str) -> str:
    """A scenario file in which the tailer is started, `step` is done, and it is stopped."""
    return case(steps=f'["start"], {step}, ["stop"]')


# What is read.


def test_a_case_is_read_as_written() -> None:
    (found,) = load(
        case(
            "in_time = true",
            "any_keys = true",
            'contains = "$one"',
            'prefixes = {a = "[$p] "}',
            steps='["append", "a", "x"], ["create", "b"], ["start"], ["looks", 5], ["stop"]',
        ),
        "here.toml",
    )
    assert found == Scenario(
        "FRM-1",
        "x y",
        (
            Step("append", "a", ("x",)),
            Step("create", "b"),
            Step("start"),
            Step("looks", argument="5"),
            Step("stop"),
        ),
        ("a", "b"),
        {"a": "[$p] "},
        "$one",
        in_time=True,
        any_keys=True,
    )
    assert found.slug == "x-y"


def test_what_is_left_out_has_its_default() -> None:
    (found,) = load(case(), "here.toml")
    assert found == Scenario("FRM-1", "x y", (Step("start"), Step("stop")), ())
    assert (found.prefixes, found.contains, found.in_time, found.any_keys) == ({}, None, False, False)


@pytest.mark.parametrize(
    ("written", "step"),
    [
        ('["append", "a", "one\\n", "two"]', Step("append", "a", ("one\n", "two"))),
        ('["append", "a", {hex = "ff 00 0a"}]', Step("append", "a", (b"\xff\x00\n",))),
        ('["append", "a", {repeat = "ab", times = 3}, "\\n"]', Step("append", "a", ("ababab", "\n"))),
        ('["append-old", "a", "x"]', Step("append-old", "a", ("x",))),
        ('["chmod", "a", "600"]', Step("chmod", "a", argument="600")),
        ('["chmod", "a", 600]', Step("chmod", "a", argument="600")),
        ('["looks", 12]', Step("looks", argument="12")),
        ('["truncate", "a"]', Step("truncate", "a")),
        ('["settle"]', Step("settle")),
    ],
)
def test_each_kind_of_step_is_read(written: str, step: Step) -> None:
    (found,) = load(with_step(written), "here.toml")
    assert found.steps[1] == step


# What is refused.


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param("requirement =", "is not valid TOML: ", id="syntax"),
        pytest.param("", 'needs `requirement = "ID"` and at least one [[case]]', id="empty"),
        pytest.param('requirement = "FRM-1"', "at least one [[case]]", id="no-case"),
        pytest.param(case().replace('requirement = "FRM-1"', ""), 'needs `requirement = "ID"`', id="no-id"),
        pytest.param('requirement = "FRM-1"\ncase = "x"', "at least one [[case]]", id="case-a-text"),
        pytest.param('requirement = "FRM-1"\ncase = [1]', "has a case that is no table: 1", id="case-a-number"),
        pytest.param('title = "x"\n' + case(), "has an unknown field 'title'", id="unknown-field"),
        pytest.param(case().replace("name", "nmae"), "has a case without a name", id="no-name"),
        pytest.param(case().replace('"x y"', "5"), "has a case without a name", id="name-a-number"),
        pytest.param(
            case() + "\n" + case().partition("\n")[2].replace("x y", "x-y"),
            "has two cases of the name 'x-y'",
            id="same-slug",
        ),
    ],
)
def test_a_fault_in_a_file_is_one_line_that_names_it(text: str, complaint: str) -> None:
    message = refused(text)
    assert message.startswith("here.toml ")
    assert complaint in message


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param(case("filter = 1"), "unknown field 'filter'", id="unknown-field"),
        pytest.param(case().replace("steps = [", "steps = 5 # ["), "the steps are a list, not 5", id="steps"),
        pytest.param(case(steps=""), "it needs one start and, after it, one stop", id="no-steps"),
        pytest.param(case(steps='["stop"]'), "it needs one start", id="no-start"),
        pytest.param(case(steps='["start"]'), "it needs one start", id="no-stop"),
        pytest.param(case(steps='["stop"], ["start"]'), "it needs one start", id="stop-first"),
        pytest.param(with_step('["start"]'), "it needs one start", id="two-starts"),
        pytest.param(case("prefixes = 5"), "the prefixes are a table of texts", id="prefixes"),
        pytest.param(case('prefixes = {z = ""}'), "a prefix for 'z', which no step names", id="prefix-label"),
        pytest.param(
            case("prefixes = {a = 5}", steps='["create", "a"], ["start"], ["stop"]'),
            "5 is no text",
            id="prefix-a-number",
        ),
        pytest.param(case("contains = 5"), "5 is no text", id="contains"),
        pytest.param(case('in_time = "yes"'), "in_time is true or false, not 'yes'", id="in-time"),
        pytest.param(case("any_keys = 1"), "any_keys is true or false, not 1", id="any-keys"),
        pytest.param(case('interval = "1"'), "the interval has to be a number of seconds", id="interval"),
        pytest.param(case("interval = 0"), "the interval has to be a number of seconds", id="interval-zero"),
        pytest.param(case("interval = 99"), "the interval has to be a number of seconds", id="interval-long"),
        pytest.param(with_step('"settle"'), "a step is a list that begins with its verb", id="step-a-text"),
        pytest.param(with_step("[]"), "a step is a list that begins with its verb, not []", id="step-empty"),
        pytest.param(with_step("[1]"), "a step is a list that begins with its verb", id="step-a-number"),
        pytest.param(with_step('["apend", "a"]'), "unknown step 'apend'; the steps are append,", id="verb"),
        pytest.param(with_step('["create"]'), "create needs the label of a file", id="no-label"),
        pytest.param(with_step('["create", 1]'), "create needs the label of a file", id="label-a-number"),
        pytest.param(with_step('["create", "../a"]'), "create needs the label of a file", id="label-a-path"),
        pytest.param(with_step('["append", "a"]'), "append needs a text", id="no-text"),
        pytest.param(with_step('["append", "a", 1]'), '1 is no text; write "text"', id="text-a-number"),
        pytest.param(with_step('["append", "a", {hex = "fg"}]'), "'fg' is not hexadecimal", id="hex"),
        pytest.param(with_step('["append", "a", {hex = 5}]'), "5 is not hexadecimal", id="hex-a-number"),
        pytest.param(with_step('["append", "a", {text = "x"}]'), "is no text; write", id="part-field"),
        pytest.param(
            with_step('["append", "a", {repeat = "x", times = "9"}]'), "'9' is no number of times", id="times"
        ),
        pytest.param(with_step('["append", "a", {repeat = "x", times = 0}]'), "0 is no number of times", id="no-times"),
        pytest.param(with_step('["append", "a", {repeat = 1, times = 2}]'), "1 is no text", id="repeat"),
        pytest.param(with_step('["append", "a", {numbered = "x", lines = 0}]'), "0 is no number of lines", id="lines"),
        pytest.param(with_step('["append", "a", "5 $ a"]'), "a dollar sign is $$", id="dollar"),
        pytest.param(with_step('["chmod", "a"]'), "chmod takes one argument", id="no-mode"),
        pytest.param(with_step('["chmod", "a", "999"]'), "chmod does not take '999'", id="mode-not-octal"),
        pytest.param(with_step('["chmod", "a", "600", "x"]'), "chmod takes one argument", id="two-modes"),
        pytest.param(with_step('["looks"]'), "looks takes one argument", id="no-looks"),
        pytest.param(with_step('["looks", "many"]'), "looks does not take 'many'", id="looks-a-word"),
        pytest.param(with_step('["looks", -1]'), "looks does not take -1", id="looks-negative"),
        pytest.param(with_step('["settle", "a"]'), "settle takes no more", id="too-much"),
        pytest.param(with_step('["create", "a", "x"]'), "create takes no more", id="too-much-for-a-file"),
    ],
)
def test_a_fault_in_a_case_is_one_line_that_names_it(text: str, complaint: str) -> None:
    message = refused(text)
    assert message.startswith("here.toml, case 'x y': ")
    assert complaint in message


def refused(text: str) -> str:
    """The one line with which the file `text` is refused."""
    with pytest.raises(ScenarioError) as caught:
        load(text, "here.toml")
    message = str(caught.value)
    assert "\n" not in message
    assert isinstance(caught.value, UsageProblem)
    return message


# What ships.


@pytest.mark.parametrize("id", SHIPPED)
def test_a_shipped_file_loads_and_is_named_after_its_requirement(id: str) -> None:
    cases = of_requirement(id)
    assert cases
    assert {each.requirement for each in cases} == {load_contract().get(id).id}
    for each in cases:
        assert each.name == " ".join(each.name.split())
        assert each.files, "a case without a file shows nothing"


def test_every_shipped_case_is_played_by_a_check() -> None:
    played = {(check.requirement, case) for check in all_checks() for case in check.cases if case}
    assert played == {(id, each.slug) for id in SHIPPED for each in of_requirement(id)}


# How it is played.


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A stage for the reference."""
    stage = Stage(TailLogAdapter(TailLog, capabilities={"truncation", "rotation"}), "seed")
    yield stage
    stage.close()


def played(stage: Stage, text: str) -> str:
    """The destination after the one case of the scenario file `text`."""
    (found,) = load(text, "here.toml")
    return play(stage, found).text()


def test_every_step_can_be_played(stage: Stage) -> None:
    steps = """
        ["create", "a"], ["start"], ["append", "a", "one\\n"], ["settle"], ["seen", "a"], ["touch", "a"],
        ["chmod", "a", "600"], ["quiet"], ["looks", 2], ["rename", "a"], ["create", "a"], ["append", "a", "two\\n"],
        ["append-old", "a", "late\\n"], ["deliver"], ["truncate", "a"], ["truncated", "a"],
        ["append", "a", "three\\n"], ["deliver"], ["delete", "a"],
        ["link", "b"], ["append", "b", "four\\n"], ["deliver"], ["turn", "b"], ["append", "b", "five\\n"], ["stop"]
    """
    (found,) = load(case(steps=steps), "here.toml")
    assert {step.verb for step in found.steps} == ON_A_FILE | PLAIN
    lines = [line.partition(":")[2] for line in play(stage, found).text().splitlines()]
    assert [line for line in lines if line != "late"] == ["one", "two", "three", "four", "five"]


def test_a_word_is_the_same_wherever_it_stands_and_no_other(stage: Stage) -> None:
    steps = '["append", "a", "$one $two $one\\n${one}x $$5\\n"], ["start"], ["stop"]'
    first, second = played(stage, case('prefixes = {a = "<$one>"}', steps=steps)).splitlines()
    one = first[1:].partition(">")[0]
    two = first.split()[1]
    assert re.fullmatch(r"[A-Za-z0-9_-]{5,}", one)
    assert one != two
    assert first == f"<{one}>{one} {two} {one}"
    assert second == f"<{one}>{one}x $5"


def test_words_vary_with_the_seed_alone() -> None:
    steps = '["append", "a", "$one $two\\n"], ["start"], ["stop"]'
    texts = []
    for seed in ("1", "1", "2"):
        stage = Stage(TailLogAdapter(TailLog), seed)
        texts.append(played(stage, case(steps=steps)))
        stage.close()
    assert texts[0] == texts[1] != texts[2]


def test_bytes_and_repeats_are_written_as_they_are(stage: Stage) -> None:
    steps = '["append", "a", {hex = "e282ac"}, {repeat = "ab", times = 3}, "\\n"], ["start"], ["stop"]'
    assert played(stage, case(steps=steps)).partition(":")[2] == "\u20acababab\n"


def test_a_filter_keeps_the_lines_that_contain_its_text(stage: Stage) -> None:
    steps = '["append", "a", "$one 1\\n$two 2\\n$one 3\\n"], ["start"], ["stop"]'
    lines = played(stage, case('contains = "$one"', steps=steps)).splitlines()
    assert [line[-1] for line in lines] == ["1", "3"]


def test_any_keys_are_not_the_positions(stage: Stage) -> None:
    steps = '["append", "a", "x\\n"], ["append", "b", "y\\n"], ["start"], ["stop"]'
    (found,) = load(case("any_keys = true", steps=steps), "here.toml")
    run = play(stage, found)
    assert all(key != place for place, key in enumerate(run.keys))
    assert sorted(run.text().splitlines()) == sorted(
        f"[{run.name}{key}]:{text}" for key, text in zip(run.keys, "xy", strict=True)
    )


def test_what_comes_is_judged(stage: Stage) -> None:
    class Silent(TailLog):
        def start(self) -> Silent:
            return self

    (found,) = load(case(steps='["append", "a", "x\\n"], ["start"], ["stop"]'), "here.toml")
    silent = Stage(TailLogAdapter(Silent), "seed")
    with pytest.raises(ConformanceFailure, match=r"^1 line did not come \(1 of a\)$") as caught:
        play(silent, found)
    silent.close()
    assert caught.value.timeline is not None
    assert [event.what for event in caught.value.timeline.events()] == [
        *("append", "construct", "start", "started", "stop", "stopped"),
    ]
