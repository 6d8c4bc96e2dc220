"""The adapter of a tailer in another language: a driver that speaks JSON, one message a line, on its standard streams.

The messages are described in docs/adapters.md and by protocol-1.schema.json beside this file.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from ..offsets import family
from ..outcomes import AdapterProblem, TailerRaised, UsageProblem
from ..report.inert import in_one_line
from ..scratch import LONGEST, contents, scratch
from ..strays import end_family
from .base import CALLED_IN_PROCESS, DEFAULT, Adapter, Job, Tailer, names
from .command import program_environment, program_words
from .draining import Following, Ledger, all_sleep, cpu_ticks, drain

VERSION = 1
"""Of the protocol: a driver says which one it speaks."""

DESCRIBES_WITHIN = 30.0
"""Seconds that a driver gets to say what it drives: an interpreter on a busy machine takes one."""

ENDS_WITHIN = 2.0
"""Seconds that a driver gets to end once its input has, before it is killed: its tailer has been stopped by then."""

LAST_WORDS = 400
"""Characters shown of what a driver said on standard error when it broke."""


class ProtocolAdapter(Adapter):
    """Drives the driver `command`, one process a tailer. It says by itself what it drives and can do.

    `capabilities` are added to those it declares, `without` taken away. One that does not declare `last-piece` does not
    drain at its stop, and is told to stop when what stands in its files has come.

    Raises:
        UsageProblem: the driver cannot be run, does not describe itself in this protocol, or declares what a driver
            cannot have.
    """

    kind: ClassVar[str] = "protocol"
    impossible: ClassVar[frozenset[str]] = CALLED_IN_PROCESS
    reports_as: ClassVar[str] = "a message of the driver that is an error"

    def __init__(
        self,
        command: str | Sequence[str],
        *,
        name: str | None = None,
        capabilities: Iterable[str] = (),
        without: Iterable[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.words = program_words(command)
        self.environment = program_environment(environment)
        described = self._description()
        self.name = name or str(described["name"])
        self.capabilities = (frozenset(described["capabilities"]) | names(capabilities)) - names(without)
        self.refuse_impossible()

    def _description(self) -> dict[str, Any]:
        shown = shlex.join(self.words)
        with scratch(_encoded({"do": "describe"})) as asking, scratch() as saying:
            with subprocess.Popen(
                self.words, stdin=asking, stdout=subprocess.PIPE, stderr=saying, env=self.environment
            ) as process:
                assert process.stdout is not None
                try:
                    first = _first_line(process.stdout.fileno(), DESCRIBES_WITHIN)
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(ENDS_WITHIN)
                finally:
                    end_family(process.pid)
            errors = contents(saying)
        if first is None:
            raise UsageProblem(f"the driver {shown!r} did not describe itself within {DESCRIBES_WITHIN:g} s")
        try:
            message = json.loads(first)
            capabilities = message["capabilities"]
            right = message["is"] == "description" and message["protocol"] == VERSION and message["name"]
            if not right or not all(isinstance(each, str) for each in capabilities):
                raise ValueError
        except (ValueError, KeyError, TypeError, RecursionError):
            said = " ".join(errors.decode(errors="replace").split())[-LAST_WORDS:]
            raise UsageProblem(
                f"the driver {shown!r} does not describe itself in protocol {VERSION}: "
                f"it answered {in_one_line(first.decode(errors='replace'))!r}" + (f" and said {said!r}" if said else "")
            ) from None
        found: dict[str, Any] = message
        return found

    def open(self, job: Job) -> ProtocolTailer:
        return ProtocolTailer(self, job)

    def processes(self, tailer: Tailer) -> Iterable[int]:
        assert isinstance(tailer, ProtocolTailer)
        return tailer.family()

    def progress(self, tailer: Tailer) -> object:
        assert isinstance(tailer, ProtocolTailer)
        return tailer.looked_at

    def ended_by_itself(self, tailer: Tailer) -> str:
        assert isinstance(tailer, ProtocolTailer)
        return tailer.ended_by_itself()

    def abandon(self, tailer: Tailer) -> None:
        assert isinstance(tailer, ProtocolTailer)
        tailer.kill()


def _first_line(descriptor: int, within: float) -> bytes | None:
    """The first line of a pipe, or all up to its end or its LONGEST bytes; None if there is none in time.

    Not all up to its end: what the driver has forked may hold it open for as long as it likes.
    """
    ends = time.monotonic() + within
    came = b""
    while b"\n" not in came and len(came) < LONGEST:
        if not select.select([descriptor], [], [], max(0.0, ends - time.monotonic()))[0]:
            return None
        more = os.read(descriptor, LONGEST)
        if not more:
            break
        came += more
    return came.partition(b"\n")[0]


def _encoded(message: Mapping[str, object]) -> bytes:
    return json.dumps(message).encode() + b"\n"


def start_message(job: Job) -> dict[str, object]:
    """What tells a driver to start. What is left to the tailer's own default is left out."""
    message: dict[str, object] = {
        "do": "start",
        "name": job.name,
        "files": [{"key": key, "path": os.fspath(path)} for key, path in job.log_files.items()],
        "interval": job.interval,
    }
    if job.prefixes is not DEFAULT:
        message["prefixes"] = None if job.prefixes is None else {str(key): text for key, text in job.prefixes.items()}
    if job.filter is not DEFAULT:
        message["filter"] = None if job.filter is None else True
    return message


class ProtocolTailer(Following):
    """One driver's process, and the thread that takes what it says."""

    def __init__(self, adapter: ProtocolAdapter, job: Job) -> None:
        self._adapter = adapter
        self._job = job
        self._process: subprocess.Popen[bytes] | None = None
        self._threads: list[threading.Thread] = []
        self._writes = threading.Lock()
        self._changed = threading.Condition()
        self._said: set[str] = set()
        """Those of started, stopped and ended that were said so far."""
        self._raised: dict[str, str] = {}
        self._problem = ""
        self._errors = b""
        self._stopping = self._stopped = False
        self._ledger = Ledger()

    def start(self) -> ProtocolTailer:
        self._process = subprocess.Popen(
            self._adapter.words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self._adapter.environment,
            start_new_session=True,
        )
        for take in (self._take_messages, self._take_errors):
            thread = threading.Thread(target=take, args=[self._process], name="conformance-protocol", daemon=True)
            thread.start()
            self._threads.append(thread)
        self._send(start_message(self._job))
        if not self._wait_for("started"):
            raise AdapterProblem(f"the driver ended before it had started its tailer{self._last_words()}")
        return self

    def stop(self) -> None:
        if self._process is None or self._stopped:
            self._stopped = True
            return
        if "last-piece" not in self._adapter.capabilities:
            drain({key: os.fspath(path) for key, path in self._job.log_files.items()}, self, self._ledger)
        self._stopping = True
        self._send({"do": "stop"})
        if not self._wait_for("stopped"):
            raise TailerRaised(
                "the process of the tailer ended by itself",
                expected="it goes on until it is stopped",
                got=f"status {self._process.wait()}{self._last_words()}",
            )
        self._end()
        self._stopped = True

    def stopped(self) -> bool:
        return self._stopped

    def ended_by_itself(self) -> str:
        """How the process ended, once it has and all that it said has been taken; else ''."""
        if self._process is None or self._stopping or self._problem or any(each.is_alive() for each in self._threads):
            return ""
        return _ended_by_itself(self._process.wait())

    def family(self) -> list[int]:
        """The ids of the driver's process and those below it."""
        if self._process is None or self._process.poll() is not None:
            return []
        return family(self._process.pid)

    def kill(self) -> None:
        """End whatever is left, in any state."""
        if self._process is not None:
            self._stopping = True
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._close()

    def _end(self) -> None:
        assert self._process is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()  # type: ignore[union-attr]
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(ENDS_WITHIN)
        self.kill()

    def _close(self) -> None:
        assert self._process is not None
        for thread in self._threads:
            thread.join(ENDS_WITHIN)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None and not any(thread.is_alive() for thread in self._threads):
                with contextlib.suppress(OSError):  # what is left to be written has no reader any more
                    pipe.close()

    def _send(self, message: Mapping[str, object]) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        with self._writes, contextlib.suppress(OSError, ValueError):  # that the process has ended is seen elsewhere
            self._process.stdin.write(_encoded(message))
            self._process.stdin.flush()

    def _wait_for(self, what: str) -> bool:
        """Wait until the driver has said so; False if it ended before."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._said & {what, "ended"} or self._problem or self._raised))
        if self._problem:
            raise AdapterProblem(self._problem)
        for call, text in self._raised.items():
            raise TailerRaised(f"{call}() raised", expected=f"{call}() returns", got=text)
        return what in self._said

    def _last_words(self) -> str:
        said = " ".join(self._errors.decode(errors="replace").split())[-LAST_WORDS:]
        return f": {said}" if said else ""

    # What a drain looks at.

    def alive(self, key: int) -> bool:
        return self._process is not None and self._process.poll() is None

    def processes(self, key: int) -> Iterable[int]:
        return self.family()

    def rests(self, pids: Iterable[int]) -> bool:
        return all_sleep(pids)

    def worked(self, pids: Iterable[int]) -> object:
        return cpu_ticks(pids)

    # What the driver says.

    def _take_errors(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stderr is not None
        while block := os.read(process.stderr.fileno(), 4096):
            self._errors = (self._errors + block)[-LAST_WORDS:]

    def _take_messages(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            try:
                self._take(json.loads(line))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                if not line.endswith(b"\n"):
                    break  # its process ended within a message, which is told below
                self._say(problem=f"the driver said what is no message: {line[:LAST_WORDS]!r} ({error!r})")
        status = process.wait()
        if not self._stopping:
            self._job.report(f"{_ended_by_itself(status)}{self._last_words()}")
        self._say("ended")

    def _say(self, what: str = "", problem: str = "") -> None:
        with self._changed:
            if what:
                self._said.add(what)
            self._problem = self._problem or problem
            self._changed.notify_all()

    def _take(self, message: Mapping[str, Any]) -> None:
        match message["is"]:
            case "lines":
                self._lines(message.get("key"), message["text"])
            case "question":
                self._send({"do": "answer", "id": message["id"], **self._answer(message["line"])})
            case "error":
                self._job.report(_text(message["text"]))
            case "raised":
                with self._changed:
                    self._raised[_text(message["call"])] = _text(message["text"])
                    self._changed.notify_all()
            case "started" | "stopped":
                self._say(message["is"])
            case other:
                raise ValueError(f"unknown message {other!r}")

    def _lines(self, key: int | None, text: str) -> None:
        if key is not None and key not in self._job.log_files:
            raise ValueError(f"lines of the key {key!r}, which was not asked for")
        self._ledger.take(key, _text(text))
        self._job.hand_over(key, text)

    def _answer(self, line: str) -> dict[str, object]:
        keep = self._job.filter
        if keep is None or keep is DEFAULT:
            raise ValueError("a question to a filter that was not given")
        try:
            return {"keep": bool(keep(line))}
        except BaseException as error:  # whatever it is, it is the tailer's to bear
            return {"raised": repr(error)}


def _ended_by_itself(status: int) -> str:
    return f"the process of the tailer ended by itself with status {status}"


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value
