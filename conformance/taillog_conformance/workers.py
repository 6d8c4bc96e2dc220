"""The checks in processes of their own, side by side: what a tailer does to its process cannot end the run.

Each is a fork of the one that has collected the checks, and takes the next of them when it is done with the one before.
If it ends before its time, the check that it was at is a failed one, and a new one goes on with the rest.
"""

from __future__ import annotations

import ctypes
import enum
import gc
import os
import signal
import warnings
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import pytest

from .crash import broken
from .plugin import COLLECTOR, MARK, PROPERTY, end_strays
from .watch import Watch

PARENT_DIES = 1
"""PR_SET_PDEATHSIG of prctl(2): the signal that a process gets when the one over it ends."""

LOOKS_EVERY = 0.1
"""Seconds between two looks at whether a process has ended without a word."""

NUMBER = 2
"""Bytes of a check's number in the pipe from which they are taken. A pipe holds some 30,000 such."""


class End(enum.Enum):
    """Why a process of checks ends."""

    NOTHING_LEFT = enum.auto()
    INTERRUPTED = enum.auto()
    BROKEN = enum.auto()


@dataclass(eq=False)
class _Worker:
    """A process of checks, the pipe on which it tells, and the check that it came to last."""

    pid: int
    telling: Connection
    at: str = ""
    end: End | None = None
    is_silent: bool = False


class Workers:
    """A plugin of pytest: runs what was collected in `count` processes, which give their signs of life in `folder`."""

    def __init__(self, count: int, folder: Path) -> None:
        self._count = count
        self._folder = folder

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Run all checks; KeyboardInterrupt if the user pressed Ctrl-C. What still runs then is left to the caller."""
        if session.testsfailed:
            return None  # they could not be collected, which pytest tells
        self._session = session
        self._numbers, filling = os.pipe()
        try:
            os.write(filling, b"".join(number.to_bytes(NUMBER) for number in range(len(session.items))))
            os.close(filling)
            gc.freeze()  # what all of them share is not looked through again and again in each
            with Watch(self._folder) as self._watch:
                self._crew: list[_Worker] = []
                for _ in range(min(self._count, len(session.items))):
                    self._begin()
                while self._crew:
                    self._listen()
        finally:
            gc.unfreeze()
            os.close(self._numbers)
        return True

    def _begin(self) -> None:
        """One more process."""
        receiving, sending = Pipe(duplex=False)
        over = os.getpid()
        with self._watch.paused(), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # the other threads hold nothing that is needed there
            pid = os.fork()
            if pid:
                self._watch.workers.add(pid)
        if not pid:
            self._work(over, sending)
        sending.close()
        self._crew.append(_Worker(pid, receiving))

    def _listen(self) -> None:
        """Take what they tell, and see which have ended."""
        ready = wait([worker.telling for worker in self._crew if not worker.is_silent], LOOKS_EVERY)
        for worker in tuple(self._crew):
            if worker.telling in ready:
                self._take(worker)
                continue
            # Not the end of the pipe tells the end of the process: what a tailer has forked holds it open.
            ended, status = os.waitpid(worker.pid, os.WNOHANG)
            if ended:
                while not worker.is_silent and worker.telling.poll():
                    self._take(worker)
                self._ended(worker, os.waitstatus_to_exitcode(status))

    def _take(self, worker: _Worker) -> None:
        try:
            told = worker.telling.recv()
        except (EOFError, OSError):
            worker.is_silent = True  # the tailer has closed the other end, or the process has ended
            return
        if isinstance(told, End):
            worker.end = told
            if told is End.INTERRUPTED:
                raise KeyboardInterrupt  # the user's Ctrl-C, which reached it before this process
        elif isinstance(told, str):
            worker.at = told
        else:
            self._collector.take(told)

    def _ended(self, worker: _Worker, status: int) -> None:
        self._crew.remove(worker)
        self._watch.workers.remove(worker.pid)
        worker.telling.close()
        if worker.end is None:
            if not worker.at:
                raise RuntimeError(f"a process ended with status {status} before it came to a check")
            self._collector.crashed(worker.at, status)
        if worker.end is not End.NOTHING_LEFT:
            self._begin()

    @property
    def _collector(self) -> Any:
        return self._session.config.pluginmanager.getplugin(COLLECTOR)

    # In the new process.

    def _work(self, over: int, sending: Connection) -> None:
        """Run check after check, and end the process."""
        try:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)  # what it means is for the one over it, and not for tailers
            with suppress(AttributeError, OSError):
                ctypes.CDLL(None).prctl(PARENT_DIES, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != over:
                return
            nowhere = os.open(os.devnull, os.O_RDWR)
            for number in (0, 1, 2):
                os.dup2(nowhere, number)
            os.close(nowhere)
            for worker in self._crew:
                worker.telling.close()
            sending.send(self._run(sending))
        finally:
            os._exit(1)  # once it has told its end, nobody asks for its status

    def _run(self, sending: Connection) -> End:
        config = self._session.config
        config.pluginmanager.unregister(name=COLLECTOR)
        config.pluginmanager.register(_Teller(sending))
        try:
            while number := os.read(self._numbers, NUMBER):
                item = self._session.items[int.from_bytes(number)]
                config.hook.pytest_runtest_protocol(item=item, nextitem=None)
                if self._session.shouldfail:  # --exitfirst: nobody gets another one
                    os.read(self._numbers, NUMBER * len(self._session.items))
        except KeyboardInterrupt:
            return End.INTERRUPTED
        except Exception as error:  # not the check's, which is caught, but pytest's or the kit's about it
            (mark,) = item.iter_markers(MARK)
            sending.send(broken(mark.args[0], item.name, error))
            return End.BROKEN
        end_strays(config)
        return End.NOTHING_LEFT


class _Teller:
    """A plugin of pytest in a process of checks: tells the one over it of each that begins, and of its result."""

    def __init__(self, sending: Connection) -> None:
        self._sending = sending

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._sending.send(nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for name, value in report.user_properties:
            if name == PROPERTY:
                self._sending.send(value)
