"""What adapters of functions that follow one file in this process have in common; several run side by side.

The caller of such a function is the adapter: it takes the lines, tells the function to stop where that can be told, and
else waits until what stands in the file has come.
"""

from __future__ import annotations

import codecs
import inspect
import os
import threading
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from .. import traces
from ..offsets import family
from ..outcomes import AdapterProblem, TailerRaised, UsageProblem
from ..report.inert import in_one_line
from .base import CALLED_IN_PROCESS, TOLD, Adapter, Job, Tailer, names
from .draining import Following, Ledger, Owed, drain

CAPABILITIES = TOLD | {"error-report", "several-files"}
"""What such a function is taken to do: what it raises is its report, and one call a file follows several."""

INTERVAL, STOP, STOPPED = "interval", "stop", "stopped"
"""Parameters that a function may have: the seconds between looks; an event that is set, or a function that says so,
when it is to end."""

JOINS_WITHIN = 1.0
"""Seconds that what cannot be told to stop gets to end after it was closed or cancelled, before it is left behind."""


class FollowingAdapter(Adapter):
    """Base: `function(path)` follows one file. It is given by name those of interval, stop and stopped that it takes.

    `strips` says that its lines come without their line end.

    Raises:
        UsageProblem: the function cannot be called so, or a capability is added that none has.
    """

    reports_as: ClassVar[str] = "an exception of the function, or a log record of level ERROR or above"
    impossible: ClassVar[frozenset[str]] = CALLED_IN_PROCESS
    function_takes: ClassVar[int] = 1
    """Arguments by position: the path."""

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        strips: bool = False,
        name: str | None = None,
        capabilities: Iterable[str] = (),
        without: Iterable[str] = (),
    ) -> None:
        self.function = function
        self.strips = strips
        self.name = name or f"{getattr(function, '__module__', '?')}:{getattr(function, '__qualname__', function)}"
        self.takes = _takes(function, self.name, self.function_takes)
        without = names(without)
        self.told = self.is_told(without)
        """Whether the function is told when to stop: it then drains by itself, as the contract asks."""
        found = CAPABILITIES if self.told else CAPABILITIES - {"last-piece"}
        self.capabilities = (found | names(capabilities)) - without
        self.refuse_impossible()

    def is_told(self, without: Iterable[str]) -> bool:
        """What `told` comes to, `without` taken away from the capabilities."""
        return self.asks_for_stop

    @property
    def asks_for_stop(self) -> bool:
        """Whether the function has a parameter by which it is told to stop."""
        return bool(self.takes & {STOP, STOPPED})

    def processes(self, tailer: Tailer) -> Iterable[int]:
        return family(os.getpid())  # the function may run a program

    def progress(self, tailer: Tailer) -> object:
        assert isinstance(tailer, FollowingTailer)
        return tailer.looked_at

    def ended_by_itself(self, tailer: Tailer) -> str:
        assert isinstance(tailer, FollowingTailer)
        if any(tailer.alive(key) for key in tailer.paths):
            return ""
        return f"the function that follows the file {tailer.raised or 'ended'}"

    def abandon(self, tailer: Tailer) -> None:
        assert isinstance(tailer, FollowingTailer)
        tailer.abandon()


def _takes(function: Callable[..., Any], name: str, count: int) -> frozenset[str]:
    """Those of the adapter's parameters that the function has."""
    if not callable(function):
        raise UsageProblem(f"{name} is not a function that follows a file")
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return frozenset()  # one written in C may not tell
    taken = frozenset({INTERVAL, STOP, STOPPED} & set(signature.parameters))
    try:
        signature.bind(*[None] * count, **dict.fromkeys(taken))
    except TypeError as error:
        raise UsageProblem(f"{name} cannot be called with {count} by position and {sorted(taken)}: {error}") from None
    return taken


class _Lines:
    """Turns what a function hands over for one file into text."""

    def __init__(self, strips: bool) -> None:
        self._strips = strips
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self.items = 0
        self.ends = 0

    def text(self, item: object) -> str:
        """The text of `item`; AdapterProblem where it is none."""
        if isinstance(item, bytes | bytearray):
            item = bytes(item).decode("utf-8", errors="replace") if self._strips else self._decoder.decode(bytes(item))
        if not isinstance(item, str):
            raise AdapterProblem(f"the tailer handed over {item!r}, which is neither str nor bytes: hand over its text")
        self.items += 1
        self.ends += item.endswith("\n")
        if not self._strips:
            return item
        if item.endswith("\n"):
            raise AdapterProblem("the tailer's lines come with their line end: leave strips=True out of its adapter")
        return item + "\n"

    def rest(self) -> str:
        """The text of a character of which nothing more comes; '' if the last item ended with a whole one."""
        return self._decoder.decode(b"", final=True)


LINES_TO_SEE = 2
"""Lines that must have come without a line end before that is called the adapter's fault: one may be a piece."""


class FollowingTailer(Following, ABC):
    """What follows the files of one job. A subclass begins, tells and ends it."""

    def __init__(self, adapter: FollowingAdapter, job: Job) -> None:
        self.adapter = adapter
        self.job = job
        self.paths = {key: os.fspath(path) for key, path in job.log_files.items()}
        self.stops = {key: threading.Event() for key in self.paths}
        """What tells each function to end: one each, and set once. A thread that is left behind, and ended while it
        waits, can leave the lock of its event taken: nobody else may need it."""
        self._stopping = False
        self._lines = {key: _Lines(adapter.strips) for key in self.paths}
        self._ledger = Ledger()
        self._lock = threading.Lock()
        self._closed = False
        self._stopped = False
        self._started = False
        self._problem: AdapterProblem | None = None
        self.raised = ""
        """What a function raised last, in words that say so; '' if none has."""

    @abstractmethod
    def begin(self) -> None:
        """Begin to follow every file."""

    @abstractmethod
    def alive(self, key: int) -> bool:
        """Whether the file of this key is still followed."""

    @abstractmethod
    def tell(self) -> None:
        """Tell what is followed to end, where it can be told, and wait until it has."""

    @abstractmethod
    def end(self) -> None:
        """End what cannot be told: whatever it delivers from now on is dropped."""

    def is_stopping(self) -> bool:
        """Whether the functions have been told to end."""
        return self._stopping

    def _have_stop(self) -> None:
        if not self._stopping:
            self._stopping = True
            for stop in self.stops.values():
                stop.set()

    def abandon(self) -> None:
        """End whatever is left, in any state."""
        self.close()
        self._have_stop()
        if self._started:
            self.end()

    def arguments(self, stop: object) -> dict[str, object]:
        """What the function is given by name, `stop` as the event that is set."""
        given = {INTERVAL: self.job.interval, STOP: stop, STOPPED: self.is_stopping}
        return {name: value for name, value in given.items() if name in self.adapter.takes}

    def start(self) -> FollowingTailer:
        self._started = True
        self.begin()
        return self

    def take(self, key: int, item: object) -> None:
        """Deliver what was handed over for the file of this key; nothing once the tailer has been closed."""
        try:
            text = self._lines[key].text(item)
        except AdapterProblem as problem:
            self._problem = self._problem or problem
            return
        self._deliver(key, text)

    def _deliver(self, key: int, text: str) -> None:
        with self._lock:
            if text and not self._closed:
                self._ledger.take(key, text)
                self.job.deliver(key, text)

    def report(self, key: int, error: BaseException) -> None:
        """What the function raised is its report; its caller knows of which file."""
        if not self._closed:
            self.raised = "raised " + in_one_line("".join(traceback.format_exception_only(error)).strip())
            self.job.report(f"{type(error).__name__} for {self.paths[key]}: {error}\n{traces.of_error(error)}")

    def ended(self, key: int) -> None:
        """The function ended though nobody asked it to."""
        if not self._stopping:
            self.job.report(f"what follows {self.paths[key]} ended by itself")

    def stop(self) -> None:
        if self._started and not self._stopped:
            self._have_stop()
            if self.adapter.told:
                self.tell()
            else:
                self._drain()
            for key, lines in self._lines.items():
                self._deliver(key, lines.rest())
            self.close()
            self.end()
        self._stopped = True
        if self._problem is None:
            self._problem = self._without_ends()
        if self._problem is not None:
            raise self._problem

    def close(self) -> None:
        """Let nothing more through."""
        with self._lock:
            self._closed = True

    def stopped(self) -> bool:
        return self._stopped

    def _drain(self) -> None:
        drain(self.paths, self, self._ledger)

    def processes(self, key: int) -> Iterable[int]:
        return self.adapter.processes(self)

    def _without_ends(self) -> AdapterProblem | None:
        """Whether lines came one by one without their ends, though none was said to."""
        for key, lines in self._lines.items():
            if self.adapter.strips or lines.ends or lines.items < LINES_TO_SEE:
                continue
            if Owed.by(self.paths[key]).lines >= LINES_TO_SEE:
                return AdapterProblem("the tailer's lines come without their line end: give its adapter strips=True")
        return None


def raised(what: str, error: Exception) -> TailerRaised:
    """The failure of a call of the tailer's own that raised."""
    return TailerRaised(
        f"{what} raised {type(error).__name__}",
        expected="it returns",
        got=traces.of_error(error),
    )
