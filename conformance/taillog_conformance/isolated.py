"""A part of a check in a process of its own: for what may hang for good, or ends with the interpreter.

The process is a fork, so that it has the very adapter that the check has, however that was made.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .outcomes import NotRun

LOOKS_EVERY = 0.005
"""Seconds between two looks at whether the process has ended."""


@dataclass(frozen=True)
class Ended:
    """What became of the process: its answers in their order, and whether it ended by itself."""

    answers: tuple[Any, ...]
    by_itself: bool
    status: int | None


def in_a_process(part: Callable[[Callable[[Any], None]], None], within: float) -> Ended:
    """Run `part` in a forked process, which ends as an interpreter does: its threads that are no daemons are joined.

    `part` is given a function that sends an answer. The process is killed, with all it started, if it has not ended
    `within` seconds.

    Raises:
        NotRun: this system has no fork.
    """
    if "fork" not in multiprocessing.get_all_start_methods():
        raise NotRun("this system has no fork, by which the check gets a process of its own")
    context = multiprocessing.get_context("fork")
    receiving, sending = context.Pipe(duplex=False)

    def run() -> None:
        os.setpgid(0, 0)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        receiving.close()
        part(sending.send)

    process = context.Process(target=run, name="conformance-part", daemon=False)
    with warnings.catch_warnings():
        # The fork has only this thread; what the others hold (a reader of the test runner) it does not touch.
        warnings.simplefilter("ignore", DeprecationWarning)
        process.start()
    sending.close()
    answers: list[Any] = []
    ends = time.monotonic() + within
    try:
        while process.is_alive() and time.monotonic() < ends:
            _take(receiving, answers)
            process.join(LOOKS_EVERY)
        by_itself = not process.is_alive()
    finally:
        if process.is_alive():
            _kill(process)
        process.join()
    _take(receiving, answers)
    receiving.close()
    return Ended(tuple(answers), by_itself, process.exitcode)


def _take(receiving: Any, answers: list[Any]) -> None:
    try:
        while receiving.poll():
            answers.append(receiving.recv())
    except EOFError:
        return


def _kill(process: Any) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()
