"""A thread that cannot be ended, for it waits in C, holds up no other one."""

from __future__ import annotations

import _thread
import contextlib
import queue
import random
import threading
import time

from taillog_conformance.left_behind import Abandoned, end_soon, living, take_back
from taillog_conformance.perturb import Jitter

BOUND = 60.0


def step(taken: list[int]) -> None:
    taken.append(len(taken))


def steps(taken: list[int]) -> None:
    for _ in range(10):
        step(taken)


def test_threads_that_are_traced_go_on_though_one_that_waits_was_to_end() -> None:
    never: queue.SimpleQueue[None] = queue.SimpleQueue()

    def wait() -> None:
        with contextlib.suppress(Abandoned):
            never.get()

    waits = threading.Thread(target=wait, daemon=True)
    waits.start()
    end_soon(waits)
    taken: list[int] = []
    with Jitter(random.Random(1)):
        goes_on = threading.Thread(target=steps, args=[taken], daemon=True)
        goes_on.start()
        goes_on.join(BOUND)
    never.put(None)
    assert len(taken) == 10
    waits.join(BOUND)


def test_a_thread_that_runs_ends() -> None:
    def spin() -> None:
        with contextlib.suppress(Abandoned):
            while True:
                pass

    runs = threading.Thread(target=spin, daemon=True)
    runs.start()
    end_soon(runs)
    runs.join(BOUND)
    assert not runs.is_alive()
    take_back()


def test_a_thread_that_threading_did_not_begin_lives_while_it_runs() -> None:
    known, goes_on = threading.Event(), threading.Event()

    def run() -> None:
        threading.current_thread()  # from now on `threading` has an object for it, and never learns of its end
        known.set()
        goes_on.wait(BOUND)

    before = living()
    _thread.start_new_thread(run, ())
    assert known.wait(BOUND)
    assert len(living() - before) == 1
    goes_on.set()
    ends = time.monotonic() + BOUND
    while living() - before:
        assert time.monotonic() < ends
        time.sleep(0.01)
