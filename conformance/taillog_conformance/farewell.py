"""The end of an interpreter in which tailers ran: it comes, though they left threads or exit handlers that never end.

The interpreter waits for both, without a bound. Here they get a moment, and then the process is ended.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .report.inert import in_one_line

ENDS_WITHIN = 5.0
"""Seconds that exit handlers get once a tailer has added some: those of a test runner take milliseconds."""


SHOWN = 3
"""Threads that are named."""


class Farewell:
    """What the tailers of one session left for the interpreter's end."""

    def __init__(self) -> None:
        self._threads: list[threading.Thread] = []
        self._handlers = False

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Note threads that are no daemons, and exit handlers, that come meanwhile."""
        before = set(threading.enumerate())
        register = atexit.register

        def noted(function: Callable[..., Any], *arguments: Any, **options: Any) -> Callable[..., Any]:
            self._handlers = True
            return register(function, *arguments, **options)

        atexit.register = noted  # type: ignore[assignment]
        try:
            yield
        finally:
            atexit.register = register
            self._threads += [each for each in threading.enumerate() if each not in before and not each.daemon]

    def prepare(self, status: Callable[[], int]) -> None:
        """Have the interpreter end, with `status()`, whatever was left; to be called once no more tailers run."""
        if not self._handlers and not self._lasting():
            return
        ending = threading.Event()

        def run_handlers() -> None:
            ending.wait()
            atexit._run_exitfuncs()

        # Begun now: an interpreter that has begun to end, from Python 3.12 on, begins no more threads.
        handlers = threading.Thread(target=run_handlers, name="conformance-exit-handlers", daemon=True)
        handlers.start()

        def end() -> None:
            ending.set()
            self._end(handlers, status())

        # Called before the interpreter waits for threads; no public hook is.
        threading._register_atexit(end)  # type: ignore[attr-defined]

    def _lasting(self) -> list[threading.Thread]:
        return [thread for thread in self._threads if thread.is_alive()]

    def _end(self, handlers: threading.Thread, status: int) -> None:
        lasting = self._lasting()
        handlers.join(ENDS_WITHIN)
        if not lasting and not handlers.is_alive():
            return
        named = [in_one_line(thread.name) for thread in lasting[:SHOWN]] + (["..."] if len(lasting) > SHOWN else [])
        left = [f"{len(lasting)} threads that are no daemons ({', '.join(named)})"] if lasting else []
        left += ["an exit handler that does not return"] if handlers.is_alive() else []
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        os.write(2, f"taillog: ended in spite of what the tailer left: {' and '.join(left)}\n".encode())
        os._exit(status)
