"""A part of a check in a process of its own: for what may hang for good, or ends with the interpreter.

The process is a fork, so that it has the very adapter that the check has, however that was made.
"""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import signal
import sys
import tempfile
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any

from . import traces
from .clocks import RunningClock
from .guard import small_files
from .memory import MEMORY, in_mebibytes, resident
from .outcomes import ConformanceFailure, NotRun

LOOKS_EVERY = 0.005
"""Seconds between two looks at whether the process has ended."""

DUMPS_WITHIN = 2.0
"""Seconds that a process gets to write down where its threads stand before it is killed: it takes milliseconds."""

ALIVE = "alive"
"""An answer that only says that the part goes on."""

FRAMES_SHOWN = 12
"""Innermost frames of a thread that are shown."""

SAID_LAST = 15
"""Last lines shown of what a process said that ended with an error."""

SAID_BYTES = 4096
"""Bytes of it that are looked at."""

BROKE = 1
"""Exit status of a process in which the part raised."""

KIT = f'"{os.path.dirname(os.path.abspath(__file__))}{os.sep}'
"""How the file of a frame of the kit's own begins in a dump."""


@dataclass(frozen=True)
class Ended:
    """What became of the process: its answers in their order, and whether it ended by itself."""

    answers: tuple[Any, ...]
    by_itself: bool
    status: int | None
    how: str
    """In words: 'ended with status 1', 'was ended by SIGSEGV', 'stood still for 30 s'."""
    stack: str = ""
    """Where its threads stood, if it was ended by a fault, or had to be killed."""
    said: str = ""
    """What it said last on standard error, if it ended with an error."""

    @property
    def told(self) -> str:
        """All that is known of its end."""
        stood = f"; its threads stood at:\n{self.stack}" if self.stack else ""
        return f"the process {self.how}{stood}" + (f"; it said:\n{self.said}" if self.said else "")


def in_words(status: int | None) -> str:
    """How a process ended, by its exit status as Python gives it: negative for a signal."""
    if status is None:
        return "ended"
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"


def in_a_process(
    part: Callable[[Callable[[Any], None]], None],
    within: float,
    *,
    silent: float | None = None,
    memory: float = MEMORY,
    ends: bool = False,
) -> Ended:
    """Run `part` in a forked process; with `ends` that has to end as an interpreter does, which waits for threads.

    `part` is given a function that sends an answer. The process is killed, with all it started, if it has not ended
    `within` seconds, if it is given `silent` and no answer has come for so many seconds (ALIVE is one that is not
    kept), or if it takes `memory` bytes more than this process.

    Raises:
        NotRun: this system has no fork.
    """
    if "fork" not in multiprocessing.get_all_start_methods():
        raise NotRun("this system has no fork, by which the check gets a process of its own")
    context = multiprocessing.get_context("fork")
    receiving, sending = context.Pipe(duplex=False)
    with tempfile.TemporaryFile() as stacks, tempfile.TemporaryFile() as said:

        def run() -> None:
            os.setpgid(0, 0)
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            faulthandler.enable(stacks)
            _say_into(said)
            _forget_fork_server()
            receiving.close()
            with small_files():
                status = _status_of(part, sending.send)
            if not ends:
                os._exit(status)  # whatever the tailer has left in it
            sys.exit(status)

        process = context.Process(target=run, name="conformance-part", daemon=False)
        with warnings.catch_warnings():
            # The fork has only this thread; what the others hold (a reader of the test runner) it does not touch.
            warnings.simplefilter("ignore", DeprecationWarning)
            process.start()
        sending.close()
        answers: list[Any] = []
        try:
            why = _watch(process, receiving, answers, within, silent, (resident() or 0) + memory)
            if why:
                _dump(process)
        finally:
            if process.is_alive():
                _kill(process)
            process.join()
        _take(receiving, answers)
        receiving.close()
        kept = tuple(answer for answer in answers if answer != ALIVE)
        last = _last_lines(said) if process.exitcode else ""
        return Ended(kept, not why, process.exitcode, why or in_words(process.exitcode), _shown(stacks), last)


def _say_into(file: IO[bytes]) -> None:
    """What this process says on standard error stands in `file` from now on."""
    os.dup2(file.fileno(), 2)
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115


def _forget_fork_server() -> None:
    """Have multiprocessing begin a fork server of this process's own, if it needs one.

    The one that was begun before the fork is no child of this process, and multiprocessing takes it for one: it would
    raise ChildProcessError for a tailer that does nothing wrong.
    """
    module = sys.modules.get("multiprocessing.forkserver")
    server = getattr(module, "_forkserver", None)
    if server is None or server._forkserver_pid is None:
        return
    preload = server._preload_modules
    os.close(server._forkserver_alive_fd)
    server.__init__()
    server._preload_modules = preload


def _status_of(part: Callable[[Callable[[Any], None]], None], send: Callable[[Any], None]) -> int:
    """Run the part; the status that the process ends with. What the part raises is told on standard error."""
    try:
        part(send)
    except ConformanceFailure as failure:  # where the tailer raised, its own trace stands in what was got
        why = f"{failure.why}\n{failure.got}"
    except Exception as error:
        why = traces.of_error(error)
    else:
        return 0
    print(why, file=sys.stderr, flush=True)
    return BROKE


def _last_lines(file: IO[bytes]) -> str:
    file.seek(max(0, file.seek(0, os.SEEK_END) - SAID_BYTES))
    return "\n".join(file.read().decode(errors="replace").splitlines()[-SAID_LAST:])


def _watch(process: Any, receiving: Any, answers: list[Any], within: float, silent: float | None, memory: float) -> str:
    """Take the answers until the process has ended, or has to be killed; why, in words."""
    clock, heard = RunningClock(10 * LOOKS_EVERY), 0.0
    while process.is_alive():
        now = clock()
        if _take(receiving, answers):
            heard = now
        if now >= within:
            return f"had not ended after {within:.0f} s"
        if silent is not None and now - heard >= silent:
            return f"stood still for {silent:.0f} s"
        if (resident(process.pid) or 0) > memory:
            return f"took too much memory, more than {in_mebibytes(memory)} in all"
        process.join(LOOKS_EVERY)
    return ""


def _take(receiving: Any, answers: list[Any]) -> bool:
    """Whether an answer had come."""
    before = len(answers)
    with suppress(EOFError):
        while receiving.poll():
            answers.append(receiving.recv())
    return len(answers) > before


def _dump(process: Any) -> None:
    """Have the process write down where its threads stand: its handler of SIGABRT runs though a thread holds all up."""
    with suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGABRT)
    process.join(DUMPS_WITHIN)


def _shown(stacks: IO[bytes]) -> str:
    stacks.seek(0)
    return stack_of(stacks.read().decode(errors="replace"))


def stack_of(dump: str) -> str:
    """What a dump of Python's faulthandler tells of the tailer: the thread that ran first, without the kit's frames."""
    threads: list[list[str]] = []
    for line in dump.splitlines():
        if " thread 0x" in f" {line.lower()}":
            threads.append([line])
        elif line.startswith("  File ") and threads:
            threads[-1].append(line)
    threads.sort(key=lambda thread: not thread[0].startswith("Current"))
    shown = [_of_the_tailer(thread) for thread in threads]
    return "\n".join(line for thread in shown if len(thread) > 1 for line in thread[: 1 + FRAMES_SHOWN])


def _of_the_tailer(thread: list[str]) -> list[str]:
    """A thread's lines, the innermost frame first, down to the first one of the kit or of what starts threads."""
    head, *frames = thread
    ends = (at for at, frame in enumerate(frames) if KIT in frame or " in _bootstrap" in frame)
    return [head, *frames[: next(ends, len(frames))]]


def _kill(process: Any) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()
