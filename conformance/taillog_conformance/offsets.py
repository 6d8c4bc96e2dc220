"""How far a tailer has read, as Linux tells it: the position of its open descriptors, from /proc.

It lets a check know, without a sleep, that a half line has been seen. Where it cannot be known (another system, a
tailer that opens the file anew at each look, or maps it) the answer is None; of one that reads by position it stays 0.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

ACCESS_MODE = 0o3
"""The bits of the open flags that tell reading from writing (O_ACCMODE)."""


def read_offset(path: str | os.PathLike[str], pids: Iterable[int]) -> int | None:
    """The furthest position, in bytes, of any descriptor that the processes `pids` hold open on `path` for reading."""
    try:
        wanted = os.stat(path)
    except OSError:
        return None
    furthest: int | None = None
    for pid in pids:
        for number, found in _descriptors(pid):
            if found.st_ino != wanted.st_ino or found.st_dev != wanted.st_dev:
                continue
            position = _position(pid, number)
            if position is not None and (furthest is None or position > furthest):
                furthest = position
    return furthest


def family(pid: int) -> list[int]:
    """`pid` and all processes below it, as far as /proc shows them."""
    found = [pid]
    for parent in found:
        try:
            tasks = os.listdir(f"/proc/{parent}/task")
        except OSError:
            continue
        for task in tasks:
            try:
                with open(f"/proc/{parent}/task/{task}/children", encoding="ascii") as children:
                    found.extend(int(child) for child in children.read().split())
            except OSError:
                continue
    return found


def _descriptors(pid: int) -> Iterable[tuple[str, os.stat_result]]:
    folder = f"/proc/{pid}/fd"
    try:
        numbers = os.listdir(folder)
    except OSError:
        return
    own = pid == os.getpid()
    for number in numbers:
        try:
            # Of a process's own descriptors, fstat tells the same in a fifth of the time.
            yield number, os.fstat(int(number)) if own else os.stat(f"{folder}/{number}")
        except OSError:
            continue


def _position(pid: int, number: str) -> int | None:
    """The descriptor's position, or None if it is open for writing only: that is the producer's."""
    try:
        with open(f"/proc/{pid}/fdinfo/{number}", encoding="ascii") as info:
            fields = dict(line.split(":", 1) for line in info if ":" in line)
        if int(fields["flags"], 8) & ACCESS_MODE == os.O_WRONLY:
            return None
        return int(fields["pos"])
    except (OSError, KeyError, ValueError):
        return None
