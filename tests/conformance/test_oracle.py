"""The oracle: what it accepts, what it rejects, and the words in which it says why."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taillog_conformance.oracle import Delivery, Line, Source, canonical, judge, lines_of, split_lines
from taillog_conformance.outcomes import ConformanceFailure

LOST = "did not come"
AGAIN = "a line was delivered again, or out of its order"
TORN = "a line came torn: only its beginning stands in the line"
RUNS_ON = "a line runs on into text that is not its own"
ADDED = "a line came with something added to it"
NO_PREFIX = "a line does not carry its prefix"
STRANGE = "a line was delivered that no source holds in this place"
CHANGED = "a line's text was changed"
EARLY_LINE = "a line was delivered before it was complete"
EARLY_PIECE = "a piece of a line was delivered before its line was complete"


def source(name: str, *lines: str | Line, headers: Sequence[str] = ("",)) -> Source:
    """A source of these lines; a plain text is a line that must come and could come at any time."""
    return Source(name, tuple(Line(each) if isinstance(each, str) else each for each in lines), tuple(headers))


def written(*texts: str) -> list[Delivery]:
    """One call of write() for each text, at the places 0, 1, 2... of the timeline."""
    return [Delivery(text, event) for event, text in enumerate(texts)]


def refusal(sources: Sequence[Source], deliveries: Sequence[Delivery], *, in_time: bool = False) -> ConformanceFailure:
    """The failure with which the oracle rejects `deliveries`."""
    with pytest.raises(ConformanceFailure) as caught:
        judge(sources, deliveries, in_time=in_time)
    return caught.value


# What is right.


@pytest.mark.parametrize(
    "texts",
    [
        pytest.param(["one\ntwo\nthree\n"], id="one-write"),
        pytest.param(["one\n", "two\n", "three\n"], id="a-write-a-line"),
        pytest.param(["on", "e", "\nt", "wo\nthree", "\n"], id="cut-anywhere"),
        pytest.param(["one\ntwo\nthree"], id="the-last-line-without-its-end"),
        pytest.param(["", "one\n", "", "two\nthree\n", ""], id="empty-writes"),
    ],
)
def test_exact_text_is_accepted_however_it_was_written(texts: list[str]) -> None:
    judge([source("a", "one", "two", "three")], written(*texts))


def test_nothing_is_right_where_nothing_was_written() -> None:
    judge([], [])
    judge([source("a"), source("b")], written(""))


@pytest.mark.parametrize("order", ["a1 a2 b1 b2", "b1 b2 a1 a2", "a1 b1 a2 b2", "b1 a1 a2 b2"])
def test_no_order_between_sources_is_asked_for(order: str) -> None:
    judge([source("a", "a1", "a2"), source("b", "b1", "b2")], written(order.replace(" ", "\n") + "\n"))


def test_equal_lines_of_two_sources_are_told_apart_by_their_number() -> None:
    sources = [source("a", "same", "same", "a"), source("b", "same", "b")]
    judge(sources, written("same\nsame\nb\nsame\na\n"))
    assert LOST in refusal(sources, written("same\nsame\na\nb\n")).why
    assert refusal(sources, written("same\nsame\nsame\nsame\na\nb\n")).got.startswith("'same' as line 4")


@pytest.mark.parametrize("header", ["", "[n0]:"])
def test_each_of_several_headers_is_right(header: str) -> None:
    judge([source("a", "one", headers=("", "[n0]:"))], written(f"{header}one\n"))


def test_only_lf_ends_a_line() -> None:
    text = "a\u2028b\u2029c\x85d\x0be\x0cf\x1cg\x1dh\x1ei\rj"
    assert split_lines(text + "\nrest") == ([text], "rest")
    judge([source("a", text)], written(text + "\n"))
    for end in "\u2028\u2029\x85\x0b\x0c\x1c\x1d\x1e\r":
        torn = text.replace(end, "\n")
        assert refusal([source("a", text)], written(torn + "\n")).why == TORN


# Lines that are missing, doubled, or in another order.


def test_a_lost_line_is_named_where_the_next_one_shows_it() -> None:
    failure = refusal([source("a", "one", "two", "three")], written("one\n", "three\n"))
    assert failure.why == "1 line before this one did not come"
    assert failure.expected == "'two'"
    assert failure.got == "'three' as line 2 of the destination"
    assert failure.event == 1


@pytest.mark.parametrize("text", ["one\n\nthree\n", "one\nthree\n"])
def test_a_lost_line_is_named_too_where_the_cr_of_each_is_dropped(text: str) -> None:
    lines = ("one\r", "\r", "two\r", "three\r") if "\n\n" in text else ("one\r", "\r", "three\r")
    failure = refusal([source("a", *lines)], written(text))
    assert failure.why == "1 line before this one did not come"
    assert failure.got == f"'three' as line {text.count(chr(10))} of the destination"


def test_several_lost_lines_are_counted() -> None:
    failure = refusal([source("a", "one", "two", "three", "four")], written("one\nfour\n"))
    assert failure.why == "2 lines before this one did not come"


def test_lines_that_come_later_are_not_lost_but_out_of_order() -> None:
    failure = refusal([source("a", "one", "two", "three", "four")], written("three\none\ntwo\nfour\n"))
    assert failure.why == "2 lines from before this one came after it"
    assert failure.expected == "'one'"


def test_what_comes_later_is_not_taken_for_a_lost_line_that_is_equal() -> None:
    failure = refusal([source("a", "one", "two", "three", "two")], written("one\nthree\ntwo\n"))
    assert failure.why == "1 line before this one did not come"


def test_of_lines_out_of_order_only_the_lost_are_counted_as_lost() -> None:
    failure = refusal([source("a", "one", "two", "three")], written("three\none\n"))
    assert failure.why == "1 line before this one did not come"


def test_lines_lost_at_the_end_are_counted_by_source() -> None:
    sources = [source("a", "one", "two", "three"), source("b", "four")]
    failure = refusal(sources, written("one\n"))
    assert failure.why == "3 lines did not come (2 of a, 1 of b)"
    assert failure.expected == "'two' and 2 more"
    assert failure.got == "nothing after line 1 of the destination"


def test_an_empty_destination_is_called_that() -> None:
    failure = refusal([source("a", "one", headers=("[n0]:",))], [])
    assert failure.why == "1 line did not come (1 of a)"
    assert failure.expected == "'[n0]:one'"
    assert failure.got == "nothing: the destination is empty"


@pytest.mark.parametrize(
    ("text", "got", "change"),
    [
        (" one two", "one two", "' ' became ''"),
        ("one e\u0301 two", "one \u00e9 two", r"'e\u0301' became '\xe9'"),
        ("one \ufffd two", "one \udcff two", r"'\ufffd' became '\udcff'"),
        ("aaaa", "aaxa", "'a' became 'x'"),
        ("aaaa", "aaa", ""),
        ("one two", "six ten", ""),
    ],
)
def test_a_text_of_which_most_still_stands_was_changed(text: str, got: str, change: str) -> None:
    failure = refusal([source("a", text, headers=("[n0]:",))], written(f"[n0]:{got}\n"))
    assert failure.why == (f"{CHANGED}: {change}" if change else TORN if text.startswith(got) else STRANGE)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[n0]:[n1]:one", "one file's line stands inside another's"),
        ("[n0]:on[n1]:sixe", "one file's line stands inside another's"),
        ("[n0]:[n0]:one", ADDED),
        ("[n1]:one", NO_PREFIX),
    ],
)
def test_a_line_with_two_files_headers_is_two_lines(text: str, why: str) -> None:
    sources = [source("a", "one", headers=("[n0]:",)), source("b", "six", headers=("[n1]:",))]
    assert refusal(sources, written(f"{text}\n")).why == why


def test_a_line_that_begins_with_letters_of_its_header_does_not_carry_it() -> None:
    assert refusal([source("a", "[n0]:one", headers=("[n0]:",))], written("[n0]:one\n")).why == NO_PREFIX


def test_a_line_that_the_filter_does_not_keep_is_called_that() -> None:
    filtered = Source("a", (Line("one"),), ("[n0]:",), frozenset({"two"}))
    assert refusal([filtered], written("[n0]:two\n")).why == "a line was delivered that the filter does not keep"
    assert refusal([filtered], written("[n0]:six\n")).why == STRANGE


def test_a_doubled_line_is_delivered_again() -> None:
    failure = refusal([source("a", "one", "two")], written("one\n", "one\n", "two\n"))
    assert failure.why == AGAIN
    assert failure.expected == "'two'"
    assert failure.got == "'one' as line 2 of the destination"
    assert failure.event == 1


def test_a_doubled_last_line_leaves_nothing_to_expect() -> None:
    failure = refusal([source("a", "one")], written("one\none\n"))
    assert (failure.why, failure.expected) == (AGAIN, "nothing more")


def test_lines_out_of_order_are_rejected_at_the_first_that_stands_too_early() -> None:
    failure = refusal([source("a", "one", "two")], written("two\none\n"))
    assert failure.why == "1 line from before this one came after it"
    assert failure.expected == "'one'"


# Lines whose text is not right.


def test_a_torn_line() -> None:
    failure = refusal([source("a", "one two", "three")], written("one\n", " two\nthree\n"))
    assert failure.why == TORN
    assert failure.expected == "'one two'"
    assert failure.got == "'one' as line 1 of the destination"


def test_a_torn_line_with_a_header() -> None:
    failure = refusal([source("a", "one two", headers=("[n0]:",))], written("[n0]:one\n[n0]: two\n"))
    assert failure.why == TORN


def test_two_lines_joined_into_one() -> None:
    failure = refusal([source("a", "one", "two")], written("onetwo\n"))
    assert failure.why == RUNS_ON
    assert failure.got == "'onetwo' as line 1 of the destination"


def test_a_piece_that_runs_into_another_sources_line() -> None:
    sources = [source("a", "piece", headers=("[n0]:",)), source("b", "line", headers=("[n1]:",))]
    failure = refusal(sources, written("[n0]:piece", "[n1]:line\n"))
    assert failure.why == RUNS_ON
    assert failure.expected == "'[n0]:piece' or '[n1]:line'"


def test_lines_of_two_sources_interleaved_within() -> None:
    assert refusal([source("a", "abcd"), source("b", "wxyz")], written("abwxcdyz\n")).why == STRANGE


@pytest.mark.parametrize("got", ["INFO one", "INFO one (1)"])
def test_something_added_to_a_line(got: str) -> None:
    assert refusal([source("a", "one", "two")], written(f"{got}\ntwo\n")).why == ADDED


def test_a_missing_prefix_is_called_that() -> None:
    failure = refusal([source("a", "one", headers=("[n0]:",))], written("one\n"))
    assert failure.why == NO_PREFIX
    assert refusal([source("a", "one", headers=("[n0]:",))], written("[n1]:one\n")).why == NO_PREFIX


def test_a_line_that_nobody_wrote() -> None:
    failure = refusal([source("a", "one")], written("one\nzwei\n"))
    assert failure.why == STRANGE
    assert failure.expected == "nothing more"
    assert failure.got == "'zwei' as line 2 of the destination"


def test_a_line_that_came_as_another_files_is_called_that() -> None:
    sources = [source("a", "one", headers=["[a]"]), source("b", "drei", headers=["[b]"])]
    failure = refusal(sources, written("[a]one\n", "[b]one\n"))
    assert failure.why == "a line was delivered that no source holds in this place (a line of a came as one of b)"


def test_far_on_in_the_destination_the_line_before_is_shown_too() -> None:
    lines = [f"line {number}" for number in range(100)]
    failure = refusal([source("a", *lines)], written("".join(f"{line}\n" for line in [*lines[:70], "zwei"])))
    assert failure.got == "'zwei' as line 71 of the destination, after 'line 69'"


def test_an_empty_line_that_nobody_wrote() -> None:
    assert refusal([source("a", "one", "two")], written("one\n\ntwo\n")).why == STRANGE


def test_a_long_line_is_shown_short() -> None:
    failure = refusal([source("a", "x" * 5000)], written("y" * 5000 + "\n"))
    assert len(failure.got) < 200
    assert "(5,000 characters)" in failure.got


# The CR of CR LF.

CRLF = source("a", "one\r", "two", "three\r")


@pytest.mark.parametrize("text", ["one\r\ntwo\nthree\r\n", "one\ntwo\nthree\n"], ids=["kept", "dropped"])
def test_the_cr_may_be_kept_or_dropped(text: str) -> None:
    judge([CRLF], written(text))


@pytest.mark.parametrize(("text", "before"), [("one\r\ntwo\nthree\n", "kept"), ("one\ntwo\nthree\r\n", "dropped")])
def test_but_always_in_the_same_way(text: str, before: str) -> None:
    failure = refusal([CRLF], written(text))
    assert failure.why == f"the CR of CR LF was {before} before, and is treated another way here"


def test_the_same_way_in_all_sources() -> None:
    sources = [source("a", "one\r"), source("b", "two\r")]
    judge(sources, written("two\none\n"))
    assert "treated another way" in refusal(sources, written("two\r\none\n")).why


def test_only_one_cr_is_the_line_ends() -> None:
    judge([source("a", "one\r\r")], written("one\r\n"))
    assert refusal([source("a", "one\r\r")], written("one\n")).why == TORN
    assert refusal([source("a", "10 %\r100 %")], written("10 %100 %\n")).why == f"{CHANGED}: '\\r' became ''"


@pytest.mark.parametrize(("line", "got", "why"), [("x", "", STRANGE), ("xy", "x", TORN), ("xy", "yx", STRANGE)])
def test_a_line_without_cr_is_never_said_to_have_lost_one(line: str, got: str, why: str) -> None:
    assert refusal([source("a", "one\r", line)], written(f"one\r\n{got}\n{line}\n")).why == why


# What is not UTF-8.


@pytest.mark.parametrize("got", ["a\ufffdb", "a\ufffd\ufffdb", "a\ufffd\ufffd\ufffd\ufffdb"])
def test_a_run_of_replacements_may_have_any_length(got: str) -> None:
    judge([source("a", "a\ufffd\ufffdb")], written(got + "\n"))


@pytest.mark.parametrize("got", ["ab", "a?b", "ab\ufffd", "a\ufffd", "a\ufffdc", "a\ufffdb\ufffd"])
def test_but_it_stands_in_its_place_and_all_else_is_exact(got: str) -> None:
    refusal([source("a", "a\ufffd\ufffdb")], written(got + "\n"))


def test_a_replacement_where_the_source_has_none_is_wrong() -> None:
    refusal([source("a", "\u20ac")], written("\ufffd\ufffd\ufffd\n"))


def test_canonical_makes_one_of_each_run() -> None:
    assert canonical("a\ufffd\ufffd\ufffdb\ufffd") == "a\ufffdb\ufffd"
    assert canonical("plain") == "plain"


# Lines that may be left out, and lines that may be cut.


@pytest.mark.parametrize("text", ["one\nfour\n", "one\ntwo\nthree\nfour\n", "one\nthree\nfour\n"])
def test_optional_lines_may_come_or_not(text: str) -> None:
    judge([source("a", "one", Line("two", optional=True), Line("three", optional=True), "four")], written(text))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("one\ntwo\ntwo\nthree\n", AGAIN),
        ("one\nthree\ntwo\n", AGAIN),
        ("one\ntw\nthree\n", TORN),
        ("one\ntwo\n", LOST),
    ],
)
def test_but_once_whole_and_in_order(text: str, why: str) -> None:
    assert why in refusal([source("a", "one", Line("two", optional=True), "three")], written(text)).why


@pytest.mark.parametrize("got", ["two", "two t", "two three"])
def test_a_line_that_was_being_written_may_end_early(got: str) -> None:
    judge([source("a", "one", Line("two three", cut_from=3))], written(f"one\n{got}\n"))


@pytest.mark.parametrize(("got", "why"), [("tw", TORN), ("two T", STRANGE), ("two three four", RUNS_ON), ("", STRANGE)])
def test_but_not_before_what_stood_there(got: str, why: str) -> None:
    assert refusal([source("a", "one", Line("two three", cut_from=3))], written(f"one\n{got}\n")).why == why


def test_a_cut_line_must_come() -> None:
    assert LOST in refusal([source("a", Line("two three", cut_from=3))], []).why


# Nothing comes too early.


def test_a_line_before_its_step_came_too_early() -> None:
    sources = [source("a", Line("one", available=0), Line("two", available=5))]
    deliveries = [Delivery("one\n", 2), Delivery("two\n", 4)]
    judge(sources, deliveries)
    failure = refusal(sources, deliveries, in_time=True)
    assert failure.why == EARLY_LINE
    assert failure.event == 4
    judge(sources, [Delivery("one\n", 2), Delivery("two\n", 6)], in_time=True)


@pytest.mark.parametrize("piece", ["t", "two", "[n0]:two"])
def test_a_piece_before_its_line_is_complete_came_too_early(piece: str) -> None:
    headers = ("[n0]:",) if piece.startswith("[") else ("",)
    sources = [source("a", Line("one", available=0), Line("two", available=5), headers=headers)]
    deliveries = [
        Delivery(f"{headers[0]}one\n", 2),
        Delivery(piece, 3),
        Delivery((headers[0] + "two\n").removeprefix(piece), 6),
    ]
    judge(sources, deliveries)
    failure = refusal(sources, deliveries, in_time=True)
    assert failure.why == EARLY_PIECE
    assert failure.expected == f"nothing of {piece!r} before its newline has been written"
    assert failure.event == 3


def test_a_header_alone_may_come_early() -> None:
    sources = [source("a", Line("one", available=5), headers=("[n0]:",))]
    judge(sources, [Delivery("[n0", 1), Delivery("]:", 2), Delivery("one\n", 6)], in_time=True)


def test_several_writes_make_a_line() -> None:
    sources = [
        source("a", "one", "two", headers=("[n0]:",)),
        source("b", "\u20acuro \ufffd\ufffd", headers=("[n1]:",)),
    ]
    texts = ["[n0]:", "one\n", "[n1]:", "\u20acuro \ufffd", "\n", "[n0]:", "two", "\n"]
    judge(sources, written(*texts), in_time=True)


def test_of_two_equal_lines_the_second_may_not_come_with_the_first() -> None:
    sources = [source("a", Line("same", available=0), Line("same", available=5))]
    deliveries = [Delivery("same\n", 1), Delivery("same\n", 2)]
    judge(sources, deliveries)
    assert refusal(sources, deliveries, in_time=True).why == AGAIN


# From bytes to lines.


def test_lines_are_available_when_their_newline_is_written() -> None:
    chunks = [(1, b"one\ntw"), (3, b"o"), (5, b"\n\nfour")]
    complete = (Line("one", 1), Line("two", 5), Line("", 5))
    assert lines_of(chunks, final=None) == complete
    assert lines_of(chunks, final=9) == (*complete, Line("four", 9))


def test_a_character_cut_in_two_is_whole_again() -> None:
    assert lines_of([(1, b"\xe2\x82"), (2, b"\xac\n")], final=None) == (Line("\u20ac", 2),)
    assert lines_of([(1, b"a\xff\xfe\n")], final=None) == (Line("a\ufffd\ufffd", 1),)


def test_what_is_written_after_stop_may_come_or_not() -> None:
    chunks = [(1, b"one\ntw"), (5, b"o\nthree\nfour")]
    one, two, three, four = lines_of(chunks, final=3, stop=3)
    assert one == Line("one", 1)
    assert (two.text, two.optional, two.cut_from) == ("two", False, 2)
    assert (three.text, three.optional) == ("three", True)
    assert (four.text, four.optional) == ("four", True)
    sources = [Source("a", (one, two, three, four))]
    for text in ("one\ntw", "one\ntwo\n", "one\ntwo\nthr", "one\ntwo\nthree\nfour"):
        judge(sources, written(text))
    for text in ("one\n", "one\nt", "one\ntwX"):
        refusal(sources, written(text))


def test_an_empty_line_that_nobody_wrote_is_no_cut_of_a_late_one() -> None:
    sources = [Source("a", lines_of([(1, b"one\n"), (5, b"two\n")], final=3, stop=3))]
    assert refusal(sources, written("one\n\n")).why == STRANGE


# Properties.

ORDINARY = st.text(st.characters(exclude_characters="\n\ufffd", exclude_categories=["Cs"]), max_size=6)
SEPARATOR = "\u00b7"


@st.composite
def interleavings(draw: st.DrawFn) -> tuple[list[Source], list[tuple[int, str]]]:
    """Sources of lines that are all different, and one order in which they may come: number and line."""
    sources = []
    order: list[int] = []
    for number in range(draw(st.integers(1, 3))):
        texts = draw(st.lists(ORDINARY, max_size=5))
        lines = [f"{number}.{place}{SEPARATOR}{text}" for place, text in enumerate(texts)]
        sources.append(source(f"f{number}", *lines, headers=(f"[n{number}]:",)))
        order += [number] * len(lines)
    taken = [0] * len(sources)
    rows = []
    for number in draw(st.permutations(order)):
        line = sources[number].lines[taken[number]]
        rows.append((number, sources[number].headers[0] + line.text))
        taken[number] += 1
    return sources, rows


def text_of(rows: Sequence[tuple[int, str]]) -> str:
    """The destination that holds these rows."""
    return "".join(f"{line}\n" for _, line in rows)


ALWAYS_THE_SAME = settings(
    derandomize=True, database=None, deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow]
)


@ALWAYS_THE_SAME
@given(interleavings(), st.lists(st.integers(0, 200), max_size=6), st.booleans())
def test_any_interleaving_in_any_writes_is_accepted(
    example: tuple[list[Source], list[tuple[int, str]]], cuts: list[int], in_time: bool
) -> None:
    sources, rows = example
    text = text_of(rows)
    places = sorted({0, len(text), *(min(cut, len(text)) for cut in cuts)})
    judge(sources, written(*(text[a:b] for a, b in pairwise(places))), in_time=in_time)


@ALWAYS_THE_SAME
@given(
    interleavings().filter(lambda example: bool(example[1])),
    st.sampled_from(["drop", "double", "alter", "swap"]),
    st.data(),
)
def test_one_line_dropped_doubled_or_altered_is_rejected(
    example: tuple[list[Source], list[tuple[int, str]]], fault: str, data: st.DataObject
) -> None:
    sources, rows = example
    place = data.draw(st.integers(0, len(rows) - 1))
    number, line = rows[place]
    wrong = list(rows)
    match fault:
        case "drop":
            del wrong[place]
        case "double":
            wrong.insert(data.draw(st.integers(0, len(rows))), rows[place])
        case "alter":
            begin = len(sources[number].headers[0])
            at = data.draw(st.integers(begin, len(line) - (line.endswith("\r"))))
            wrong[place] = (number, line[:at] + "!" + line[at:])
        case "swap":
            others = [at for at, row in enumerate(rows) if row[0] == number and at != place]
            if not others:
                return
            other = data.draw(st.sampled_from(others))
            wrong[place], wrong[other] = rows[other], rows[place]
    refusal(sources, written(text_of(wrong)))
