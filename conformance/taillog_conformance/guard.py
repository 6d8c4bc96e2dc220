"""The process round a check: whatever a tailer changes of it is put back when the check is over, and named.

So no check finds what another one's tailer left, and neither does the test runner.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import builtins
import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from .left_behind import living

try:
    import resource
except ImportError:  # pragma: no cover (not on this system)
    resource = None  # type: ignore[assignment]

PRINTED = 2**20
"""Characters that a tailer may print in one check before the rest is dropped: a test runner keeps them in memory."""

LARGEST_FILE = 2**30
"""Bytes that no file may outgrow while a check runs: forty times the largest one of the suite."""

STANDARD = (0, 1, 2)
"""Descriptors of standard input, output and error."""


@dataclass(frozen=True)
class _Kept:
    """One part of a process's state: its name, how it is read, and how it is put back."""

    name: str
    get: Callable[[], Any]
    put: Callable[[Any], object]


def _umask() -> int:
    if threading.active_count() > 1:  # what another thread makes just now would get the mask that is set to ask for it
        with suppress(OSError, ValueError), open("/proc/self/status", encoding="ascii", errors="replace") as status:
            for line in status:
                if line.startswith("Umask:"):
                    return int(line.split()[1], 8)
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _folder() -> str:
    try:
        return os.getcwd()
    except OSError:  # it was deleted
        return ""


def _set_folder(path: str) -> None:
    with suppress(OSError):
        os.makedirs(path, exist_ok=True)  # what stood in it is lost
        os.chdir(path)


SIGNALS = tuple(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})


def _handlers() -> dict[int, Any]:
    # Not signal.getsignal(), which makes an enum's member of each: there are 62, and this is asked six times a check.
    return {number: handler for number in SIGNALS if (handler := _signal.getsignal(number)) is not None}


def _set_handlers(handlers: Mapping[int, Any]) -> None:
    for number, handler in handlers.items():
        if _signal.getsignal(number) is not handler:
            with suppress(ValueError, OSError):  # not the main thread, or a signal of the C library's own
                signal.signal(number, handler)


def _environment() -> dict[Any, Any]:
    # Not dict(os.environ), which decodes each name and value: there may be many, and this is asked four times a check.
    return dict(getattr(os.environ, "_data", os.environ))


def _set_environment(values: Mapping[Any, Any]) -> None:
    wanted = {os.fsdecode(name): os.fsdecode(value) for name, value in values.items()}
    for name in set(os.environ) - set(wanted):
        del os.environ[name]
    os.environ.update({name: value for name, value in wanted.items() if os.environ.get(name) != value})


def _logging() -> tuple[Any, ...]:
    root = logging.getLogger()
    return (
        list(root.handlers),
        list(root.filters),
        root.level,
        root.disabled,
        logging.root.manager.disable,
        logging.raiseExceptions,
        logging.getLoggerClass(),
    )


def _set_logging(state: tuple[Any, ...]) -> None:
    root = logging.getLogger()
    root.handlers[:], root.filters[:], level, root.disabled, disable, logging.raiseExceptions, cls = state
    root.setLevel(level)
    logging.disable(disable)
    logging.setLoggerClass(cls)


def _traces() -> tuple[Any, ...]:
    return sys.gettrace(), sys.getprofile(), threading.gettrace(), threading.getprofile()


def _set_traces(traces: tuple[Any, ...]) -> None:
    setters = (sys.settrace, sys.setprofile, threading.settrace, threading.setprofile)
    for put, trace in zip(setters, traces, strict=True):
        put(trace)


FUNCTIONS: tuple[tuple[Any, str], ...] = (
    *((time, name) for name in ("monotonic", "time", "perf_counter", "sleep")),
    *((os, name) for name in ("open", "stat")),
    (threading.Thread, "start"),
    (builtins, "open"),
    (json, "dumps"),
)
"""Functions that are replaced in tests, and forgotten: without them no check goes on, and no result is told."""

CLOCK = FUNCTIONS[:4]
"""Those of them without which a check that has begun does not end."""


def _functions(places: Sequence[tuple[Any, str]] = FUNCTIONS) -> list[Any]:
    return [getattr(owner, name) for owner, name in places]


def _set_functions(functions: Sequence[Any], places: Sequence[tuple[Any, str]] = FUNCTIONS) -> None:
    for (owner, name), function in zip(places, functions, strict=True):
        setattr(owner, name, function)


TIMERS = (signal.ITIMER_VIRTUAL, signal.ITIMER_PROF) if hasattr(signal, "setitimer") else ()


def _timers() -> list[bool]:
    """Which of the timers run: how long they still have changes by itself."""
    return [signal.getitimer(timer)[0] > 0 for timer in TIMERS]


def _set_timers(running: Sequence[bool]) -> None:
    for timer, wanted in zip(TIMERS, running, strict=True):
        if not wanted:
            signal.setitimer(timer, 0)


LIMITS = tuple(getattr(resource, f"RLIMIT_{name}", None) for name in ("NOFILE", "FSIZE", "AS", "CPU"))


def limits() -> list[tuple[int, int] | None]:
    """The resource limits without which a check cannot go on."""
    return [None if limit is None else resource.getrlimit(limit) for limit in LIMITS]


def _set_limits(wanted: Sequence[tuple[int, int] | None]) -> None:
    for limit, before in zip(LIMITS, wanted, strict=True):
        if limit is not None and before is not None and resource.getrlimit(limit) != before:
            _, most = resource.getrlimit(limit)
            try:
                resource.setrlimit(limit, before)
            except (ValueError, OSError):  # only root may raise a hard limit again
                with suppress(ValueError, OSError):
                    resource.setrlimit(limit, (min(before[0], most) if most >= 0 else before[0], most))


LOCK_FREE_WITHIN = 1.0
"""Seconds that a thread may hold the lock of logging: it does for microseconds."""


def _logging_is_free() -> bool:
    """Whether the lock of logging can be had: a thread that has ended never gives it back."""
    free: bool = logging._lock.acquire(timeout=LOCK_FREE_WITHIN)  # type: ignore[attr-defined]
    if free:
        logging._lock.release()  # type: ignore[attr-defined]
    return free


def _free_logging(_: bool) -> None:
    logging._lock = threading.RLock()  # type: ignore[attr-defined]


HOME = _folder()
"""The working folder as it was when the kit was loaded."""

FOLDER = "the working folder"
DESCRIPTORS = "the standard descriptors"
ENVIRONMENT = "the environment variables"

RECURSION = "the recursion limit"

REPLACED = "functions of the standard library"
BOUNDS = "the resource limits"
LOCK = "the lock of logging"

_KEPT = (
    _Kept(RECURSION, sys.getrecursionlimit, sys.setrecursionlimit),
    _Kept(REPLACED, _functions, _set_functions),
    _Kept(BOUNDS, limits, _set_limits),
    _Kept(LOCK, _logging_is_free, _free_logging),
    _Kept("the interval timers", _timers, _set_timers),
    _Kept("the trace functions", _traces, _set_traces),
    _Kept(FOLDER, _folder, _set_folder),
    _Kept("the umask", _umask, os.umask),
    _Kept("the signal handlers", _handlers, _set_handlers),
    _Kept("the configuration of logging", _logging, _set_logging),
    _Kept(ENVIRONMENT, _environment, _set_environment),
    _Kept("the switch interval", sys.getswitchinterval, sys.setswitchinterval),
)
"""What is put back, in the order in which it is: with a low recursion limit nothing else can be."""


_open: list[list[str]] = []
"""What was changed, of each guard that is at work now, the innermost last."""


@dataclass(frozen=True)
class Needed:
    """What a check needs to go on after a call of the tailer, as it was before."""

    recursion: int = field(default_factory=sys.getrecursionlimit)
    clock: list[Any] = field(default_factory=lambda: _functions(CLOCK))
    limits: list[tuple[int, int] | None] = field(default_factory=limits)

    def keep(self) -> None:
        """Put it back at once: the check itself would break, or never end."""
        if sys.getrecursionlimit() < self.recursion:
            sys.setrecursionlimit(self.recursion)
            _note(RECURSION)
        if _functions(CLOCK) != self.clock:
            _set_functions(self.clock, CLOCK)
            _note(REPLACED)
        if limits() != self.limits:
            _set_limits(self.limits)
            _note(BOUNDS)
        keep_standard_descriptors()


def _note(name: str) -> None:
    for changed in _open[-1:]:
        changed.append(name)


def keep_standard_descriptors() -> None:
    """Take the places of those that the tailer has closed: the next file would get their numbers, and be closed too."""
    for number in STANDARD:
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            _note(DESCRIPTORS)


@contextmanager
def guarded(*, without: Sequence[str] = (), captured: bool = True) -> Iterator[list[str]]:
    """Put back what is changed of the process meanwhile; the list names what was, once this is over.

    `without` names parts that are left as they are. What is printed is bounded, and closing it has no effect; where
    it is `captured` (by a test runner), what goes past sys.stdout, to the descriptors, is dropped.
    """
    changed: list[str] = []
    if not _folder():  # a tailer of another process, or of the smoke check, has deleted it
        _set_folder(HOME)
        changed.append(FOLDER)
    with ExitStack() as exits:
        exits.enter_context(small_files())
        kept = [(each, each.get()) for each in _KEPT if each.name not in without]
        exits.enter_context(_descriptors(changed, captured))
        exits.enter_context(_streams(changed))
        _open.append(changed)
        try:
            yield changed
        finally:
            _open.remove(changed)
            for each, before in kept:
                if each.get() != before:
                    changed.append(each.name)
                    each.put(before)


@contextmanager
def small_files() -> Iterator[None]:
    """No file may grow beyond LARGEST_FILE meanwhile, and a process that crashes leaves no image of its memory."""
    if resource is None:
        yield
        return
    before = {name: resource.getrlimit(name) for name in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE)}
    for name, most in ((resource.RLIMIT_FSIZE, LARGEST_FILE), (resource.RLIMIT_CORE, 0)):
        soft, hard = before[name]
        resource.setrlimit(name, (most if soft == resource.RLIM_INFINITY else min(soft, most), hard))
    try:
        yield
    finally:
        for name, limits in before.items():
            with suppress(ValueError, OSError):  # the tailer has lowered the hard limit
                resource.setrlimit(name, limits)


@contextmanager
def _descriptors(changed: list[str], captured: bool) -> Iterator[None]:
    """Give the standard descriptors back as they were; where output is `captured`, they lead nowhere meanwhile."""
    before: dict[int, int] = {}
    for number in STANDARD:
        with suppress(OSError):
            before[number] = os.dup(number)
    if captured:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for number in (1, 2):
            os.dup2(nowhere, number)
        os.close(nowhere)
    given = [_identity(number) for number in STANDARD]
    try:
        yield
    finally:
        if [_identity(number) for number in STANDARD] != given:
            changed.append(DESCRIPTORS)
        for number, copy in before.items():
            with suppress(OSError):
                os.dup2(copy, number)
                os.close(copy)


def _identity(number: int) -> object:
    try:
        found = os.fstat(number)
    except OSError:
        return None
    return found.st_dev, found.st_ino


@contextmanager
def _streams(changed: list[str]) -> Iterator[None]:
    """Stand in for sys.stdout and sys.stderr."""
    before = sys.stdout, sys.stderr
    mine = _Bounded(sys.stdout), _Bounded(sys.stderr)
    sys.stdout, sys.stderr = mine
    try:
        yield
    finally:
        if (sys.stdout, sys.stderr) != mine or any(each.was_closed for each in mine):
            changed.append("sys.stdout or sys.stderr")
        sys.stdout, sys.stderr = before


class _Bounded:
    """A text or binary stream that hands on the first PRINTED characters, drops the rest, and stays open."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._left = PRINTED
        self.was_closed = False

    def write(self, text: Any) -> int:
        shown = text[: self._left] if len(text) > self._left else text
        self._left -= len(shown)
        if shown:
            self._stream.write(shown)
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def close(self) -> None:
        self.was_closed = True

    @property
    def buffer(self) -> _Bounded:
        return _Bounded(self._stream.buffer)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


LEAKED = 64
"""Descriptors that a check may leave open: a tailer may keep some for those that follow, but no more without end."""


THREADS_END_WITHIN = 1.0
"""Seconds that threads get to end by themselves before their descriptors are left to them."""


@contextmanager
def few_descriptors() -> Iterator[None]:
    """Close what was opened meanwhile and is still open, where it is more than LEAKED: the later checks need some.

    Threads that go on would use the numbers, and close those of files that come after: they keep theirs, and there
    may be more descriptors.
    """
    before = _numbers()
    threads = living()
    try:
        yield
    finally:
        if len(_numbers() - before) > LEAKED:
            ends = time.monotonic() + THREADS_END_WITHIN
            others = living() - threads
            for thread in others:
                with suppress(AssertionError, RuntimeError):  # one that `threading` did not begin cannot be joined
                    thread.join(max(0.0, ends - time.monotonic()))
            left = _numbers() - before
            if living() & others:
                allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
                resource.setrlimit(resource.RLIMIT_NOFILE, (min(allowed + len(left), most), most))
            else:
                for number in left:
                    with suppress(OSError):
                        os.close(number)


def _numbers() -> set[int]:
    """The descriptors that are open, as far as the system tells."""
    try:
        return {int(number) for number in os.listdir("/proc/self/fd") if _is_open(int(number))}
    except OSError:
        return set()


def _is_open(number: int) -> bool:
    """Whether it still is: the one by which they were listed is not."""
    with suppress(OSError):
        os.fstat(number)
        return True
    return False


def in_words(changed: Sequence[str]) -> str:
    """What a person is told of it; '' if nothing was changed."""
    names = list(dict.fromkeys(changed))
    if not names:
        return ""
    *most, last = names
    return f"the tailer changed {', '.join(most)}{' and ' if most else ''}{last} of its process; put back"
