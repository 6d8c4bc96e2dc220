"""What is measured: a tailer behind an adapter, or a program; and one such at work."""

from __future__ import annotations

import json
import os
import select
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..adapters.command import FILE, INTERVAL
from ..offsets import family
from ..probe import describe
from ..target import Target

FILES = "{files}"
"""In a command: all paths, each a word of its own. Then one process follows them all."""

MOST_PROCESSES = 64
"""Processes that are started for a program which follows one file: some take 20 MiB each."""

MOVES_WITHIN = 20.0
"""Seconds without progress after which a measurement is given up: the slowest tailer looks once a second."""

ANSWERS_WITHIN = 60.0
"""Seconds that a call of the tailer may take."""

LOOKS_EVERY = 0.001
"""Seconds between two looks at how much has come: 1 % of the shortest time that is measured so."""


class Failed(Exception):
    """A measurement that cannot be made; the message says why."""


@dataclass(frozen=True)
class Task:
    """What a tailer is started for. `sink` is "file" (into `out`), "pipe" (into `pipe`) or "memory" (a StringIO)."""

    files: Mapping[int, Path]
    out: Path
    sink: str = "file"
    pipe: int = -1
    interval: float = 0.1
    prefixes: Mapping[int, str] | None = None
    keep: bool = False


class Tailing(Protocol):
    """A tailer at work. Times are in seconds; each method raises Failed."""

    def start(self) -> float: ...
    def stop(self) -> float: ...
    def close(self) -> None: ...
    def pids(self) -> list[int]: ...
    def outputs(self) -> list[Path]: ...


@dataclass(frozen=True)
class Subject:
    """One tailer to be measured."""

    label: str
    target: Target
    kind: str
    capabilities: frozenset[str]
    version: str

    def launch(self, task: Task) -> Tailing:
        """A tailer that only waits to be started."""
        return Program(self, task) if self.kind == "command" else Hosted(self, task)


def subject_for(target: Target) -> Subject:
    """The subject of a target's name or command.

    Raises:
        UsageProblem: it cannot be loaded, in one line.
    """
    asked = target
    if target.command is not None:  # an adapter of a program knows one file a process
        asked = Target(None, target.command.replace(FILES, FILE), target.capabilities, target.without)
    found = describe(asked)
    label = target.command if target.command is not None else str(found["name"])
    version = _program_version(target.command) if target.command is not None else _module_version(str(target.name))
    return Subject(label, target, str(found["adapter"]), frozenset(found["capabilities"]), version)


def _program_version(command: str) -> str:
    """The first line that the program says of its version, if it does."""
    try:
        words = [shlex.split(command)[0], "--version"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=5, check=False, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (done.stdout + done.stderr).strip().split("\n", 1)[0] if done.returncode == 0 else ""


def _module_version(name: str) -> str:
    """The version of the distribution that the target's module is from, if it is from one."""
    from importlib import metadata

    package = name.partition(":")[0].partition(".")[0]
    distributions = metadata.packages_distributions().get(package, [])
    return ", ".join(f"{each} {metadata.version(each)}" for each in dict.fromkeys(distributions))


class Hosted:
    """A tailer behind an adapter, in a process of its own: see `host`."""

    def __init__(self, subject: Subject, task: Task) -> None:
        self._out = task.out
        reading, writing = os.pipe()
        target = subject.target
        job = {
            "target": [target.name, target.command, target.capabilities, target.without],
            "files": {str(key): str(path) for key, path in task.files.items()},
            "sink": task.sink,
            "out": str(task.pipe if task.sink == "pipe" else task.out),
            "interval": task.interval,
            "prefixes": {str(key): text for key, text in task.prefixes.items()} if task.prefixes else None,
            "keep": task.keep,
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "taillog_conformance.bench.host", str(writing), json.dumps(job)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[writing] + ([task.pipe] if task.sink == "pipe" else []),
            start_new_session=True,
            text=True,
        )
        os.close(writing)
        self._answers = reading
        self._answer()

    def start(self) -> float:
        return self._ask("start")

    def wait(self, characters: int) -> float:
        """Seconds from start() until so many characters stand in a stream in memory."""
        return self._ask(f"wait {characters}")

    def stop(self) -> float:
        return self._ask("stop")

    def close(self) -> None:
        _kill(self._process)
        assert self._process.stdin is not None
        self._process.stdin.close()
        os.close(self._answers)

    def pids(self) -> list[int]:
        return family(self._process.pid)

    def outputs(self) -> list[Path]:
        return [self._out]

    def _ask(self, words: str) -> float:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(words + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise Failed("its process has ended") from None
        return self._answer()

    def _answer(self) -> float:
        if not select.select([self._answers], [], [], ANSWERS_WITHIN)[0]:
            raise Failed(f"no answer within {ANSWERS_WITHIN:g} s")
        said = os.read(self._answers, 65536)
        if not said:
            raise Failed("its process has ended")
        answer = json.loads(said)
        if "problem" in answer:
            raise Failed(str(answer["problem"]))
        return float(answer.get("seconds", 0.0))


class Program:
    """A program that writes what it follows to standard output: a process for each file, or for all (`{files}`)."""

    def __init__(self, subject: Subject, task: Task) -> None:
        assert subject.target.command is not None
        words = shlex.split(subject.target.command)
        paths = [str(path) for path in task.files.values()]
        followed = [paths] if FILES in words else [[path] for path in paths]
        if len(followed) > MOST_PROCESSES:
            raise Failed(f"it would take {len(followed)} processes, and more than {MOST_PROCESSES} are not started")
        self._commands = [_filled(words, each, task.interval) for each in followed]
        self._task = task
        if task.keep or task.prefixes or task.sink == "memory":
            raise Failed("a program has no prefix, filter or stream of a caller's")
        self._outputs = [task.out.with_suffix(f".{number}") for number in range(len(self._commands))]
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> float:
        began = time.perf_counter()
        # What hides a missing flush from a reader is not the program's own doing.
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
        for words, path in zip(self._commands, self._outputs, strict=True):
            with path.open("wb") as out:
                self._processes.append(
                    subprocess.Popen(
                        words,
                        stdin=subprocess.DEVNULL,
                        stdout=self._task.pipe if self._task.sink == "pipe" else out,
                        stderr=subprocess.DEVNULL,
                        env=environment,
                        start_new_session=True,
                    )
                )
        return time.perf_counter() - began

    def stop(self) -> float:
        began = time.perf_counter()
        for process in self._processes:
            process.send_signal(signal.SIGTERM)
        try:
            for process in self._processes:
                process.wait(ANSWERS_WITHIN)
        except subprocess.TimeoutExpired:
            raise Failed(f"it did not end within {ANSWERS_WITHIN:g} s") from None
        return time.perf_counter() - began

    def close(self) -> None:
        for process in self._processes:
            _kill(process)

    def pids(self) -> list[int]:
        return [pid for process in self._processes for pid in family(process.pid)]

    def outputs(self) -> list[Path]:
        return self._outputs


def _filled(words: Sequence[str], paths: Sequence[str], interval: float) -> list[str]:
    found: list[str] = []
    for word in words:
        if word == FILES:
            found += paths
        else:
            found.append(word.replace(FILE, paths[0]).replace(INTERVAL, f"{interval:g}"))
    return found


def _kill(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()
    process.wait()


def size(tailing: Tailing) -> int:
    """Bytes in the files that a tailer writes."""
    found = 0
    for path in tailing.outputs():
        try:
            found += path.stat().st_size
        except FileNotFoundError:
            continue
    return found


def until(tailing: Tailing, wanted: int) -> None:
    """Return when so many bytes have come. Raises Failed if nothing moves."""
    moved, last = time.monotonic(), -1
    while (now := size(tailing)) < wanted:
        if now != last:
            moved, last = time.monotonic(), now
        elif time.monotonic() - moved > MOVES_WITHIN:
            raise Failed(f"{now:,} of {wanted:,} bytes came, and then nothing for {MOVES_WITHIN:g} s")
        time.sleep(LOOKS_EVERY)
