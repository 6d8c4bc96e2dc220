"""The adapter of an iterator or generator of lines: `follow(path)`, which has no end of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from ..left_behind import Abandoned, end_soon, take_back
from .base import Job
from .following import JOINS_WITHIN, FollowingAdapter, FollowingTailer


class IteratorAdapter(FollowingAdapter):
    """Drives `follow(path)`, which gives the lines of one file as str or bytes; each file gets a thread of its own.

    How it is stopped shows in what it takes and gives. A parameter `stop` is an event that is set, `stopped` a function
    that becomes true: it is told, drains by itself, and ends. An item None says that there is no data now: the adapter
    waits the interval, and ends at the first None of a look that began after stop() was called. Where there is neither,
    the adapter waits until what stands in the file has come, calls `close` (if given) with the iterator, and leaves a
    thread that does not end behind; what it yields then is dropped, and a generator is closed.
    """

    kind: ClassVar[str] = "iterator"

    def __init__(
        self,
        function: Callable[..., Iterable[Any]],
        *,
        close: Callable[[Any], object] | None = None,
        strips: bool = False,
        name: str | None = None,
        capabilities: Iterable[str] = (),
        without: Iterable[str] = (),
    ) -> None:
        super().__init__(function, strips=strips, name=name, capabilities=capabilities, without=without)
        self.close = close

    def open(self, job: Job) -> IteratorTailer:
        return IteratorTailer(self, job, self.close)


class IteratorTailer(FollowingTailer):
    """The iterators of one job, each in its thread."""

    def __init__(self, adapter: FollowingAdapter, job: Job, close: Callable[[Any], object] | None) -> None:
        super().__init__(adapter, job)
        self._close = close
        self._threads: dict[int, threading.Thread] = {}
        self._iterators: dict[int, Any] = {}

    def begin(self) -> None:
        for key in self.paths:
            thread = threading.Thread(target=self._follow, args=[key], name=f"conformance-lines-{key}", daemon=True)
            self._threads[key] = thread
            thread.start()

    def _follow(self, key: int) -> None:
        try:
            given = self.arguments(self.stops[key])
            iterator = iter(self.adapter.function(self.paths[key], **given))
            self._iterators[key] = iterator
            self._items(key, iterator)
        except Abandoned:
            pass
        except BaseException as error:  # what a tailer raises in its caller's thread is its report, SystemExit too
            self.report(key, error)

    def _items(self, key: int, iterator: Any) -> None:
        nothing = object()
        told = self.is_stopping()
        while True:
            item = next(iterator, nothing)
            if item is nothing:
                self.ended(key)
                return
            if self._closed:
                break
            if item is not None:
                self.take(key, item)
            elif told:
                break  # a look that began after stop() was called found nothing
            else:
                self.stops[key].wait(self.job.interval)
                told = self.is_stopping()  # not before each item: a look that yields lines goes on behind them
        if hasattr(iterator, "close"):
            iterator.close()

    def alive(self, key: int) -> bool:
        return self._threads[key].is_alive()

    def tell(self) -> None:
        for thread in self._threads.values():
            thread.join()

    def end(self) -> None:
        if self._close is not None:
            for key, iterator in self._iterators.items():
                if self.alive(key):
                    self._close(iterator)
            self._join()
        for thread in self._threads.values():
            end_soon(thread)
        self._join()
        if threading.gettrace() is not None:
            take_back()

    def _join(self) -> None:
        ends = time.monotonic() + JOINS_WITHIN
        for thread in self._threads.values():
            thread.join(max(0.0, ends - time.monotonic()))
