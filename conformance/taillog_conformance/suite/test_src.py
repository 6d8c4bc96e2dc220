"""SRC: sources that are no plain files, or the same one."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ..clocks import FAST_INTERVAL, INTERVAL
from ..oracle import Source
from ..outcomes import NotApplicable
from ..producer import device
from ..scenario import CALM_INTERVAL
from ..stage import Run, Stage
from ._registry import requirement


@requirement("SRC-1", needs=["several-files", "path-twice", "from-start"])
def test_src_1_one_path_under_two_keys_comes_for_each(taillog_stage: Stage) -> None:
    """One path under two keys is delivered once for each key."""
    _comes_for_each(under_two_keys(taillog_stage))


@requirement("SRC-1", needs=["several-files", "path-twice", "from-start"])
def test_src_1_half_a_line_waits_for_each(taillog_stage: Stage) -> None:
    """One path under two keys is delivered once for each key: a line that comes in two writes too."""
    words = taillog_stage.words
    run = under_two_keys(taillog_stage)
    run["a"].append(f"{words.text()}\n")
    run.start()
    run.wait_for(lambda: run.lines_so_far() >= 2)
    before = run.all_text()
    run["a"].append(words.text())
    run.seen("a")
    run.quiet()
    if run.all_text() != before:
        raise NotApplicable("half a line is delivered, which is FRM-1's matter")
    run["a"].append(f" {words.text()}\n")
    run.wait_for(lambda: run.lines_so_far() >= 4)
    run.stop()
    run.judge(sources=twice(run))


@requirement("SRC-1", needs=["several-files", "path-twice", "missing-files"])
def test_src_1_a_file_that_the_drain_finds_comes_for_each(taillog_stage: Stage) -> None:
    """One path under two keys is delivered once for each key: a file that appears just before stop(), and its piece."""
    words = taillog_stage.words
    run = under_two_keys(taillog_stage, CALM_INTERVAL)  # it sleeps while the file is made
    if run.attempt_start() is not None:
        return  # whether it may refuse a missing file is for MIS-1 to say
    run.quiet()
    line, piece = words.text(), words.text()
    run["a"].append(f"{line}\n{piece}")
    run.stop()
    text = run.all_text()
    if line not in text:
        raise NotApplicable("it is delivered for neither key, which is DEL-7's matter")
    for each in (line, piece):  # a piece that does not come at all is FRM-2's matter
        if text.count(each) == 1:
            raise run.failure(
                "of a path under two keys, which appeared just before stop(), a line came for one of them alone",
                expected=f"{each!r} once for each of the two keys",
                got=repr(text),
            )


def _comes_for_each(run: Run) -> None:
    """One file, which the run's tailer follows as a and as b."""
    words = run.stage.words
    run["a"].append(f"{words.text()}\n")
    run.start()
    run.wait_for(lambda: run.lines_so_far() >= 2)
    run["a"].append(f"{words.text()}\n{words.text()}\n")
    run.wait_for(lambda: run.lines_so_far() >= 6)
    run.stop()
    run.judge(sources=twice(run))


def under_two_keys(stage: Stage, interval: float = INTERVAL) -> Run:
    """A run of one path, as a and as b."""
    path = stage.folder / stage.words.file_name()
    return stage.open("a b", paths={"a": path, "b": path}, interval=interval)


def twice(run: Run) -> list[Source]:
    """What a holds, and held before it was rotated, as the sources of a and of b."""
    written = [source for source in run.sources() if source.lines]
    headers = tuple(run.headers("b"))
    return [*written, *(replace(each, name=f"b{each.name[1:]}", headers=headers) for each in written)]


def _linked(stage: Stage) -> tuple[Run, Path]:
    """A run whose path is a link into another folder, and what it leads to."""
    elsewhere = stage.folder / stage.words.word()
    elsewhere.mkdir()
    target = elsewhere / stage.words.file_name()
    link = stage.folder / stage.words.file_name()
    link.symlink_to(target)
    return stage.open(paths={"a": link}), target


@requirement("SRC-2")
def test_src_2_a_symbolic_link_is_followed(taillog_stage: Stage) -> None:
    """A symbolic link is followed."""
    words = taillog_stage.words
    run, _ = _linked(taillog_stage)
    run["a"].append(f"{words.text()}\n")
    run.start()
    run.settle()
    run["a"].append(f"{words.text()}\n")
    run.settle()
    run.stop()
    run.judge()


@requirement("SRC-2", needs=["missing-files"])
def test_src_2_a_link_without_target_is_waited_for(taillog_stage: Stage) -> None:
    """A symbolic link whose target is missing is waited for."""
    words = taillog_stage.words
    run, target = _linked(taillog_stage)
    run.start()
    run.looks(5)
    if target.exists():
        raise run.failure("the tailer made the target of a link", expected="no file", got=target.name)
    run["a"].append(f"{words.text()}\n{words.text()}\n")
    run.must_deliver()
    run["a"].append(f"{words.text()}\n")
    run.settle()
    run.stop()
    run.judge()


@requirement("SRC-2", needs=["several-files", "path-twice", "from-start"])
def test_src_2_a_link_and_its_target_come_for_each(taillog_stage: Stage) -> None:
    """A symbolic link is followed: also where what it leads to is followed under its own name."""
    words = taillog_stage.words
    target, link = (taillog_stage.folder / words.file_name() for _ in range(2))
    link.symlink_to(target)
    run = taillog_stage.open("a b", paths={"a": target, "b": link})
    _comes_for_each(run)


@requirement("SRC-3", needs=["several-files"])
def test_src_3_a_fifo_without_a_writer_blocks_nothing(taillog_stage: Stage) -> None:
    """A FIFO without a writer blocks neither start(), other files, nor stop()."""
    words = taillog_stage.words
    run = taillog_stage.open("fifo a")
    run["a"].append(f"{words.text()}\n")
    with _fifo(run):
        run.start()
        run.must_deliver()
        run["a"].append(f"{words.text()}\n")
        run.must_deliver()
        run.stop()
    run.judge()


@requirement("SRC-3", needs=["several-files", "missing-files"])
def test_src_3_nor_does_one_that_comes_late(taillog_stage: Stage) -> None:
    """The same of a FIFO that comes to stand at a missing source's path."""
    words = taillog_stage.words
    run = taillog_stage.open("fifo a")
    run["a"].append(f"{words.text()}\n")
    harmless = run.attempt_start() is None and run.wait_long(lambda: run.lines_so_far() >= 1)
    if not harmless or run["fifo"].path.exists():
        raise NotApplicable("a missing file is not waited for, which is MIS's matter")
    with _fifo(run):
        run.looks(5)
        run["a"].append(f"{words.text()}\n")
        run.must_deliver()
        run.stop()
    run.judge()


@contextmanager
def _fifo(run: Run) -> Iterator[None]:
    """A FIFO without a writer at the path `fifo`; a tailer that is stuck in its open() is let go in the end."""
    os.mkfifo(run["fifo"].path)
    run.timeline.add("producer", "mkfifo", "fifo")
    try:
        yield
    finally:
        os.close(os.open(run["fifo"].path, os.O_RDWR | os.O_NONBLOCK))


GROWS_WITHIN = 0.1
"""Seconds, at the least, in which a tailer that feeds itself writes another line: it does so at each look, or turn of
its loop."""

FINITE_LINES = 50
"""Lines that a tailer may make of one before it counts as feeding itself: a part of the looks there is time for."""


@requirement("SRC-4", needs=["stream"])
def test_src_4_a_destination_that_is_a_source_stays_finite(taillog_stage: Stage) -> None:
    """A destination that is also a source is refused, or stays finite."""
    run = taillog_stage.open(interval=FAST_INTERVAL)
    run["a"].append(f"{taillog_stage.words.text()}\n")
    with run["a"].path.open("a", encoding="utf-8", buffering=1) as stream:
        run.dst = stream
        _stays_finite(run, begun=lambda: None)


@requirement("SRC-4", needs=["destination-path"])
def test_src_4_a_path_of_both_stays_finite(taillog_stage: Stage) -> None:
    """The same where the path of the destination is that of a source."""
    words = taillog_stage.words
    path = taillog_stage.folder / words.file_name()
    run = taillog_stage.open(interval=FAST_INTERVAL, paths={"a": path}, dst=str(path))
    # The destination is emptied when the tailer starts, so the line comes after that.
    _stays_finite(run, begun=lambda: run["a"].append(f"{words.text()}\n"))


def _stays_finite(run: Run, begun: Callable[[], object]) -> None:
    path = run["a"].path

    def lines() -> int:
        return path.read_bytes().count(b"\n") if path.exists() else 0

    refused = run.attempt_start(placed=False) is not None
    begun()
    within = max(GROWS_WITHIN, run.moment())
    began = grew = time.monotonic()
    grown = lines()
    while not refused and grown <= FINITE_LINES and time.monotonic() < grew + within:
        run.looks(1)
        before, grown = grown, lines()
        if grown > before:
            grew = time.monotonic()
    took = time.monotonic() - began
    if grown > FINITE_LINES:
        os.truncate(path, 0)  # so that it comes to an end
    if not refused:
        run.stop()
    if grown > FINITE_LINES:
        raise run.failure(
            f"the tailer fed itself: of one line it made {grown:,} within {took:.1f} s",
            expected="the source refused, or a file that stops growing",
            got=f"{grown:,} lines",
        )


@requirement("SRC-5", needs=["several-files"])
def test_src_5_an_empty_file_and_the_null_device_are_fine(taillog_stage: Stage) -> None:
    """An empty file and the null device are followed without an error."""
    words = taillog_stage.words
    run = taillog_stage.open("empty null a", paths={"null": device(taillog_stage.folder, os.devnull)})
    run["empty"].create()
    run["a"].append(f"{words.text()}\n")
    run.start()
    run.settle()
    run["a"].append(f"{words.text()}\n")
    run.settle()
    run.stop()
    run.judge()
    if run.reports and "object" in taillog_stage.adapter.capabilities:
        raise run.failure(
            "an empty file or the null device was reported as an error", expected="no report", got=run.reports[0].text
        )
