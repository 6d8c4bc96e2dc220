"""The model: what each file holds, read from the timeline of what its producer did."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from taillog_conformance import model
from taillog_conformance.oracle import Delivery, Line, Source, judge
from taillog_conformance.outcomes import ConformanceFailure
from taillog_conformance.timeline import Event, Lane

Step = str | tuple[str, str]
"""A verb alone, or a verb with the text that it appends; its place in the list is its place in the timeline."""


def events(*steps: Step, file: str = "a") -> list[Event]:
    """The timeline of these steps on one file; `start` and `stop` are the tailer's."""
    rows = []
    for step in steps:
        verb, text = step if isinstance(step, tuple) else (step, "")
        if verb in ("start", "stop"):
            rows.append(Event(0.0, "tailer", verb))
        else:
            lane: Lane = "check" if verb == model.SEEN else "producer"
            rows.append(Event(0.0, lane, verb, file, text.encode() if isinstance(step, tuple) else None))
    return rows


def sources(rows: Sequence[Event], *, late_optional: bool = True) -> list[Source]:
    """What the file `a` holds."""
    return model.sources(rows, ["a"], lambda file: [f"[{file}]:"], lambda text: True, late_optional=late_optional)


def must_and_may(rows: Sequence[Event], *, late_optional: bool = True) -> list[tuple[list[str], list[str]]]:
    """The lines of each span of the file `a` that must come, and those that may."""
    return [
        (
            [line.text for line in source.lines if not line.optional],
            [line.text for line in source.lines if line.optional],
        )
        for source in sources(rows, late_optional=late_optional)
    ]


# One file that only grows.


def test_a_file_that_never_appears_holds_nothing() -> None:
    assert sources(events("start", "stop")) == []
    assert sources(events("create", "start", "stop")) == [Source("a", (), ("[a]:",))]


def test_lines_are_available_at_the_step_that_completes_them() -> None:
    rows = events(("append", "one\ntw"), "start", ("append", "o"), ("append", "\nthree\n"), "stop")
    assert sources(rows) == [Source("a", (Line("one", 0), Line("two", 3), Line("three", 3)), ("[a]:",))]


def test_an_append_creates_the_file() -> None:
    created = sources(events("create", ("append", "one\n"), "stop"))
    appended = sources(events("start", ("append", "one\n"), "stop"))
    assert created == appended


def test_a_last_piece_is_a_line_from_stop_on() -> None:
    rows = events(("append", "one\npiece"), "start", "stop")
    assert sources(rows[:2])[0].lines == (Line("one", 0),)
    assert sources(rows)[0].lines == (Line("one", 0), Line("piece", 2))


def test_what_is_appended_after_stop_may_come_or_not() -> None:
    rows = events(("append", "one\ntw"), "start", "stop", ("append", "o\nthree\n"))
    one, two, three = sources(rows)[0].lines
    assert one == Line("one", 0)
    assert (two.text, two.available, two.optional, two.cut_from) == ("two", 3, False, 2)
    assert (three.text, three.optional) == ("three", True)


def test_steps_that_change_no_byte_change_no_line() -> None:
    plain = must_and_may(events(("append", "one\n"), ("append", "two\n"), "stop"))
    rows = events(("append", "one\n"), "touch", "chmod", "seen", ("append", "two\n"), "stop")
    assert must_and_may(rows) == plain == [(["one", "two"], [])]


def test_files_are_told_apart_and_come_in_the_order_asked_for() -> None:
    rows = [*events(("append", "of a\n")), *events(("append", "of b\n"), file="b"), *events("stop")]
    found = model.sources(rows, ["b", "a", "c"], lambda file: [file, file * 2], lambda text: True)
    assert found == [Source("b", (Line("of b", 1),), ("b", "bb")), Source("a", (Line("of a", 0),), ("a", "aa"))]


def test_only_the_lines_that_are_kept_count() -> None:
    rows = events(("append", "keep 1\ndrop\nkeep 2\nkeep piece"), "start", "stop")
    (found,) = model.sources(rows, ["a"], lambda file: [""], lambda text: text.startswith("keep"))
    assert [line.text for line in found.lines] == ["keep 1", "keep 2", "keep piece"]


# Truncation.


def test_a_truncation_begins_a_new_span() -> None:
    rows = events(("append", "one\ntwo\n"), "start", "seen", "truncate", ("append", "new\n"), "stop")
    first, second = sources(rows)
    assert [line.text for line in first.lines] == ["one", "two"]
    assert second.lines == (Line("new", 4),)
    assert [first.name, second.name] == ["a (file 1 at its path)", "a (file 2 at its path)"]
    assert first.headers == second.headers == ("[a]:",)


def test_what_was_not_seen_before_a_truncation_may_be_lost() -> None:
    rows = events(("append", "one\n"), "start", "seen", ("append", "two\n"), "truncate", ("append", "new\n"), "stop")
    assert must_and_may(rows) == [(["one"], ["two"]), (["new"], [])]
    unseen = [row for row in rows if row.what != model.SEEN]
    assert must_and_may(unseen) == [([], ["one", "two"]), (["new"], [])]


def test_a_piece_before_a_truncation_may_come_or_not_but_is_never_joined() -> None:
    rows = events(("append", "one\npiece"), "start", "seen", "truncate", ("append", "new\n"), "stop")
    assert must_and_may(rows) == [(["one"], ["piece"]), (["new"], [])]
    found = sources(rows)
    for text in ("[a]:one\n[a]:new\n", "[a]:one\n[a]:piece\n[a]:new\n"):
        judge(found, [Delivery(text)])
    with pytest.raises(ConformanceFailure, match="runs on"):
        judge(found, [Delivery("[a]:one\n[a]:piecenew\n")])


def test_truncation_again_and_again() -> None:
    rows = events(
        *(("append", "one\n"), "start", "seen", "truncate"),
        *(("append", "two\n"), "seen", "truncate"),
        *(("append", "three\n"), "stop"),
    )
    assert must_and_may(rows) == [(["one"], []), (["two"], []), (["three"], [])]


def test_a_truncation_after_stop_takes_nothing_away() -> None:
    rows = events(("append", "one\n"), "start", "stop", "truncate", ("append", "new\n"))
    assert must_and_may(rows) == [(["one"], []), ([], ["new"])]


# Rename and create.


def test_a_renamed_file_is_read_to_its_end() -> None:
    rows = events(
        *(("append", "one\n"), "start", "seen", "rename", ("append", "late\n")),
        *("create", ("append", "new\n"), "stop"),
    )
    assert must_and_may(rows) == [(["one", "late"], []), (["new"], [])]


def test_a_file_that_was_renamed_before_it_was_seen_may_be_lost() -> None:
    rows = events(("append", "one\n"), "start", "rename", "create", ("append", "new\n"), "stop")
    assert must_and_may(rows) == [([], ["one"]), (["new"], [])]


def test_a_renamed_file_that_nothing_replaces_goes_on() -> None:
    rows = events(("append", "one\n"), "start", "seen", "rename", ("append", "late\npiece"), "stop")
    assert must_and_may(rows) == [(["one", "late", "piece"], [])]


def test_a_piece_of_a_renamed_file_is_a_line_of_its_own() -> None:
    rows = events(*(("append", "one\npiece"), "start", "seen", "rename"), *("create", ("append", "new\n"), "stop"))
    assert must_and_may(rows) == [(["one", "piece"], []), (["new"], [])]
    assert sources(rows)[0].lines[1].available == 4  # not before a new file stands at the path


def test_rotation_again_and_again() -> None:
    rows = events(
        *(("append", "one\n"), "start", "seen", "rename", "create"),
        *(("append", "two\n"), "seen", "rename", "create"),
        *(("append", "three\n"), "stop"),
    )
    assert must_and_may(rows) == [(["one"], []), (["two"], []), (["three"], [])]


LATE = events(
    *(("append", "one\n"), "start", "seen", "rename", "create"),
    *(("append", "new\n"), ("append-old", "late\n"), "stop"),
)


def test_what_comes_to_a_renamed_file_behind_a_new_one_is_an_advice_at_most() -> None:
    assert must_and_may(LATE) == [(["one"], ["late"]), (["new"], [])]
    assert must_and_may(LATE, late_optional=False) == [(["one", "late"], []), (["new"], [])]


def test_a_piece_that_is_completed_behind_a_new_file_may_come_either_way() -> None:
    rows = events(
        *(("append", "one\nhalf"), "start", "seen", "rename", "create"),
        *(("append-old", " whole\n"), ("append", "new\n"), "stop"),
    )
    found = sources(rows)
    for text in ("[a]:one\n[a]:half\n[a]:new\n", "[a]:one\n[a]:half whole\n[a]:new\n"):
        judge(found, [Delivery(text)])
    for text in ("[a]:one\n[a]:new\n", "[a]:one\n[a]:ha\n[a]:new\n", "[a]:one\n[a]:halfnew\n"):
        with pytest.raises(ConformanceFailure):
            judge(found, [Delivery(text)])
    assert must_and_may(rows, late_optional=False) == [(["one", "half whole"], []), (["new"], [])]


# Delete and create.


def test_a_deleted_file_gives_what_was_seen() -> None:
    rows = events(
        *(("append", "one\n"), "start", "seen", ("append", "two\npiece"), "delete"),
        *(("append", "new\n"), "stop"),
    )
    assert must_and_may(rows) == [(["one"], ["two", "piece"]), (["new"], [])]


def test_a_deleted_file_may_stay_away() -> None:
    assert must_and_may(events(("append", "one\n"), "start", "seen", "delete", "stop")) == [(["one"], [])]


def test_a_deleted_and_recreated_file_begins_anew() -> None:
    rows = events(("append", "one\n"), "start", "seen", "delete", "create", ("append", "new\n"), "seen", "stop")
    assert must_and_may(rows) == [(["one"], []), (["new"], [])]
