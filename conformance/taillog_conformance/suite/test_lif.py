"""LIF: start(), stop() and stopped()."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from unittest import mock

from ..adapters import DEFAULT
from ..destinations import Gated, GatedBuffer, GatedStream, Recorder
from ..isolated import in_a_process
from ..left_behind import living
from ..outcomes import AdapterProblem, ConformanceFailure, NotApplicable
from ..scenario import CALM_INTERVAL
from ..stage import Run, Stage
from ._late import replace_in_sight
from ._registry import requirement
from .test_del import GOES_ON_WITHIN, FeedingStream
from .test_lat import machine_noise


def line(stage: Stage) -> str:
    """A line of some new words."""
    return stage.words.text() + "\n"


@requirement("LIF-1", needs=["object"])
def test_lif_1_start_returns_the_tailer(taillog_stage: Stage) -> None:
    """start() returns the tailer itself."""
    run = taillog_stage.open()
    run["a"].append(line(taillog_stage))
    tailer = run.make()
    returned = run.start()
    run.stop()
    if returned is not tailer:
        raise run.failure("start() did not return the tailer", expected=repr(tailer), got=repr(returned))


def gated(run: Run) -> Gated:
    """The run's stream, which holds up what comes to its gate while that is shut."""
    assert isinstance(run.stream, Gated)
    return run.stream


@requirement("LIF-1", needs=["object", "stream", "several-files"])
def test_lif_1_start_returns_at_once(taillog_stage: Stage) -> None:
    """start() returns at once: it waits neither for a missing file nor for a destination that is slow."""
    run = taillog_stage.open("a gone", stream=GatedStream)
    gated(run).shut()
    run["a"].append(line(taillog_stage))
    try:
        run.start(placed=False)
    finally:
        gated(run).open_gate()
    run.stop()


@requirement("LIF-2", needs=["object"])
def test_lif_2_nothing_happens_before_start(taillog_stage: Stage) -> None:
    """Nothing is read or written before start()."""
    asked: list[str] = []

    def keep(text: str) -> bool:
        asked.append(text)
        return True

    run = taillog_stage.open(filter=keep if "filter" in taillog_stage.adapter.capabilities else DEFAULT)
    run["a"].append(line(taillog_stage))
    run.make()
    run.quiet()
    if run.all_text() or asked:
        raise run.failure("the tailer read before start()", expected="nothing", got=repr(run.all_text() or asked))
    if run.offset("a"):
        raise run.failure("the tailer read before start()", expected="read offset 0", got=f"{run.offset('a')}")
    run.start()
    run.settle()
    run.stop()
    if not run.all_text():
        raise run.failure("nothing was delivered after start() either", expected="a line", got="nothing")


@requirement("LIF-2", needs=["object", "destination-path"])
def test_lif_2_the_destination_file_is_untouched_before_start(taillog_stage: Stage) -> None:
    """Nothing is written before start(): the destination's file keeps what it holds."""
    path = taillog_stage.folder / taillog_stage.words.file_name()
    kept = line(taillog_stage)
    path.write_text(kept, encoding="utf-8")
    run = taillog_stage.open(dst=str(path))
    run["a"].append(line(taillog_stage))
    run.make()
    run.quiet()
    found = path.read_text(encoding="utf-8")
    if found != kept:
        raise run.failure("the destination's file was changed before start()", expected=repr(kept), got=repr(found))


@requirement("LIF-3", needs=["object"])
def test_lif_3_stopped_is_true_only_after_stop(taillog_stage: Stage) -> None:
    """stopped() is false until stop() has returned, true after it."""
    run = taillog_stage.open()
    run["a"].append(line(taillog_stage))
    run.make()
    before = run.stopped()
    run.start()
    run.settle()
    during = run.stopped()
    run.stop()
    after = run.stopped()
    if (before, during, after) != (False, False, True):
        raise run.failure(
            "stopped() does not tell the truth",
            expected="False before start(), False while it runs, True after stop()",
            got=f"{before}, {during}, {after}",
        )


@requirement("LIF-3", needs=["object"])
def test_lif_3_stopped_is_false_though_there_are_no_files(taillog_stage: Stage) -> None:
    """stopped() is false until stop() has returned: where nothing is to be followed, too."""
    run = taillog_stage.open([])
    if run.attempt_start() is not None:
        raise NotApplicable("start() refuses to follow no files, which is MIS-8's matter")
    run.quiet()
    during = run.stopped()
    run.stop()
    if during:
        raise run.failure("stopped() was true before stop(), of a tailer without files", expected="False", got="True")


@requirement("LIF-3", needs=["object", "stream"])
def test_lif_3_stopped_is_false_while_stop_drains(taillog_stage: Stage) -> None:
    """stopped() is false until stop() has returned: also while stop() waits for the last lines."""
    _is_not_stopped_while_held(taillog_stage, GatedStream, "a line was still being written")


@requirement("LIF-3", needs=["object", "stream"])
def test_lif_3_stopped_is_false_while_stop_flushes(taillog_stage: Stage) -> None:
    """The same while stop() waits for the last lines to be flushed."""
    _is_not_stopped_while_held(taillog_stage, GatedBuffer, "what was written was still being flushed")


def _is_not_stopped_while_held(stage: Stage, stream: Callable[[Recorder], Gated], what: str) -> None:
    run = stage.open(stream=stream, interval=CALM_INTERVAL)  # it sleeps while the line is written
    gate = gated(run)
    run["a"].append(line(stage))
    run.start()
    run.settle()
    gate.shut()
    run["a"].append(line(stage))
    seen: list[bool] = []
    broken: list[Exception] = []
    is_over = False

    def look() -> None:
        gate.entered.wait()
        if is_over:  # nobody came to the gate, or to an open one
            return
        run.quiet()
        try:
            seen.append(run.stopped())
        except (AdapterProblem, ConformanceFailure) as failure:
            broken.append(failure)
        gate.open_gate()

    watcher = threading.Thread(target=look, name="conformance-look", daemon=True)
    watcher.start()
    try:
        run.stop()
    finally:
        is_over = True
        gate.entered.set()
        gate.open_gate()
        watcher.join()
    for failure in broken:
        raise failure
    if seen == [True]:
        raise run.failure(f"stopped() was true while {what} and stop() had not returned", expected="False", got="True")


@requirement("LIF-3", needs=["object"])
def test_lif_3_stopped_is_true_though_it_never_was_started(taillog_stage: Stage) -> None:
    """stopped() is true after stop(): where there was no start(), too."""
    run = taillog_stage.open()
    run["a"].append(line(taillog_stage))
    run.stop()
    if not run.stopped():
        raise run.failure("stopped() is false after stop(), without a start()", expected="True", got="False")


@requirement("LIF-4", needs=["object"])
def test_lif_4_stop_can_be_called_again(taillog_stage: Stage) -> None:
    """stop() can be called again."""
    run = taillog_stage.open()
    run["a"].append(line(taillog_stage))
    run.start()
    run.settle()
    run.stop()
    before = run.all_text()
    run.stop()
    run.stop()
    if run.all_text() != before:
        raise run.failure("a second stop() delivered something", expected=repr(before), got=repr(run.all_text()))


@requirement("LIF-4", needs=["object", "destination-path"])
def test_lif_4_stop_can_be_called_again_with_a_path(taillog_stage: Stage) -> None:
    """stop() can be called again: after it has closed the destination's file, too."""
    path = taillog_stage.folder / taillog_stage.words.file_name()
    run = taillog_stage.open(dst=str(path))
    run["a"].append(line(taillog_stage))
    run.start()
    run.settle()
    run.stop()
    before = path.read_bytes() if path.exists() else b""
    run.stop()
    after = path.read_bytes() if path.exists() else b""
    if after != before:
        raise run.failure("a second stop() changed the destination's file", expected=repr(before), got=repr(after))


@requirement("LIF-5", needs=["object"])
def test_lif_5_stop_before_start_is_safe(taillog_stage: Stage) -> None:
    """stop() before start() is safe."""
    run = taillog_stage.open()
    run["a"].append(line(taillog_stage))
    run.stop()


@requirement("LIF-6", needs=["object"])
def test_lif_6_a_second_start_delivers_nothing_again(taillog_stage: Stage) -> None:
    """A second start() raises or does nothing; it never delivers again."""
    run = taillog_stage.open()
    run["a"].append(line(taillog_stage))
    run.start()
    run.settle()
    run.attempt_start()
    run.quiet()
    run["a"].append(line(taillog_stage))
    run.settle()
    run.quiet()
    run.stop()
    run.judge()


@requirement("LIF-6", needs=["object"])
def test_lif_6_a_start_after_stop_delivers_nothing_again(taillog_stage: Stage) -> None:
    """A second start() raises or does nothing; it never delivers again: not after stop() either."""
    run = taillog_stage.open()
    run["a"].append(line(taillog_stage))
    run.start()
    run.settle()
    run.stop()
    run.attempt_start()
    run.quiet()
    run.stop()
    run.judge()


@requirement("LIF-6", needs=["object", "destination-path"])
def test_lif_6_another_start_takes_nothing_from_the_destination_file(taillog_stage: Stage) -> None:
    """A second start() raises or does nothing: what stands in the destination's file stays there, after stop() too."""
    for after_stop in (False, True):
        run = taillog_stage.open(dst=str(taillog_stage.folder / taillog_stage.words.file_name()))
        run["a"].append(line(taillog_stage))
        run.start()
        run.settle()
        if after_stop:
            run.stop()
        stood = run.all_text()
        run.attempt_start()
        run.quiet()
        run.stop()
        if not run.all_text().startswith(stood):
            again = "start() after stop()" if after_stop else "second start()"
            raise run.failure(
                f"what stood in the destination's file is gone after a {again}",
                expected=repr(stood),
                got=repr(run.all_text()),
            )


MANY_FILES = 200
INTERVAL_OF_MANY = 0.3
"""Seconds between looks of the many files: a stop() that waits it out for each of them takes a minute."""


@requirement("LIF-7", needs=["object", "several-files"])
def test_lif_7_stop_takes_no_longer_for_many_files(taillog_stage: Stage) -> None:
    """stop() returns within the interval plus the drain plus a fixed grace, whatever the number of files."""
    run = taillog_stage.open([f"f{number}" for number in range(MANY_FILES)], interval=INTERVAL_OF_MANY)
    for number, file in enumerate(run.files.values()):
        if number % 2:
            file.append(line(taillog_stage))
            file.close()  # the descriptors there are may be few
    run.start()
    run.wait_for(lambda: run.lines_so_far() >= MANY_FILES // 2)
    run.stop()


@requirement("LIF-7")
def test_lif_7_stop_returns(taillog_stage: Stage) -> None:
    """stop() returns within the interval plus the drain plus a fixed grace: idle, busy, and with a file missing."""
    for busy in (False, True):
        run = taillog_stage.open("a gone" if "several-files" in taillog_stage.adapter.capabilities else "a")
        run["a"].append(line(taillog_stage))
        run.start()
        run.settle()
        if busy:
            run["a"].append(line(taillog_stage) * 100)
        run.stop()
        run.close()


SHRINKS_BY = 100
"""Words of the last line of the file that is cut: a drain that waits for its end waits for ever."""


@requirement("LIF-7", needs=["object", "stream", "several-files", "truncation"])
def test_lif_7_stop_returns_though_a_file_was_cut_meanwhile(taillog_stage: Stage) -> None:
    """The same where a file becomes shorter between the call of stop() and its turn in the drain."""
    run = taillog_stage.open("a b", stream=GatedStream)
    stream = gated(run)
    for file in run.files.values():
        file.append(line(taillog_stage))
    run.start()
    run.settle()
    stream.shut()
    run["a"].append(line(taillog_stage))
    run.wait_for(stream.entered.is_set)
    run["b"].append(f"{taillog_stage.words.text(SHRINKS_BY)}\n")

    def cut() -> None:
        while not run.ended:
            time.sleep(run.moment())
        time.sleep(run.moment())  # stop() has noted the sizes by now, if it does
        run["b"].truncate()
        stream.open_gate()

    cutter = threading.Thread(target=cut, name="conformance-cut", daemon=True)
    cutter.start()
    try:
        run.stop()
    finally:
        cutter.join()


SLOW_INTERVAL = 3.0
"""Seconds between looks: a stop() that waits them out is told apart from any noise of the machine."""


@requirement("LIF-8", needs=["object"])
def test_lif_8_stop_does_not_wait_out_the_interval(taillog_stage: Stage) -> None:
    """stop() does not wait out the interval."""
    run = taillog_stage.open(interval=SLOW_INTERVAL)
    run["a"].append(line(taillog_stage))
    run.start()
    _is_up(run)
    _stops_at_once(run)


@requirement("LIF-8", needs=["object", "missing-files"])
def test_lif_8_stop_does_not_wait_for_a_missing_file(taillog_stage: Stage) -> None:
    """The same where the file is missing."""
    several = "several-files" in taillog_stage.adapter.capabilities
    run = taillog_stage.open("gone here" if several else "gone", interval=SLOW_INTERVAL)
    if several:
        run["here"].append(line(taillog_stage))
    run.start()
    if several:
        _is_up(run)
    _stops_at_once(run)


def _is_up(run: Run) -> None:
    """Wait for a line, which tells that the tailer is up: a process of its own may take its time to begin."""
    run.wait_long(lambda: run.lines_so_far() >= 1)


def _stops_at_once(run: Run) -> None:
    run.quiet()
    with machine_noise() as late:
        began = time.monotonic()
        run.stop()
        took = time.monotonic() - began
    bound = SLOW_INTERVAL / 2 + max(late)
    if took > bound:
        raise run.failure(
            f"stop() of an idle tailer took {took:.2f} s at an interval of {SLOW_INTERVAL:g} s",
            expected=f"it wakes the tailer: at most {bound:.2f} s, half an interval and the machine's noise",
            got=f"{took:.2f} s",
        )


FED_LINE = 4096
"""Characters of each line that the producer writes while stop() drains."""

FED_AT_MOST = 1024
"""Such lines, 4 MiB, after which it stops: many times what a tailer takes at a time, and may read beyond the end."""

FED_FOR = 20.0
"""Seconds after which it stops in any case, for the sake of a tailer that takes a line at each look."""


@requirement("LIF-9", needs=["stream"])
def test_lif_9_stop_returns_though_the_producer_goes_on(taillog_stage: Stage) -> None:
    """stop() returns though a producer goes on writing: the drain ends at what had been written when it was called."""
    _returns_though_fed(taillog_stage, renamed=False)


@requirement("LIF-9", needs=["stream", "rotation"])
def test_lif_9_stop_returns_though_the_producer_of_a_renamed_file_goes_on(taillog_stage: Stage) -> None:
    """The same of one that still writes to the renamed file, while a new one stands at the path."""
    _returns_though_fed(taillog_stage, renamed=True)


def _returns_though_fed(stage: Stage, *, renamed: bool) -> None:
    words = stage.words
    called: list[float] = []
    fed = 0
    is_fed = not renamed

    def writing() -> bool:
        return not called or (fed < FED_AT_MOST and time.monotonic() - called[0] < FED_FOR)

    def write() -> None:
        append = run["a"].append_old if renamed else run["a"].append
        append(f"{words.random.random()}".ljust(FED_LINE, "x") + "\n")

    def feed(text: str) -> None:
        nonlocal fed
        # A line for a line, however many calls it took: else the backlog grows for ever.
        if is_fed and writing() and "\n" in text:
            fed += bool(called)
            write()

    run = stage.open(stream=lambda recorder: FeedingStream(recorder, feed))
    run["a"].append(f"{words.text()}\n")
    run.start()
    run.looks(2)
    run.make()
    if renamed:
        run.settle()
        replace_in_sight(run, words.text())  # it is not kept waiting by what comes to the old one
        is_fed = True
        write()
    called.append(time.monotonic())
    run.stop()
    if not writing():
        raise run.failure(
            "stop() did not return for as long as the producer went on writing, a line for each that was delivered",
            expected="the drain ends at what had been written when stop() was called",
            got=f"it went on reading, and delivered {fed:,} lines of {FED_LINE:,} characters that came after",
        )


ENDS_WITHIN = 8.0
"""Seconds in which an interpreter has to end that has nothing left to do."""


@requirement("LIF-10", needs=["object"])
def test_lif_10_a_forgotten_tailer_lets_the_interpreter_end(taillog_stage: Stage) -> None:
    """A tailer that is never stopped does not keep the interpreter from ending."""
    run = taillog_stage.open()
    run["a"].append(line(taillog_stage))

    def part(send: Callable[[Any], None]) -> None:
        run.make()
        run.start()
        run.settle()
        send("started")

    ended = in_a_process(part, ENDS_WITHIN * taillog_stage.clocks.scale, ends=True)
    if not ended.by_itself:
        raise run.failure(
            f"a process whose tailer was not stopped had not ended after {ENDS_WITHIN:g} s",
            expected="it ends when its work is done",
            got=ended.told,
        )


@requirement("LIF-11", needs=["object"])
def test_lif_11_a_forked_child_can_end(taillog_stage: Stage) -> None:
    """After a fork the child can end, and stop() in it does not hang."""
    run = taillog_stage.open()
    run["a"].append(line(taillog_stage))
    within = ENDS_WITHIN * taillog_stage.clocks.scale

    def in_the_child(send: Callable[[Any], None]) -> None:
        send("forked")
        run.make().stop()
        send("stopped")

    def part(send: Callable[[Any], None]) -> None:
        run.make()
        run.start()
        run.settle()
        send(in_a_process(in_the_child, within, ends=True))
        run.stop()

    ended = in_a_process(part, 3 * within)
    child = ended.answers[0] if ended.answers else None
    if child is None:
        raise run.failure("the tailer did not survive a fork", expected="it runs on", got=ended.told)
    if not child.by_itself:
        raise run.failure(
            "a forked child hung" + (" in stop()" if "stopped" not in child.answers else " when it was to end"),
            expected="stop() returns in the child, and the child ends",
            got=child.told,
        )


THREADS_THAT_FAIL = (1, 2, 3)
"""Which of a tailer's threads cannot be started, one in each life."""


@requirement("LIF-12", needs=["object", "several-files"])
def test_lif_12_a_failed_start_leaves_no_thread(taillog_stage: Stage) -> None:
    """A start() that fails half-way leaves no thread behind."""
    for nth in THREADS_THAT_FAIL:
        run = taillog_stage.open("a b c d")
        for file in run.files.values():
            file.append(line(taillog_stage))
        run.make()
        before = living()
        if not start_fails(
            run, nth
        ):  # it began fewer threads, or it is a thread of its own that could not begin another
            with suppress(ConformanceFailure, AdapterProblem):  # what stop() comes to then is not asked here
                run.stop()
            continue
        run.ended = True

        def left() -> list[str]:
            return [thread.name for thread in living() - before]  # noqa: B023

        if not run.wait_for(lambda: not left()):
            names = ", ".join(left())
            run.call("stop()", run.make().stop)
            raise run.failure(
                f"start() failed at its thread number {nth}, and left others running", expected="no thread", got=names
            )


def start_fails(run: Run, nth: int) -> bool:
    """Whether start() raises as its `nth` thread cannot be started, also where an adapter lets that through."""
    real = threading.Thread.start
    count = 0

    def start(self: threading.Thread) -> None:
        nonlocal count
        count += 1
        if count == nth:
            raise RuntimeError("can't start new thread")
        real(self)

    with mock.patch.object(threading.Thread, "start", start):
        try:
            return run.attempt_start() is not None
        except AdapterProblem:
            return True


@requirement("LIF-13", needs=["object", "stream"])
def test_lif_13_stop_from_the_destination_does_not_deadlock(taillog_stage: Stage) -> None:
    """stop() called from dst.write() does not deadlock."""
    _stop_from_within(taillog_stage, "dst.write()")


@requirement("LIF-13", needs=["object", "filter"])
def test_lif_13_stop_from_the_filter_does_not_deadlock(taillog_stage: Stage) -> None:
    """stop() called from the filter does not deadlock."""
    _stop_from_within(taillog_stage, "the filter")


@requirement("LIF-13", needs=["object", "stream"])
def test_lif_13_nor_does_it_while_another_stop_waits(taillog_stage: Stage) -> None:
    """The same where another thread has called stop() and waits for the tailer to end."""
    _stop_from_within(taillog_stage, "dst.write()", while_another_waits=True)


def _stop_from_within(stage: Stage, where: str, *, while_another_waits: bool = False) -> None:
    called, goes_on = threading.Event(), threading.Event()

    def stop(text: str) -> None:
        called.set()
        if while_another_waits:
            goes_on.wait(GOES_ON_WITHIN)
            time.sleep(run.moment())  # by then the other one waits
        run.timeline.add("tailer", "stop", note=f"called by {where}")
        run.make().stop()

    def keep(text: str) -> bool:
        stop(text)
        return True

    if where == "the filter":
        run = stage.open(filter=keep)
    else:
        run = stage.open(stream=lambda recorder: FeedingStream(recorder, stop))

    def part(send: Callable[[Any], None]) -> None:
        run.start()
        run["a"].append(line(stage))
        run.wait_for(called.is_set)
        if not while_another_waits:
            run.quiet()
        goes_on.set()
        run.make().stop()
        send("stopped")

    ended = in_a_process(part, ENDS_WITHIN * stage.clocks.scale, ends=True)
    if not ended.answers or not ended.by_itself:
        meanwhile = " while another thread waited in stop()" if while_another_waits else ""
        raise run.failure(
            f"stop() was called by {where}{meanwhile}, and the tailer never came to its end",
            expected="stop() returns, there and to the next caller",
            got=ended.told,
        )


@requirement("LIF-14", needs=["object"])
def test_lif_14_the_tailer_is_a_context_manager(taillog_stage: Stage) -> None:
    """The tailer is a context manager: left by an exception, it stops, and lets that through."""
    run = taillog_stage.open()
    run["a"].append(line(taillog_stage))
    tailer: Any = run.make()
    if not (hasattr(tailer, "__enter__") and hasattr(tailer, "__exit__")):
        raise run.failure("the tailer is no context manager", expected="__enter__ and __exit__", got="neither")
    run.start()
    is_swallowed = run.call("__exit__()", lambda: bool(tailer.__exit__(LookupError, LookupError(), None)))
    is_stopped = run.stopped()
    if not is_stopped:
        run.stop()
        is_stopped = not run.stopped()  # whether it tells the truth is for LIF-3 to say
    if is_swallowed or not is_stopped:
        raise run.failure(
            "an exception that left the context of the tailer "
            + ("was swallowed: __exit__() returned true" if is_swallowed else "did not stop it"),
            expected="it is stopped, and the exception goes on",
            got=f"stopped() is {is_stopped}",
        )
