"""What ends a run before its time: Ctrl-C, and SIGTERM, which is taken as Ctrl-C is; and what is ignored."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, TypeGuard

Handler = Callable[[int, FrameType | None], object]

NAMES = ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2")
ENDING = tuple(number for number in signal.Signals if number.name in NAMES)
"""The signals that a program is stopped by, of those that this system has."""


def ignore(_number: int, _frame: FrameType | None) -> None:
    """Do nothing, as SIG_IGN does; but that is handed on to programs that are started meanwhile, and this is not."""


def does_something(handler: object) -> TypeGuard[Handler]:
    """Whether this is, of what signal.getsignal() answers, Python code that does something at a signal."""
    return callable(handler) and handler is not ignore


@contextlib.contextmanager
def handling(number: int, handler: Handler, *, in_place_of: Any) -> Iterator[None]:
    """The signal is handled so meanwhile, if it is handled `in_place_of` now: another program's own way stays."""
    before = signal.getsignal(number)
    if before is not in_place_of or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(number, handler)
    try:
        yield
    finally:
        if signal.getsignal(number) is handler:  # else the handler has put something in its own place, which stays
            signal.signal(number, before)


@contextlib.contextmanager
def termination_interrupts() -> Iterator[None]:
    """SIGTERM, which `timeout` and CI services send, does meanwhile what Ctrl-C does: what was measured is told.

    The first one only, and no other does anything from then on: `timeout` sends it to this process, and then to the
    whole group, which may be when the report is being written.
    """

    def on_termination(signum: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, ignore)
        on_interrupt = signal.getsignal(signal.SIGINT)
        if not does_something(on_interrupt):  # a run in the background has it ignored
            raise KeyboardInterrupt
        on_interrupt(signal.SIGINT, frame)

    with handling(signal.SIGTERM, on_termination, in_place_of=signal.SIG_DFL):
        yield


@contextlib.contextmanager
def programs_hear_signals() -> Iterator[None]:
    """What this process ignores is meanwhile not ignored by the programs that it starts.

    A shell has SIGINT ignored by what it runs in the background, and nohup SIGHUP; a program that is stopped so would
    never end.
    """
    with contextlib.ExitStack() as stack:
        for number in ENDING:
            stack.enter_context(handling(number, ignore, in_place_of=signal.SIG_IGN))
        yield
