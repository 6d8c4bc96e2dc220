"""A thread that cannot be ended, for it waits in C, holds up no other one."""

from __future__ import annotations

import contextlib
import queue
import random
import threading

from taillog_conformance.left_behind import Abandoned, end_soon, take_back
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
