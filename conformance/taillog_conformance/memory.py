"""Memory that a tailer may take in a check, and who looks at it: without a bound, the system would end the run."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

MEMORY = 2**30
"""Bytes by which a process may grow in one check: forty times the largest backlog of the suite."""

LOOKS_EVERY = 0.1
"""Seconds between two looks at this process's own size: what is taken in between has to fit beside the bound."""

RESIDENT = 1
"""The place of the resident pages in /proc/PID/statm."""


def resident(pid: int | None = None) -> int | None:
    """Bytes that a process (this one, without `pid`) has in memory; None where the system does not tell."""
    try:
        with open(f"/proc/{pid or 'self'}/statm", encoding="ascii") as statm:
            return int(statm.read().split()[RESIDENT]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return None


def in_mebibytes(size: float) -> str:
    return f"{size / 2**20:,.0f} MiB"


@contextmanager
def watched(look: Callable[[], bool], every: float) -> Iterator[None]:
    """Call `look` meanwhile every so many seconds, in another thread, for as long as it answers True."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(every) and look():
            pass

    watcher = threading.Thread(target=watch, name="conformance-memory", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


@contextmanager
def bounded_memory(most: float, outgrown: Callable[[], None]) -> Iterator[None]:
    """Call `outgrown`, in another thread, once this process has grown by more than `most` bytes."""
    before = resident()
    if before is None:
        yield
        return

    def fits() -> bool:
        if (resident() or 0) - before <= most:
            return True
        gc.collect()  # a check makes many tailers, and what is left of them may wait for this
        if (resident() or 0) - before <= most:
            return True
        outgrown()
        return False

    with watched(fits, LOOKS_EVERY):
        yield
