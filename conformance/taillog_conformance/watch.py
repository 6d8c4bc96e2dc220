"""The watch from outside over the processes of the checks: what nothing in a process can end, the one over it ends.

A process whose check goes on gives signs of life, as long as its own timer lets it live. One that gives none for longer
than that has lost its timer, or was stopped, and is killed with all below it. What it had begun itself falls to this
process when it ends, and is killed too: it may hold the pipe open by whose end the other's is known.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from . import last_words
from .clocks import RunningClock
from .offsets import children
from .strays import end_family, end_orphans, is_stopped

LOOKS_EVERY = 0.5
"""Seconds between two looks."""

MARGIN = 15.0
"""Seconds that a process gets beyond its own timer, which knows better where it stands: that takes milliseconds."""


@dataclass
class _Sign:
    """The last sign of life that was seen of a process, and the seconds since."""

    at: tuple[str, int]
    silent: float = 0.0


class Watch:
    """Looks at the processes `workers`, which give their signs of life in `folder`; this one has no other children."""

    def __init__(self, folder: Path) -> None:
        self.workers: set[int] = set()
        self._folder = folder
        self._signs: dict[int, _Sign] = {}
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="conformance-watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """It looks at nothing meanwhile: a child that is none of the workers yet is no orphan."""
        with self._lock:
            yield

    def _run(self) -> None:
        clock, last = RunningClock(2 * LOOKS_EVERY), 0.0
        while not self._done.wait(LOOKS_EVERY):
            now = clock()
            self._look(now - last)
            last = now

    def _look(self, passed: float) -> None:
        signs = last_words.signs(self._folder)
        self._signs = {pid: sign for pid, sign in self._signs.items() if pid in signs}
        with self._lock:
            below = set(children(os.getpid()))
            for pid, (words, silent, at) in signs.items():
                before = self._signs.get(pid)
                if before is None or before.at != (words.name, at):
                    self._signs[pid] = _Sign((words.name, at))
                    continue
                before.silent += passed
                # One that was stopped has no timer that could end it, and no load keeps it from going on.
                own = 0.0 if is_stopped(pid) else silent * last_words.crowding()
                if before.silent > own + MARGIN and pid in self.workers & below:
                    before.silent = 0.0
                    with suppress(OSError):
                        last_words.came_to_a_stand(words)
                    end_family(pid)
            if below - self.workers:
                end_orphans(self.workers)
