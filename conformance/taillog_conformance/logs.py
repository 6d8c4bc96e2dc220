"""What a tailer reports by the logging module, from any logger, whatever its handlers."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from . import traces


@dataclass(frozen=True)
class Report:
    """One error that the tailer reported, with the trace that was logged with it."""

    text: str
    level: int = logging.ERROR
    formats: bool = True
    """Whether its message can be made: where it cannot, a handler writes that, and no report."""


def _text_of(record: logging.LogRecord) -> tuple[str, bool]:
    """What the record says, with its trace, and whether its message could be made."""
    formats = True
    try:
        text = record.getMessage()
    except Exception as error:
        formats = False
        text = f"{record.msg!r} (cannot be formatted: {type(error).__name__})"
    if record.exc_info and record.exc_info[1] is not None:
        text += "\n" + traces.of_error(record.exc_info[1])
    return text, formats


HANDED_ON = 2**20
"""Characters of records that reach the root logger's own handlers in one run; a test runner's keep them in memory."""


class _Bounded(logging.Filter):
    """Lets records through until they come to HANDED_ON characters."""

    def __init__(self) -> None:
        super().__init__()
        self._left = HANDED_ON

    def filter(self, record: logging.LogRecord) -> bool:
        with contextlib.suppress(Exception):  # what a tailer's object raises when it is to be shown
            self._left -= len(record.getMessage())
        return self._left > 0


@contextlib.contextmanager
def reports_to(take: Callable[[Report], None]) -> Iterator[None]:
    """Call `take` for each record of level ERROR or above that any logger handles meanwhile (ERR-1).

    It stands before the loggers' handlers, so that neither `propagate` nor a missing handler hides a report. The
    handlers that the root logger has by then are the test runner's, and get only so much; a tailer's own get all.
    """
    real = logging.Logger.handle
    bound = _Bounded()
    others = tuple(logging.getLogger().handlers)

    def handle(self: logging.Logger, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR:
            text, formats = _text_of(record)
            take(Report(text, record.levelno, formats))
        real(self, record)

    logging.Logger.handle = handle  # type: ignore[method-assign]
    for handler in others:
        handler.addFilter(bound)
    try:
        yield
    finally:
        for handler in others:
            handler.removeFilter(bound)
        logging.Logger.handle = real  # type: ignore[method-assign]


@contextlib.contextmanager
def thread_deaths_to(take: Callable[[str], None]) -> Iterator[None]:
    """Call `take` with the trace of each thread that ends by an exception meanwhile, instead of printing it."""
    real = threading.excepthook

    def hook(args: threading.ExceptHookArgs) -> None:
        name = args.thread.name if args.thread else "a thread"
        told = traces.of_error(args.exc_value) if args.exc_value is not None else args.exc_type.__name__
        take(f"{name}:\n{told}")

    threading.excepthook = hook
    try:
        yield
    finally:
        threading.excepthook = real
