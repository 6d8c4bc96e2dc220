"""Calls of the tailer's methods that end, whatever the method does.

A call is made in the thread that the check runs in, as a user would make it (a tailer may have good reason to care
which thread it is started from), and a timer signal breaks into it once nothing has moved for too long. Where there
is no such signal (another system, or a check that runs outside the main thread) the call is made in a helper thread,
which is left behind if it hangs.
"""

from __future__ import annotations

import bdb
import math
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

from . import guard, traces
from .clocks import Patience, RunningClock
from .interruption import does_something
from .outcomes import AdapterProblem, ConformanceFailure, TailerHung, TailerRaised
from .report.inert import bounded

T = TypeVar("T")

TICK = 0.25
"""Seconds between looks at the progress of a call: coarse, for the signal also interrupts the tailer's system calls."""

GIVES_WAY_WITHIN = 5.0
"""Seconds that a hung call gets to end once it has been broken into, before it is given up for good."""

STACK_SHOWN = 12
"""Innermost frames of a call that hung or raised that are shown."""


NO_BOUND = math.inf
"""For both bounds of a call: it may take as long as it likes, and nothing breaks into it (a debugger is at work)."""


class _Expired(BaseException):
    """Thrown into a hung call; not an Exception, so that the tailer's own handlers let it through."""


def call(
    what: str,
    function: Callable[[], T],
    *,
    within: float,
    over_all: float,
    progress: Callable[[], object] = lambda: None,
    due: Callable[[], object] = lambda: None,
    give_up: Callable[[TailerHung], object] = lambda failure: None,
) -> T:
    """The result of `function()`.

    `within` is how many seconds it may go on while `progress()` stays the same, `over_all` how many while `due()` does,
    how much of what it has to do is done, whatever else it does. A call that swallows every interruption can only be
    ended with its process: `give_up` is called, which may do that.

    Raises:
        TailerHung: it did not return in time; the failure carries the stack that it stood at.
        TailerRaised: it raised, whatever it raised (but for an adapter's AdapterProblem, which comes as it is).
        KeyboardInterrupt: the user pressed Ctrl-C meanwhile (one that the tailer raises itself is TailerRaised).
    """
    watch = _Watch(what, within, over_all, progress, due)
    if within == over_all == NO_BOUND:
        return _call_plainly(function, watch)
    if threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer"):
        return _call_here(function, watch, give_up)
    return _call_in_helper(function, watch)


class _Watch:
    """Knows when a call has gone on for too long."""

    def __init__(
        self,
        what: str,
        within: float,
        over_all: float,
        progress: Callable[[], object],
        due: Callable[[], object],
    ) -> None:
        self.what = what
        self._patience = Patience(within, over_all)
        self._progress = progress
        self._due = due
        self._began = time.monotonic()
        self._clock = RunningClock(2 * TICK)

    def expired(self) -> bool:
        now = self._clock()
        self._patience.look(now, self._progress(), self._due)
        return self._patience.is_over(now)

    def hung(self, frame: FrameType | None) -> TailerHung:
        waited = time.monotonic() - self._began
        stack = f"it stood at:\n{_shown(traceback.extract_stack(frame))}" if frame else "no stack to be had"
        return TailerHung(
            f"{self.what} had not returned after {waited:.0f} s",
            expected=f"{self.what} returns",
            got=f"{stack}\n{self._patience.told(self._clock())}",
        )

    def raised(self, error: BaseException) -> Exception:
        if isinstance(error, ConformanceFailure | AdapterProblem):
            return error  # an adapter has already said what the tailer did, or that it is itself at fault
        why, _, got = told(self.what, error).partition("\n")
        failure = TailerRaised(why, expected=f"{self.what} returns", got=got)
        failure.cause = error
        return failure


def told(what: str, error: BaseException) -> str:
    """That `what` raised `error`, in a first line of its own, and where."""
    trace = _shown(traceback.extract_tb(error.__traceback__))
    last = bounded("".join(traceback.format_exception_only(error))).rstrip()
    return f"{what} raised {type(error).__name__}\n{trace}\n{last}"


def _shown(stack: traceback.StackSummary) -> str:
    """The innermost frames below the last one of this module: the kit's own way there is of no interest."""
    own = [at for at, frame in enumerate(stack) if frame.filename == __file__]
    first = max(own[-1] + 1 if own else 0, len(stack) - STACK_SHOWN)
    return traces.of_stack(stack[first:])


def _call_here(function: Callable[[], T], watch: _Watch, give_up: Callable[[TailerHung], object]) -> T:
    running = True
    interrupted = False
    stuck: TailerHung | None = None
    broken_into = 0.0
    needed = guard.Needed()

    def on_tick(signum: int, frame: FrameType | None) -> None:
        nonlocal stuck, broken_into
        if not running:
            return
        again = stuck is not None
        if stuck is None and watch.expired():
            stuck, broken_into = watch.hung(frame), time.monotonic()
        # Set anew after each look: one may take longer than a tick on a busy machine, and the call has to go on.
        signal.setitimer(signal.ITIMER_REAL, TICK)
        if stuck is None:
            return
        if again and time.monotonic() - broken_into > GIVES_WAY_WITHIN:
            give_up(stuck)
        raise _Expired

    def on_interrupt(signum: int, frame: FrameType | None) -> None:
        nonlocal interrupted
        interrupted = True
        if callable(old_interrupt):
            old_interrupt(signum, frame)
        raise KeyboardInterrupt

    old_alarm = signal.signal(signal.SIGALRM, on_tick)
    old_interrupt = signal.getsignal(signal.SIGINT)
    if does_something(old_interrupt):  # what is ignored, as in a run in the background, stays so
        signal.signal(signal.SIGINT, on_interrupt)
    old_timer = signal.setitimer(signal.ITIMER_REAL, TICK)
    began = time.monotonic()
    try:
        result = function()
        running = False
    except BaseException as error:
        running = False
        if interrupted:
            raise KeyboardInterrupt from None
        # The stack was taken when the time was up; what the tailer made of the interruption does not matter.
        raise stuck or watch.raised(error) from None
    finally:
        running = False
        needed.keep()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old_alarm)
        if does_something(old_interrupt):
            signal.signal(signal.SIGINT, old_interrupt)
        if old_timer[0]:  # another tool's timer (a test timeout) goes on where it was
            left = max(old_timer[0] - (time.monotonic() - began), TICK)
            signal.setitimer(signal.ITIMER_REAL, left, old_timer[1])
    if interrupted:
        raise KeyboardInterrupt  # the tailer swallowed it, but the user meant the run
    if stuck:
        raise stuck
    return result


def _call_plainly(function: Callable[[], T], watch: _Watch) -> T:
    try:
        return function()
    except (KeyboardInterrupt, bdb.BdbQuit):
        raise
    except BaseException as error:
        raise watch.raised(error) from None


def _call_in_helper(function: Callable[[], T], watch: _Watch) -> T:
    results: list[T] = []
    errors: list[BaseException] = []
    done = threading.Event()

    def run() -> None:
        try:
            results.append(function())
        except BaseException as error:
            errors.append(error)
        finally:
            done.set()

    helper = threading.Thread(target=run, name=f"conformance-call-{watch.what}", daemon=True)
    helper.start()
    while not done.wait(TICK):
        if watch.expired():
            raise watch.hung(sys._current_frames().get(helper.ident or 0))
    if errors:
        raise watch.raised(errors[0])
    return results[0]
