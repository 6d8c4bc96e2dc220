"""The measures: each point is taken once a run, of one subject, in a folder of its own."""

from __future__ import annotations

import os
import random
import select
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .. import readings
from .subject import LOOKS_EVERY, MOVES_WITHIN, Failed, Hosted, Subject, Tailing, Task, size, until

MEGABYTE = 1e6
MEBIBYTE = 2**20
MILLISECONDS = 1e3

LINE_SIZE = 109
"""Bytes of a line of the backlogs, its newline included: what a line of a service's log has, about."""

FIRST_KEY = 1000
"""The first file's key: all keys have as many digits, and so all default headers the same length."""

LAST_LINES_WITHIN = 0.5
"""Seconds after which the last lines are not awaited any more: they may be in a buffer that is flushed at stop()."""

STARTS_WITHIN = 1.0
"""Seconds that a tailer gets to take up an empty file, before its memory is looked at."""

BUFFERED = 16 * 1024
"""Bytes at the end of a backlog that are not awaited, but must be there after stop(): a text stream and the buffer
below it hold so many back if nobody flushes them."""

SETTLES_FOR = 2.5
"""Seconds that a tailer gets before it counts as idle: some look more closely at a file that changed lately."""

IDLE_FOR = 3.0
"""Seconds for which an idle tailer is watched."""

LINE_WITHIN = 5.0
"""Seconds in which a line has to come: longer than any program's interval."""

PAUSE = 0.12
"""Most seconds between two lines of the latency: longer than the interval, so that they meet it at any of its times."""

COPY_BLOCK = 4 * MEBIBYTE

Values = Mapping[str, float | list[float]]
"""What one run of a point came to, by metric."""


@dataclass(frozen=True)
class Metric:
    """A number that a measure gives."""

    name: str
    unit: str
    more_is_better: bool = False


THROUGHPUT = Metric("throughput", "MB/s", more_is_better=True)
CPU = Metric("processor time", "s/GB")
LATENCY = Metric("latency", "ms")
IDLE = Metric("idle", "% of a core")
WAKEUPS = Metric("wake-ups", "/s")
THREADS = Metric("threads, the main one among them", "")
MEMORY = Metric("memory", "MiB")
GROWTH = Metric("memory above the start", "MiB")
TAKEN_UP = Metric("all files taken up after", "ms")
STOP = Metric("stop", "ms")


@dataclass(frozen=True)
class Sizes:
    """How much the measures take; the defaults give figures in some minutes."""

    lines: int = 1_000_000
    latencies: int = 50
    backlog: int = 256 * MEBIBYTE
    long_line: int = 64 * MEBIBYTE


@dataclass(frozen=True)
class Bench:
    """Where the points are taken."""

    folder: Path
    sizes: Sizes
    random: random.Random
    headers: dict[str, int]
    """Bytes that each subject puts before a line, by label: see `header_size`."""


@dataclass(frozen=True)
class Point:
    """One point of a measure."""

    measure: str
    label: str
    metrics: tuple[Metric, ...]
    take: Callable[[Bench, Subject], Values]


def line(number: int) -> bytes:
    """A line of LINE_SIZE bytes."""
    return (b"%012d line of a log, with a time, a level and a module's name " % number).ljust(
        LINE_SIZE - 1, b"."
    ) + b"\n"


def write_backlog(path: Path, lines: int) -> int:
    """Write so many lines; how many bytes they have."""
    block = b"".join(line(number) for number in range(min(lines, COPY_BLOCK // LINE_SIZE)))
    left = lines * LINE_SIZE
    with path.open("wb") as file:
        while left:
            left -= file.write(block[:left])
    return lines * LINE_SIZE


def files_in(folder: Path, count: int) -> dict[int, Path]:
    """Paths for so many files, by key."""
    return {FIRST_KEY + number: folder / f"{number}.log" for number in range(count)}


@contextmanager
def launched(subject: Subject, task: Task) -> Iterator[Tailing]:
    """A tailer that is there meanwhile, whatever happens."""
    tailing = subject.launch(task)
    try:
        yield tailing
    finally:
        tailing.close()


def header_size(folder: Path, subject: Subject) -> int:
    """Bytes that the subject puts before a line; by that it has shown that it can be measured at all.

    Raises:
        Failed: one line did not come.
    """
    files = files_in(folder, 1)
    (path,) = files.values()
    path.write_bytes(line(0))
    with launched(subject, Task(files, folder / "out")) as tailing:
        tailing.start()
        _come(tailing, LINE_SIZE)
        tailing.stop()
        (out,) = tailing.outputs()
        if not out.exists():
            raise Failed("it made no file at the path that was given (it takes a stream? --without destination-path)")
        came = out.read_bytes()
    if not came.endswith(line(0)) or came.count(b"\n") != 1:
        raise Failed(f"of one line of {LINE_SIZE} bytes, {len(came)} bytes came")
    return len(came) - LINE_SIZE


def _come(tailing: Tailing, wanted: int) -> None:
    """Wait until so many bytes have come, or for as long as the last of them may take once some have."""
    began = time.monotonic()
    while (now := size(tailing)) < wanted and time.monotonic() - began < (LAST_LINES_WITHIN if now else MOVES_WITHIN):
        time.sleep(LOOKS_EVERY)


# Throughput.


def _moved(bench: Bench, subject: Subject, task: Task, lines: int, header: int) -> Values:
    """Have the files' lines moved; how fast that went."""
    wanted = lines * (LINE_SIZE + header)
    with launched(subject, task) as tailing:
        before = readings.cpu_seconds(tailing.pids())
        began = time.perf_counter()
        tailing.start()
        if task.sink == "memory":
            assert isinstance(tailing, Hosted)
            took = tailing.wait(wanted)
        else:
            until(tailing, wanted - BUFFERED)
            took = time.perf_counter() - began
        spent = readings.cpu_seconds(tailing.pids()) - before
        if task.sink != "memory":
            _come(tailing, wanted)
        tailing.stop()
        if task.sink != "memory" and (came := size(tailing)) != wanted:
            raise Failed(f"{came:,} bytes came in place of {wanted:,}")
    moved = lines * LINE_SIZE
    return {THROUGHPUT.name: moved / took / MEGABYTE, CPU.name: spent / moved * 1e9}


def throughput(
    lines: int | None = None, files: int = 1, sink: str = "file", prefix: str | None = None, keep: bool = False
) -> Callable[[Bench, Subject], Values]:
    """Point: a backlog of `lines` (by default the bench's) in so many files, all there before start()."""

    def take(bench: Bench, subject: Subject) -> Values:
        for needed, capability in ((prefix, "prefix"), (keep, "filter"), (sink == "memory", "stream")):
            if needed and capability not in subject.capabilities:
                raise Failed(f"it has no {capability}")
        each = (lines or bench.sizes.lines) // files
        found = files_in(bench.folder, files)
        for path in found.values():
            write_backlog(path, each)
        prefixes = dict.fromkeys(found, prefix) if prefix else None
        header = len(prefix) if prefix else bench.headers[subject.label]
        task = Task(found, bench.folder / "out", sink=sink, prefixes=prefixes, keep=keep)
        return _moved(bench, subject, task, each * files, header)

    return take


# Latency.


def latency(files: int) -> Callable[[Bench, Subject], Values]:
    """Point: single lines, at random times, into one of so many files that are followed; until each has come."""

    def take(bench: Bench, subject: Subject) -> Values:
        found = files_in(bench.folder, files)
        for path in found.values():
            path.touch()
        reading, writing = os.pipe()
        try:
            with launched(subject, Task(found, bench.folder / "out", sink="pipe", pipe=writing)) as tailing:
                tailing.start()
                paths = list(found.values())
                for path in paths:  # all are followed, then
                    _took(path, reading)
                took = []
                for _ in range(bench.sizes.latencies):
                    time.sleep(bench.random.random() * PAUSE)
                    took.append(_took(bench.random.choice(paths), reading))
                tailing.stop()
        finally:
            os.close(reading)
            os.close(writing)
        return {LATENCY.name: [seconds * MILLISECONDS for seconds in took]}

    return take


def _took(path: Path, reading: int) -> float:
    fd = os.open(path, os.O_WRONLY | os.O_APPEND)
    try:
        began = time.perf_counter()
        os.write(fd, line(0))
        came = b""
        while not came.endswith(line(0)):
            if not select.select([reading], [], [], LINE_WITHIN)[0]:
                raise Failed(f"a line did not come within {LINE_WITHIN:g} s")
            came += os.read(reading, COPY_BLOCK)
        return time.perf_counter() - began
    finally:
        os.close(fd)


# At rest.


def at_rest(files: int) -> Callable[[Bench, Subject], Values]:
    """Point: so many files of one line that nobody writes to, at the default interval; then stop()."""

    def take(bench: Bench, subject: Subject) -> Values:
        found = files_in(bench.folder, files)
        for path in found.values():
            path.write_bytes(line(0))
        with launched(subject, Task(found, bench.folder / "out")) as tailing:
            began = time.perf_counter()
            tailing.start()
            wanted = files * (LINE_SIZE + bench.headers[subject.label])
            until(tailing, max(wanted - BUFFERED, 0))
            taken_up = time.perf_counter() - began
            time.sleep(SETTLES_FOR)
            pids = tailing.pids()
            before = (readings.cpu_seconds(pids), readings.wakeups(pids), time.perf_counter())
            time.sleep(IDLE_FOR)
            after = (readings.cpu_seconds(pids), readings.wakeups(pids), time.perf_counter())
            cpu, woken, seconds = (later - earlier for earlier, later in zip(before, after, strict=True))
            values = {
                IDLE.name: cpu / seconds * 100,
                WAKEUPS.name: woken / seconds,
                THREADS.name: readings.threads(pids),
                MEMORY.name: readings.memory(pids) / MEBIBYTE,
                TAKEN_UP.name: taken_up * MILLISECONDS,
            }
            return values | {STOP.name: tailing.stop() * MILLISECONDS}

    return take


# Memory.


def memory(what: str) -> Callable[[Bench, Subject], Values]:
    """Point: how far the peak of memory rises when a "backlog" of lines, or a "long line", comes to an idle tailer."""

    def take(bench: Bench, subject: Subject) -> Values:
        found = files_in(bench.folder, 1)
        (path,) = found.values()
        path.touch()
        more = bench.folder / "more"
        if what == "backlog":
            write_backlog(more, bench.sizes.backlog // LINE_SIZE)
        else:
            with more.open("wb") as file:
                for _ in range(bench.sizes.long_line // MEBIBYTE):
                    file.write(b"x" * MEBIBYTE)
                file.write(b"\n")
        with launched(subject, Task(found, bench.folder / "out")) as tailing:
            tailing.start()
            time.sleep(STARTS_WITHIN)
            pids = tailing.pids()
            before = readings.memory(pids)
            readings.forget_peak(pids)
            with more.open("rb") as source, path.open("ab") as file:
                while block := source.read(COPY_BLOCK):
                    file.write(block)
            until(tailing, more.stat().st_size - BUFFERED)
            peak = readings.peak_memory(pids)
            tailing.stop()
        return {GROWTH.name: (peak - before) / MEBIBYTE}

    return take


def points(sizes: Sizes) -> list[Point]:
    """All points, in the order in which they are taken and shown."""
    fast = (THROUGHPUT, CPU)
    rest = (IDLE, WAKEUPS, THREADS, MEMORY, TAKEN_UP, STOP)
    return [
        Point("throughput", "into a file", fast, throughput()),
        Point("throughput", "prefix of its own", fast, throughput(prefix="[worker 7][7]: ")),
        Point("throughput", "with a filter", fast, throughput(keep=True)),
        Point("throughput", "into a StringIO", fast, throughput(sink="memory")),
        *(Point("files", str(count), fast, throughput(files=count)) for count in (1, 8, 64, 512)),
        *(Point("backlog", f"{lines}", fast, throughput(lines)) for lines in _backlogs(sizes.lines)),
        *(Point("latency", _counted(count), (LATENCY,), latency(count)) for count in (1, 256)),
        *(Point("rest", _counted(count), rest, at_rest(count)) for count in (1, 1000)),
        Point("memory", f"{sizes.backlog // MEBIBYTE} MiB of backlog", (GROWTH,), memory("backlog")),
        Point("memory", f"a line of {sizes.long_line // MEBIBYTE} MiB", (GROWTH,), memory("long line")),
    ]


def _counted(files: int) -> str:
    return f"{files} file" if files == 1 else f"{files} files"


def _backlogs(lines: int) -> list[int]:
    return sorted({max(lines // 100, 1), max(lines // 10, 1), lines})


MEASURES = ("throughput", "files", "backlog", "latency", "rest", "memory")
"""What can be asked for alone."""
