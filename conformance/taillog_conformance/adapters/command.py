"""The adapter of a program: any command that follows a file and writes its lines to standard output."""

from __future__ import annotations

import codecs
import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import IO, ClassVar

from ..offsets import family, read_offset
from ..outcomes import ConformanceFailure, UsageProblem
from .base import Adapter, Job, Tailer

CAPABILITIES = frozenset({"error-report", "several-files"})
"""What a program is taken to do: it says on standard error what it cannot read, and one process a file follows
several. It has no prefix, filter or destination of the contract's kind."""

FILE = "{file}"
INTERVAL = "{interval}"

BLOCK = 65536
"""Bytes asked for at a read of a pipe: what a Linux pipe holds."""

SAMPLE = 0.01
"""Seconds between two looks at a process that is about to be stopped."""

CALM_SAMPLES = 3
"""Looks in a row at which a program slept and put out nothing, after which it has written all that it read."""

DRAINS_WITHIN = 5.0
"""Seconds without progress that a program gets to read what stands in its files before it is stopped anyway."""

OPEN_UNSEEN = 0.6
"""Seconds of silence that a program gets whose descriptors do not show what it has read (it opens the file anew at
each look): longer than the half second after which such programs commonly look."""

ENDS_WITHIN = 2.0
"""Seconds in which the pipes have to end after the program has: a process that it left behind may hold them."""


class CommandAdapter(Adapter):
    """Drives `command` (a string as for a shell, or a list of words), one process a file.

    `{file}` in a word stands for the path and must be there; `{interval}` for the seconds between looks. It is run
    without a shell. It is stopped by `stop_signal`, sent once it has read and put out what stood in its file: a
    program has no stop() of its own to drain by.

    Raises:
        UsageProblem: the command has no `{file}`, is not well quoted, or does not exist.
    """

    kind: ClassVar[str] = "command"

    def __init__(
        self,
        command: str | Sequence[str],
        *,
        name: str | None = None,
        capabilities: Iterable[str] = (),
        without: Iterable[str] = (),
        stop_signal: signal.Signals = signal.SIGTERM,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        try:
            self.words = shlex.split(command) if isinstance(command, str) else list(command)
        except ValueError as error:
            raise UsageProblem(f"the command {command!r} is not well quoted: {error}") from None
        self.name = name or shlex.join(self.words)
        if not self.words or not any(FILE in word for word in self.words):
            raise UsageProblem(f"the command {self.name!r} names no file: put {FILE} where the path belongs")
        if shutil.which(self.words[0]) is None:
            raise UsageProblem(
                f"the command {self.words[0]!r} does not exist or cannot be run; "
                "a pipeline or a shell's own word needs sh -c '...'"
            )
        self.stop_signal = stop_signal
        # PYTHONUNBUFFERED would hide that a Python program never flushes its output.
        self.environment = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"} | dict(environment or {})
        self.capabilities = frozenset((CAPABILITIES | set(capabilities)) - set(without))

    def open(self, job: Job) -> CommandTailer:
        return CommandTailer(self, job)

    def processes(self, tailer: Tailer) -> Iterable[int]:
        assert isinstance(tailer, CommandTailer)
        return [pid for process in tailer.running() for pid in family(process.pid)]

    def abandon(self, tailer: Tailer) -> None:
        assert isinstance(tailer, CommandTailer)
        tailer.kill()

    def words_for(self, path: str, interval: float) -> list[str]:
        """The command line that follows `path`."""
        return [word.replace(FILE, path).replace(INTERVAL, f"{interval:g}") for word in self.words]


class CommandTailer:
    """The processes of one job, and the threads that take what they put out."""

    def __init__(self, adapter: CommandAdapter, job: Job) -> None:
        self._adapter = adapter
        self._job = job
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._readers: list[threading.Thread] = []
        self._taken = 0
        self._told_to_end: set[int] = set()
        self._stopped = False

    def start(self) -> CommandTailer:
        for key, path in self._job.log_files.items():
            process = subprocess.Popen(
                self._adapter.words_for(os.fspath(path), self._job.interval),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self._adapter.environment,
                start_new_session=True,
            )
            self._processes[key] = process
            assert process.stdout is not None
            assert process.stderr is not None
            self._read(process, process.stdout, lambda text, key=key: self._job.deliver(key, text))  # type: ignore[misc]
            self._read(process, process.stderr, self._job.report)
        return self

    def _read(self, process: subprocess.Popen[bytes], pipe: IO[bytes], take: Callable[[str], None]) -> None:
        def run() -> None:
            decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
            while block := os.read(pipe.fileno(), BLOCK):
                self._taken += len(block)
                if text := decoder.decode(block):
                    take(text)
            if text := decoder.decode(b"", final=True):
                take(text)
            if pipe is process.stdout:
                status = process.wait()
                if process.pid not in self._told_to_end:
                    self._job.report(f"the program ended by itself with status {status}")

        reader = threading.Thread(target=run, name="conformance-command-output", daemon=True)
        reader.start()
        self._readers.append(reader)

    def running(self) -> list[subprocess.Popen[bytes]]:
        return [process for process in self._processes.values() if process.poll() is None]

    def stop(self) -> None:
        if not self._stopped:
            for key, process in self._processes.items():
                self._drain(process, os.fspath(self._job.log_files[key]))
            for process in self.running():
                self._told_to_end.add(process.pid)
                _signal_group(process, self._adapter.stop_signal)
            for process in self._processes.values():
                process.wait()
            self._join()
            if any(reader.is_alive() for reader in self._readers):
                raise ConformanceFailure(
                    "the program has ended, and a process that it left in another session holds its output open",
                    expected="a program that ends with all it started",
                )
        self._stopped = True

    def stopped(self) -> bool:
        return self._stopped

    def kill(self) -> None:
        """End whatever is left, in any state."""
        for process in self._processes.values():
            self._told_to_end.add(process.pid)
            _signal_group(process, signal.SIGKILL)
            process.wait()
        self._join()

    def _join(self) -> None:
        ends = time.monotonic() + ENDS_WITHIN
        for reader in self._readers:
            reader.join(max(0.0, ends - time.monotonic()))
        for process in self._processes.values():
            _signal_group(process, signal.SIGKILL)  # what the program left behind in its session

        for reader in self._readers:
            reader.join(ENDS_WITHIN)
        for process in self._processes.values():
            for pipe in (process.stdout, process.stderr):
                if pipe is not None and not any(reader.is_alive() for reader in self._readers):
                    pipe.close()

    def _drain(self, process: subprocess.Popen[bytes], path: str) -> None:
        """Wait until the program has read what stands in `path` now, and has put it out."""
        try:
            size = os.stat(path).st_size if os.path.isfile(path) else 0
        except OSError:
            size = 0
        moved = time.monotonic()
        calm = 0
        last: object = None
        while process.poll() is None:
            processes = family(process.pid)
            offset = read_offset(path, processes)
            now = time.monotonic()
            current = (offset, self._taken, _cpu_ticks(processes))
            if current != last:
                calm = 0
                if last is None or current[:2] != last[:2]:  # type: ignore[index]
                    moved = now
                last = current
            elif _all_sleep(processes):
                calm += 1
            has_read = size == 0 or (offset is not None and offset >= size)
            if has_read and calm >= CALM_SAMPLES:
                return
            unseen = offset is None and not has_read and calm >= CALM_SAMPLES  # a starved process is not calm
            if now - moved >= (OPEN_UNSEEN if unseen else DRAINS_WITHIN):
                return  # it cannot be seen to read, it hangs, or it spins
            time.sleep(SAMPLE)


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Signal the session that the program leads: what it started belongs to it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _stat_fields(pid: int) -> list[str]:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
            return stat.read().rpartition(")")[2].split()
    except OSError:
        return []


def _all_sleep(pids: Iterable[int]) -> bool:
    """Whether none of the processes runs or waits for a core (true where the system does not tell)."""
    states = [fields[0] for pid in pids if (fields := _stat_fields(pid))]
    return all(state in "SZX" for state in states)


def _cpu_ticks(pids: Iterable[int]) -> int:
    """Ticks of processor time, user and system, that the processes have had."""
    user, system = 11, 12  # places of utime and stime after the command's name in /proc/PID/stat
    return sum(int(fields[user]) + int(fields[system]) for pid in pids if (fields := _stat_fields(pid)))
