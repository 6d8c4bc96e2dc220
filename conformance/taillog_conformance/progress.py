"""How far a run is: a bar in a terminal, now and then a line in the log of a CI, nothing anywhere else."""

from __future__ import annotations

import os
import time
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

SAYS_EVERY = 10.0
"""Seconds between two lines in a log: often enough to show that it lives, and few in a run of half a minute."""


class Shown(Protocol):
    """What the runner asks of either kind."""

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def advance(self, requirement: str, failed: int) -> None:
        """One more check is done; `failed` MUST requirements have failed so far."""


def progress(console: Console, total: int) -> Shown | None:
    """What shows a run of `total` checks on `console`."""
    if console.is_terminal:
        return _Bar(console, total)
    return _Lines(console, total) if os.environ.get("CI") else None


class _Bar:
    def __init__(self, console: Console, total: int) -> None:
        self._progress = Progress(
            TextColumn("{task.description:<7}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[failed]} failed"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._task = self._progress.add_task("start", total=total, failed=0)

    def start(self) -> None:
        self._progress.start()

    def stop(self) -> None:
        self._progress.stop()

    def advance(self, requirement: str, failed: int) -> None:
        self._progress.update(self._task, advance=1, description=requirement, failed=failed)


class _Lines:
    def __init__(self, console: Console, total: int) -> None:
        self._console = console
        self._total = total
        self._done = 0
        self._said = 0.0

    def start(self) -> None:
        self._said = time.monotonic()

    def stop(self) -> None:
        """Nothing to end."""

    def advance(self, requirement: str, failed: int) -> None:
        self._done += 1
        if time.monotonic() - self._said >= SAYS_EVERY:
            self._said = time.monotonic()
            self._console.print(f"{self._done} of {self._total} checks, {failed} failed", soft_wrap=True)
