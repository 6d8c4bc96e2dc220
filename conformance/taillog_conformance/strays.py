"""Processes that a tailer leaves behind: found though they have left their parents, and ended when the run is over.

Not before: a tailer may well keep a helper for all its objects.
"""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from .offsets import family

ADOPTS = 36
"""PR_SET_CHILD_SUBREAPER of prctl(2): orphans below this process fall to it, and not to the system's first process."""

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
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return Process(pid, fields[STARTED])


@contextmanager
def adopting() -> Iterator[set[Process]]:
    """Orphans below this process fall to it meanwhile; the set holds the processes that were new, once this is over."""
    left: set[Process] = set()
    before = below()
    _adopt(True)
    try:
        yield left
    finally:
        _adopt(False)
        left |= below() - before


def _adopt(on: bool) -> None:
    with suppress(AttributeError, OSError):  # another system
        ctypes.CDLL(None).prctl(ADOPTS, int(on), 0, 0, 0)


def end(processes: Iterable[Process]) -> None:
    """Kill those of the processes that still are, and bury those that are this one's children."""
    for process in processes:
        if _process(process.id) == process:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process.id, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(process.id, 0)
