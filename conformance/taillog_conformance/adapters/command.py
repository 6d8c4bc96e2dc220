"""The adapter of a program: any command that follows files and writes their lines to standard output."""

from __future__ import annotations

import codecs
import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import IO, ClassVar

from ..offsets import family
from ..outcomes import ConformanceFailure, UsageProblem
from .attribution import Attribution, pattern_of
from .base import CALLED_IN_PROCESS, DEFAULT, TOLD, Adapter, Job, Tailer, names
from .draining import Following, Ledger, all_sleep, cpu_ticks, drain

CAPABILITIES = TOLD | {"error-report", "several-files"}
"""What a program is taken to do: it says on standard error what it cannot read, and one process a file follows
several. It has no filter or destination of the contract's kind, and a prefix only where `{prefix}` hands it over."""

FILE = "{file}"
FILES = "{files}"
INTERVAL = "{interval}"
PREFIX = "{prefix}"
FLAG = "{flag}"

END_OF_INPUT = "end-of-input"
"""Says that the program ends when its standard input does."""

BY_FLAG = "flag"
"""Says that the program ends when a file comes to stand at the path that `{flag}` names."""

BLOCK = 65536
"""Bytes asked for at a read of a pipe: what a Linux pipe holds."""

ENDS_WITHIN = 2.0
"""Seconds in which the pipes have to end after the program has: a process that it left behind may hold them."""


def program_words(command: str | Sequence[str]) -> list[str]:
    """The words of a command line.

    Raises:
        UsageProblem: it is not well quoted, or the program does not exist.
    """
    try:
        words = shlex.split(command) if isinstance(command, str) else list(command)
    except ValueError as error:
        raise UsageProblem(f"the command {command!r} is not well quoted: {error}") from None
    if not words or shutil.which(words[0]) is None:
        raise UsageProblem(
            f"the command {words[0] if words else ''!r} does not exist or cannot be run; "
            "a pipeline or a shell's own word needs sh -c '...'"
        )
    return words


def program_environment(changes: Mapping[str, str] | None) -> dict[str, str]:
    """What a program finds in its environment."""
    # PYTHONUNBUFFERED would hide that a Python program never flushes its output.
    return {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"} | dict(changes or {})


class CommandAdapter(Adapter):
    """Drives `command` (a string as for a shell, or a list of words), which is run without a shell.

    `{file}` in a word stands for the path, and one process is run for each file; or the word `{files}` for the paths of
    all, and one process follows them. `{interval}` is the seconds between looks, `{prefix}` what is to stand before
    each line (the capability `prefix` is declared where it is used). What one process puts out for several files is
    told apart by `attribute`, a pattern with a group `file` and, where the line stands beside it, a group `text`;
    without it the files share one destination.

    `stop` says how the program is stopped. A signal is sent once it has read and put out what stood in its files: a
    program has no stop() of its own to drain by. END_OF_INPUT and BY_FLAG tell it at once: it drains by itself.

    Raises:
        UsageProblem: a placeholder is missing or has no meaning here, the command is not well quoted or does not exist,
            or a capability is added that no command has.
    """

    kind: ClassVar[str] = "command"
    impossible: ClassVar[frozenset[str]] = CALLED_IN_PROCESS
    reports_as: ClassVar[str] = "a message on standard error"

    def __init__(
        self,
        command: str | Sequence[str],
        *,
        name: str | None = None,
        capabilities: Iterable[str] = (),
        without: Iterable[str] = (),
        stop: signal.Signals | str = signal.SIGTERM,
        attribute: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        text = command if isinstance(command, str) else " ".join(command)
        self.one_for_all = FILES in text
        if not self.one_for_all and FILE not in text:
            raise UsageProblem(f"the command {text!r} names no file: put {FILE} where the path belongs")
        self.words = program_words(command)
        self.name = name or shlex.join(self.words)
        self.stop = stop_of(stop)
        self.pattern = None if attribute is None else pattern_of(attribute)
        self._check_placeholders()
        self.environment = program_environment(environment)
        found = CAPABILITIES | ({"prefix"} if PREFIX in text else set())
        if self.pattern is not None:
            found -= {"path-twice"}  # two copies of a line cannot be told apart by its path
        self.capabilities = (found | names(capabilities)) - names(without)
        self.refuse_impossible()

    def _check_placeholders(self) -> None:
        def uses(placeholder: str) -> bool:
            return any(placeholder in word for word in self.words)

        if self.one_for_all and FILES not in self.words:
            raise UsageProblem(f"{FILES} in the command {self.name!r} has to be a word of its own: it becomes several")
        if self.one_for_all and (uses(FILE) or uses(PREFIX)):
            raise UsageProblem(f"the command {self.name!r} names {FILES}: {FILE} and {PREFIX} are of one file alone")
        if self.pattern is not None and not self.one_for_all:
            raise UsageProblem(f"a pattern that attributes lines has no meaning for one process a file: use {FILES}")
        if (self.stop == BY_FLAG) != uses(FLAG):
            raise UsageProblem(f"a command that is stopped by a {BY_FLAG} needs {FLAG} in a word, and no other has it")

    def open(self, job: Job) -> CommandTailer:
        return CommandTailer(self, job)

    def processes(self, tailer: Tailer) -> Iterable[int]:
        assert isinstance(tailer, CommandTailer)
        return tailer.family()

    def progress(self, tailer: Tailer) -> object:
        assert isinstance(tailer, CommandTailer)
        return tailer.looked_at, len(tailer.running())

    def ended_by_itself(self, tailer: Tailer) -> str:
        assert isinstance(tailer, CommandTailer)
        return tailer.ended_by_itself()

    def abandon(self, tailer: Tailer) -> None:
        assert isinstance(tailer, CommandTailer)
        tailer.kill()

    def words_for(self, path: str, interval: float, prefix: str = "", flag: str = "") -> list[str]:
        """The command line that follows `path`."""
        fillings = {FILE: path, INTERVAL: f"{interval:g}", PREFIX: prefix, FLAG: flag}
        return [_filled(word, fillings) for word in self.words]

    def words_for_all(self, paths: Sequence[str], interval: float, flag: str = "") -> list[str]:
        """The command line that follows all `paths`."""
        fillings = {INTERVAL: f"{interval:g}", FLAG: flag}
        words = [[*paths] if word == FILES else [_filled(word, fillings)] for word in self.words]
        return [each for some in words for each in some]


def stop_of(stop: signal.Signals | str) -> signal.Signals | str:
    """How a program is stopped, from its name: `TERM`, `SIGINT`, END_OF_INPUT or BY_FLAG."""
    if isinstance(stop, signal.Signals) or stop in (END_OF_INPUT, BY_FLAG):
        return stop
    try:
        return signal.Signals[stop if stop.startswith("SIG") else f"SIG{stop}"]
    except KeyError:
        raise UsageProblem(f"unknown stop {stop!r}: it is a signal's name, {END_OF_INPUT} or {BY_FLAG}") from None


def _filled(word: str, fillings: Mapping[str, str]) -> str:
    for placeholder, text in fillings.items():
        word = word.replace(placeholder, text)
    return word


class CommandTailer(Following):
    """The processes of one job, and the threads that take what they put out."""

    def __init__(self, adapter: CommandAdapter, job: Job) -> None:
        self._adapter = adapter
        self._job = job
        self._paths = {key: os.fspath(path) for key, path in job.log_files.items()}
        self._processes: dict[int | None, subprocess.Popen[bytes]] = {}
        """By the key of its file; None is the key of one process for all."""
        self._readers: list[threading.Thread] = []
        self._ledger = Ledger()
        self._told_to_end: set[int] = set()
        self._stopped = False
        self._folder = tempfile.mkdtemp() if adapter.stop == BY_FLAG else ""
        self._flag = os.path.join(self._folder, "stop") if self._folder else ""

    def start(self) -> CommandTailer:
        adapter, interval = self._adapter, self._job.interval
        if adapter.one_for_all:
            words = adapter.words_for_all([*self._paths.values()], interval, self._flag)
            if adapter.pattern is None:
                self._begin(None, words, partial(self._deliver, None), lambda: None)
            else:
                keys = {path: key for key, path in self._paths.items()}
                attribution = Attribution(adapter.pattern, keys, self._deliver)
                self._begin(None, words, attribution.take, attribution.end)
            return self
        for key, path in self._paths.items():
            words = adapter.words_for(path, interval, self._prefix(key), self._flag)
            self._begin(key, words, partial(self._deliver, key), lambda: None)
        return self

    def _prefix(self, key: int) -> str:
        prefixes = self._job.prefixes
        given = {} if prefixes is None or prefixes is DEFAULT else prefixes
        return given.get(key, f"[{self._job.name}{key}]:")

    def _deliver(self, key: int | None, text: str) -> None:
        self._ledger.take(key, text)
        self._job.hand_over(key, text)

    def _begin(
        self, key: int | None, words: Sequence[str], take: Callable[[str], None], end: Callable[[], None]
    ) -> None:
        process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE if self._adapter.stop == END_OF_INPUT else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self._adapter.environment,
            start_new_session=True,
        )
        self._processes[key] = process
        assert process.stdout is not None
        assert process.stderr is not None
        self._read(process, process.stdout, take, end)
        self._read(process, process.stderr, partial(self._report, process), lambda: None)

    def _report(self, process: subprocess.Popen[bytes], text: str) -> None:
        """Pass on what the program says, but not what a shell says of its own programs: that the signal ended them."""
        how = self._adapter.stop
        if process.pid in self._told_to_end and isinstance(how, signal.Signals):
            name = signal.strsignal(how) or how.name
            text = "".join(line for line in text.splitlines(keepends=True) if name not in line)
        if text:
            self._job.report(text)

    def _read(
        self, process: subprocess.Popen[bytes], pipe: IO[bytes], take: Callable[[str], None], end: Callable[[], None]
    ) -> None:
        def run() -> None:
            decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
            while block := os.read(pipe.fileno(), BLOCK):
                if text := decoder.decode(block):
                    take(text)
            if text := decoder.decode(b"", final=True):
                take(text)
            end()
            if pipe is process.stdout:
                status = process.wait()
                if process.pid not in self._told_to_end:
                    self._job.report(_ended_by_itself(status))

        reader = threading.Thread(target=run, name="conformance-command-output", daemon=True)
        reader.start()
        self._readers.append(reader)

    def running(self) -> list[subprocess.Popen[bytes]]:
        return [process for process in self._processes.values() if process.poll() is None]

    def ended_by_itself(self) -> str:
        """How the last of the programs ended, once all have and what they put out has been taken; else ''."""
        if self._stopped or self.running() or any(reader.is_alive() for reader in self._readers):
            return ""
        return _ended_by_itself([process.returncode for process in self._processes.values()][-1])

    def family(self) -> list[int]:
        """The ids of the processes that run, with those below them."""
        return [pid for process in self.running() for pid in family(process.pid)]

    def stop(self) -> None:
        if not self._stopped:
            self._tell_to_end()
            for process in self._processes.values():
                process.wait()
            self._join()
            if any(reader.is_alive() for reader in self._readers):
                raise ConformanceFailure(
                    "the program has ended, and a process that it left in another session holds its output open",
                    expected="a program that ends with all it started",
                )
        self._stopped = True

    def _tell_to_end(self) -> None:
        how = self._adapter.stop
        if isinstance(how, signal.Signals):
            drain(self._paths, self, self._ledger)
        for process in self.running():
            self._told_to_end.add(process.pid)
            if isinstance(how, signal.Signals):
                _signal_group(process, how)
            elif how == END_OF_INPUT and process.stdin is not None:
                process.stdin.close()
        if how == BY_FLAG:
            with contextlib.suppress(FileExistsError, FileNotFoundError):
                os.close(os.open(self._flag, os.O_CREAT | os.O_EXCL))

    def stopped(self) -> bool:
        return self._stopped

    def kill(self) -> None:
        """End whatever is left, in any state."""
        for process in self._processes.values():
            self._told_to_end.add(process.pid)
            _signal_group(process, signal.SIGKILL)
            process.wait()
        self._join()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _join(self) -> None:
        self._await_readers()
        for process in self._processes.values():
            _signal_group(process, signal.SIGKILL)  # what the program left behind in its session
        self._await_readers()
        for process in self._processes.values():
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None and not any(reader.is_alive() for reader in self._readers):
                    pipe.close()

    def _await_readers(self) -> None:
        ends = time.monotonic() + ENDS_WITHIN
        for reader in self._readers:
            reader.join(max(0.0, ends - time.monotonic()))

    # What the drain looks at.

    def _of(self, key: int) -> subprocess.Popen[bytes] | None:
        return self._processes.get(key) or self._processes.get(None)

    def alive(self, key: int) -> bool:
        process = self._of(key)
        return process is not None and process.poll() is None

    def processes(self, key: int) -> Iterable[int]:
        process = self._of(key)
        return family(process.pid) if process is not None else []

    def rests(self, pids: Iterable[int]) -> bool:
        return all_sleep(pids)

    def worked(self, pids: Iterable[int]) -> object:
        return cpu_ticks(pids)


def _ended_by_itself(status: int) -> str:
    return f"the program ended by itself with status {status}"


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Signal the session that the program leads: what it started belongs to it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
