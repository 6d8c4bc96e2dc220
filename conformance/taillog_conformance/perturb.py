"""Schedule perturbation: races in a tailer's own code made to show.

A tailer that reads to the end of a file and then asks whether it is to stop loses a line only if the line comes, and
stop() is called, between the two: a few microseconds that a test never meets. `Holder` holds the tailer's thread at
one line of its own code while the check does exactly that; tried at every line that the thread passes while it idles,
it meets the gap each time. `Jitter` sleeps for short random times between lines, for races that need no exact place.

Both use the interpreter's trace functions in the threads that the tailer starts meanwhile (threads, executors, event
loops) and restore what was set before. Neither sees into C code, into another process, or into a thread that was
running before. `switching_often` has the interpreter itself change threads more often, which C code meets too.
"""

from __future__ import annotations

import linecache
import math
import os
import random
import signal
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from types import CodeType, FrameType, TracebackType
from typing import Any, Self

from .left_behind import take_back

SWITCH_INTERVAL = 1e-5
"""Seconds that a thread may run before another that waits gets the interpreter: 500 times as often as usual, and still
far longer than a switch takes. PyTorch's four unserialised writers damaged a buffered stream in 10 of 10 tries with
6,000 lines each, and without it in 7 of 10 with 12,000."""


@contextmanager
def switching_often() -> Iterator[None]:
    """Has the interpreter switch between threads far more often meanwhile, in C code that gives it back too."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


LONGEST_HOLD = 5.0
"""Seconds after which a held thread goes on by itself, so that a check that failed can end."""

_PATHS = sysconfig.get_paths()
_PURELIB, _PLATLIB = (os.path.join(_PATHS[name], "") for name in ("purelib", "platlib"))
_STDLIB = tuple(os.path.join(_PATHS[name], "") for name in ("stdlib", "platstdlib"))
_KIT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "")
_MACHINERY = ("_pytest", "pytest", "pluggy", "xdist", "execnet", "hypothesis", "coverage")

Place = tuple[CodeType, int]
"""A line of code: where a thread can be held."""


def is_own_code(code: CodeType) -> bool:
    """Whether `code` may be the tailer's: not the standard library's, the kit's or the test machinery's."""
    file = code.co_filename
    if file.startswith(("<", _KIT)):
        return False
    for packages in (_PURELIB, _PLATLIB):
        if file.startswith(packages):
            return not file[len(packages) :].startswith(_MACHINERY)
    return not file.startswith(_STDLIB)


class _Tracer:
    """Has `line` called before each line of the tailer's own code, in the threads that start meanwhile."""

    def __init__(self) -> None:
        self._own: dict[CodeType, bool] = {}
        self._before: Any = None
        self._on = False

    def __enter__(self) -> Self:
        take_back()
        self._before = threading.gettrace()
        self._on = True
        threading.settrace(self._trace)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._on = False  # threads that still run trace on, at no cost but the call
        threading.settrace(self._before)

    def _trace(self, frame: FrameType, event: str, argument: object) -> Callable[..., Any] | None:
        code = frame.f_code
        own = self._own.get(code)
        if own is None:
            own = self._own[code] = is_own_code(code)
        return self._local if own and self._on else None

    def _local(self, frame: FrameType, event: str, argument: object) -> Callable[..., Any] | None:
        if not self._on:
            return None
        if event == "line":
            self.line(frame)
        return self._local

    def line(self, frame: FrameType) -> None:
        raise NotImplementedError


class Jitter(_Tracer):
    """Sleeps up to `longest` seconds before a `share` of the lines, as `random` decides; `in_all` seconds at the most,
    so that a tailer that passes very many lines is not slowed down for ever."""

    def __init__(self, random: random.Random, share: float = 0.3, longest: float = 0.0005, in_all: float = 0.5) -> None:
        super().__init__()
        self._left = in_all
        self._random = random
        self._share = share
        self._longest = longest

    def line(self, frame: FrameType) -> None:
        if self._left > 0 and self._random.random() < self._share:
            nap = self._random.random() * self._longest
            self._left -= nap
            time.sleep(nap)


RESTS_FOR = 0.2
"""Share of a moment without a line passed after which a thread rests, and of that again a look's pause: what a tailer
does about one event takes far less, and a pause of the machine is not told apart from a rest, which decides nothing."""


class Holder(_Tracer):
    """Learns the places that the tailer's threads pass, and holds one of them at a place until it is released."""

    def __init__(self) -> None:
        super().__init__()
        self._learning = False
        self._places: dict[Place, None] = {}
        self._wanted: Place | None = None
        self._held = threading.Event()
        self._released = threading.Event()
        self._to_pass: dict[Place, int] = {}
        self._come_round = threading.Event()
        self._passed = 0.0

    @contextmanager
    def learning(self) -> Iterator[None]:
        """Note the places that are passed meanwhile, and those alone."""
        self._places = {}
        self._learning = True
        try:
            yield
        finally:
            self._learning = False

    def places(self) -> list[Place]:
        """The places noted last, in the order in which they were first met."""
        return list(self._places)

    def want(self, place: Place) -> None:
        """Hold the first thread that comes to `place` from now on."""
        self._released.clear()
        self._held.clear()
        self._wanted = place

    def held(self, within: float, still: float = math.inf) -> bool:
        """Whether a thread has come to the wanted place `within` seconds; if not, none is held any more.

        It is not waited for any longer once no thread has passed a line for `still` seconds.
        """
        self._passed = began = time.monotonic()
        while not self._held.wait(min(within, still)):
            if (now := time.monotonic()) - began >= within or now - self._passed >= still:
                self.release()  # a thread that comes to it just now goes on too
                return False
        return True

    def rests(self, within: float) -> None:
        """Return once no thread has passed a line for RESTS_FOR of `within` seconds; after `within` at the most."""
        ends = time.monotonic() + within
        still = within * RESTS_FOR
        while (now := time.monotonic()) < ends and now - self._passed < still:
            time.sleep(still * RESTS_FOR)

    def release(self) -> None:
        """Let the held thread go on."""
        self._wanted = None
        self._released.set()

    def release_for_a_look(self, places: Iterable[Place], within: float) -> None:
        """Let the held thread go on, and wait until one of `places`, which it passes while it idles, was passed twice:
        so it has done all that it does in one look. `within` seconds at the most."""
        self._come_round.clear()
        self._to_pass = dict.fromkeys(places, 2)
        self.release()
        self._come_round.wait(within)
        self._to_pass = {}

    def line(self, frame: FrameType) -> None:
        place = (frame.f_code, frame.f_lineno)
        self._passed = time.monotonic()
        if self._learning:
            self._places[place] = None
        if place in self._to_pass:
            self._to_pass[place] -= 1
            if not self._to_pass[place]:
                self._come_round.set()
        if self._wanted == place:
            self._wanted = None
            self._held.set()
            self._released.wait(LONGEST_HOLD)


STILL_FOR = 4
"""Looks in a row at which a thread stands at the same instruction: it waits."""

LOOKS_EVERY = 0.0005
"""Seconds between two of them."""

STILL_WITHIN = 0.25
"""Seconds after which a thread that never stands still is taken to have done what matters."""


def release_when_still(holder: Holder, thread_id: int, entered: Callable[[], bool]) -> threading.Thread:
    """Release what `holder` holds once the thread `thread_id` has entered a call and waits in it.

    So stop() has done all that it does before it waits for the tailer's thread: it has told it to end.
    """

    def watch() -> None:
        ends = time.monotonic() + STILL_WITHIN
        still, last = 0, None
        while time.monotonic() < ends and still < STILL_FOR:
            time.sleep(LOOKS_EVERY)
            frame = sys._current_frames().get(thread_id)
            stands = (id(frame), frame.f_lasti) if frame is not None else None
            del frame
            still = still + 1 if stands == last and entered() else 0
            last = stands
        holder.release()

    watcher = threading.Thread(target=watch, name="conformance-release", daemon=True)
    watcher.start()
    return watcher


def wait_without_end(threads: Iterable[int]) -> bool:
    """Whether each of the threads, named by their idents, is seen to wait, in a join() or wait() without a timeout.

    False also of what cannot be seen: a thread that waits in C code for a descriptor, a process, or a lock.
    """
    frames = sys._current_frames()
    return all(thread not in frames or _waits_without_end(frames[thread]) for thread in threads)


def _waits_without_end(frame: FrameType | None) -> bool:
    waits = False
    while frame is not None and frame.f_globals.get("__name__") == threading.__name__:
        if "timeout" in frame.f_locals:
            timeout = frame.f_locals["timeout"]
            if timeout is not None and timeout >= 0:  # -1 is how join() says None, in Python 3.11 and 3.12
                return False
            waits = True
        elif not waits:
            return False  # it runs, below the thread's first frames, in C code
        frame = frame.f_back
    return waits


def described(place: Place) -> str:
    """A place in words: file, line and the line's text."""
    code, number = place
    text = linecache.getline(code.co_filename, number).strip()
    return f"{os.path.basename(code.co_filename)}:{number} `{text}`"


class Pauses:
    """Stops and continues processes for short random times, as `random` decides: Jitter for what is not in this one.

    `processes` is asked each time, so that one that starts meanwhile is paused too.
    """

    LONGEST = 0.005
    """Seconds that a process runs, or stands still, at a time: about what a busy machine does to it."""

    def __init__(self, random: random.Random, processes: Callable[[], Iterable[int]]) -> None:
        self._random = random
        self._processes = processes
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="conformance-pauses", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._done.wait(self._random.random() * self.LONGEST):
            paused = list(self._processes())
            _signal(paused, signal.SIGSTOP)
            time.sleep(self._random.random() * self.LONGEST)
            _signal(paused, signal.SIGCONT)


def _signal(processes: Iterable[int], number: signal.Signals) -> None:
    for process in processes:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(process, number)


class LineCounter(_Tracer):
    """Counts how often each line of the tailer's own code is passed, from `begin` on."""

    def __init__(self) -> None:
        super().__init__()
        self._passes: dict[Place, int] | None = None

    def begin(self) -> None:
        """Count from now on."""
        self._passes = {}

    def most(self) -> tuple[str, int]:
        """The line that was passed most often, in words, and how often."""
        passes, self._passes = self._passes or {}, None
        if not passes:
            return "no line", 0
        place = max(passes, key=lambda each: passes[each])
        return described(place), passes[place]

    def line(self, frame: FrameType) -> None:
        if (passes := self._passes) is not None:
            place = (frame.f_code, frame.f_lineno)
            passes[place] = passes.get(place, 0) + 1
