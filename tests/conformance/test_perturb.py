"""The instruments of the schedule: what is traced, held and slowed down, and that nothing is left behind."""

from __future__ import annotations

import asyncio
import json
import math
import os
import queue
import random
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from types import CodeType, FrameType, SimpleNamespace

import pytest

from taillog_conformance import perturb
from taillog_conformance.perturb import (
    Holder,
    Jitter,
    LineCounter,
    Place,
    _Tracer,
    described,
    is_own_code,
    release_when_still,
    wait_without_end,
)

BOUND = 30.0
"""Seconds that nothing here takes, for what must happen."""

MOMENT = 0.03
"""Seconds in which what must not happen may show."""


def await_(what: Callable[[], object]) -> None:
    """Wait until `what()` is true."""
    ends = time.monotonic() + BOUND
    while not what():
        assert time.monotonic() < ends
        time.sleep(0.001)


# Whose code it is.


def code_of(file: str) -> CodeType:
    return compile("pass", file, "exec")


STDLIB, PACKAGES = sysconfig.get_path("stdlib"), sysconfig.get_path("purelib")
KIT = os.path.dirname(os.path.abspath(perturb.__file__))


@pytest.mark.parametrize(
    ("file", "own"),
    [
        (__file__, True),
        ("/somewhere/tail.py", True),
        (f"{PACKAGES}/mytailer/tail.py", True),
        (f"{PACKAGES}/mytailer.py", True),
        (f"{STDLIB}/threading.py", False),
        (f"{STDLIB}/concurrent/futures/thread.py", False),
        (f"{PACKAGES}/_pytest/runner.py", False),
        (f"{PACKAGES}/xdist/remote.py", False),
        (f"{PACKAGES}/hypothesis/core.py", False),
        (f"{KIT}/stage.py", False),
        (f"{KIT}/suite/test_del.py", False),
        ("<string>", False),
        ("<frozen importlib._bootstrap>", False),
    ],
)
def test_the_tailers_own_code_is_told_apart(file: str, own: bool) -> None:
    assert is_own_code(code_of(file)) is own


def test_real_functions_are_told_apart() -> None:
    assert is_own_code(await_.__code__)
    for function in (json.dumps, pytest.main, perturb.described, threading.Thread.start):
        assert not is_own_code(function.__code__)


# Tracing.


class Noting(_Tracer):
    """Notes the functions in which lines were passed."""

    def __init__(self) -> None:
        super().__init__()
        self.functions: set[str] = set()
        self.files: set[str] = set()

    def line(self, frame: FrameType) -> None:
        self.functions.add(frame.f_code.co_name)
        self.files.add(frame.f_code.co_filename)


def looking() -> str:
    """A tailer's own code, with a call into the standard library."""
    return json.dumps([1, 2])


async def looking_later() -> str:
    await asyncio.sleep(0)
    return looking()


def in_a_thread() -> None:
    thread = threading.Thread(target=looking)
    thread.start()
    thread.join()


def in_an_executor() -> None:
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda _: looking(), range(4))) == ["[1, 2]"] * 4


def in_a_loop() -> None:
    thread = threading.Thread(target=lambda: asyncio.run(looking_later()))
    thread.start()
    thread.join()


@pytest.mark.parametrize("start", [in_a_thread, in_an_executor, in_a_loop])
def test_threads_that_start_meanwhile_are_traced_in_their_own_code(start: Callable[[], None]) -> None:
    with Noting() as tracer:
        start()
    assert "looking" in tracer.functions
    assert tracer.files == {__file__}


def test_a_coroutine_is_traced_after_each_wait() -> None:
    with LineCounter() as counter:
        counter.begin()
        in_a_loop()
    assert counter.most()[1] >= 1
    with Noting() as tracer:
        in_a_loop()
    assert {"looking_later", "looking"} <= tracer.functions


def test_nothing_is_traced_before_and_after() -> None:
    tracer = Noting()
    in_a_thread()
    with tracer:
        pass
    in_a_thread()
    assert tracer.functions == set()


def test_the_callers_thread_is_not_traced() -> None:
    with Noting() as tracer:
        looking()
    assert tracer.functions == set()


@pytest.fixture
def others() -> Iterator[Callable[..., object]]:
    """A trace function that another tool (a debugger) has set for new threads."""

    def trace(frame: FrameType, event: str, argument: object) -> None: ...

    before = threading.gettrace()
    threading.settrace(trace)
    yield trace
    threading.settrace(before)


@pytest.mark.parametrize("make", [Noting, Holder, LineCounter, lambda: Jitter(random.Random(1))])
def test_what_was_set_before_is_set_again(make: Callable[[], _Tracer], others: Callable[..., object]) -> None:
    with make():
        assert threading.gettrace() is not others
    assert threading.gettrace() is others
    with pytest.raises(ValueError, match="a check that failed"), make():
        raise ValueError("a check that failed")
    assert threading.gettrace() is others


def test_a_thread_that_lives_on_is_traced_no_more() -> None:
    tracer = Noting()
    with ExitStack() as stack:
        with tracer:
            looks = stack.enter_context(looking_again_and_again())
            await_(lambda: "look" in tracer.functions)
        goes_on(looks)  # past the line that it stood at
        tracer.functions.clear()
        goes_on(looks)
        assert tracer.functions == set()


# Holding.


@contextmanager
def looking_again_and_again() -> Iterator[list[int]]:
    """A thread that looks until the block ends; the list grows with every look."""
    looks: list[int] = []
    ended = threading.Event()

    def look() -> None:
        while not ended.is_set():
            looks.append(1)
            ended.wait(0.001)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield looks
    finally:
        ended.set()
        thread.join(BOUND)
        assert not thread.is_alive()


def goes_on(looks: list[int]) -> None:
    """Wait until the thread has looked some times more."""
    there = len(looks)
    await_(lambda: len(looks) > there + 3)


def learned(holder: Holder, looks: list[int]) -> list[Place]:
    """The places that are passed within some looks."""
    with holder.learning():
        goes_on(looks)
    return holder.places()


def test_the_places_of_a_loop_are_learned_in_their_order() -> None:
    with Holder() as holder, looking_again_and_again() as looks:
        places = learned(holder, looks)
    assert len(places) == len(set(places)) == 3
    assert {code.co_name for code, _ in places} == {"look"}
    lines = [number for _, number in places]
    assert sorted(lines) == list(range(min(lines), min(lines) + 3))
    assert {described(place).partition(" ")[2] for place in places} == {
        "`while not ended.is_set():`",
        "`looks.append(1)`",
        "`ended.wait(0.001)`",
    }
    assert described(places[0]).startswith("test_perturb.py:")


def test_a_thread_is_held_at_each_place_and_goes_on_when_released(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(perturb, "LONGEST_HOLD", BOUND)
    with Holder() as holder, looking_again_and_again() as looks:
        for place in learned(holder, looks):
            holder.want(place)
            assert holder.held(BOUND)
            there = len(looks)
            time.sleep(MOMENT)
            assert len(looks) == there
            holder.release()
            goes_on(looks)


def test_a_thread_has_looked_once_when_the_release_for_a_look_returns() -> None:
    with Holder() as holder, looking_again_and_again() as looks:
        places = learned(holder, looks)
        for place in places:
            holder.want(place)
            assert holder.held(BOUND)
            there = len(looks)
            holder.release_for_a_look(places, BOUND)
            assert len(looks) > there


def test_the_release_for_a_look_waits_no_longer_than_it_may() -> None:
    elsewhere = (code_of(__file__), 1)
    with Holder() as holder, looking_again_and_again() as looks:
        holder.want(learned(holder, looks)[0])
        assert holder.held(BOUND)
        holder.release_for_a_look([elsewhere], MOMENT)
        goes_on(looks)


def test_it_is_held_once() -> None:
    with Holder() as holder, looking_again_and_again() as looks:
        holder.want(learned(holder, looks)[0])
        assert holder.held(BOUND)
        holder.release()
        goes_on(looks)


def test_a_thread_that_nobody_releases_goes_on_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(perturb, "LONGEST_HOLD", MOMENT)
    with Holder() as holder, looking_again_and_again() as looks:
        holder.want(learned(holder, looks)[0])
        assert holder.held(BOUND)
        goes_on(looks)


def test_a_place_to_which_nobody_comes_holds_nobody_later() -> None:
    elsewhere = (code_of(__file__), 1)
    with Holder() as holder, looking_again_and_again() as looks:
        place = learned(holder, looks)[0]
        holder.want(elsewhere)
        assert not holder.held(0.001)
        holder._wanted = place  # as it is for a thread that has just looked, and stops now
        goes_on(looks)


def test_a_thread_that_stands_still_is_not_waited_for() -> None:
    elsewhere = (code_of(__file__), 1)
    with Holder() as holder:
        holder.want(elsewhere)
        assert not holder.held(math.inf, still=MOMENT)
        with looking_again_and_again() as looks:
            holder.want(learned(holder, looks)[0])
            assert holder.held(BOUND, still=BOUND)


def test_a_thread_that_passes_lines_is_waited_for_until_it_comes() -> None:
    come: list[int] = []

    def passes_lines_and_comes() -> None:
        ends = time.monotonic() + 2.0
        while time.monotonic() < ends:
            time.sleep(0.001)
        come.append(1)

    with Holder() as holder:
        code = passes_lines_and_comes.__code__
        holder.want((code, code.co_firstlineno + 4))
        thread = threading.Thread(target=passes_lines_and_comes)
        thread.start()
        assert holder.held(BOUND, still=1.5)
        assert come == []
        holder.release()
        thread.join(BOUND)
    assert come == [1]


def test_a_thread_of_an_executor_and_one_of_an_event_loop_are_held() -> None:
    for start in (in_an_executor, in_a_loop):
        with Holder() as holder:
            with holder.learning():
                start()
            (place,) = [each for each in holder.places() if each[0].co_name == "looking"]
            holder.want(place)
            caller = threading.Thread(target=start, daemon=True)
            caller.start()
            assert holder.held(BOUND)
            assert caller.is_alive()
            holder.release()
            caller.join(BOUND)
            assert not caller.is_alive()


def test_what_is_held_is_released_once_the_caller_waits_for_it() -> None:
    with Holder() as holder, looking_again_and_again() as looks:
        holder.want(learned(holder, looks)[0])
        assert holder.held(BOUND)
        entered = threading.Event()
        waits = threading.Event()

        def stop() -> None:
            entered.set()
            waits.wait(BOUND)

        caller = threading.Thread(target=stop, daemon=True)
        caller.start()
        assert caller.ident is not None
        release_when_still(holder, caller.ident, entered.is_set).join(BOUND)
        goes_on(looks)
        waits.set()
        caller.join(BOUND)


def test_it_is_released_too_where_the_caller_never_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(perturb, "STILL_WITHIN", MOMENT)
    with Holder() as holder, looking_again_and_again() as looks:
        holder.want(learned(holder, looks)[0])
        assert holder.held(BOUND)
        release_when_still(holder, threading.get_ident(), lambda: False)
        goes_on(looks)


# What threads wait for.

WAITS_LONG = 60.0

TAKEN = threading.Lock()
TAKEN.acquire()


@pytest.mark.parametrize(
    ("wait", "without_end"),
    [
        (lambda event, thread: event.wait(), True),
        (lambda event, thread: event.wait(None), True),
        (lambda event, thread: event.wait(WAITS_LONG), False),
        (lambda event, thread: thread.join(), True),
        (lambda event, thread: thread.join(WAITS_LONG), False),
        (lambda event, thread: thread.join(timeout=WAITS_LONG), False),
        (lambda event, thread: Future[None]().result(), True),
        (lambda event, thread: Future[None]().result(WAITS_LONG), False),
        (lambda event, thread: queue.Queue[None]().get(), True),
        (lambda event, thread: queue.Queue[None]().get(timeout=WAITS_LONG), False),
        (lambda event, thread: time.sleep(WAITS_LONG), False),
        (lambda event, thread: TAKEN.acquire(timeout=WAITS_LONG), False),
    ],
)
def test_a_wait_without_end_is_told_from_one_that_may_end(
    wait: Callable[[threading.Event, threading.Thread], object], without_end: bool
) -> None:
    never = threading.Event()
    other = threading.Thread(target=never.wait, daemon=True)
    other.start()
    waiter = threading.Thread(target=wait, args=(never, other), daemon=True)
    waiter.start()
    assert waiter.ident is not None
    ends = time.monotonic() + (BOUND if without_end else MOMENT)
    while not (seen := wait_without_end([waiter.ident])) and time.monotonic() < ends:
        time.sleep(0.001)
    never.set()
    assert seen == without_end


def test_a_thread_that_runs_in_c_code_does_not_wait_without_end() -> None:
    sleeper = threading.Thread(target=time.sleep, args=(WAITS_LONG,), daemon=True)
    sleeper.start()
    assert sleeper.ident is not None
    assert not wait_without_end([sleeper.ident])


# Slowing down, and counting.


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The sleeps of the instruments, in seconds; nobody sleeps."""
    seconds: list[float] = []
    monkeypatch.setattr(perturb, "time", SimpleNamespace(sleep=seconds.append))
    return seconds


def test_jitter_sleeps_before_lines_of_the_tailers_own_code_alone(slept: list[float]) -> None:
    with Jitter(random.Random(1), share=1.0, longest=0.25):
        in_a_thread()
    assert len(slept) == 1  # looking() has one line; what json does is not the tailer's
    assert 0 <= slept[0] <= 0.25


def test_jitter_sleeps_before_a_share_of_the_lines(slept: list[float]) -> None:
    with Jitter(random.Random(1), share=0.3):
        for _ in range(200):
            in_a_thread()
    assert 30 <= len(slept) <= 90
    slept.clear()
    with Jitter(random.Random(1), share=0.0):
        in_a_thread()
    assert slept == []


def test_jitter_reaches_executors_and_event_loops(slept: list[float]) -> None:
    for start in (in_an_executor, in_a_loop):
        slept.clear()
        with Jitter(random.Random(1), share=1.0):
            start()
        assert slept


def test_the_line_that_was_passed_most_often_is_counted() -> None:
    def count() -> None:
        total = 0
        for number in range(50):
            total += number

    with LineCounter() as counter:
        counter.begin()
        thread = threading.Thread(target=count)
        thread.start()
        thread.join()
    what, passes = counter.most()
    assert 50 <= passes <= 52
    assert what.startswith("test_perturb.py:")
    assert counter.most() == ("no line", 0)
