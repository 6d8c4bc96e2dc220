"""The adapter of a tailer that calls back with each line."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from functools import partial
from typing import ClassVar

from .base import Job
from .following import FollowingAdapter, FollowingTailer, raised


class CallbackAdapter(FollowingAdapter):
    """Drives `begin(path, on_line)`, which follows a file, calls `on_line(line)`, and returns a function that stops it.

    It has to return at once; one that blocks takes a parameter `stop` (an event) or `stopped` (a function) instead, and
    is called in a thread of its own. A tailer whose stop cannot drain, or that has none (None is returned), is adapted
    without `last-piece`: the adapter then waits until what stands in the file has come before it stops it.
    """

    kind: ClassVar[str] = "callback"
    function_takes: ClassVar[int] = 2

    def is_told(self, without: Iterable[str]) -> bool:
        return "last-piece" not in without  # the function that stops it tells it

    def open(self, job: Job) -> CallbackTailer:
        return CallbackTailer(self, job)


class CallbackTailer(FollowingTailer):
    """What was begun for the files of one job."""

    def __init__(self, adapter: CallbackAdapter, job: Job) -> None:
        super().__init__(adapter, job)
        self._blocks = adapter.asks_for_stop
        self._threads: dict[int, threading.Thread] = {}
        self._stop_functions: dict[int, Callable[[], object]] = {}

    def begin(self) -> None:
        for key in self.paths:
            if self._blocks:
                thread = threading.Thread(target=self._block, args=[key], name="conformance-callback", daemon=True)
                self._threads[key] = thread
                thread.start()
            else:
                self._begin(key)

    def _begin(self, key: int) -> None:
        try:
            stop = self.adapter.function(self.paths[key], partial(self.take, key), **self._given(key))
        except Exception as error:
            raise raised("starting to follow a file", error) from None
        if stop is not None:
            self._stop_functions[key] = stop

    def _given(self, key: int) -> dict[str, object]:
        return self.arguments(self.stops[key])

    def _block(self, key: int) -> None:
        try:
            self.adapter.function(self.paths[key], partial(self.take, key), **self._given(key))
            self.ended(key)
        except BaseException as error:
            self.report(key, error)

    def alive(self, key: int) -> bool:
        return not self._blocks or self._threads[key].is_alive()

    def tell(self) -> None:
        while self._stop_functions:
            _, stop = self._stop_functions.popitem()
            try:
                stop()
            except Exception as error:
                raise raised("the function that stops the tailer", error) from None
        for thread in self._threads.values():
            thread.join()

    def end(self) -> None:
        self.tell()
