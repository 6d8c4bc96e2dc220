"""The pause between two looks."""

import math
import threading

from taillog.waiting import Polling


def test_a_wait_ends_when_its_time_is_over() -> None:
    Polling().wait(0)
    Polling().wait(0.001)


def test_a_wake_ends_the_wait_that_is_going_on() -> None:
    waiting = Polling()
    thread = threading.Thread(target=waiting.wait, args=(math.inf,), daemon=True)
    thread.start()
    waiting.wake()
    thread.join(timeout=10)
    assert not thread.is_alive()


def test_a_wake_before_the_wait_is_not_lost() -> None:
    waiting = Polling()
    waiting.wake()
    waiting.wait(math.inf)
