"""Calls of a tailer end, whatever the tailer does: in the main thread, and in a helper thread."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from types import FrameType
from typing import Any

import pytest

from taillog_conformance import deadline
from taillog_conformance.interruption import programs_hear_signals
from taillog_conformance.outcomes import AdapterProblem, ConformanceFailure, TailerHung, TailerRaised

BOUND = 30.0
"""Seconds that nothing here takes, for what must happen."""

SHORT = 0.2
"""Seconds after which a call that hangs is given up: long enough to be in it on a machine with much else to do."""

WORK = 20_000
"""Rounds of a call that takes some tenths of a second by itself."""

Run = Callable[[Callable[[], object]], object]

running_here = pytest.mark.parametrize("thread", ["main", "other"])
"""Run a test with the call made in the main thread, and in another one, where no signal arrives."""


@pytest.fixture(autouse=True)
def fine_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at the calls more often than at a real tailer's, so that these tests are fast."""
    monkeypatch.setattr(deadline, "TICK", 0.01)


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Python's own handler of Ctrl-C, whatever the test runner made of it; and a look at what is left behind."""

    def alarm(signum: int, frame: FrameType | None) -> None: ...

    interrupt = signal.signal(signal.SIGINT, signal.default_int_handler)
    outer = signal.signal(signal.SIGALRM, alarm)
    timer = signal.setitimer(signal.ITIMER_REAL, 0)
    threads = set(threading.enumerate())
    yield
    ends = time.monotonic() + BOUND
    while set(threading.enumerate()) - threads:  # else they end in the midst of another test, which may count threads
        assert time.monotonic() < ends
        time.sleep(0.001)
    left = (signal.getsignal(signal.SIGALRM), signal.getsignal(signal.SIGINT))
    signal.setitimer(signal.ITIMER_REAL, *timer)
    signal.signal(signal.SIGALRM, outer)
    signal.signal(signal.SIGINT, interrupt)
    assert left == (alarm, signal.default_int_handler)


def call(function: Callable[[], object], *, thread: str = "main", **options: Any) -> object:
    """deadline.call with generous bounds, in the main thread or in another one; what it returned or raised."""
    options = {"within": BOUND, "over_all": 2 * BOUND} | options
    if thread == "main":
        return deadline.call("the call", function, **options)
    ended: list[tuple[object, BaseException | None]] = []

    def run() -> None:
        try:
            ended.append((deadline.call("the call", function, **options), None))
        except BaseException as error:
            ended.append((None, error))

    other = threading.Thread(target=run)
    other.start()
    other.join(2 * BOUND)
    result, error = ended[0]
    if error is not None:
        raise error
    return result


class Odd(BaseException):
    """What no handler of Exception takes."""


# What returns, and what raises.


@running_here
def test_a_call_that_returns_gives_its_result(thread: str) -> None:
    assert call(lambda: "result", thread=thread) == "result"
    assert call(lambda: None, thread=thread) is None


def test_it_is_made_in_the_callers_thread_where_a_signal_can_break_into_it() -> None:
    assert call(threading.current_thread) is threading.main_thread()
    helper = call(threading.current_thread, thread="other")
    assert isinstance(helper, threading.Thread)
    assert helper.daemon


@running_here
@pytest.mark.parametrize("error", [ValueError("why"), SystemExit(3), KeyboardInterrupt(), GeneratorExit(), Odd()])
def test_a_call_that_raises_is_the_tailers_fault_whatever_it_raises(error: BaseException, thread: str) -> None:
    def broken() -> None:
        raise error

    with pytest.raises(TailerRaised) as caught:
        call(broken, thread=thread)
    failure = caught.value
    assert failure.why == f"the call raised {type(error).__name__}"
    assert failure.expected == "the call returns"
    assert failure.cause is error
    assert "in broken" in failure.got
    assert failure.got.splitlines()[-1].rpartition(".")[2].startswith(type(error).__name__)


@running_here
@pytest.mark.parametrize("error", [ConformanceFailure("seen by the adapter"), AdapterProblem("its own")])
def test_what_an_adapter_has_judged_is_left_as_it_is(error: Exception, thread: str) -> None:
    def judged() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        call(judged, thread=thread)
    assert caught.value is error


# What does not return.


def in_a_lock(released: threading.Event) -> None:
    lock = threading.Lock()
    lock.acquire()
    while not released.is_set():
        lock.acquire(timeout=0.1)


def in_a_join(released: threading.Event) -> None:
    waiter = threading.Thread(target=released.wait, args=(BOUND,), daemon=True)
    waiter.start()
    waiter.join()


def in_a_sleep(released: threading.Event) -> None:
    while not released.is_set():
        time.sleep(0.1)


def in_a_read(released: threading.Event) -> None:
    reading, writing = os.pipe()

    def end() -> None:
        released.wait(BOUND)
        os.close(writing)

    threading.Thread(target=end, daemon=True).start()
    try:
        os.read(reading, 1)
    finally:
        os.close(reading)


def in_a_loop(released: threading.Event) -> None:
    while not released.is_set():
        pass


@running_here
@pytest.mark.parametrize("stuck", [in_a_lock, in_a_join, in_a_sleep, in_a_read, in_a_loop])
def test_a_call_that_hangs_is_given_up_with_the_stack_it_stood_at(
    stuck: Callable[[threading.Event], None], thread: str
) -> None:
    released = threading.Event()
    began = time.monotonic()
    try:
        with pytest.raises(TailerHung) as caught:
            call(lambda: stuck(released), thread=thread, within=SHORT)
    finally:
        released.set()
    took = time.monotonic() - began
    assert SHORT <= took < BOUND
    # On a busy machine it may be looked at late: then that is what is told.
    told = re.fullmatch("the call had not returned after ([0-9]+) s", caught.value.why)
    assert told is not None
    assert round(SHORT) <= int(told[1]) <= round(took)
    assert caught.value.expected == "the call returns"
    assert caught.value.got.startswith("it stood at:\n")
    assert f"in {stuck.__name__}\n" in caught.value.got


@running_here
def test_a_stack_that_takes_longer_than_a_tick_to_be_had_is_that_of_the_call(
    thread: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = traceback.extract_stack

    def slowly(frame: FrameType | None) -> traceback.StackSummary:
        time.sleep(2 * deadline.TICK)
        return real(frame)

    monkeypatch.setattr(traceback, "extract_stack", slowly)
    released = threading.Event()
    try:
        with pytest.raises(TailerHung) as caught:
            call(lambda: in_a_lock(released), thread=thread, within=SHORT)
    finally:
        released.set()
    assert "in in_a_lock\n" in caught.value.got


@running_here
def test_a_look_that_takes_longer_than_a_tick_lets_the_call_go_on(thread: str) -> None:
    """As on a busy machine, where the progress of many processes takes long to be looked at."""
    looks = 0

    def slow_look() -> int:
        nonlocal looks
        looks += 1
        time.sleep(5 * deadline.TICK)
        return looks

    def work() -> str:
        for _ in range(WORK):
            sum(range(1_000))
        return "done"

    assert call(work, thread=thread, progress=slow_look) == "done"


def test_an_interruption_that_is_swallowed_is_still_a_hang() -> None:
    def deaf() -> str:
        try:
            threading.Event().wait(BOUND)
        except BaseException:
            return "as if nothing had been"
        return "nothing had been"

    with pytest.raises(TailerHung) as caught:
        call(deaf, within=SHORT)
    assert "in deaf\n" in caught.value.got


def test_an_interruption_that_becomes_another_exception_is_still_a_hang() -> None:
    def rude() -> None:
        try:
            threading.Event().wait(BOUND)
        finally:
            raise ValueError("broken while it was broken into")

    with pytest.raises(TailerHung) as caught:
        call(rude, within=SHORT)
    assert "in rude\n" in caught.value.got


def test_handlers_of_exceptions_let_the_interruption_through() -> None:
    tried = 0

    def stubborn() -> None:
        nonlocal tried
        while True:
            tried += 1
            try:
                threading.Event().wait(BOUND)
            except Exception:
                continue

    with pytest.raises(TailerHung):
        call(stubborn, within=SHORT)
    assert tried == 1


# Progress.


@running_here
def test_a_call_that_makes_progress_may_take_longer(thread: str) -> None:
    def slow() -> str:
        time.sleep(10 * SHORT)
        return "done"

    assert call(slow, thread=thread, within=2 * SHORT, progress=itertools.count().__next__) == "done"


@running_here
def test_progress_counts_from_the_last_time_it_was_seen(thread: str) -> None:
    moves = itertools.chain(range(10), itertools.repeat(10))
    released = threading.Event()
    try:
        with pytest.raises(TailerHung):
            call(lambda: in_a_sleep(released), thread=thread, within=SHORT, progress=moves.__next__)
    finally:
        released.set()
    assert next(moves) == 10


@running_here
def test_progress_for_ever_has_an_end(thread: str) -> None:
    released = threading.Event()
    began = time.monotonic()
    try:
        with pytest.raises(TailerHung) as caught:
            call(
                lambda: in_a_sleep(released),
                thread=thread,
                over_all=4 * SHORT,
                progress=itertools.count().__next__,
            )
    finally:
        released.set()
    assert time.monotonic() - began >= 4 * SHORT
    assert caught.value.got.endswith(f"but nothing that was due had come for {4 * SHORT:g} s")


@running_here
def test_as_long_as_what_is_due_gets_done_there_is_no_end(thread: str) -> None:
    released = threading.Event()
    looks = itertools.count()

    def due() -> int:
        done = next(looks)
        if done == 8:
            released.set()
        return done  # more each time, until the call has returned, however late that is on a busy machine

    began = time.monotonic()
    call(
        lambda: in_a_sleep(released),
        thread=thread,
        over_all=2 * deadline.TICK,
        progress=itertools.count().__next__,
        due=due,
    )
    assert time.monotonic() - began >= 2 * deadline.TICK


# Signals of others.


def test_ctrl_c_of_the_user_ends_the_run() -> None:
    def interrupted() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        threading.Event().wait(BOUND)

    with pytest.raises(KeyboardInterrupt):
        call(interrupted)


def test_ctrl_c_of_the_user_is_not_lost_where_the_tailer_swallows_it() -> None:
    def deaf() -> str:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            threading.Event().wait(BOUND)
        except BaseException:
            return "as if nothing had been"
        return "nothing had been"

    with pytest.raises(KeyboardInterrupt):
        call(deaf)


def test_another_handler_of_ctrl_c_hears_of_it_too() -> None:
    heard = []
    signal.signal(signal.SIGINT, lambda signum, frame: heard.append(signum))
    try:
        with pytest.raises(KeyboardInterrupt):
            call(lambda: os.kill(os.getpid(), signal.SIGINT))
        assert heard == [signal.SIGINT]
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.mark.parametrize("programs", [contextlib.nullcontext, programs_hear_signals])
def test_ctrl_c_is_left_alone_where_it_is_ignored(programs: Callable[[], AbstractContextManager[None]]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with programs():
            assert call(lambda: os.kill(os.getpid(), signal.SIGINT)) is None
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.mark.parametrize("hangs", [False, True])
def test_an_outer_timer_goes_on(hangs: bool) -> None:
    rang = threading.Event()
    before = signal.signal(signal.SIGALRM, lambda signum, frame: rang.set())
    signal.setitimer(signal.ITIMER_REAL, BOUND, 7.0)
    try:
        if hangs:
            with pytest.raises(TailerHung):
                call(lambda: in_a_sleep(threading.Event()), within=SHORT)
        else:
            call(lambda: None)
        left, interval = signal.getitimer(signal.ITIMER_REAL)
        assert 0 < left <= BOUND
        assert interval == pytest.approx(7.0)
        os.kill(os.getpid(), signal.SIGALRM)
        assert rang.is_set()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_an_outer_timer_that_ran_out_meanwhile_rings_soon_after() -> None:
    rang = threading.Event()
    before = signal.signal(signal.SIGALRM, lambda signum, frame: rang.set())
    signal.setitimer(signal.ITIMER_REAL, SHORT)
    try:
        call(lambda: time.sleep(2 * SHORT))
        ends = time.monotonic() + BOUND
        while not rang.is_set() and time.monotonic() < ends:
            time.sleep(0.01)
        assert rang.is_set()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_no_timer_is_left_where_there_was_none() -> None:
    call(lambda: None)
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
