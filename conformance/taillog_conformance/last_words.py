"""What is known of a check whose process has to end, or ends: kept in a file, for the process that reports.

A file is made when a check begins and removed when it is over, so what is found after a process has ended is of the
check in which it did. It holds a result, or the stacks that the interpreter's own fault handler wrote down.
"""

from __future__ import annotations

import faulthandler
import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Self

REARMED_EVERY = 1.0
"""Seconds between two settings of the timer: each starts a thread."""

TIMED_OUT = "Timeout ("
"""How a dump begins that was made because the time was up."""

_now, _touch, _load = time.monotonic, os.utime, getattr(os, "getloadavg", lambda: (0.0, 0.0, 0.0))
"""As they are before a tailer puts others in their places."""


CROWDED = 8.0
"""Processes that want to run for each processor: with more of them each waits so long for its turn that it counts."""


def crowding() -> float:
    """By how many times a process may be silent for longer, as the machine has more to do than it can: 1 or more."""
    with suppress(OSError):  # the system cannot tell
        return max(1.0, _load()[0] / (CROWDED * (os.cpu_count() or 1)))
    return 1.0


class LastWords:
    """The file of a check, and a timer that ends the process, from C, where no Python code can.

    The process is ended once `alive()` has not been called for `silent` seconds, or more on a crowded machine; the
    stacks of its threads are then in the file. `expired` is called by the first `alive()` that comes `within` seconds
    or more after the check began.

    Each time that the timer is set the file is touched: a sign of life for the process that watches this one.
    """

    def __init__(
        self, folder: Path, check: str, *, within: float, silent: float, expired: Callable[[], object]
    ) -> None:
        self._path = _path(folder, check)
        self._ends = _now() + within
        self._expired = expired
        self._silent = silent
        self._set = 0.0
        self._pid = os.getpid()
        self._sign = self._path.with_name(f"{self._pid}-{silent:.0f}")
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._path.open("wb", buffering=0)
        faulthandler.enable(self._file)
        self._sign.unlink(missing_ok=True)
        self._sign.symlink_to(self._path.name)
        self.alive()
        return self

    def __exit__(self, *_: object) -> None:
        faulthandler.cancel_dump_traceback_later()
        faulthandler.disable()
        if self._file is not None:
            self._file.close()
        if os.getpid() == self._pid:
            self._sign.unlink(missing_ok=True)
            self._path.unlink(missing_ok=True)

    def alive(self) -> None:
        """The check goes on: set the timer anew."""
        now = _now()
        if now - self._set > REARMED_EVERY and self._file is not None and os.getpid() == self._pid:
            self._set = now
            faulthandler.dump_traceback_later(self._silent * crowding(), exit=True, file=self._file)
            with suppress(OSError):  # the tailer has removed it
                _touch(self._path)
            if now > self._ends:
                self._expired()

    def write(self, row: Mapping[str, Any]) -> None:
        """Leave a result."""
        if os.getpid() == self._pid:
            self._path.write_text(json.dumps(row), encoding="utf-8")


def read(folder: Path, check: str) -> Mapping[str, Any] | str:
    """The result that was left of a check, or a dump of stacks; '' if nothing was."""
    try:
        text = _path(folder, check).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    if not text.startswith("{"):
        return text
    try:
        row: Mapping[str, Any] = json.loads(text)
    except ValueError:  # it could not be written whole
        return ""
    return row


def signs(folder: Path) -> dict[int, tuple[Path, float, int]]:
    """The signs of life of the processes that are at a check now, by their ids: the file of its last words, for how
    many seconds it may be silent, and when it last was not, in nanoseconds of no clock in particular."""
    found = {}
    with suppress(OSError):
        for sign in (folder / FOLDER).iterdir():
            pid, dash, silent = sign.name.partition("-")
            if dash:
                with suppress(OSError):
                    found[int(pid)] = (sign.resolve(), float(silent), sign.stat().st_mtime_ns)
    return found


def came_to_a_stand(words: Path) -> None:
    """Note that the process of these last words had to be ended from outside."""
    with words.open("ab") as file:
        if not file.tell():
            file.write(f"{TIMED_OUT}no sign of life)\n".encode())


FOLDER = "last"


def _path(folder: Path, check: str) -> Path:
    # In a folder of their own: each file that goes from `folder` wakes the tailers that watch the way to their files.
    return folder / FOLDER / f"{hashlib.sha256(check.encode()).hexdigest()[:16]}"
