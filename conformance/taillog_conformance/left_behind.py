"""Ends threads that a tailer's adapter leaves behind: an exception is due in them, and raised at their next step.

A thread that waits in C does not come to that step. As long as an exception is due in one, Python 3.11 has each thread
that is traced stand still at its next call. So what is due is taken back before threads are traced.
"""

from __future__ import annotations

import contextlib
import ctypes
import sys
import threading
import time

_due: set[threading.Thread] = set()


def living() -> set[threading.Thread]:
    """The threads that run. One that `threading` did not begin, it takes for alive when it has ended, too."""
    running = sys._current_frames()
    return {
        thread
        for thread in threading.enumerate()
        if not isinstance(thread, threading._DummyThread) or thread.ident in running
    }


class Abandoned(BaseException):
    """Raised in a thread that was left behind, so that it ends."""


def end_soon(thread: threading.Thread) -> None:
    """Have `thread` end at its next step in Python."""
    if thread.is_alive():
        _due.add(thread)
        _throw(thread, ctypes.py_object(Abandoned))


def take_back() -> None:
    """Let the threads go on in which an exception is due still, where that would hold up others."""
    left = [thread for thread in _due if thread.is_alive()]
    _due.clear()
    if not left or sys.version_info >= (3, 12):
        return
    for thread in left:
        _throw(thread, None)
    with contextlib.suppress(Abandoned):  # that one was taken, here, is what ends it
        _throw(threading.current_thread(), ctypes.py_object(Abandoned))
        while True:
            time.sleep(0)


def _throw(thread: threading.Thread, exception: object) -> None:
    if thread.ident is not None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), exception)
