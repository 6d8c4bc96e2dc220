"""The adapter of an asynchronous iterator of lines: `async for line in follow(path)`."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any, ClassVar

from .base import Job
from .following import JOINS_WITHIN, FollowingAdapter, FollowingTailer


class AsyncIteratorAdapter(FollowingAdapter):
    """Drives `follow(path)`, which gives the lines of one file; a task a file, in one thread with an event loop.

    A parameter `stop` is an asyncio.Event that is set, `stopped` a function that becomes true: it is told, drains by
    itself, and ends. An item None says that there is no data now, as for an iterator. Where there is neither, the
    adapter waits until what stands in the file has come, and cancels the task.
    """

    kind: ClassVar[str] = "async-iterator"

    def open(self, job: Job) -> AsyncIteratorTailer:
        return AsyncIteratorTailer(self, job)


class AsyncIteratorTailer(FollowingTailer):
    """The tasks of one job, and the thread of their event loop."""

    def __init__(self, adapter: FollowingAdapter, job: Job) -> None:
        super().__init__(adapter, job)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._event: asyncio.Event | None = None
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), name="conformance-loop", daemon=True)

    def begin(self) -> None:
        self._thread.start()
        self._ready.wait()

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()
        self._tasks = {key: asyncio.create_task(self._follow(key)) for key in self.paths}
        self._ready.set()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _follow(self, key: int) -> None:
        try:
            given = self.arguments(self._event)
            iterator = aiter(self.adapter.function(self.paths[key], **given))
            await self._items(key, iterator)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self.report(key, error)

    async def _items(self, key: int, iterator: Any) -> None:
        nothing = object()
        told = self.is_stopping()
        while True:
            item = await anext(iterator, nothing)
            if item is nothing:
                self.ended(key)
                return
            if item is not None:
                self.take(key, item)
            elif told:
                await iterator.aclose()
                return
            else:
                await self._idle()
                told = self.is_stopping()  # not before each item: a look that yields lines goes on behind them

    async def _idle(self) -> None:
        assert self._event is not None
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._event.wait(), self.job.interval)

    def _in_loop(self, function: Callable[[], object]) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has been closed: all tasks have ended
                self._loop.call_soon_threadsafe(function)

    def _wake(self) -> None:
        if self._event is not None:
            self._in_loop(self._event.set)

    def alive(self, key: int) -> bool:
        return not self._tasks[key].done()

    def tell(self) -> None:
        self._wake()
        self._thread.join()

    def end(self) -> None:
        self._wake()
        for task in self._tasks.values():
            self._in_loop(task.cancel)
        self._thread.join(JOINS_WITHIN)
