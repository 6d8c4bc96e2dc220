"""TailLog: the lifecycle, the loop, and the report of errors."""

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from types import TracebackType
from typing import Self

from taillog.destination import FileId, Writable, destination_for, file_id
from taillog.events import Events
from taillog.framing import each_line, to_utf8
from taillog.source import BLOCK_SIZE, Ends, Source
from taillog.waiting import Polling, Waiting

logger = logging.getLogger(__name__)

MALLOC_KEEPS = 2 * 1024 * 1024
"""Bytes that are asked of malloc() and given back at once. From that, glibc's learns to keep memory for the next block,
where it may give each one's back to the kernel, which hands it out again page by page: 1.0 s of processor time a GB
into a text file in place of 1.7 s, 2.2 s with a filter in place of 2.7 s."""

FULL_LOOK_SEC = 10.0
"""Seconds after which all files are looked at, though no event told of them: of a write through mmap(), and of a mount
on the way to a path, the kernel tells nothing."""


class TailLog:
    """Follows log files and writes their lines to one destination, each with a prefix that names its file.

    Lines come whole, once, and those of one file in their order. What stands in a file at start() is
    delivered too. A file that does not exist is waited for; one that is truncated or rotated is followed.
    What cannot be read, filtered or written is logged as an error, once as long as that lasts, and all else
    goes on.

    name: without a prefix of its own, a line begins with `[{name}{key}]:` (PFX-1).
    log_files: the paths to follow, each under a key.
    dst: a text stream, which is left open; or the path of a file, which start() creates or empties.
    log_line_prefixes: what to put before the lines of a key, in place of `[{name}{key}]:`.
    interval_sec: seconds between two looks at the files, where the kernel does not tell of their changes. On Linux it
        does, as a rule, and lines come within a millisecond.
    log_line_filter: is asked about each line, newline included, in the worker's thread; true keeps the
        line. A line for which it raises is left out.

    A TailLog is used once: start(), then stop(). Raises ValueError if the interval is negative or NaN.
    """

    taillog_capabilities = frozenset({"truncation", "rotation"})  # what a conformance kit may ask beyond the shape

    def __init__(
        self,
        name: str,
        log_files: Mapping[int, str | os.PathLike[str]],
        dst: Writable | str | os.PathLike[str],
        log_line_prefixes: Mapping[int, str] | None = None,
        interval_sec: float = 0.1,
        log_line_filter: Callable[[str], object] | None = None,
    ) -> None:
        if not interval_sec >= 0:
            raise ValueError(f"interval_sec has to be 0 or more: {interval_sec}")
        prefixes = log_line_prefixes or {}
        self._name = name
        self._destination = destination_for(dst)
        bytes(MALLOC_KEEPS)  # no bytearray, which would touch each page of it
        room = bytearray(BLOCK_SIZE)  # one for all of them: they have their turns one after another
        self._sources = [
            # PFX-2: the key, not the position. PFX-5: a prefix that is given holds, an empty one too.
            Source(
                key,
                path,
                prefixes.get(key, f"[{name}{key}]:"),
                self._destination.regular_file,
                room,
            )
            for key, path in log_files.items()
        ]
        self._interval_sec = interval_sec
        self._filter = log_line_filter
        self._waiting: Waiting = Polling()
        self._restless: dict[Source, None] = {}  # what has to be looked at once an interval
        self._faults: set[object] = set()  # what is amiss now, and was reported
        self._told: set[str] = set()  # why there are no events
        self._lifecycle = threading.RLock()  # start() against stop()
        self._thread: threading.Thread | None = None
        self._pid: int | None = None
        self._ends: Ends | None = None  # set by stop(): the worker's sign to drain
        self._stopped = False
        self._over = threading.Event()

    # The lifecycle, in the callers' threads.

    def start(self) -> Self:
        """Begin to follow, in a thread of its own; return the tailer (LIF-1).

        Raises RuntimeError if it was started or stopped before (LIF-6) or there is no thread to be had,
        OSError if `dst` is a path that cannot be opened (DST-9). Nothing is left behind then (LIF-12).
        """
        with self._lifecycle:
            if self._thread is not None or self._stopped:
                raise RuntimeError("a TailLog can be started only once, and not after stop()")
            self._destination.open()
            self._waiting = self._new_waiting()
            # LIF-10: a daemon, so that a tailer that is never stopped does not keep the interpreter alive.
            # RES-5, CON-1: one thread however many files, and so one writer.
            thread = threading.Thread(target=self._run, name=f"taillog-{self._name}", daemon=True)
            try:
                for source in self._sources:
                    source.hold()  # DEL-2: it may be renamed as soon as this has returned
                thread.start()
            except BaseException:
                self._close()
                raise
            self._thread, self._pid = thread, os.getpid()
        return self

    def stop(self) -> None:
        """Deliver all that was written before this call, end the thread, give everything back, then return.

        It can be called again, by several threads at once (CON-4), and before start() (LIF-5). When the
        filter or dst.write() calls it, in the worker's thread, it returns at once, and the drain follows
        (LIF-13).
        """
        if self._pid not in (None, os.getpid()):
            # LIF-11: this is a fork's child. The thread and its work are the parent's, and here a lock may
            # be held by a thread that does not exist.
            self._stopped = True
            return
        with self._lifecycle:
            thread = self._thread
            if thread is None:
                self._stopped = True
                return
        if self._ends is None:
            # DEL-1, LIF-9: first the sizes, then the sign to stop; the worker reads up to these sizes after
            # it has seen the sign. So no line is missed that was written before this, and a producer that
            # goes on cannot keep stop() from returning. To read to the end and look at the sign after that
            # would be to lose what is written in between.
            self._ends = self._sizes()
        self._waiting.wake()  # LIF-8
        if thread is not threading.current_thread():
            # Not join() alone: once Ctrl-C has broken into it, Python 3.11 and 3.12 take the thread for ended.
            self._over.wait()
            thread.join()

    def stopped(self) -> bool:
        """Whether stop() was called and all that it does is done (LIF-3)."""
        return self._stopped

    def __enter__(self) -> Self:
        """Start, if that was not done (LIF-14)."""
        return self if self._thread is not None else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def _sizes(self) -> Ends:
        sizes: dict[FileId, int] = {}
        for source in self._sources:
            for status in source.statuses():
                sizes.setdefault(file_id(status), status.st_size)
        return sizes

    def _new_waiting(self) -> Waiting:
        try:
            return Events(self._tell_once)
        except OSError as error:
            self._tell_once(str(error))
            return Polling()

    # The loop, in the worker's thread.

    def _run(self) -> None:
        try:
            self._drain(self._follow())
        finally:
            try:
                self._close()
            finally:
                self._stopped = True
                self._over.set()

    def _follow(self) -> Ends:
        """Look at each source when there is a reason to, until stop() is called; the sizes that it gave."""
        due: Collection[Source] = self._sources
        is_look = True  # whether the restless are among those that are due
        full_look = time.monotonic() + max(FULL_LOOK_SEC, self._interval_sec)
        next_look = 0.0
        while self._ends is None:
            left = self._round(due)
            now = time.monotonic()
            if is_look:
                next_look = now + self._interval_sec
            if left and not self._destination.stuck:
                until = now  # there is a backlog
            else:
                until = next_look if self._restless or self._faults else full_look  # RES-4
            changed = self._waiting.wait(max(until - now, 0))
            now = time.monotonic()
            is_look = now >= next_look
            if now >= full_look:
                full_look = now + max(FULL_LOOK_SEC, self._interval_sec)
                due = self._sources
            elif is_look:
                due = dict.fromkeys((*left, *changed, *self._restless))
            else:
                due = dict.fromkeys((*left, *changed))
        return self._ends

    def _round(self, due: Collection[Source]) -> list[Source]:
        """Give each source that is due a turn, of one block (DEL-10); return those that are due still."""
        left = []
        self._write_the_rest()
        for source in due:
            # DST-7: what cannot be written is not read, so it is not lost and takes no memory.
            # LIF-9: what is read once stop() was called is the drain's.
            if self._destination.stuck or self._ends is not None:
                left.append(source)
                continue
            is_watched = self._is_watched(source)  # before the look, so that no change falls between the two
            files = source.files
            self._deliver(source, source.turn())
            if source.behind or (is_watched and source.files is not files):
                left.append(source)
            if is_watched and not source.restless and ("source", source.key) not in self._faults:
                self._restless.pop(source, None)
            else:
                self._restless[source] = None
        self._flush()
        return left

    def _is_watched(self, source: Source) -> bool:
        """Whether its changes are told from now on, so that it need not be looked at once an interval."""
        with contextlib.suppress(Exception):  # what is amiss with its path, the look finds too, and reports
            return self._waiting.watch(source)
        return False

    def _drain(self, ends: Ends) -> None:
        self._write_the_rest()
        for source in self._sources:
            if self._destination.stuck:
                break  # as above; there is no later time to write, and the fault was reported
            self._deliver(source, source.drain(ends))
        self._flush()

    def _close(self) -> None:
        for source in self._sources:
            source.close()
        self._waiting.close()
        try:
            self._destination.close()
        except OSError as error:
            self._report("close", "cannot close the destination: %r", error)

    def _deliver(self, source: Source, blocks: Iterator[bytearray]) -> None:
        """Pass on the lines of a source. Whatever goes wrong with them concerns no other source (ERR-2)."""
        subject = ("source", source.key)
        try:
            for block in blocks:
                if not block:
                    continue
                lines = to_utf8(block)
                if self._filter is not None:  # FLT-3
                    lines = self._kept(source, self._filter, lines)
                if lines:
                    self._write(lines, source.prefix)
                if self._destination.stuck:
                    return
        except BaseException as error:
            self._report(subject, "cannot follow log file %s (key %s): %s", source.path, source.key, error)
        else:
            self._clear(subject)

    def _kept(self, source: Source, keep: Callable[[str], object], lines: bytearray) -> bytearray:
        """Those of the lines, which are UTF-8, that the filter keeps.

        Nothing is collected until one is left out, which takes a third less time where all are kept.
        """
        subject = ("filter", source.key)
        kept: bytearray | None = None
        has_raised = False
        reader = each_line(lines)
        for line in reader:
            try:
                if keep(line.decode()):  # FLT-1: true, not just True
                    if kept is not None:
                        kept += line
                    continue
            except BaseException as error:  # ERR-8: SystemExit is one more way for a filter to fail
                has_raised = True  # FLT-6, FLT-7: this line is left out, and no other
                self._report(
                    subject,
                    "the filter raised, a line of log file %s (key %s) is left out: %r",
                    source.path,
                    source.key,
                    error,
                )
            if kept is None:
                kept = lines[: reader.tell() - len(line)]
        if not has_raised:
            self._clear(subject)
        return lines if kept is None else kept

    def _write(self, lines: bytearray, prefix: str) -> None:
        self._try_to_write(lambda: self._destination.write(lines, prefix))

    def _write_the_rest(self) -> None:
        if self._destination.stuck:
            self._try_to_write(self._destination.write_the_rest)

    def _try_to_write(self, write: Callable[[], None]) -> None:
        try:
            write()
        except BaseException as error:  # DST-6, ERR-8
            self._report("write", "cannot write to the destination: %r", error)
        else:
            self._clear("write")

    def _flush(self) -> None:
        try:
            self._destination.flush()
        except BaseException as error:
            if "write" not in self._faults:  # else it is the same fault
                self._report("flush", "cannot flush the destination: %r", error)
        else:
            self._clear("flush")

    # The report of errors.

    def _report(self, subject: object, message: str, *args: object) -> None:
        """Log an error when it happens (ERR-7), but not again as long as it lasts (ERR-6)."""
        if subject not in self._faults:
            self._faults.add(subject)
            with contextlib.suppress(Exception):  # a log handler that fails does not end the tailing
                logger.error(f"%s: {message}", self._name, *args)

    def _tell_once(self, reason: str) -> None:
        """Say that there are no events, or were none for a while. It costs promptness, and no line."""
        if reason not in self._told:
            self._told.add(reason)
            with contextlib.suppress(Exception):
                logger.warning(
                    "%s: the kernel does not tell of all changes (%s); what it may leave out is looked at every %s s",
                    self._name,
                    reason,
                    self._interval_sec,
                )

    def _clear(self, subject: object) -> None:
        """It works (again): the next time that it does not is another fault."""
        self._faults.discard(subject)


class PollingTailLog(TailLog):
    """A TailLog that looks once an interval and wants no events: to compare, or where they are not to be trusted."""

    def _new_waiting(self) -> Waiting:
        return Polling()


def tail_logfile(
    header: str,
    file: str | os.PathLike[str],
    dst: Writable | str | os.PathLike[str],
    finished: threading.Event,
    interval_sec: float,
    log_line_filter: Callable[[str], object] | None = None,
) -> None:
    """Follow one file, with `header` before each line, until `finished` is set; return when it is drained.

    Raises what TailLog and its start() raise.
    """
    with TailLog(header, {0: file}, dst, {0: header}, interval_sec, log_line_filter):
        finished.wait()
