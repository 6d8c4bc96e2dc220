"""DEL: what is written is delivered, in order, once."""

from __future__ import annotations

import fcntl
import math
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from ..clocks import FAST_INTERVAL
from ..destinations import Recorder, RecordingStream
from ..isolated import in_a_process
from ..outcomes import ConformanceFailure, NotApplicable, TailerHung
from ..perturb import wait_without_end
from ..properties import explore
from ..races import held_at_every_line, held_at_its_first_lines
from ..scenario import CALM_INTERVAL, Scenario, play
from ..sequences import PLAIN, scenarios
from ..stage import Run, Stage
from ..words import Words
from ._registry import requirement

ROUNDS = 8
"""Plain rounds of write and stop: a tailer that does not drain at all needs one, one that does so by luck some."""


@requirement("DEL-1")
def test_del_1_what_was_written_just_before_stop_is_delivered(taillog_stage: Stage) -> None:
    """Every complete line whose write had returned before stop() was called is delivered before it returns."""
    files = "a b c" if "several-files" in taillog_stage.adapter.capabilities else "a"
    for round in range(ROUNDS):
        run = taillog_stage.open(files)
        for file in run.files.values():
            file.append(taillog_stage.words.text() + "\n")
        run.start()
        if round % 2:
            run.settle()
        for file in run.files.values():
            file.append("".join(f"{line}\n" for line in taillog_stage.words.lines(20 * round + 1)))
        run.stop()
        run.judge()
        run.close()


@requirement("DEL-1", needs=["object"])
def test_del_1_no_line_falls_between_the_last_look_and_the_flag(taillog_stage: Stage) -> None:
    """The same with the tailer held at each line of its own code while the line is written and stop() is called."""

    def prepare(run: Run) -> None:
        run["a"].append(taillog_stage.words.text() + "\n")
        run.start()
        run.settle()

    def append(run: Run) -> None:
        run["a"].append(taillog_stage.words.text() + "\n")

    held_at_every_line(taillog_stage, prepare, append, before=append)


@requirement("DEL-1", needs=["object", "from-start"])
def test_del_1_a_stop_just_after_start_loses_nothing(taillog_stage: Stage) -> None:
    """The same of what stood there at start(), with the tailer held at the first lines of its code until stop()."""

    def prepare(run: Run) -> None:
        run["a"].append("".join(f"{line}\n" for line in taillog_stage.words.lines(2)))

    held_at_its_first_lines(taillog_stage, prepare)


@requirement("DEL-1", needs=["several-files"])
def test_del_1_a_short_file_ends_no_other_ones_drain(taillog_stage: Stage) -> None:
    """The same of two files, where one has a long backlog and the other one line: whichever of them comes first."""
    words = taillog_stage.words
    for long, short in ("ab", "ba"):
        run = taillog_stage.open("a b", interval=CALM_INTERVAL)  # it sleeps while the lines are written
        for file in run.files.values():
            file.append(words.text() + "\n")
        run.start()
        run.settle()
        run[long].append("".join(f"{line}{'x' * LONG_LINE}\n" for line in words.lines(LONG_LINES)))
        run[short].append(words.text() + "\n")
        run.stop()
        run.judge()
        run.close()


STALLS_FOR, STALLS_FOR_THOROUGHLY = 2.2, 8.0
"""Seconds for which a destination takes nothing: longer than a tailer waits that gives up after one or two."""

STALLS_AT_LEAST = 1.1
"""The same, from stop() on, where that and whatever else waits is seen to wait without a limit: then only the thread in
write() can be short of patience, with a drain that ends by the clock."""

STALLS_ON_FOR = 0.05
"""Seconds between two looks at whether it may go on."""

WHILE_IT_STALLS = 12_000
"""Lines that are written meanwhile: more than a queue holds that was made small."""

SLOW_LAST, SLOW_FOR = 1_100, 0.00002
"""The last of those lines, for whose writes it takes its time, and how much, in seconds: a queue is full until its end,
where who fills it has a last word to put there."""


class StallingStream(RecordingStream):
    """Takes its time for one write, once `stall` is set; less of it when `in_vain` says so. Then it is slow for the
    last of `lines`."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__(recorder)
        self.stall = 0.0
        self.in_vain: Callable[[], bool] = lambda: False
        self.entered = threading.Event()
        self.lines = 0

    def arrived(self, text: str) -> None:
        stall, self.stall = self.stall, 0.0
        if stall:
            self.entered.set()
            self.recorder.timeline.add("destination", "stall", note="write() does not return")
            ends = time.monotonic() + stall
            while (left := ends - time.monotonic()) > 0 and not self.in_vain():
                time.sleep(min(left, STALLS_ON_FOR))
            self.recorder.timeline.add("destination", "go on")
        elif self.lines:
            self.lines -= text.count("\n")
            if self.lines < SLOW_LAST and "\n" in text:
                time.sleep(SLOW_FOR)
        super().arrived(text)


@requirement("DEL-1", needs=["object", "stream"])
def test_del_1_a_destination_that_stalls_loses_nothing(taillog_stage: Stage) -> None:
    """The same where the destination stands still while lines are written and stop() is called."""
    words = taillog_stage.words
    run = taillog_stage.open(stream=StallingStream)
    stream = run.stream
    assert isinstance(stream, StallingStream)
    others = set(sys._current_frames()) - {threading.get_ident()}
    stopping_since = math.inf

    def in_vain() -> bool:
        nonlocal stopping_since
        now = time.monotonic()
        stopping_since = min(stopping_since, now if run.ended else math.inf)
        own = set(sys._current_frames()) - others - {threading.get_ident()}
        return now - stopping_since >= STALLS_AT_LEAST and wait_without_end(own)

    run["a"].append(words.text() + "\n")
    run.start()
    run.settle()
    if taillog_stage.depth == 1:
        stream.in_vain, stream.stall = in_vain, STALLS_FOR
    else:
        stream.stall = STALLS_FOR_THOROUGHLY
    run["a"].append(words.text() + "\n")
    run.wait_for(stream.entered.is_set)
    stream.lines = WHILE_IT_STALLS
    run["a"].append("".join(f"{line}\n" for line in words.lines(WHILE_IT_STALLS)))
    run.stop()
    run.judge()


@requirement("DEL-1")
def test_del_1_a_stop_in_the_midst_of_a_backlog_loses_nothing(taillog_stage: Stage) -> None:
    """The same where stop() is called while the first of many lines are being delivered."""
    words = taillog_stage.words
    run = taillog_stage.open(interval=CALM_INTERVAL)  # it sleeps while the lines are written
    run["a"].append(words.text() + "\n")
    run.start()
    run.settle()
    delivering, goes_on = threading.Event(), threading.Event()

    def hold() -> None:
        delivering.set()
        goes_on.wait(GOES_ON_WITHIN)

    def release() -> None:
        while not run.ended:
            time.sleep(run.moment())
        time.sleep(run.moment())  # stop() has told it by now
        goes_on.set()

    run.recorder.before = hold
    run["a"].append("".join(f"{line}\n" for line in words.lines(WHILE_IT_STALLS)))
    run.wait_for(delivering.is_set)
    releaser = threading.Thread(target=release, name="conformance-release", daemon=True)
    releaser.start()
    run.stop()
    releaser.join()
    run.judge()


@requirement("DEL-1", needs=["object", "stream"])
def test_del_1_a_stop_from_the_destination_loses_nothing(taillog_stage: Stage) -> None:
    """The same where stop() was called from dst.write() as well, in the midst of lines that were written before."""
    stopped_from_within(taillog_stage, "dst.write()")


@requirement("DEL-1", needs=["object", "filter"])
def test_del_1_a_stop_from_the_filter_loses_nothing(taillog_stage: Stage) -> None:
    """The same where stop() was called from the filter as well, in the midst of lines that were written before."""
    stopped_from_within(taillog_stage, "the filter")


COMES_BACK_WITHIN = 8.0
"""Seconds in which a tailer of three lines that is stopped from within has to end: one that waits for itself never
does."""


def stopped_from_within(
    stage: Stage, where: str, judge_whole: Callable[[Run], None] | None = None, piece: str = ""
) -> None:
    """Three lines and a piece in one write, stop() called from within at the first of them, and then from without.

    It is judged whether the lines came; or where they did, by `judge_whole`.
    """
    marker, *others = stage.words.lines(3)
    called = threading.Event()
    refused = threading.Event()
    came = ""  # a line may come in several writes

    def stop(text: str) -> None:
        nonlocal came
        came += text
        if marker not in came or called.is_set():
            return
        run.timeline.add("tailer", "stop", note=f"called by {where}")
        try:
            run.make().stop()
        except Exception:
            refused.set()
        called.set()
        time.sleep(run.moment())  # the other stop() that has been called by then waits for this

    def keep(text: str) -> bool:
        stop(text)
        return True

    if where == "the filter":
        run = stage.open(filter=keep)
    else:
        run = stage.open(stream=lambda recorder: FeedingStream(recorder, stop))
    run["a"].append("".join(f"{line}\n" for line in (marker, *others)) + piece)

    def part(send: Callable[[Any], None]) -> None:
        run.start()
        run.wait_for(called.is_set)
        run.stop()
        if refused.is_set():
            return
        try:
            if judge_whole is None:
                run.judge()
            elif all(line in run.all_text() for line in (marker, *others)):
                judge_whole(run)
        except ConformanceFailure as failure:
            send(failure)
        else:
            send(None)

    ended = in_a_process(part, COMES_BACK_WITHIN * stage.clocks.scale)
    if not ended.answers:
        raise NotApplicable(f"stop() that is called by {where} hangs or raises, which is LIF-13's matter")
    if ended.answers[0] is not None:
        raise ended.answers[0]


GOES_ON_WITHIN = 5.0
"""Seconds after which what is held goes on by itself, so that a check that failed can end."""

FIFO_LINES, MANY_FIFO_LINES = 100, 800
"""Lines of a few words that a pipe takes at once: less than 4096 bytes, which any has room for, or than LARGE_PIPE,
and then more than one read of 4096 bytes takes."""

LARGE_PIPE = 65_536
"""Bytes that a pipe holds by default."""


@requirement("DEL-1", needs=["object"])
def test_del_1_what_stands_in_a_fifo_at_stop_is_delivered(taillog_stage: Stage) -> None:
    """The same of a FIFO, if the tailer follows one."""
    words = taillog_stage.words
    run = taillog_stage.open("fifo", interval=CALM_INTERVAL)  # it sleeps while the lines are written
    os.mkfifo(run["fifo"].path)
    run.timeline.add("producer", "mkfifo", "fifo")
    held_open = os.open(run["fifo"].path, os.O_RDWR | os.O_NONBLOCK)  # so that no open() of it waits for the other end
    try:
        if run.attempt_start() is not None:
            raise NotApplicable("the tailer refuses a FIFO")
        run["fifo"].append(f"{words.text()}\n")
        if not run.wait_for(lambda: run.lines_so_far() >= 1):
            raise NotApplicable("the tailer does not follow a FIFO")
        run.quiet()  # it has not gone to sleep yet: what is written at once may still come in the same look
        if run.reports:
            raise NotApplicable("the tailer reports a FIFO as what it cannot follow")
        holds = fcntl.fcntl(held_open, fcntl.F_GETPIPE_SZ) if hasattr(fcntl, "F_GETPIPE_SZ") else 0  # on Linux alone
        count = MANY_FIFO_LINES if holds >= LARGE_PIPE else FIFO_LINES
        run["fifo"].append("".join(f"{line}\n" for line in words.lines(count)))
        try:
            run.stop()
        except TailerHung:
            raise NotApplicable("stop() waits for the FIFO's writer, which is SRC-3's matter") from None
    finally:
        os.close(held_open)
    try:
        run.judge()
    except ConformanceFailure as failure:
        failure.why += "; a FIFO has no size: it is read until it is empty"
        raise


@requirement("DEL-2", scenarios=True, needs=["from-start"])
def test_del_2_what_stood_in_a_file_is_delivered(taillog_stage: Stage, case: Scenario) -> None:
    """What stood in a file at start() is delivered, from its first byte."""
    play(taillog_stage, case)


@requirement("DEL-2", needs=["object", "from-start"])
def test_del_2_the_next_tailer_begins_at_the_first_byte_too(taillog_stage: Stage) -> None:
    """What stood in a file at start() is delivered: to a second tailer as well, when the first has been stopped."""
    words = taillog_stage.words
    first, second = taillog_stage.open_twice()
    first["a"].append(f"{words.text()}\n{words.text()}\n")
    first.start()
    first.settle()
    first.stop()
    second.timeline.add("check", "note", note="another tailer has followed this file, and was stopped")
    second.start()
    second.wait_for(lambda: second.lines_so_far() >= 2)
    second.stop()
    second.judge(sources=second.sources_of(first))


IN_A_PATH = " [0-9]* $HOME %d %41 {} 'é "
"""What a path may hold that a shell, a pattern or a format takes for its own."""


@requirement("DEL-2", needs=["object"])  # what a program is given may be a pattern by its documentation (rsyslog's is)
def test_del_2_a_path_is_taken_as_it_is(taillog_stage: Stage) -> None:
    """What stood in a file at start() is delivered: whatever characters its path has."""
    words = taillog_stage.words
    folder = taillog_stage.folder / f"{words.word()}{IN_A_PATH}"
    folder.mkdir()
    run = taillog_stage.open(paths={"a": folder / f"{words.word()}{IN_A_PATH}"})
    run["a"].append("".join(f"{line}\n" for line in words.lines(2)))
    run.start()
    run.settle()
    run.stop()
    run.judge()


@requirement("DEL-3", scenarios=True)
def test_del_3_what_is_appended_later_is_delivered(taillog_stage: Stage, case: Scenario) -> None:
    """What is appended later is delivered while the tailer runs, for as long as it runs."""
    play(taillog_stage, case)


@requirement("DEL-3")
def test_del_3_it_is_delivered_whatever_the_time_of_modification(taillog_stage: Stage) -> None:
    """The same where the time of modification does not grow, as after a clock was set back, or a copy that keeps it."""
    words = taillog_stage.words
    run = taillog_stage.open()
    run["a"].append(f"{words.text()}\n")
    run["a"].touch(at=FAR_AHEAD)
    run.start()
    run.must_deliver()
    run["a"].append(f"{words.text()}\n")
    run.must_deliver()
    for _ in range(2):  # an older time, and then the same again
        run["a"].append(f"{words.text()}\n")
        run["a"].touch(at=LONG_AGO)
        run.must_deliver()
    run.stop()


FAR_AHEAD = 2.0**31 - 1
"""A time of modification, in seconds since 1970: the last one that every file system can keep, in 2038."""

BLOCK_LINES, BLOCK_BLANKS = 5_000, 60
"""Lines, and the characters that each is made longer by, that are more than one block of any reader: 350 KB."""


@requirement("DEL-4", needs=["several-files"])
def test_del_4_lines_of_one_file_keep_their_order(taillog_stage: Stage) -> None:
    """Lines of one file keep their order."""
    run = taillog_stage.open("a b")
    backlog, first, second = (taillog_stage.words.lines(count) for count in (BLOCK_LINES, 500, 500))
    run["a"].append("".join(f"{line}{'x' * BLOCK_BLANKS}\n" for line in backlog))
    run.start()
    for at in range(0, 500, 50):
        run["a"].append("".join(f"{line}\n" for line in first[at : at + 50]))
        run["b"].append("".join(f"{line}\n" for line in second[at : at + 50]))
    run.settle()
    run.stop()
    run.judge()


@requirement("DEL-5", scenarios=True)
def test_del_5_no_line_is_delivered_twice(taillog_stage: Stage, case: Scenario) -> None:
    """No line is delivered twice: not after idle looks, a touch, a chmod."""
    play(taillog_stage, case)


@requirement("DEL-5")
def test_del_5_no_line_of_a_burst_is_delivered_twice(taillog_stage: Stage) -> None:
    """No line is delivered twice when many small writes come at once."""
    run = taillog_stage.open()
    run["a"].create()
    run.start()
    for line in taillog_stage.words.lines(300):
        run["a"].append(line + "\n")
    run.settle()
    run.stop()
    run.judge()


SMALLEST_POWER, LARGEST_POWER = 6, 13
"""Appends have from 64 to 8192 bytes: a power of two, and somewhere up to the next one. Small buffers are among them,
and the marks by which a file is known again."""


@requirement("DEL-5")
def test_del_5_no_append_of_any_size_is_delivered_twice(taillog_stage: Stage) -> None:
    """No line is delivered twice: of whatever size what is appended is, when what stood before has been delivered."""
    words = taillog_stage.words
    powers = [2**power for power in range(SMALLEST_POWER, LARGEST_POWER)]
    sizes = [*powers, *(words.random.randrange(power + 1, 2 * power) for power in powers)]
    words.random.shuffle(sizes)
    run = taillog_stage.open()
    run["a"].append(f"{words.text()}\n")
    run.start()
    for size in sizes:
        run.settle()
        run["a"].append(words.of_size(size))
    run.settle()
    run.stop()
    run.judge()


@requirement("DEL-5")
def test_del_5_an_older_time_of_modification_repeats_nothing(taillog_stage: Stage) -> None:
    """No line is delivered twice: not after a touch to a time before, as a restored backup or a set clock leaves it."""
    run = taillog_stage.open()
    run["a"].append("".join(f"{line}\n" for line in taillog_stage.words.lines(2)))
    run.start()
    run.settle()
    run["a"].touch(at=LONG_AGO)
    run.quiet()
    run["a"].append(taillog_stage.words.text() + "\n")
    run.settle()
    run["a"].touch(at=LONG_AGO)
    run.quiet()
    run.stop()
    run.judge()


LONG_AGO = 86_400.0
"""A time of modification, in seconds since 1970."""

FILES, FILES_OF_AN_OBJECT = 64, 130
"""Files that are followed at once. A program may be one process for each; an object may have a pool, for a hundred."""

HEAD_LINES = 100
"""Lines that two files begin with: more than a reader takes to know a file by (4 KiB at the most)."""

HEAD_BLANKS = 40


def long_head(words: Words) -> str:
    """Lines that two files may begin with."""
    return "".join(f"{line}{' ' * HEAD_BLANKS}.\n" for line in words.lines(HEAD_LINES))


@requirement("DEL-6", needs=["several-files"])
def test_del_6_many_files_are_followed_at_once(taillog_stage: Stage) -> None:
    """Any number of files is followed at once; none waits for another to end."""
    count = FILES_OF_AN_OBJECT if "object" in taillog_stage.adapter.capabilities else FILES
    run = taillog_stage.open([f"f{number}" for number in range(count)])
    for file in run.files.values():
        file.append(taillog_stage.words.word() + "\n")
        file.close()  # the descriptors there are may be few
    run.start()
    run.must_deliver()
    run.stop()
    run.judge()


@requirement("DEL-6", needs=["several-files"])
def test_del_6_files_that_begin_alike_are_all_followed(taillog_stage: Stage) -> None:
    """Any number of files is followed at once: two as well that begin with the same lines, as those of one program."""
    words = taillog_stage.words
    head = long_head(words)
    run = taillog_stage.open("a b")
    for file in run.files.values():
        file.append(head)
    run.start()
    for file in run.files.values():
        file.append(f"{words.text()}\n")
    run.must_deliver()
    run.stop()
    run.judge()


@requirement("DEL-7", needs=["missing-files"])
def test_del_7_a_file_that_appears_just_before_stop_is_delivered(taillog_stage: Stage) -> None:
    """A file that first appears just before stop() is delivered whole, and each of several."""
    labels = "a b c" if "several-files" in taillog_stage.adapter.capabilities else "a"
    for round in range(ROUNDS):
        run = taillog_stage.open(labels, interval=FAST_INTERVAL)
        run.start()
        run.looks(round)
        for file in run.files.values():
            file.append("".join(f"{line}\n" for line in taillog_stage.words.lines(3)))
        run.stop()
        run.judge()
        run.close()


LONG_LINES = 300
"""Lines of LONG_LINE characters: more than one block of any reader."""

LONG_LINE = 5_000


@requirement("DEL-7", needs=["missing-files", "several-files"])
def test_del_7_a_long_file_that_appears_just_before_stop_is_delivered(taillog_stage: Stage) -> None:
    """The same of a file that is longer than what is read at once."""
    words = taillog_stage.words
    run = taillog_stage.open("late there", interval=CALM_INTERVAL)  # it sleeps while the lines are written
    run["there"].append(f"{words.text()}\n")
    if run.attempt_start() is not None:
        return  # whether it may refuse a missing file is for MIS-1 to say
    if not run.wait_long(lambda: run.lines_so_far() >= 1):
        raise NotApplicable("a missing file keeps another one's line back, which is MIS-6's matter")
    texts = {label: words.lines(LONG_LINES) for label in ("late", "there")}
    for label, lines in texts.items():
        run[label].append("".join(f"{line}{'x' * LONG_LINE}\n" for line in lines))
    run.stop()
    text = run.all_text().replace("x" * LONG_LINE, "x")  # in which each line is soon found
    late, there = ([line for line in texts[label] if f"{line}x" not in text] for label in ("late", "there"))
    if there:
        raise NotApplicable("the drain loses lines of a file that was there before, which is DEL-1's matter")
    if late:
        raise run.failure(
            f"{len(late)} of {LONG_LINES} long lines of a file that appeared just before stop() did not come",
            expected="all of them, as of a file that was there before",
            got=f"nothing of {late[0]!r}",
        )


@requirement("DEL-7", needs=["object", "missing-files"])
def test_del_7_no_file_falls_between_the_last_look_and_the_flag(taillog_stage: Stage) -> None:
    """The same with the tailer held at each line of its own code while the file appears and stop() is called."""

    def prepare(run: Run) -> None:
        run.start()
        run.looks(2)

    def append_to_another(run: Run) -> None:
        run["b"].append(taillog_stage.words.text() + "\n")

    def meanwhile(run: Run) -> None:
        run["a"].append("".join(f"{line}\n" for line in taillog_stage.words.lines(2)))

    # One file alone, where that will do: a thread of another file's may be the one that is held.
    tried = held_at_every_line(taillog_stage, prepare, meanwhile)
    if not tried and "several-files" in taillog_stage.adapter.capabilities:
        held_at_every_line(taillog_stage, prepare, meanwhile, files="a b", before=append_to_another)


@requirement("DEL-8")
def test_del_8_nothing_is_written_after_stop(taillog_stage: Stage) -> None:
    """Nothing is written to dst after stop() has returned."""
    run = taillog_stage.open()
    run["a"].append(taillog_stage.words.text() + "\n")
    run.start()
    run.settle()
    run.stop()
    before = run.all_text()
    run["a"].append("".join(f"{line}\n" for line in taillog_stage.words.lines(3)))
    run.quiet()
    if run.threads_run():  # one that has been told to end, and is still at something, gets longer
        run.wait_for(lambda: not run.threads_run() or run.all_text() != before)
    late = run.all_text()[len(before) :]
    if late:
        raise run.failure("the tailer wrote after stop() had returned", expected="nothing", got=repr(late))
    if not before:
        raise run.failure("nothing was delivered before stop() either", expected="a line", got="an empty destination")


@requirement("DEL-9")
def test_del_9_equal_lines_are_all_delivered(taillog_stage: Stage) -> None:
    """Equal lines are all delivered."""
    run = taillog_stage.open()
    line = taillog_stage.words.text() + "\n"
    run["a"].append(line * 3)
    run.start()
    run.settle()
    run["a"].append(line * 200)
    run["a"].append(line)
    run.settle()
    run.stop()
    run.judge()


@requirement("DEL-9", needs=["several-files"])
def test_del_9_equal_lines_of_two_files_are_all_delivered(taillog_stage: Stage) -> None:
    """Equal lines are all delivered: where two files hold them, too."""
    run = taillog_stage.open("a b")
    line = taillog_stage.words.text() + "\n"
    for file in run.files.values():
        file.append(line)
    run.start()
    run.settle()
    for file in (*run.files.values(), run["a"]):
        file.append(line)
        run.settle()
    run.stop()
    run.judge()


@requirement("DEL-9")
def test_del_9_a_backlog_of_100_000_lines_is_delivered(taillog_stage: Stage) -> None:
    """100,000 lines of backlog at stop() are all delivered."""
    _backlog(taillog_stage, lines=100_000, blanks=0)


@requirement("DEL-9")
def test_del_9_a_backlog_of_8_mib_is_delivered(taillog_stage: Stage) -> None:
    """8 MiB of backlog at stop() are all delivered."""
    _backlog(taillog_stage, lines=2_048, blanks=4_096)


def _backlog(stage: Stage, lines: int, blanks: int) -> None:
    # An interval in which the tailer sleeps while the backlog is written: half a line at its look is FRM-1's matter.
    run = stage.open(interval=CALM_INTERVAL)
    run["a"].append(stage.words.text() + "\n")
    run.start()
    run.settle()
    run["a"].append("".join(f"{line}{'x' * blanks}\n" for line in stage.words.lines(lines)))
    run.stop()
    run.judge()


BACKLOG_LINES = 2_000
MOST_REFILLS = 400
"""Times that the backlog is made longer as it is delivered: a tailer that takes its files in turn needs one or two."""


class FeedingStream(RecordingStream):
    """Calls `feed` for each text that has come, from within write()."""

    def __init__(self, recorder: Recorder, feed: Callable[[str], None]) -> None:
        super().__init__(recorder)
        self._feed = feed

    def arrived(self, text: str) -> None:
        super().arrived(text)
        self._feed(text)


@requirement("DEL-10", needs=["stream", "several-files"])
def test_del_10_a_long_backlog_does_not_starve_others(taillog_stage: Stage) -> None:
    """A file with a long backlog does not starve the others: one that never ends lets the other's line through."""
    words = taillog_stage.words
    block = "".join(f"{line}\n" for line in words.lines(BACKLOG_LINES))
    wanted = words.word()
    state = {"came": 0, "refills": 0, "through": False}
    end = ""  # of what came: a line may come in several writes

    def feed(text: str) -> None:
        nonlocal end
        text_so_far = end + text
        state["through"] = state["through"] or wanted in text_so_far
        end = text_so_far[-len(wanted) :]
        state["came"] += text.count("\n")
        while (
            not state["through"]
            and state["refills"] < MOST_REFILLS
            and state["came"] > state["refills"] * BACKLOG_LINES
        ):
            state["refills"] += 1
            run["a"].append(block)

    run = taillog_stage.open("a b", stream=lambda recorder: FeedingStream(recorder, feed))
    run["a"].append(block * 2)
    run["b"].append(wanted + "\n")
    run.start()
    run.wait_long(lambda: bool(state["through"]) or state["refills"] >= MOST_REFILLS)
    run.stop()
    if state["refills"] >= MOST_REFILLS:
        raise run.failure(
            "one file's backlog kept another's line from being delivered",
            expected=f"{wanted!r} of b while a still has a backlog",
            got=f"{state['came']:,} lines of a before it",
        )


@requirement("DEL-4", needs=["several-files"])
def test_del_4_any_sequence_keeps_the_order(taillog_stage: Stage) -> None:
    """Lines of one file keep their order, none is lost, none comes twice: any sequence of appends to several files."""
    explore(taillog_stage, scenarios("DEL-4", PLAIN), lambda scenario: play(taillog_stage, scenario))
