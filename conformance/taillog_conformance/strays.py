"""Processes that a tailer leaves behind: found though they have left their parents, and ended when the run is over.

Not before: a tailer may well keep a helper for all its objects.
"""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Set
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .offsets import children, family

ADOPTS, IS_ADOPTING = 36, 37
"""PR_SET_CHILD_SUBREAPER of prctl(2), and PR_GET_...: orphans below this process fall to it, and not to the system's
first process."""

STARTED = 19
"""The place of a process's start time after its name in /proc/PID/stat."""


@dataclass(frozen=True)
class Process:
    """A process, told apart from a later one of the same id by when it began."""

    id: int
    began: str


def below() -> frozenset[Process]:
    """All processes below this one, as far as the system tells."""
    found = (_process(pid) for pid in family(os.getpid())[1:])
    return frozenset(process for process in found if process is not None)


def _process(pid: int) -> Process | None:
    fields = _stat(pid)
    return Process(pid, fields[STARTED]) if fields else None


def is_stopped(pid: int) -> bool:
    """Whether the process was stopped, as SIGSTOP does it; not by a debugger."""
    return _stat(pid)[:1] == ["T"]


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on; none where there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


class Left(set[Process]):
    """Processes that were left behind; `before` are those that were there before."""

    def __init__(self) -> None:
        super().__init__()
        self.before = below()


@contextmanager
def adopting() -> Iterator[Left]:
    """Orphans below this process fall to it meanwhile; the set holds the processes that were new, once this is over."""
    left = Left()
    try:
        with _adopted():
            yield left
    finally:
        left |= below() - left.before


@contextmanager
def _adopted() -> Iterator[None]:
    already = ctypes.c_int(0)
    _prctl(IS_ADOPTING, ctypes.byref(already))
    _prctl(ADOPTS, 1)
    try:
        yield
    finally:
        _prctl(ADOPTS, already.value)


def _prctl(option: int, argument: Any) -> None:
    with suppress(AttributeError, OSError):  # another system
        ctypes.CDLL(None).prctl(option, argument, 0, 0, 0)


QUIET_ROUNDS = 6
"""Looks in a row that find no new process, after which there is none: one may fall to this one between two reads,
and three looks were seen to miss it on a busy machine."""

SWEEPS_WITHIN = 5.0
"""Seconds that a sweep goes on at the most; it takes milliseconds, but where processes are begun without end."""

LOOKS_EVERY = 0.01
"""Seconds between two looks of a sweep."""


def end(left: Left) -> None:
    """Kill all that are below this process and were not before, and bury them."""
    if left:
        _sweep(lambda: below() - left.before)


def end_these(processes: Iterable[Process]) -> None:
    """Kill those of the processes that still are, with all below them, and bury those that are this one's children."""
    roots = {process for process in processes if _process(process.id) == process}
    if roots:
        _sweep(lambda: roots.union(*(_family(process.id) for process in roots)))


def end_family(pid: int) -> None:
    """Kill the process with this id and all below it; its parent, which has to know its status, buries it."""
    root = _process(pid)
    _sweep(lambda: _family(pid), spare=frozenset() if root is None else {root})


def end_orphans(workers: Set[int]) -> None:
    """Kill all processes below this one that are neither of the workers nor below one of them, and bury them."""

    def orphans() -> frozenset[Process]:
        return frozenset().union(*map(_family, set(children(os.getpid())) - workers))

    _sweep(orphans)


def _family(pid: int) -> frozenset[Process]:
    found = (_process(each) for each in family(pid))
    return frozenset(process for process in found if process is not None)


def _sweep(found: Callable[[], Set[Process]], spare: Set[Process] = frozenset()) -> None:
    """Kill what `found` finds, again and again; those of `spare` are not buried.

    One that forks itself anew and ends is another one by the time that it is killed. So each is held first, and all
    are killed once there is no new one.
    """
    held: set[Process] = set()
    quiet = 0
    ends = time.monotonic() + SWEEPS_WITHIN
    with _adopted():
        while quiet < QUIET_ROUNDS and time.monotonic() < ends:
            new = found() - held
            for process in new:
                _signal(process, signal.SIGSTOP)
            _bury(new - spare, os.WNOHANG)  # of many dead ones each look would take longer than the living need to move
            held |= new
            quiet = 0 if new else quiet + 1
            time.sleep(LOOKS_EVERY)
        for process in held:
            _signal(process, signal.SIGKILL)
        _bury(held - spare, 0)


def _signal(process: Process, number: int) -> None:
    if _process(process.id) == process:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(process.id, number)


def _bury(processes: Iterable[Process], options: int) -> None:
    for process in processes:
        with suppress(ChildProcessError):
            os.waitpid(process.id, options)
