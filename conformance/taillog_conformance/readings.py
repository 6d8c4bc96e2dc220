"""What Linux tells of processes: their time on a core, their memory, their threads."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

NANOSECONDS = 1e9

SLEEPS = "voluntary_ctxt_switches"
"""The name under which Linux counts how often a thread has gone to sleep by itself."""


def cpu_seconds(pids: Iterable[int]) -> float:
    """Seconds on a core, user and system, of the processes' threads that are alive."""
    found = 0
    for task in _tasks(pids):
        text = _text(task / "schedstat")
        found += int(text.split()[0]) if text else 0
    return found / NANOSECONDS


def wakeups(pids: Iterable[int]) -> int:
    """How often the processes' threads have gone to sleep by themselves: each is a wake-up."""
    return sum(_field(task / "status", SLEEPS) for task in _tasks(pids))


def work_and_sleeps(pids: Iterable[int]) -> dict[str, tuple[float, int]]:
    """Of each thread of the processes, by its number: seconds on a core, and how often it went to sleep by itself."""
    found = {}
    for task in _tasks(pids):
        if text := _text(task / "schedstat"):
            found[task.name] = int(text.split()[0]) / NANOSECONDS, _field(task / "status", SLEEPS)
    return found


def threads(pids: Iterable[int]) -> int:
    """How many threads the processes have."""
    return sum(1 for _ in _tasks(pids))


def memory(pids: Iterable[int]) -> int:
    """Bytes of memory that the processes hold."""
    return sum(_field(Path(f"/proc/{pid}/status"), "VmRSS") * 1024 for pid in pids)


def mapped_memory(pids: Iterable[int]) -> int:
    """Bytes of it that are files', and so the system's to drop."""
    return sum(_field(Path(f"/proc/{pid}/status"), "RssFile") * 1024 for pid in pids)


def peak_memory(pids: Iterable[int]) -> int:
    """The most bytes that each process has held since `forget_peak`, added up."""
    return sum(_field(Path(f"/proc/{pid}/status"), "VmHWM") * 1024 for pid in pids)


def forget_peak(pids: Iterable[int]) -> None:
    """Let peak_memory() begin at what the processes hold now."""
    for pid in pids:
        Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")


def _tasks(pids: Iterable[int]) -> Iterable[Path]:
    for pid in pids:
        try:
            yield from (Path(f"/proc/{pid}/task/{task}") for task in os.listdir(f"/proc/{pid}/task"))
        except OSError:
            continue


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _field(path: Path, name: str) -> int:
    for line in _text(path).splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    return 0
