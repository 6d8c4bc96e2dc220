"""Waiting for the kernel's events, so that a line need not wait for the next look.

An event is only a hint to look. It may come late, for nothing, or for something that is over; what there is to be read
is known by looking alone. So all that events need to be right is that none is missed: a watch is set before the look
(a change before it is seen by the look, one after it is told), and whatever cannot be watched is looked at once an
interval, as if there were no events.
"""

import contextlib
import errno
import os
import select
import socket
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from taillog import inotify
from taillog.source import Source

LONGEST_WAIT_SEC = 1000.0
"""poll() takes no more than some 24 days, and an interval may be infinite: a longer wait is made of several."""

PAUSE_SEC = 0.001
"""Seconds after a look within which events are left to gather. A producer that writes line by line costs a look a
millisecond at the most, not one a line: at 50,000 lines a second, half the processor time."""

LET_GO_SEC = 0.00005
"""Seconds after the end of each watch before the next one, or the queue, is ended. The kernel frees what a watch had in
the background, in several steps, each of which waits until nobody looks at it: for some 0.02 ms, but up to 15 ms if the
step before is not over yet. At once, as the end of a queue with watches has it, they take 16 ms in place of 1 ms."""

FEW_WATCHES = 40
"""Watches at the most that are ended one by one: with more it takes no less time than at once."""

OF_ITSELF = inotify.DELETE_SELF | inotify.MOVE_SELF | inotify.UNMOUNT | inotify.IGNORED
"""What happens to a watched folder as such: it is not where it was any more."""

OF_A_FOLDER = inotify.DELETE_SELF | inotify.MOVE_SELF | inotify.DELETE | inotify.ONLY_FOLDERS | inotify.NO_LINKS
"""What is told of a folder on the way to another one: that it moves, or that one in it is deleted (which that one tells
itself only when nobody has a file in it open any more). Not what comes and moves there: a /tmp may be busy."""

OF_ITS_NAMES = OF_A_FOLDER | inotify.CREATE | inotify.MOVED_FROM | inotify.MOVED_TO
"""What is told of the folder in which a file stands, or in which the next folder is missing: what comes and goes."""


class _Folder(NamedTuple):
    watch: int
    what: int


class Events:
    """Waits for the kernel's events.

    Each open file is watched, by its descriptor, so that its name does not matter. Its folder is watched, for files
    that come, are replaced or renamed; so is each folder on the way there, for another may take its place; and if
    one is missing, the last one before it, for the missing one may come.

    `tell` is called with a reason when events cannot be had, or were lost. Raises OSError if there are none at all.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._queue: inotify.Inotify | None = inotify.Inotify()
        # A byte sent to a socket that is closed by now does no harm; one written to a closed descriptor might go
        # into whatever file has its number by then.
        try:
            self._bell, self._button = socket.socketpair()
        except OSError:
            self._queue.close()
            raise
        self._bell.setblocking(False)
        self._button.setblocking(False)
        self._poll = select.poll()
        self._poll.register(self._bell, select.POLLIN)
        self._poll.register(self._queue.fd, select.POLLIN)
        self._last = 0.0  # when wait() last told of something
        self._forget_all()

    def _forget_all(self) -> None:
        self._done: dict[Source, tuple[object, bool]] = {}  # for which open files; whether all could be watched
        self._paths: dict[str, set[Source]] = {}  # who follows a path
        self._on_the_way: set[str] = set()  # the folders above those paths, whether they exist or not
        self._folders: dict[str, _Folder] = {}  # those of them that are watched
        self._names_of: dict[int, set[str]] = {}  # the folders of a watch: one may be mounted at two places
        self._files: dict[Source, set[int]] = {}  # the watches of a source's open files
        self._sources_of: dict[int, set[Source]] = {}

    # Watching.

    def watch(self, source: Source) -> bool:
        """Watch the source's open files and the way to its path, unless that was done."""
        if self._queue is None:
            return False
        files, complete = self._done.get(source, (None, False))
        if files is not source.files:
            files = source.files
            complete = self._watch_files(self._queue, source)
            complete = self._watch_path(self._queue, source) and complete
            self._done[source] = files, complete
        return complete

    def _watch_files(self, queue: inotify.Inotify, source: Source) -> bool:
        before = self._files.get(source, set())
        watches = self._files[source] = set()
        try:
            for file in source.files:
                # By its descriptor: at the path there may be another file by now.
                watch = queue.watch(f"/proc/self/fd/{file.fd}", inotify.MODIFY)
                watches.add(watch)
                self._sources_of.setdefault(watch, set()).add(source)
        except OSError as error:
            return self._cannot(error)
        finally:
            for watch in before - watches:
                self._sources_of.get(watch, set()).discard(source)
                if not self._sources_of.get(watch):
                    self._sources_of.pop(watch, None)
                    queue.forget(watch)  # else there would be one more with each rotation (RES-3)
        return True

    def _watch_path(self, queue: inotify.Inotify, source: Source) -> bool:
        path = os.path.abspath(os.fsdecode(source.path))
        folders = list(_folders_above(path))
        self._paths.setdefault(path, set()).add(source)
        self._on_the_way.update(folders)
        try:
            for folder in folders:
                self._watch_folder(queue, folder, OF_A_FOLDER if folder != folders[-1] else OF_ITS_NAMES)
        except (FileNotFoundError, NotADirectoryError):
            return self._wait_for_folder(queue, source, folders, folders.index(folder))
        except OSError as error:
            return self._cannot(error)
        # What a link leads to may come or go with nothing happening on the way to it.
        return not os.path.islink(path)

    def _wait_for_folder(self, queue: inotify.Inotify, source: Source, folders: list[str], missing: int) -> bool:
        if os.path.islink(folders[missing]):
            return False  # as above
        try:
            self._watch_folder(queue, folders[missing - 1], OF_ITS_NAMES)
        except OSError:
            return False
        # It may have come before its coming was watched for.
        return not os.path.isdir(folders[missing]) or self._watch_path(queue, source)

    def _watch_folder(self, queue: inotify.Inotify, folder: str, what: int) -> None:
        known = self._folders.get(folder)
        if known is None or known.what & what != what:
            watch = queue.watch(folder, what | inotify.ADD)
            self._folders[folder] = _Folder(watch, what)
            self._names_of.setdefault(watch, set()).add(folder)

    def _cannot(self, error: OSError) -> bool:
        self._tell(error.strerror or str(error))
        return False

    # Waiting.

    def wait(self, timeout: float) -> set[Source]:
        """Return after `timeout` seconds, or as soon as wake() is called or something happens to a source."""
        ready = self._poll.poll(min(timeout, LONGEST_WAIT_SEC) * 1000)
        if any(fd == self._bell.fileno() for fd, _ in ready):
            with contextlib.suppress(BlockingIOError):
                self._bell.recv(1)
            return set()
        if self._queue is None or not ready:
            return set()
        if timeout:  # else there is a backlog to go on with
            time.sleep(max(self._last + PAUSE_SEC - time.monotonic(), 0))
        try:
            changed = self._changed(self._queue)
        except OSError as error:
            changed = self._lost(self._queue, str(error))
        self._last = time.monotonic()
        return changed

    def _changed(self, queue: inotify.Inotify) -> set[Source]:
        """The sources that have to be looked at because of what happened. Raises OSError if that is not known."""
        changed: set[Source] = set()
        for event in queue.read():
            if event.what & inotify.OVERFLOW:
                raise OSError(errno.EOVERFLOW, "more happened than the queue of events holds")
            sources = self._sources_of.get(event.watch, set())
            changed |= sources
            if event.what & inotify.IGNORED:
                self._watch_anew(sources)
                self._sources_of.pop(event.watch, None)
            for folder in tuple(self._names_of.get(event.watch, ())):
                path = folder if event.what & OF_ITSELF else os.path.join(folder, os.fsdecode(event.name))
                changed |= self._moved(queue, path)
        return changed

    def _moved(self, queue: inotify.Inotify, path: str) -> set[Source]:
        """What stands at this path is new, or gone: the sources that this concerns, which have to be watched anew."""
        concerned = set(self._paths.get(path, ()))
        if path in self._on_the_way:
            below = os.path.join(path, "")
            for folder in [each for each in self._folders if each == path or each.startswith(below)]:
                watch = self._folders.pop(folder).watch
                self._names_of[watch].discard(folder)
                if not self._names_of[watch]:
                    del self._names_of[watch]
                    queue.forget(watch)
            for each, sources in self._paths.items():
                if each.startswith(below):
                    concerned |= sources
        self._watch_anew(concerned)
        return concerned

    def _watch_anew(self, sources: set[Source]) -> None:
        for source in sources:
            self._done.pop(source, None)

    def _lost(self, queue: inotify.Inotify, reason: str) -> set[Source]:
        """Events were lost, or there will be no more: begin anew, and look at everything."""
        self._tell(reason)
        everything = set[Source]().union(*self._paths.values())
        self._poll.unregister(queue.fd)
        with contextlib.suppress(OSError):  # it is closed already
            queue.close()
        self._queue = None
        self._forget_all()
        with contextlib.suppress(OSError):
            self._queue = inotify.Inotify()
            self._poll.register(self._queue.fd, select.POLLIN)
        return everything

    def wake(self) -> None:
        """End the wait() that is going on, or else the next one, at once. For any thread."""
        with contextlib.suppress(OSError):  # it is closed, or so full that it rings anyway
            self._button.send(b"\0")

    def close(self) -> None:
        """Give back the descriptors."""
        if self._queue is not None:
            watches = (*self._sources_of, *self._names_of)
            if len(watches) <= FEW_WATCHES:
                for watch in watches:
                    self._queue.forget(watch)
                    time.sleep(LET_GO_SEC)
            self._queue.close()
            self._queue = None
        self._bell.close()
        self._button.close()


def _folders_above(path: str) -> Iterator[str]:
    """The folders on the way to an absolute path, from the root down."""
    at = path.find(os.sep)
    while at >= 0:
        yield path[: at or 1]
        at = path.find(os.sep, at + 1)
