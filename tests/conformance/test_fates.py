"""What became of each line, for reports: paired with what came, once each."""

from __future__ import annotations

import pickle

import pytest

from taillog_conformance.fates import KEPT_LINES, combined, fates
from taillog_conformance.oracle import Delivery, Line, Source
from taillog_conformance.outcomes import ConformanceFailure, TailerRaised
from taillog_conformance.timeline import Timeline


def source(*texts: str, name: str = "a", header: str = "[a]:") -> Source:
    """Lines that were completed at 1, 2, 3, ..."""
    return Source(name, tuple(Line(text, at) for at, text in enumerate(texts, start=1)), (header,))


def found(
    sources: list[Source], *deliveries: tuple[str, int]
) -> tuple[list[tuple[str, int | None]], list[tuple[str, int]]]:
    """Each line with the place where it came, and what is left over."""
    came = fates(sources, [Delivery(text, at) for text, at in deliveries])
    return [(line.text, line.came) for line in came.lines], [(stray.text, stray.came) for stray in came.strays]


@pytest.mark.parametrize(
    ("deliveries", "lines", "strays"),
    [
        pytest.param([("[a]:x\n", 10), ("[a]:y\n", 11)], [("x", 10), ("y", 11)], [], id="both-came"),
        pytest.param([("[a]:x\n[a]:y\n", 10)], [("x", 10), ("y", 10)], [], id="in-one-write"),
        pytest.param([("[a]:", 9), ("x", 10), ("\n", 11)], [("x", 11), ("y", None)], [], id="in-pieces"),
        pytest.param([("[a]:y\n", 10), ("[a]:x\n", 11)], [("x", 11), ("y", 10)], [], id="out-of-order"),
        pytest.param([("[a]:y\n", 10)], [("x", None), ("y", 10)], [], id="one-lost"),
        pytest.param([("[a]:x\n[a]:x\n", 10)], [("x", 10), ("y", None)], [("[a]:x", 10)], id="twice"),
        pytest.param([("[b]:x\n", 10)], [("x", None), ("y", None)], [("[b]:x", 10)], id="another-header"),
        pytest.param([("[a]:x[a]:y\n", 10)], [("x", None), ("y", None)], [("[a]:x[a]:y", 10)], id="run-together"),
        pytest.param([("[a]:x", 10)], [("x", 10), ("y", None)], [], id="without-its-end"),
        pytest.param([("[a]:x\r\n", 10)], [("x", 10), ("y", None)], [], id="cr"),
        pytest.param([], [("x", None), ("y", None)], [], id="nothing"),
    ],
)
def test_each_line_is_paired_with_what_came(
    deliveries: list[tuple[str, int]], lines: list[tuple[str, int | None]], strays: list[tuple[str, int]]
) -> None:
    assert found([source("x", "y")], *deliveries) == (lines, strays)


def test_equal_lines_are_paired_in_their_order() -> None:
    lines, strays = found([source("x", "x"), source("x", name="b")], ("[a]:x\n", 5), ("[a]:x\n", 6))
    assert (lines, strays) == ([("x", None), ("x", 5), ("x", 6)], [])


def test_what_a_decoder_makes_of_bad_bytes_is_one_and_the_same() -> None:
    assert found([source("a\ufffdb")], ("[a]:a\ufffd\ufffdb\n", 3)) == ([("a\ufffdb", 3)], [])


def test_of_many_lines_those_that_did_not_come_are_kept_first() -> None:
    texts = [str(number) for number in range(5 * KEPT_LINES)]
    came = fates([source(*texts)], [Delivery("".join(f"[a]:{text}\n" for text in texts[:-3]), 9)])
    assert [line.text for line in came.lines if line.came is None] == texts[-3:]
    assert len(came.lines) == KEPT_LINES + 3
    assert combined([came, came]).strays == ()


@pytest.mark.parametrize("kind", [ConformanceFailure, TailerRaised])
def test_a_failure_takes_them_along_to_another_process(kind: type[ConformanceFailure]) -> None:
    failure = kind("why", "expected", "got", 3)
    failure.timeline = Timeline()
    failure.fates = fates([source("x")], [])
    told = pickle.loads(pickle.dumps(failure))
    assert told.fates == failure.fates
    assert type(told) is kind


def test_reads_in_a_row_are_one_event_and_keep_their_place() -> None:
    timeline = Timeline()
    timeline.add("producer", "append", "a", b"12345678")
    timeline.add_read("a", 3)
    timeline.add_read("a", 8)
    timeline.add_read("b", 1)
    at = timeline.add("destination", "write", data="12345678")
    timeline.add_read("a", 9)
    assert [(event.what, event.file, event.offset) for event in timeline.events()] == [
        ("append", "a", None),
        ("read", "a", 8),
        ("read", "b", 1),
        ("write", "", None),
        ("read", "a", 9),
    ]
    assert timeline.events()[at].as_json(at)["size"] == 8
    assert timeline.events()[1].as_json(1)["offset"] == 8
