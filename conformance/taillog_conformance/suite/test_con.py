"""CON: several files, several threads, one destination."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TextIO

from ..destinations import BarrierStream, BufferedStream, GatedStream, Recorder, RecordingStream, not_in
from ..outcomes import NotApplicable, TailerRaised
from ..perturb import switching_often
from ..scenario import CALM_INTERVAL
from ..stage import Run, Stage
from ._registry import requirement

STAYS = 0.01
"""Seconds that a write stays in the barrier destination: a second one that is let in comes within them."""


@requirement("CON-1", needs=["stream", "several-files"])
def test_con_1_two_writes_are_never_in_flight_at_once(taillog_stage: Stage) -> None:
    """Two calls of dst.write() are never in flight at once."""
    words = taillog_stage.words
    run = taillog_stage.open("a b c d", stream=lambda recorder: BarrierStream(recorder, STAYS))
    for file in run.files.values():
        file.append("".join(f"{words.text()}\n" for _ in range(3)))
    run.start()
    run.settle()
    for file in run.files.values():
        file.append("".join(f"{words.text()}\n" for _ in range(3)))
    run.settle()
    run.stop()
    _one_at_a_time(run)


def _one_at_a_time(run: Run) -> None:
    assert isinstance(run.stream, BarrierStream)
    if run.stream.together:
        first, second = run.stream.together
        raise run.failure(
            "write() was called while another call of it had not returned",
            expected="one write at a time",
            got=f"write({second!r}) during write({first!r})",
        )


@requirement("CON-1", needs=["object", "stream", "several-files"])
def test_con_1_the_drain_keeps_to_one_write_at_a_time(taillog_stage: Stage) -> None:
    """Two calls of dst.write() are never in flight at once: in the drain of several files at stop() neither."""
    words = taillog_stage.words
    run = taillog_stage.open(
        "a b c d e f", stream=lambda recorder: BarrierStream(recorder, STAYS), interval=CALM_INTERVAL
    )
    for file in run.files.values():
        file.append(f"{words.text()}\n")
    run.start()
    run.settle()
    for file in run.files.values():
        file.append("".join(f"{words.text()}\n" for _ in range(3)) + words.text())  # the last piece is written, too
    run.stop()
    _one_at_a_time(run)


class AsciiBarrier(BarrierStream):
    """A BarrierStream of the encoding ASCII."""

    encoding = "ascii"

    def arrived(self, text: str) -> None:
        if error := not_in(self.encoding, text):
            self.refuse("write()", text, error)
        super().arrived(text)


@requirement("CON-1", needs=["stream", "several-files"])
def test_con_1_what_cannot_be_encoded_is_written_alone_too(taillog_stage: Stage) -> None:
    """Two calls of dst.write() are never in flight at once: what is written in place of a refused text neither."""
    words = taillog_stage.words
    run = taillog_stage.open("a b c d", stream=lambda recorder: AsciiBarrier(recorder, STAYS))
    for file in run.files.values():
        file.append(f"{words.text()}\n")
    run.start()
    run.settle()
    for file in run.files.values():
        file.append("".join(f"{words.word()} \u20ac\n" for _ in range(3)))
    run.stop()
    _one_at_a_time(run)


class YieldingStream(RecordingStream):
    """Lets other threads run before and after each write, as a slow terminal does."""

    PAUSE = 0.0002
    """Seconds, enough for a waiting thread to be woken."""

    def arrived(self, text: str) -> None:
        time.sleep(self.PAUSE)
        super().arrived(text)
        time.sleep(self.PAUSE)


SIZES = (1, 10, 300, 5_000, 70_000)
"""Characters of the lines: below and above the blocks that readers and pipes have."""


@requirement("CON-2", needs=["several-files"])
def test_con_2_no_line_stands_inside_another(taillog_stage: Stage) -> None:
    """No line stands inside another, whatever the sizes."""
    words = taillog_stage.words
    with taillog_stage.slowed():
        run = taillog_stage.open("a b c d", stream=YieldingStream)
        run.start()
        for _ in range(3):
            for file in run.files.values():
                word = words.word()
                file.append("".join(f"{word} {size} {word[0] * size}\n" for size in words.random.sample(SIZES, 3)))
        run.settle()
        run.stop()
    run.judge()


LONG = 1_100_000
"""Characters of a line that a tailer with blocks of 1 MiB has to write in parts, or to hold."""


@requirement("CON-2", needs=["several-files"])
def test_con_2_no_line_stands_inside_another_that_is_long(taillog_stage: Stage) -> None:
    """No line stands inside another: three long ones, which come at once."""
    run = taillog_stage.open("a b c", stream=YieldingStream)
    for file in run.files.values():
        word = taillog_stage.words.word()
        file.append(f"{word} {word[0] * LONG}\n{taillog_stage.words.text()}\n")
    run.start()
    run.settle()
    run.stop()
    run.judge()


LINES_EACH = 6_000
"""Lines that each of the four files holds: enough for unserialised writes to damage a buffered stream."""


def _full_speed(stage: Stage, out: TextIO, counted: Callable[[], int]) -> Run:
    run = stage.open("a b c d")
    run.dst, run.counted = out, counted
    for file in run.files.values():
        file.append("".join(f"{line}\n" for line in stage.words.lines(LINES_EACH)))
    with switching_often():
        run.start()
        for label in run.files:
            run.seen(label)  # what a drain may lose is DEL-1's matter
        run.stop()
    return run


@requirement("CON-3", needs=["stream", "several-files", "from-start"])
def test_con_3_a_buffered_file_holds_exactly_the_lines_written(taillog_stage: Stage) -> None:
    """With many files at full speed a block-buffered text file holds exactly the lines written."""
    path = taillog_stage.folder / taillog_stage.words.file_name()
    with path.open("w", encoding="utf-8") as out:
        run = _full_speed(taillog_stage, out, lambda: path.stat().st_size)
    run.recorder.note(path.read_text(encoding="utf-8", errors="backslashreplace"))
    run.judge()


@requirement("CON-3", needs=["stream", "several-files", "from-start"])
def test_con_3_a_pipe_carries_exactly_the_lines_written(taillog_stage: Stage) -> None:
    """With many files at full speed a pipe carries exactly the lines written."""
    reading, writing = os.pipe()
    blocks: list[bytes] = []

    def read() -> None:
        with open(reading, "rb", buffering=0) as pipe:
            while block := pipe.read(65536):
                blocks.append(block)

    reader = threading.Thread(target=read, name="conformance-pipe", daemon=True)
    reader.start()
    with open(writing, "w", encoding="utf-8") as out:
        run = _full_speed(taillog_stage, out, lambda: sum(map(len, blocks)))
    reader.join()
    run.recorder.note(b"".join(blocks).decode("utf-8", errors="backslashreplace"))
    run.judge()


class _TwoStops:
    """stop() called by two threads at once; `returned` is told each that has returned."""

    def __init__(self, run: Run, returned: Callable[[str], object]) -> None:
        self._run = run
        self._tailer = run.make()
        self._returned = returned
        self._errors: list[BaseException] = []
        self._threads = [
            threading.Thread(target=self._stop, args=[name], name=f"conformance-{name}", daemon=True)
            for name in ("one", "two")
        ]

    def _stop(self, name: str) -> None:
        try:
            self._tailer.stop()
        except BaseException as error:
            self._errors.append(error)
        self._returned(name)

    def begin(self) -> None:
        self._run.timeline.add("tailer", "stop", note="in two threads")
        self._run.ended = True
        for thread in self._threads:
            thread.start()

    def _join(self) -> None:
        for thread in self._threads:
            thread.join()

    def join(self) -> None:
        """Wait for both; a failure if one does not return, or raised."""
        self._run.call("stop() in two threads", self._join)
        self._run.timeline.add("tailer", "stopped")
        if self._errors:
            raise self._run.failure(
                "stop() raised when two threads called it", expected="both return", got=repr(self._errors[0])
            )


@requirement("CON-4", needs=["object", "stream"])
def test_con_4_two_threads_may_call_stop_at_once(taillog_stage: Stage) -> None:
    """Two threads may call stop() at once: both return, and only after the drain."""
    words = taillog_stage.words
    run = taillog_stage.open(stream=GatedStream)
    stream = run.stream
    assert isinstance(stream, GatedStream)
    run["a"].append(f"{words.text()}\n")
    run.start()
    run.settle()
    stream.shut()
    run["a"].append(f"{words.text()}\n")
    gate_opened = threading.Event()
    early: list[str] = []

    def returned(name: str) -> None:
        if not gate_opened.is_set():
            early.append(name)

    stops = _TwoStops(run, returned)
    stream.entered.wait(taillog_stage.clocks.settles_within)
    stops.begin()
    run.quiet()
    gate_opened.set()
    stream.open_gate()
    stops.join()
    if early and stream.entered.is_set():
        raise run.failure(
            "stop() returned in one thread while a line was still being written",
            expected="both return after the drain",
            got=f"it returned in thread {early[0]} while write() had not",
        )
    run.judge()


def _note_lines(run: Run, come: list[int], _: str) -> None:
    come.append(run.lines_so_far())


STOP_ROUNDS = 5
"""Tailers that are stopped so: each takes some milliseconds."""


@requirement("CON-4", needs=["object", "stream"])
def test_con_4_no_race_of_two_stops_ends_before_the_drain(taillog_stage: Stage) -> None:
    """The same, while the tailer is slowed down between the lines of its code: so is its stop() in both threads."""
    words = taillog_stage.words
    for _ in range(STOP_ROUNDS):
        with taillog_stage.slowed():
            run = taillog_stage.open()
            run["a"].append(f"{words.text()}\n")
            run.start()
            run.settle()  # a file that has not been taken up is DEL-7's matter, and equal lines are DEL-9's
            run["a"].append(f"{words.text()}\n{words.text()}\n")
            come: list[int] = []
            stops = _TwoStops(run, partial(_note_lines, run, come))
            stops.begin()
            stops.join()
        # What the drain itself loses is DEL-1's matter.
        if min(come) < run.lines_so_far():
            raise run.failure(
                "stop() returned in one thread while lines were still to come",
                expected=f"{run.lines_so_far()} lines, all that came in the end, when it returns",
                got=f"{min(come)}",
            )
        run.close()


class SlowToFlush(BufferedStream):
    """Takes its time for flush(), as a file on a network does."""

    PAUSE = 0.05
    """Seconds: long enough for another stop() to return meanwhile."""

    def flush(self) -> None:
        if self.held:
            time.sleep(self.PAUSE)
        super().flush()


@requirement("CON-4", needs=["object", "stream"])
def test_con_4_neither_of_two_stops_ends_before_the_flush(taillog_stage: Stage) -> None:
    """The same, where what was written has still to be flushed."""
    words = taillog_stage.words
    run = taillog_stage.open(stream=SlowToFlush, interval=CALM_INTERVAL)
    run["a"].append(f"{words.text()}\n")
    run.start()
    run.settle()
    run["a"].append(f"{words.text()}\n")
    come: list[int] = []
    stops = _TwoStops(run, partial(_note_lines, run, come))
    stops.begin()
    stops.join()
    if min(come) < run.lines_so_far():
        raise run.failure(
            "stop() returned in one thread while what was written had still to be flushed",
            expected=f"{run.lines_so_far()} lines, all that came in the end, when it returns",
            got=f"{min(come)}",
        )


def _two_of_one_name(
    stage: Stage, first_writes_to: Callable[[Recorder], RecordingStream] = RecordingStream
) -> tuple[Run, Run]:
    """Two tailers of different files, of one name and one key: a job's standard output and its standard error."""
    first, second = stage.open(stream=first_writes_to), stage.open()
    second.name = first.name
    return first, second


@requirement("CON-5", needs=["object", "error-report"])
def test_con_5_what_one_reported_the_next_one_reports_too(taillog_stage: Stage) -> None:
    """Two tailers in one process do not disturb each other: what the first has reported, the second reports as well."""
    path = taillog_stage.folder / taillog_stage.words.file_name()
    path.mkdir()
    for _ in range(2):
        run = taillog_stage.open(paths={"a": path})
        run.timeline.add("producer", "mkdir", "a")
        if run.attempt_start() is not None:
            raise NotApplicable("a directory as a source is refused, which is ERR-3's matter")
        run.wait_for_reports()
        with suppress(TailerRaised):  # that is ERR-3's matter, too
            run.stop()
        if not taillog_stage.runs[0].reports:
            raise NotApplicable("a directory as a source is not reported at all, which is ERR-1's matter")
    if not run.reports:
        raise run.failure(
            "a source that is a directory was reported by a first tailer, and not by a second one in the same process",
            expected=taillog_stage.adapter.reports_as,
            got="none",
        )


@requirement("CON-5", needs=["object"])
def test_con_5_two_tailers_do_not_disturb_each_other(taillog_stage: Stage) -> None:
    """Two tailers in one process do not disturb each other."""
    words = taillog_stage.words
    first, second = _two_of_one_name(taillog_stage)
    for run in (first, second):
        run["a"].append(f"{words.text()}\n")
    first.start()
    second.start()
    for run in (first, second):
        run.settle()
        run["a"].append(f"{words.text()}\n")
    for run in (first, second):
        run.settle()
    first.stop()
    second.timeline.add("check", "note", note="another tailer was stopped")
    second.quiet()  # one that the first has stopped has ended by then
    second["a"].append(f"{words.text()}\n")
    second.settle()
    if second.stopped():
        raise second.failure("stop() of one tailer stopped another", expected="stopped() is False", got="True")
    second.stop()
    first.judge()
    second.judge()


@requirement("CON-5", needs=["object", "stream"])
def test_con_5_a_write_that_blocks_holds_up_no_other_tailer(taillog_stage: Stage) -> None:
    """Two tailers in one process do not disturb each other: one delivers and ends while the other's write() blocks."""
    words = taillog_stage.words
    first, second = _two_of_one_name(taillog_stage, GatedStream)
    gate = first.stream
    assert isinstance(gate, GatedStream)
    for run in (first, second):
        run["a"].append(f"{words.text()}\n")
        run.start()
        run.settle()
    gate.shut()
    try:
        first["a"].append(f"{words.text()}\n")
        if not first.wait_long(gate.entered.is_set):
            raise NotApplicable("no write() could be held up, for a line does not come, which is DEL-3's matter")
        second.timeline.add("check", "note", note="a write() of another tailer, to its own destination, blocks")
        second["a"].append(f"{words.text()}\n")
        if not second.wait_long(lambda: second.lines_so_far() >= LINES_EACH_OF_TWO):
            raise second.failure(
                "a tailer delivered nothing while a write() of another tailer, to its own destination, blocked",
                expected="each delivers to its destination, whatever the other's does",
                got=f"nothing moved for {taillog_stage.clocks.must_happen_within:g} s",
            )
        second.stop()
    finally:
        gate.open_gate()
    first.stop()
    first.judge()
    second.judge()


LINES_EACH_OF_TWO = 2
"""Lines of each of the two: one before the write() blocks, and one meanwhile."""


def _two_of_one_file(stage: Stage) -> tuple[Run, Run]:
    """Two tailers of one file, which run, and have had the time to deliver its first line."""
    first, second = stage.open_twice()
    first["a"].append(f"{stage.words.text()}\n")
    for run in (first, second):
        run.start()
        run.wait_for(lambda run=run: run.lines_so_far() >= 1)  # type: ignore[misc]
    return first, second


@requirement("CON-5", needs=["object", "from-start"])
def test_con_5_two_tailers_of_one_file_deliver_it_both(taillog_stage: Stage) -> None:
    """Two tailers in one process do not disturb each other: each delivers all of a file that both follow."""
    first, second = _two_of_one_file(taillog_stage)
    first["a"].append(f"{taillog_stage.words.text()}\n")
    first.settle()
    second.wait_for(lambda: second.lines_so_far() >= 2)
    first.stop()
    second.stop()
    first.judge()
    second.judge(sources=second.sources_of(first))


@requirement("CON-5", needs=["object"])
def test_con_5_two_tailers_may_hold_half_a_line_each(taillog_stage: Stage) -> None:
    """Two tailers in one process do not disturb each other: while both wait for the end of a line."""
    words = taillog_stage.words
    runs = _two_of_one_name(taillog_stage)
    for run in runs:
        run["a"].append(f"{words.text()}\n")
        run.start()
        run.settle()
    _hold_halves(runs, runs)
    for run in runs:
        run.stop()
        run.judge()


@requirement("CON-5", needs=["object", "from-start"])
def test_con_5_two_tailers_of_one_file_may_hold_half_a_line_each(taillog_stage: Stage) -> None:
    """The same of one file that both follow."""
    first, second = _two_of_one_file(taillog_stage)
    _hold_halves([first, second], [first])
    second.wait_for(lambda: second.lines_so_far() >= 2)
    for run in (first, second):
        run.stop()
    first.judge()
    second.judge(sources=second.sources_of(first))


@requirement("CON-5", needs=["object", "prefix", "several-files"])
def test_con_5_two_tailers_may_be_given_the_same_prefixes(taillog_stage: Stage) -> None:
    """Two tailers in one process do not disturb each other: where both are given one mapping of prefixes."""
    words = taillog_stage.words
    given = {"a": f"{words.word()}|"}  # and b has the default header
    runs = [taillog_stage.open("a b", prefixes=given) for _ in range(2)]
    prefixes = {runs[0]["a"].key: given["a"]}
    for run in runs:
        run.mapping = prefixes
        for file in run.files.values():
            file.append(f"{words.text()}\n")
        run.start()
        run.settle()
    for run in runs:
        run.stop()
    names = [run.name for run in runs]
    for run, other in zip(runs, reversed(names), strict=True):
        if other in run.all_text():
            raise run.failure(
                "a tailer's lines carry the name of another one, which was given the same mapping of prefixes",
                expected=f"the name {run.name!r} before the line of b",
                got=repr(run.all_text()),
            )


def _hold_halves(runs: Sequence[Run], written: Sequence[Run]) -> None:
    """Half a line to the file of each of `written`, which all of `runs` hold for a moment, and then its end."""
    before = [run.all_text() for run in runs]
    for run in written:
        run["a"].append(run.stage.words.text())
        run.seen("a")
    runs[0].quiet()
    if [run.all_text() for run in runs] != before:
        raise NotApplicable("half a line is delivered, which is FRM-1's matter")
    for run in written:
        run["a"].append(f" {run.stage.words.text()}\n")
    for run in written:
        run.settle()
