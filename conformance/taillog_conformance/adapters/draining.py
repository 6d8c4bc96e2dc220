"""Knows when a tailer has read, and put out, what stands in its files: for one that has no stop() of its own to drain.

It looks at both ends: how far the file has been read (where that shows), and whether the file's last line has come.
"""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ..clocks import RunningClock
from ..offsets import read_offset

SAMPLE = 0.01
"""Seconds between two looks at a tailer that is about to be stopped."""

CALM_SAMPLES = 3
"""Looks in a row at which nothing moved, after which a tailer has put out all that it read."""

OWES_SAMPLES = 750
"""Looks in a row at which nothing moved, after which a tailer is stopped though its last line has not come, or though
it cannot be seen whether it has read a last piece. At 7.5 s and more they are longer than six looks of a tailer that
looks once a second, after which GNU tail asks whether another file stands at the path; that they are counted, while it
rests, gives a starved one all its time."""

NEVER_RESTS_FOR = 5.0
"""Seconds without a move after which a tailer that never rests is stopped all the same: it spins."""

NEEDLE = 200
"""Characters at the end of a file's last line by which that line is known again."""

SURE = 4
"""Characters from which on a last line that came is taken for it at once; a shorter text may stand in another line."""

REPLACEMENT = "\ufffd"


class Ledger:
    """What a tailer has put out so far, by key; None is the key of what belongs to no file in particular."""

    def __init__(self) -> None:
        self._texts: defaultdict[int | None, list[str]] = defaultdict(list)
        self._counts: defaultdict[int | None, int] = defaultdict(int)
        self._lock = threading.Lock()

    def take(self, key: int | None, text: str) -> None:
        with self._lock:
            self._texts[key].append(text)
            self._counts[key] += len(text)

    def characters(self, key: int) -> int:
        """How many characters came for `key`, or for no file in particular."""
        with self._lock:
            return self._counts[key] + self._counts[None]

    def times(self, key: int, needle: str) -> int:
        """How often `needle` stands in what came for `key`, or for no file in particular."""
        with self._lock:
            texts = ["".join(self._texts[each]) for each in (key, None)]
        return sum(text.count(needle) for text in texts)


@dataclass(frozen=True)
class Owed:
    """What a file holds when its tailer is told to stop: its size in bytes, its lines, by what its last line is known
    and how often that stands there, and whether a piece follows."""

    size: int = 0
    lines: int = 0
    needle: str = ""
    times: int = 0
    piece: bool = False

    @classmethod
    def by(cls, path: str) -> Owed:
        """What stands at `path` now; nothing where that is no plain file."""
        try:
            if not os.path.isfile(path):
                return cls()
            with open(path, "rb") as file:
                data = file.read()
        except OSError:
            return cls()
        lines, _, piece = data.rpartition(b"\n")
        text = lines.decode("utf-8", errors="replace")
        last = next((line for line in reversed(text.split("\n")) if _known_by(line)), "")
        needle = _known_by(last)
        return cls(len(data), data.count(b"\n"), needle, text.count(needle) if needle else 0, bool(piece))

    @classmethod
    def by_rotated(cls, path: str) -> Owed:
        """What the file holds that was rotated away from `path` last, to a name with a number behind it: its lines."""
        name = os.path.basename(path) + "."
        try:
            with os.scandir(os.path.dirname(path) or ".") as found:
                rotated = [
                    entry for entry in found if entry.name.startswith(name) and entry.name[len(name) :].isdigit()
                ]
            last = max(rotated, key=lambda entry: entry.stat().st_ctime_ns, default=None)
        except OSError:
            return cls()
        owed = cls.by(last.path) if last else cls()
        return replace(owed, piece=False) if owed.needle else cls()  # of a piece alone it cannot be known that it came

    @property
    def surely(self) -> bool:
        """Whether it is enough that the last line comes: there is one that is known for certain, and no piece."""
        return len(self.needle) >= SURE and not self.piece

    def has_come(self, key: int, ledger: Ledger) -> bool:
        """Whether the last line has come, as often as the file holds what it is known by."""
        return ledger.times(key, self.needle) >= self.times


def _known_by(line: str) -> str:
    """The part of a line by which it is known again, whatever is made of its bad bytes and its CR."""
    return line.rstrip("\r").rpartition(REPLACEMENT)[2].strip()[-NEEDLE:]


class Following:
    """What follows the file of one key, as a drain looks at it. The defaults are of code in this process."""

    looked_at = 0
    """Looks of a drain so far: while it waits for the tailer, nothing hangs."""

    def alive(self, key: int) -> bool:
        """Whether it still runs."""
        raise NotImplementedError

    def processes(self, key: int) -> Iterable[int]:
        """The ids of the processes in which it reads."""
        return [os.getpid()]

    def rests(self, pids: Iterable[int]) -> bool:
        """Whether nothing of it wants to run just now."""
        return others_sleep()

    def worked(self, pids: Iterable[int]) -> object:
        """What changes while it works."""
        return None


class _Drain:
    """The drain of one file."""

    def __init__(self, key: int, path: str, following: Following, ledger: Ledger) -> None:
        self._key = key
        self._path = path
        self._following = following
        self._ledger = ledger
        self._owed = Owed.by(path)
        if not self._owed.size:  # what stood there before may not have been read out yet
            self._owed = Owed.by_rotated(path)
        self._clock = RunningClock(10 * SAMPLE)
        self._moved = 0.0
        self._last: object = None
        self._last_worked: object = None
        self._calm = self._resting = 0

    def is_over(self) -> bool:
        """Look once; whether there is nothing to wait for any more."""
        if not self._following.alive(self._key):
            return True
        if self._owed.surely and self._owed.has_come(self._key, self._ledger):
            return True
        pids = list(self._following.processes(self._key))
        offset = read_offset(self._path, pids) if self._owed.size else None
        current, worked = (offset, self._ledger.characters(self._key)), self._following.worked(pids)
        now = self._clock()
        if current != self._last:
            self._last, self._moved = current, now
            self._calm = self._resting = 0
        elif self._following.rests(pids):
            self._resting += 1
            self._calm = self._calm + 1 if worked == self._last_worked else 0
        self._last_worked = worked
        if self._calm >= CALM_SAMPLES and self._has_all(offset):
            return True
        return self._resting >= OWES_SAMPLES or now - self._moved >= NEVER_RESTS_FOR

    def _has_all(self, offset: int | None) -> bool:
        """Whether the last line of the file has come, and a piece after it has been read."""
        owed = self._owed
        if owed.size == 0:
            return True
        has_read = offset is not None and offset >= owed.size
        if not owed.needle:
            return has_read
        return (has_read or not owed.piece) and owed.has_come(self._key, self._ledger)


def drain(files: Mapping[int, str], following: Following, ledger: Ledger) -> None:
    """Wait until the tailer has put out what stands in `files` now, for as long as something of it moves."""
    waiting = [_Drain(key, path, following, ledger) for key, path in files.items()]
    while waiting := [each for each in waiting if not each.is_over()]:
        following.looked_at += 1
        time.sleep(SAMPLE)


def _stat_fields(place: str) -> list[str]:
    try:
        with open(f"/proc/{place}/stat", encoding="utf-8", errors="replace") as stat:
            return stat.read().rpartition(")")[2].split()
    except OSError:
        return []


def all_sleep(pids: Iterable[int]) -> bool:
    """Whether none of the processes runs or waits for a core (true where the system does not tell)."""
    states = [fields[0] for pid in pids if (fields := _stat_fields(str(pid)))]
    return all(state in "SZX" for state in states)


def others_sleep() -> bool:
    """Whether no other thread of this process runs or waits for a core."""
    try:
        threads = os.listdir("/proc/self/task")
    except OSError:
        return True
    own = str(threading.get_native_id())
    states = [fields[0] for thread in threads if thread != own and (fields := _stat_fields(f"self/task/{thread}"))]
    return all(state in "SZX" for state in states)


def cpu_ticks(pids: Iterable[int]) -> int:
    """Ticks of processor time, user and system, that the processes have had."""
    user, system = 11, 12  # places of utime and stime after the command's name in /proc/PID/stat
    return sum(int(fields[user]) + int(fields[system]) for pid in pids if (fields := _stat_fields(str(pid))))
