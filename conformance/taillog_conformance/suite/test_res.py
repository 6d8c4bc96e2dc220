"""RES: threads, descriptors, memory, looks: counted, not timed."""

from __future__ import annotations

import gc
import os
import resource
import stat
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise, product
from pathlib import Path
from typing import Any

from .. import readings
from ..adapters.draining import cpu_ticks
from ..clocks import FAST_INTERVAL
from ..isolated import in_a_process
from ..left_behind import living
from ..memory import resident, watched
from ..offsets import family
from ..outcomes import AdapterProblem, ConformanceFailure, NotApplicable, NotRun, TailerHung, TailerRaised
from ..perturb import LineCounter
from ..scenario import CALM_INTERVAL
from ..stage import Run, Stage
from ..timeline import shorten
from ._registry import requirement
from .test_del import stopped_from_within
from .test_err import directory_run, looping_run
from .test_lif import SLOW_INTERVAL, THREADS_THAT_FAIL, start_fails

DESCRIPTORS = Path("/proc/self/fd")


def descriptors(pid: int | None = None) -> dict[str, str]:
    """What each descriptor of this process leads to, by its number; or of another one, where that can be seen."""
    if not DESCRIPTORS.is_dir():
        raise NotRun("this system does not show a process its descriptors in /proc/self/fd")
    folder = DESCRIPTORS if pid is None else Path(f"/proc/{pid}/fd")
    found = {}
    with suppress(OSError):  # of another process, which has ended meanwhile
        for number in os.listdir(folder):
            with suppress(OSError):  # the one that was open for the listing
                found[number] = os.readlink(folder / number)
    return found


def one_life(stage: Stage, files: str = "a b", to_path: bool = False) -> Run:
    """A tailer that is started, delivers, and is stopped."""
    to_path = to_path and "destination-path" in stage.adapter.capabilities
    dst = stage.folder / stage.words.word() if to_path else None
    run = stage.open(files if "several-files" in stage.adapter.capabilities else "a", dst=dst and str(dst))
    for file in run.files.values():
        file.append(stage.words.text() + "\n")
    run.start()
    run.settle()
    run.stop()
    return run


@requirement("RES-1", needs=["object"])
def test_res_1_no_thread_survives_stop(taillog_stage: Stage) -> None:
    """No thread of the tailer is alive after stop()."""
    alive = Alive()
    alive.judge(one_life(taillog_stage), "stop()")


class Alive:
    """What is alive before a tailer is made, by which is known what stays of it."""

    def __init__(self) -> None:
        self._threads = living()
        self._processes = set(family(os.getpid()))

    def left(self) -> list[str]:
        """The threads and processes that have come since."""
        threads = [f"thread {thread.name}" for thread in living() - self._threads]
        commands = {pid: _command(pid) for pid in family(os.getpid()) if pid not in self._processes}
        return threads + [
            f"process {pid} ({shorten(command)})"
            for pid, command in commands.items()
            if not any(module in command for module in KEPT_BY_PYTHON)
        ]

    def judge(self, run: Run, after: str) -> None:
        """Raise where something of the run's tailer does not end."""
        if not run.wait_for(lambda: not self.left()):
            raise run.failure(
                f"something of the tailer was still alive after {after}",
                expected="no thread, and no process",
                got=", ".join(self.left()),
            )


KEPT_BY_PYTHON = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")
"""Modules whose processes the standard library begins when they are first needed, and keeps until the end."""


def _command(pid: int) -> str:
    with suppress(OSError):  # it has ended
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="backslashreplace").strip()
    return ""


@requirement("RES-1", needs=["object", "missing-files", "from-start"])  # for others each file is made before start()
def test_res_1_no_thread_stays_for_a_missing_file(taillog_stage: Stage) -> None:
    """The same where a file was missing all the time, at an interval that is longer than any thread may stay."""
    alive = Alive()
    run = taillog_stage.open(interval=SLOW_INTERVAL)
    if run.attempt_start() is not None:
        raise NotApplicable("start() refuses the source, which is MIS-1's matter")
    run.quiet()
    run.stop()
    alive.judge(run, "stop(), the source having been missing")


@requirement("RES-1", needs=["object", "error-report"])
def test_res_1_no_thread_stays_for_a_directory(taillog_stage: Stage) -> None:
    """The same where the source is a directory."""
    alive = Alive()
    run = directory_run(taillog_stage, "a")
    run.interval = SLOW_INTERVAL
    if run.attempt_start() is not None:
        raise NotApplicable("start() refuses the source, which is ERR-3's matter")
    run.quiet()
    with suppress(TailerRaised):  # that is ERR-3's matter, too
        run.stop()
    alive.judge(run, "stop(), the source being a directory")


@requirement("RES-1", needs=["object", "rotation"])
def test_res_1_no_thread_stays_for_a_renamed_file(taillog_stage: Stage) -> None:
    """The same where files were renamed shortly before."""
    alive = Alive()
    alive.judge(_rotated_life(taillog_stage), f"stop(), {ROTATIONS} rotations having been before it")


@requirement("RES-1", needs=["object"])
def test_res_1_no_thread_survives_where_stop_came_before_start(taillog_stage: Stage) -> None:
    """The same where stop() was called before start(), too: what start() begins all the same, the next stop() ends."""
    alive = Alive()
    run = taillog_stage.open()
    run["a"].append(taillog_stage.words.text() + "\n")
    try:
        run.stop()
    except TailerRaised:
        raise NotApplicable("stop() before start() raises, which is LIF-5's matter") from None
    run.attempt_start(placed=False)
    run.quiet()
    try:
        run.stop()
    except TailerRaised:
        raise NotApplicable("stop() that is called again raises, which is LIF-4's matter") from None
    alive.judge(run, "stop(), start() and another stop()")


@contextmanager
def own_garbage() -> Iterator[None]:
    """Leaves what there is by now out of collections meanwhile: with a test runner's heap each would take long."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


LIVES = 4


@requirement("RES-2", needs=["object"])
def test_res_2_no_descriptor_survives_stop(taillog_stage: Stage) -> None:
    """No descriptor is left open after stop()."""
    with own_garbage():
        _lives(taillog_stage)


def _lives(taillog_stage: Stage) -> None:
    one_life(taillog_stage).close()  # what a first life loads for good is not of the tailer
    gc.collect()
    before = descriptors()
    for life in range(LIVES):
        run = one_life(taillog_stage, to_path=life % 2 == 1)
        if left := _still_open(run):
            raise run.failure(
                "a source or the destination is still open after stop()", expected="no descriptor", got=", ".join(left)
            )
        run.close()
    gc.collect()
    new = [path for number, path in descriptors().items() if number not in before]
    if len(new) >= LIVES:
        raise run.failure(
            f"{len(new)} descriptors are left open after {LIVES} tailers were started and stopped",
            expected="none",
            got=", ".join(new),
        )


def _still_open(run: Run, known: Collection[str] = ()) -> list[str]:
    """What is open below the stage's folder, once the producer has closed its files, but for descriptors `known`."""
    for file in run.files.values():
        file.close()
    gc.collect()
    folder = str(run.stage.folder)
    return [path for number, path in descriptors().items() if folder in path and number not in known]


@requirement("RES-2", needs=["object", "rotation"])
def test_res_2_no_renamed_file_stays_open_after_stop(taillog_stage: Stage) -> None:
    """The same of files that were renamed, one after the other, shortly before stop()."""
    _none_is_open(_rotated_life(taillog_stage), f"{ROTATIONS} rotations")


def _rotated_life(stage: Stage) -> Run:
    """A tailer that is started, delivers, meets rotations, and is stopped."""
    run = stage.open()
    run["a"].append(stage.words.text() + "\n")
    run.start()
    run.settle()
    for _ in range(ROTATIONS):
        run["a"].rename()
        run["a"].create()
        run["a"].append(stage.words.text() + "\n")
        run.settle()
    run.stop()
    return run


@requirement("RES-2", needs=["object", "missing-files", "from-start"])  # for others each file is made before start()
def test_res_2_no_file_that_the_drain_finds_stays_open(taillog_stage: Stage) -> None:
    """The same of a file that first appears just before stop()."""
    run = taillog_stage.open(interval=CALM_INTERVAL)  # it sleeps meanwhile
    if run.attempt_start() is not None:
        return  # whether it may refuse a missing file is for MIS-1 to say
    run.quiet()
    run["a"].append(taillog_stage.words.text() + "\n")
    run.stop()
    _none_is_open(run, "a file that came just before stop()")


@requirement("RES-2", needs=["object", "rotation"])
def test_res_2_no_file_of_a_rotation_that_the_drain_finds_stays_open(taillog_stage: Stage) -> None:
    """The same of both files of a rotation just before stop()."""
    run = taillog_stage.open(interval=CALM_INTERVAL)  # it sleeps meanwhile
    run["a"].append(taillog_stage.words.text() + "\n")
    run.start()
    run.settle()
    run.quiet()
    run["a"].rename()
    run["a"].create()
    run["a"].append(taillog_stage.words.text() + "\n")
    run.stop()
    _none_is_open(run, "a rotation just before stop()")


@requirement("RES-2", needs=["object", "stream"])
def test_res_2_no_descriptor_survives_a_stop_from_the_destination(taillog_stage: Stage) -> None:
    """The same where stop() was called from dst.write(), too."""
    _stopped_from_within(taillog_stage, "dst.write()")


@requirement("RES-2", needs=["object", "filter"])
def test_res_2_no_descriptor_survives_a_stop_from_the_filter(taillog_stage: Stage) -> None:
    """The same where stop() was called from the filter, too."""
    _stopped_from_within(taillog_stage, "the filter")


def _stopped_from_within(stage: Stage, where: str) -> None:
    descriptors()  # here it says so where they cannot be seen
    stopped_from_within(stage, where, lambda run: _none_is_open(run, f"a stop() from {where}"))


@requirement("RES-2", needs=["object", "truncation"])
def test_res_2_no_descriptor_of_a_truncated_file_survives_stop(taillog_stage: Stage) -> None:
    """The same of a file that was truncated several times."""
    run = taillog_stage.open()
    run["a"].append(taillog_stage.words.text(TRUNCATIONS + 2) + "\n")
    run.start()
    run.settle()
    for left in range(TRUNCATIONS, 0, -1):  # shorter each time, so that it can be seen
        run["a"].truncate()
        run["a"].append(taillog_stage.words.text(left) + "\n")
        run.settle()
    run.stop()
    _none_is_open(run, f"{TRUNCATIONS} truncations")


def _none_is_open(run: Run, after: str) -> None:
    with own_garbage():
        left = _still_open(run)
    if left:
        raise run.failure(
            f"after {after} a source is still open after stop()", expected="no descriptor", got=", ".join(left)
        )


@requirement("RES-2", needs=["object"])
def test_res_2_no_descriptor_survives_stop_without_start(taillog_stage: Stage) -> None:
    """No descriptor is left open after stop(): where there was no start(), too."""

    def life() -> None:
        run = taillog_stage.open()
        run.make()
        try:
            run.stop()
        except TailerRaised:
            raise NotApplicable("stop() before start() raises, which is LIF-5's matter") from None
        run.close()

    with own_garbage():
        life()
        gc.collect()
        before = descriptors()
        for _ in range(LIVES):
            life()
        gc.collect()
        new = [path for number, path in descriptors().items() if number not in before]
    if len(new) >= LIVES:
        run = taillog_stage.runs[-1]
        raise run.failure(
            f"{len(new)} descriptors are left open after {LIVES} tailers were made and stopped, and never started",
            expected="none",
            got=", ".join(new),
        )


@requirement("RES-2", needs=["object", "several-files"])
def test_res_2_no_descriptor_survives_a_failed_start_and_stop(taillog_stage: Stage) -> None:
    """No descriptor is left open after stop(): where start() failed, since it could not start a thread, too."""
    for nth, to_path in product(THREADS_THAT_FAIL, (False, True)):
        if to_path and "destination-path" not in taillog_stage.adapter.capabilities:
            continue
        known = set(descriptors())
        run = taillog_stage.open("a b c d", dst=str(taillog_stage.folder / "out") if to_path else None)
        for file in run.files.values():
            file.append(taillog_stage.words.text() + "\n")
        with own_garbage():
            try:
                failed = start_fails(run, nth)
                run.stop()
            except (ConformanceFailure, AdapterProblem):
                failed = False  # what a start() comes to that hangs, or a stop() after it, is not asked here
            left = _still_open(run, known)
        if failed and left:
            raise run.failure(
                f"start() failed at its thread number {nth}, and a source or the destination is open after stop()",
                expected="no descriptor",
                got=", ".join(left),
            )


TRUNCATIONS, ROTATIONS = 3, 5
"""Times that a file is cut or renamed: of what is closed late, or the last one alone, more than one is left."""


@dataclass(frozen=True)
class Held:
    """What the process holds at a moment."""

    descriptors: int
    threads: int
    blocks: int
    mebibytes: int

    @classmethod
    def now(cls) -> Held:
        gc.collect()
        mebibytes = (resident() or 0) // 2**20
        return cls(len(descriptors()), len(living()), sys.getallocatedblocks(), mebibytes)


LOOKS = 150
"""Looks between two counts: enough for one thing kept at each look to stand out."""

MANY_LOOKS = 10 * LOOKS
"""Looks between two further counts, where it grew so far: a tailer may well keep figures of its last 1,000 looks."""

SLACK = 8
"""Threads or descriptors that may come for good for other reasons (a pool that fills up)."""

BLOCKS_SLACK = 150
"""Memory blocks that come and go with the interpreter's own caches; one block a look makes more."""

MEBIBYTES_SLACK = 32
"""Mebibytes by which the process may grow otherwise; blocks that are few and large show here."""

SLACK_OF = {"descriptors": SLACK, "threads": SLACK, "blocks": BLOCKS_SLACK, "mebibytes": MEBIBYTES_SLACK}


@requirement("RES-3", needs=["object"])
def test_res_3_looks_cost_nothing_that_stays(taillog_stage: Stage) -> None:
    """Descriptors, threads and memory do not grow with the number of looks."""
    files = "a gone" if "several-files" in taillog_stage.adapter.capabilities else "a"
    run = taillog_stage.open(files, interval=FAST_INTERVAL)
    run["a"].append(taillog_stage.words.text() + "\n")
    run.start()
    run.settle()
    run.looks(LOOKS // 3)
    with own_garbage():
        counts = [Held.now()]

        def look_and_count(looks: int) -> None:
            for _ in range(2):
                run.looks(looks)
                counts.append(Held.now())

        look_and_count(LOOKS)
        if _growing(counts) == ["blocks"]:  # of anything else there may soon be nothing left
            look_and_count(MANY_LOOKS)
    run.stop()
    for name in _growing(counts):
        held = ", then ".join(f"{getattr(count, name):,}" for count in counts)
        raise run.failure(
            f"the {IN_WORDS.get(name, name)} in use grow with the looks of an idle tailer",
            expected=f"about {getattr(counts[0], name):,}, or a number at which they stay",
            got=held,
        )


def _growing(counts: Sequence[Held]) -> list[str]:
    """What has grown from each of the counts to the next."""
    return [
        name
        for name, slack in SLACK_OF.items()
        if all(getattr(after, name) - getattr(before, name) > slack for before, after in pairwise(counts))
    ]


LOOKS_AT_A_FAULT = 100
"""Looks between two counts at a source that cannot be read: one descriptor a look stands far out of SLACK."""


@requirement("RES-3", needs=["object", "error-report"])
def test_res_3_looks_at_what_cannot_be_read_open_nothing(taillog_stage: Stage) -> None:
    """Descriptors do not grow with the number of looks: at a folder that was given as a source neither."""
    run = directory_run(taillog_stage, "a")
    run.interval = FAST_INTERVAL
    _looks_open_nothing({"a source that cannot be read": run})


@requirement("RES-3", needs=["object", "error-report", "missing-files", "from-start"])
def test_res_3_looks_at_what_cannot_be_opened_open_nothing(taillog_stage: Stage) -> None:
    """The same of a socket, of a link to itself, and of a link to nothing."""
    descriptors()
    socket, link = (taillog_stage.open(interval=FAST_INTERVAL) for _ in range(2))
    os.mknod(socket["a"].path, stat.S_IFSOCK | 0o600)  # bind() takes no path of more than 107 bytes
    socket.timeline.add("producer", "socket", "a")
    loop = looping_run(taillog_stage)
    loop.interval = FAST_INTERVAL
    link["a"].link()
    _looks_open_nothing({"a link to itself": loop, "a socket": socket, "a link to nothing": link})


@requirement("RES-3", needs=["object", "destination-path"])
def test_res_3_looks_at_the_destination_open_nothing(taillog_stage: Stage) -> None:
    """The same of a source that is the destination, too."""
    path = taillog_stage.folder / taillog_stage.words.file_name()
    run = taillog_stage.open(interval=FAST_INTERVAL, paths={"a": path}, dst=str(path))
    _looks_open_nothing({"a source that is the destination": run})


def _looks_open_nothing(runs: Mapping[str, Run]) -> None:
    started = {at: run for at, run in runs.items() if run.attempt_start(placed=False) is None}
    if not started:
        raise NotApplicable("start() refuses the source; whether it may is not asked here")
    run, *_ = started.values()
    run.quiet()
    first = len(descriptors())
    run.looks(LOOKS_AT_A_FAULT)
    second = len(descriptors())
    for each in started.values():
        with suppress(TailerRaised):  # that is ERR-3's matter, too
            each.stop()
    if second - first > SLACK:
        raise run.failure(
            f"the descriptors in use grow with the looks at {', '.join(started)}",
            expected=f"about {first} after {LOOKS_AT_A_FAULT} looks",
            got=f"{second}",
        )


IN_WORDS = {"blocks": "memory blocks", "mebibytes": "mebibytes of memory"}

IDLE_INTERVAL = 0.05
"""Seconds between the looks of a tailer that is to idle: what it does at a look takes a small part of them."""

IDLE_LOOKS = 2
"""Intervals in which it is watched: one that spins shows itself in the first."""

MOST_PASSES = 40
"""Times a line of an idle tailer's code may be passed for one interval: it may wait in slices, or look at a few
things in turn; one that spins passes it thousands of times."""

WINDOWS = 4
"""Times that it is watched at the least if it seems to spin: a program may still be warming up."""

MOST_WINDOWS = 80
"""Times that it is watched if it has not slept yet: a program that starts on a very busy machine takes seconds."""

SOME_WORK = 0.001
"""Seconds that a thread has worked if it did anything."""

AWAKE = 0.3
"""Seconds of work without a pause that nobody needs who looks once an interval: a program's start takes fewer."""

MOST_OF_A_CORE = 0.5
"""Share of a core that an idle tailer may take before it counts as spinning."""


@requirement("RES-4")
def test_res_4_an_idle_tailer_does_not_spin(taillog_stage: Stage) -> None:
    """An idle tailer does not spin: its looks are about one an interval."""
    _idles(taillog_stage, taillog_stage.words.text() + "\n")


@requirement("RES-4")
def test_res_4_nor_does_one_that_holds_a_piece(taillog_stage: Stage) -> None:
    """The same while the end of a line is waited for, and a file, to which a link leads already."""

    def link_it_to_nothing(run: Run) -> None:
        # Of others there is one file alone, or each is made before start().
        if {"several-files", "missing-files", "from-start"} <= taillog_stage.adapter.capabilities:
            run["gone"].link()

    _idles(taillog_stage, f"{taillog_stage.words.text()}\n{taillog_stage.words.text()}", link_it_to_nothing)


@requirement("RES-4", needs=["several-files", "error-report"])
def test_res_4_nor_does_one_with_a_directory(taillog_stage: Stage) -> None:
    """The same where another source is a directory."""

    def make_it_a_directory(run: Run) -> None:
        run["gone"].path.mkdir()
        run.timeline.add("producer", "mkdir", "gone")

    try:
        _idles(taillog_stage, taillog_stage.words.text() + "\n", make_it_a_directory)
    except TailerHung:
        raise NotApplicable("a directory keeps the tailer from stopping, which is ERR-3's matter") from None


@requirement("RES-4", needs=["several-files"])
def test_res_4_nor_does_one_with_a_fifo(taillog_stage: Stage) -> None:
    """The same where another source is a FIFO without a writer."""

    def make_it_a_fifo(run: Run) -> None:
        os.mkfifo(run["gone"].path)
        run.timeline.add("producer", "mkfifo", "gone")

    try:
        _idles(taillog_stage, taillog_stage.words.text() + "\n", make_it_a_fifo)
    except TailerHung:
        raise NotApplicable("a FIFO without a writer blocks the tailer, which is SRC-3's matter") from None
    finally:
        # A tailer that is stuck in open() is let go, so that its thread does not outlive the check.
        os.close(os.open(taillog_stage.runs[-1]["gone"].path, os.O_RDWR | os.O_NONBLOCK))


def _idles(taillog_stage: Stage, text: str, prepare: Callable[[Run], None] = lambda run: None) -> None:
    counts_lines = "object" in taillog_stage.adapter.capabilities  # another one may have an interval of its own
    with LineCounter() as counter:
        files = "a gone" if "several-files" in taillog_stage.adapter.capabilities else "a"
        run = taillog_stage.open(files, interval=IDLE_INTERVAL)
        run["a"].append(text)
        prepare(run)
        if run.attempt_start() is not None:
            raise NotApplicable("start() refuses a source; whether it may is not asked here")
        run.settle()
        run.seen("a")
        run.quiet()
        threads = _work_and_sleeps_below()
        for window in range(1, MOST_WINDOWS + 1):
            counter.begin()
            before = _processor_seconds()
            run.looks(IDLE_LOOKS)
            cpu, awake = _processor_seconds() - before, _awake(threads)
            place, passes = counter.most() if counts_lines else ("", 0)
            busy = cpu > MOST_OF_A_CORE * IDLE_LOOKS * IDLE_INTERVAL or passes > MOST_PASSES * IDLE_LOOKS
            spins = awake > AWAKE or (busy and window >= WINDOWS)
            if spins or not (busy or awake):
                break
        with suppress(TailerRaised):  # for a source that is faulty, which is ERR-3's matter
            run.stop()
    if spins:
        raise run.failure(
            "an idle tailer spins",
            expected=f"about {IDLE_LOOKS} looks in {IDLE_LOOKS} intervals of {IDLE_INTERVAL} s",
            got=(f"{passes:,} passes of {place}, " if counts_lines else "")
            + f"{cpu:.2f} s of processor time"
            + (f"; a thread that worked for {awake:.2f} s without a pause" if awake else ""),
        )


def _processor_seconds() -> float:
    """Seconds of processor time that this process has had, and those below it that run."""
    return time.process_time() + cpu_ticks(family(os.getpid())[1:]) / os.sysconf("SC_CLK_TCK")


def _awake(before: Mapping[str, tuple[float, int]]) -> float:
    """Seconds for which one of those threads has worked since, and not slept once; 0.0 if that is next to nothing.

    On a busy machine what spins gets little time, and what does not may wait for long before it sleeps again.
    """
    after = _work_and_sleeps_below()
    worked = [
        after[thread][0] - seconds
        for thread, (seconds, sleeps) in before.items()
        if thread in after and after[thread][1] == sleeps
    ]
    return most if (most := max(worked, default=0.0)) >= SOME_WORK else 0.0


def _work_and_sleeps_below() -> dict[str, tuple[float, int]]:
    """What `readings` tells of the threads of the processes below this one."""
    return readings.work_and_sleeps(family(os.getpid())[1:])


FEW, MANY = 4, 36
THREADS_SLACK = 12
"""Threads by which the many may exceed the few: a pool of bounded size is no growth."""


@requirement("RES-5", needs=["object", "several-files"])
def test_res_5_threads_do_not_grow_with_the_files(taillog_stage: Stage) -> None:
    """Threads do not grow with the number of files."""
    counts = []
    for number in (FEW, MANY):
        run = taillog_stage.open([f"f{index}" for index in range(number)])
        for file in run.files.values():
            file.append(taillog_stage.words.word() + "\n")
        before = len(living())
        run.start()
        run.settle()
        counts.append(len(living()) - before)
        run.stop()
        run.close()
    if counts[1] - counts[0] > THREADS_SLACK:
        raise run.failure(
            "the threads grow with the number of files",
            expected=f"about {counts[0]}, as with {FEW} files",
            got=f"{counts[1]} with {MANY} files",
        )


BACKLOG = 24 * 2**20
"""Bytes of backlog: well above what a tailer may keep in blocks of its own."""

DRAINS_A_BACKLOG_WITHIN = 5.0
"""Seconds after which the check is given up: a tailer of average speed takes a tenth of one."""

LONG_LINE = 2_000
"""Characters of each of its lines: few lines are soon told apart, and still nothing beside the backlog."""

MAY_GROW = 14 * 2**20
"""Bytes by which the peak may grow: a few blocks of a megabyte and their texts, and far below the backlog."""


MAPPED_LOOKS_EVERY = 0.001
"""Seconds between two looks at how much is mapped: a tailer takes some tenths of one for the backlog."""


def _own_peak() -> int:
    """The most bytes that this process has held since readings.forget_peak()."""
    if peak := readings.peak_memory([os.getpid()]):
        return peak
    raise NotRun("this system does not show a process its peak memory in /proc/self/status")


@contextmanager
def _peak_of_mapped() -> Iterator[Callable[[], int]]:
    """Bytes by which the process's mapped files grew meanwhile at the most, as far as was seen in a thread's looks."""
    own = [os.getpid()]
    before = most = readings.mapped_memory(own)

    def look() -> bool:
        nonlocal most
        most = max(most, readings.mapped_memory(own))
        return True

    with watched(look, MAPPED_LOOKS_EVERY):
        yield lambda: most - before


@requirement("RES-6", needs=["object", "destination-path"])
def test_res_6_memory_is_bounded_by_the_longest_line(taillog_stage: Stage) -> None:
    """Memory is bounded by the longest line, not by the backlog; a mapped file is no memory of the tailer's."""
    _own_peak()
    out = taillog_stage.folder / taillog_stage.words.file_name()
    run = taillog_stage.open(dst=str(out))
    text = f"{taillog_stage.words.text()} {'x' * LONG_LINE}\n".encode()
    block = text * (2**16 // len(text))
    with run["a"].path.open("wb") as file:
        for _ in range(BACKLOG // len(block)):
            file.write(block)

    def part(send: Callable[[Any], None]) -> None:
        tailer = run.make()
        # The peak that the fork inherited says nothing: forget it.
        readings.forget_peak([os.getpid()])
        before = _own_peak()
        with _peak_of_mapped() as mapped:
            tailer.start()
            tailer.stop()
        send(_own_peak() - before - mapped())

    ended = in_a_process(part, DRAINS_A_BACKLOG_WITHIN * taillog_stage.clocks.scale)
    come = out.stat().st_size if out.exists() else 0
    if not ended.by_itself:
        raise NotRun(
            f"of a backlog of {BACKLOG / 2**20:.0f} MiB only {come / 2**20:.1f} MiB had come after "
            f"{DRAINS_A_BACKLOG_WITHIN:g} s: too slow for its memory to be judged by it"
        )
    if not ended.answers:
        raise run.failure(
            f"a backlog of {BACKLOG // 2**20} MiB was not delivered by stop()",
            expected="stop() returns",
            got=ended.told,
        )
    if come < run["a"].size():
        raise NotRun(
            f"of a backlog of {BACKLOG / 2**20:.0f} MiB only {come / 2**20:.1f} MiB came, by which nothing is said of "
            "its memory"
        )
    if ended.answers[0] > MAY_GROW:
        raise run.failure(
            f"the peak of memory grew by {ended.answers[0] / 2**20:.0f} MiB for a backlog of {BACKLOG // 2**20} MiB",
            expected=f"{MAY_GROW // 2**20} MiB at most, the longest line having {len(text)} bytes",
            got=f"{ended.answers[0] / 2**20:.0f} MiB",
        )


SOURCES = 24
SPARE = 8
"""Descriptors that are left for them: a tailer that keeps its sources open runs out."""

ALLOWED_LATER = 512


@requirement("RES-7", needs=["object", "several-files", "error-report", "from-start"])
def test_res_7_running_out_of_descriptors_is_survived(taillog_stage: Stage) -> None:
    """When descriptors run out it is reported, the files already open go on, and the rest are taken up later."""
    clocks = taillog_stage.clocks
    run = taillog_stage.open([f"f{number}" for number in range(SOURCES)])
    words = [taillog_stage.words.word() for _ in range(2 * SOURCES)]
    for file, word in zip(run.files.values(), words, strict=False):
        file.append(word + "\n")

    def came(wanted: list[str]) -> list[str]:
        text = run.all_text()
        return [word for word in wanted if word in text]

    def part(send: Callable[[Any], None]) -> None:
        run.make()
        in_use = len(os.listdir(DESCRIPTORS))
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (in_use + SPARE, most))
        try:
            run.start()
        finally:
            run.wait_long(lambda: len(came(words[:SOURCES])) == SOURCES or bool(run.reports))
            first = came(words[:SOURCES])
        # The producers' descriptors are open already: they can write on.
        for file, word in zip(run.files.values(), words[SOURCES:], strict=True):
            file.append(word + "\n")
        lucky = [words[SOURCES + words.index(word)] for word in first]
        run.wait_long(lambda: len(came(lucky)) == len(lucky))
        went_on = len(came(lucky))
        reported = bool(run.reports)
        for pid in family(os.getpid()):
            with suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_NOFILE, (min(ALLOWED_LATER, most), most))
        run.wait_long(lambda: len(came(words)) == len(words))
        send((len(first), went_on, reported, len(came(words))))
        run.stop()

    descriptors()
    ended = in_a_process(part, clocks.over_all)
    if not ended.answers:
        raise run.failure(
            "a tailer that ran out of descriptors came to an end, or stood still",
            expected="it goes on with the files that are open",
            got=ended.told,
        )
    first, went_on, reported, in_all = ended.answers[0]
    got = f"{first} of {SOURCES} files at first, {went_on} of these went on, {in_all} of {2 * SOURCES} lines in the end"
    if first < SOURCES and not reported:
        raise run.failure("running out of descriptors was not reported", expected="a report", got=got)
    if went_on < first:
        raise run.failure("files that were open already did not go on", expected="they go on", got=got)
    if in_all < 2 * SOURCES:
        raise run.failure(
            "files that could not be opened were not taken up when descriptors were to be had again",
            expected=f"all {2 * SOURCES} lines",
            got=got,
        )
