"""The suite in one process, and another one over it: what a tailer does to its process cannot end the run.

The process of the checks is a fork. If it ends before its time, the check that it was at is a failed one, and a new
one goes on with the rest.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import pytest

from .plugin import COLLECTOR
from .report.model import CheckResult
from .strays import end_family
from .watch import Watch

PARENT_DIES = 1
"""PR_SET_PDEATHSIG of prctl(2): the signal that a process gets when the one over it ends."""


LOOKS_EVERY = 0.1
"""Seconds between two looks at whether the process has ended without a word."""


class _Connection(Protocol):
    def send(self, message: Any) -> None: ...


class Teller:
    """A plugin of pytest in the process of the checks: tells the one over it of each check that begins, and of results.

    `begun` are the checks that earlier processes came to; in the last of them one ended, with the exit status `status`.
    """

    def __init__(self, sending: _Connection, begun: list[str], status: int | None) -> None:
        self._sending = sending
        self._begun = begun
        self._status = status

    def ended(self, result: int) -> None:
        self._sending.send(result)

    def on_result(self, _report: object, result: CheckResult) -> None:
        self._sending.send(result)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if item.nodeid not in self._begun]

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if self._begun:
            session.config.pluginmanager.getplugin(COLLECTOR).crashed(self._begun[-1], self._status)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._sending.send(nodeid)


def alone(checks: Callable[[Teller], int], take: Callable[[object, CheckResult], None], folder: Path) -> int:
    """Run `checks`, which give their signs of life in `folder`, in another process, and hand its results to `take`;
    pytest's exit status.

    Raises:
        KeyboardInterrupt: the user pressed Ctrl-C; the other process has been ended.
    """
    begun: list[str] = []
    status: int | None = None
    while True:
        before = len(begun)
        receiving, sending = multiprocessing.Pipe(duplex=False)
        pid = _forked(checks, Teller(sending, begun, status))
        sending.close()
        try:
            with Watch(folder, pid):
                result, status = _take(pid, receiving, begun, take)
        except BaseException:
            end_family(pid)
            os.waitpid(pid, 0)
            raise
        finally:
            receiving.close()
        if result is not None:
            return result
        if len(begun) == before:
            return pytest.ExitCode.INTERNAL_ERROR  # it does not even come to a check


def _take(
    pid: int, receiving: Any, begun: list[str], take: Callable[[object, CheckResult], None]
) -> tuple[int | None, int]:
    """Take what the process sends until it has ended: pytest's exit status, if it came to it, and the process's own."""
    result: int | None = None
    status: int | None = None
    while result is None:
        # Not the end of the pipe tells the end of the process: what a tailer has forked holds it open.
        if status is None and not receiving.poll(LOOKS_EVERY):
            ended, wait_status = os.waitpid(pid, os.WNOHANG)
            status = os.waitstatus_to_exitcode(wait_status) if ended else None
            continue
        try:
            message = receiving.recv() if receiving.poll() else None
        except EOFError:
            message = None
        if message is None and status is None:
            status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        elif message is None:
            break
        elif isinstance(message, CheckResult):
            take(None, message)
        elif isinstance(message, str):
            begun.append(message)
        else:
            result = int(message)
    if status is None:
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return result, status


def _forked(checks: Callable[[Teller], int], teller: Teller) -> int:
    """The id of a new process that runs the checks, and ends with the one over it."""
    sys.stdout.flush()
    sys.stderr.flush()
    over = os.getpid()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # other threads only draw the progress line
        pid = os.fork()
    if pid:
        return pid
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # what it means is for the one over it, and not for tailers
        with suppress(AttributeError, OSError):
            ctypes.CDLL(None).prctl(PARENT_DIES, signal.SIGKILL, 0, 0, 0)
        if os.getppid() == over:
            teller.ended(checks(teller))
    finally:
        os._exit(1)
