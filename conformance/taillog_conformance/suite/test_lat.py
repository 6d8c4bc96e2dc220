"""LAT: promptness."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ..stage import Stage
from ._registry import requirement


@requirement("LAT-1")
def test_lat_1_a_line_waits_for_no_other(taillog_stage: Stage) -> None:
    """A line reaches dst while the tailer runs, without waiting for more lines or for stop()."""
    run = taillog_stage.open()
    run["a"].append(taillog_stage.words.text() + "\n")
    run.start()
    run.must_deliver()
    for _ in range(2):
        run["a"].append(taillog_stage.words.text() + "\n")
        run.must_deliver()
    run.stop()


@requirement("LAT-1", needs=["destination-path"])
def test_lat_1_a_line_reaches_a_file_at_once(taillog_stage: Stage) -> None:
    """The same with a path as destination: whoever reads the file sees the line while the tailer runs."""
    run = taillog_stage.open(dst=str(taillog_stage.folder / taillog_stage.words.file_name()))
    run["a"].append(taillog_stage.words.text() + "\n")
    run.start()
    run.must_deliver()
    run["a"].append(taillog_stage.words.text() + "\n")
    run.must_deliver()
    run.stop()


BLOCKS = (4096, 8192, 65536, 262_144, 1_048_576)
"""Bytes that fill a reader's block to the last: the usual sizes."""


@requirement("LAT-1")
def test_lat_1_a_full_block_waits_for_no_other(taillog_stage: Stage) -> None:
    """The same of lines that fill a reader's block exactly, so that its read is not a short one."""
    run = taillog_stage.open()
    run["a"].create()
    run.start()
    for size in BLOCKS:
        line = f"{taillog_stage.words.word()} {size} ".ljust(1023, "x") + "\n"
        run["a"].append(line * (size // len(line)))
        run.must_deliver()
    run.stop()


LONG_LINES, LONG_LINE = 256, 10_240
"""Lines, and the bytes of each, that no reader takes at once: it has to go on by itself. They are long, so that they
are few: some tailers pause after each line."""


@requirement("LAT-1")
def test_lat_1_a_long_backlog_waits_for_no_other(taillog_stage: Stage) -> None:
    """The same of more lines at once than a reader takes in one look: the last of them wait for nothing else."""
    run = taillog_stage.open()
    run["a"].create()
    run.start()
    line = f"{taillog_stage.words.word()} ".ljust(LONG_LINE - 1, "x") + "\n"
    run["a"].append(line * LONG_LINES)
    run.must_deliver()
    run.stop()


LINES = 5
"""Lines of which the median counts: two of them may be late by accident."""
INTERVAL = 0.05
"""Seconds between looks: far above what a line takes on its way, so that the looks decide."""
LOOKS = 2


@contextmanager
def machine_noise() -> Iterator[list[float]]:
    """Notes, in seconds, by how much the machine oversleeps meanwhile."""
    nap = 0.005
    late: list[float] = []
    done = threading.Event()

    def sleep() -> None:
        while not done.is_set():
            began = time.monotonic()
            time.sleep(nap)
            late.append(time.monotonic() - began - nap)

    sleeper = threading.Thread(target=sleep, name="conformance-noise", daemon=True)
    sleeper.start()
    try:
        yield late
    finally:
        done.set()
        sleeper.join()


@requirement("LAT-2", needs=["object"])
def test_lat_2_a_line_takes_two_intervals_at_most(taillog_stage: Stage) -> None:
    """It does so within two intervals (plus the machine's measured noise): in the median of some lines."""
    run = taillog_stage.open(interval=INTERVAL)
    run["a"].create()
    run.start()
    took = []
    with machine_noise() as late:
        for _ in range(LINES):
            time.sleep((1 + taillog_stage.words.random.random()) * INTERVAL)  # one look at least finds nothing
            began = time.monotonic()
            run["a"].append(taillog_stage.words.text() + "\n")
            run.must_deliver()
            took.append(time.monotonic() - began)
    run.stop()
    median, bound = statistics.median(took), LOOKS * INTERVAL + max(late)
    if median > bound:
        raise run.failure(
            f"of {LINES} lines, the median took {median:.3f} s to be delivered",
            expected=f"{bound:.3f} s at most: {LOOKS} intervals of {INTERVAL} s and the noise of the machine",
            got=f"{median:.3f} s",
        )
