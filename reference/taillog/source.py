"""One followed file: waiting for it, opening it, reading on where it was left; truncation and rotation.

`Source` is a path that is followed, `OpenFile` a file that stands there, or did. They are two, since the
file at a path changes: a rotation renames the old one and puts a new one in its place, and lines may come
in both.
"""

import contextlib
import errno
import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping

from taillog.destination import FileId, file_id
from taillog.framing import LineFramer

BLOCK_SIZE = 256 * 1024
"""Bytes that are read, and written, at once: with 64 KiB it takes a quarter more processor time, with 1 MiB no less."""

PIPE_SIZE = 1024 * 1024
"""Bytes that a pipe holds at the most, unless root raises /proc/sys/fs/pipe-max-size."""

MARK_SIZE = 256
"""Bytes at the beginning of a file, and again before the offset, that are remembered to know the file by:
some log lines, which a time or a number in them makes differ from any others, as a rule."""

UNSETTLED_NS = 2_000_000_000
"""Nanoseconds after a write within which another one may leave the file with the same time: file systems
count in steps, from some milliseconds (ext4) up to 2 s (FAT)."""

DELETED_GRACE_SEC = 0.25
"""Seconds without growth after which a file that has no name any more is given up. Short, for as long as it
is open it takes its place on the disk (ROT-8)."""

RENAMED_GRACE_SEC = 5.0
"""Seconds without growth after which a file is given up in whose place a new one stands. Its producer may
be slow to notice (ROT-10); as long as it writes, the file is kept."""

LEFT_FILES_KEPT = 4
"""Files that have left one path and are kept though they do not grow. A path that is rotated again and
again within the grace must not use up the descriptors."""

Ends = Mapping[FileId, int]
"""The size of each file when stop() was called: up to there it is drained."""


class OpenFile:
    """A descriptor, the offset up to which it was read, and the piece of a line that stands before that."""

    def __init__(self, fd: int, status: os.stat_result, room: bytearray) -> None:
        self.fd = fd
        self.id = file_id(status)
        self.lines = LineFramer()
        self.offset = 0
        self.behind = False  # whether it is known that there is more to be read
        self.quiet_since: float | None = None  # once it has left its path: when it last grew
        self._room = room
        self.is_regular = stat.S_ISREG(status.st_mode)
        self._first = b""  # the first bytes of what was read
        self._last = b""  # the last bytes of what was read: those before the offset
        self._seen: tuple[int, int] | None = None  # the size and time up to which there is nothing to be read

    def read(self, status: os.stat_result) -> bytearray:
        """Read one block of the file that has this status now; return the whole lines. Raises OSError."""
        self.behind = False
        if not self.is_regular:
            new = self._read_pipe(len(self._room))
            self.behind = len(new) == len(self._room)
            return self.lines.feed(new)
        # DEL-5: a new size or time is a reason to look into the file, not a sign that there is anything new.
        # The time is that of the last change: nobody can set it, other than that of the last write.
        seen = (status.st_size, status.st_ctime_ns)
        if seen == self._seen:
            return bytearray()
        size = self._read_on(status.st_size)
        if size is None:
            return self._start_again()
        self.behind = size == len(self._room)
        is_settled = time.time_ns() - status.st_ctime_ns > UNSETTLED_NS
        self._seen = seen if is_settled and not self.behind else None
        return self.lines.feed(self._room, size)

    def drain(self, end: int) -> Iterator[bytearray]:
        """Read on to the offset `end`: the whole lines, then the piece that is left. Raises OSError."""
        if not self.is_regular:
            # LIF-9: whoever writes to it may go on, but when stop() was called it held no more than this.
            yield self.lines.feed(self._read_pipe(PIPE_SIZE))
        else:
            size = self._read_on(end)
            if size is None:
                yield self._start_again()  # no more than once: it may be truncated as fast as it is read
                size = self._read_on(end)
            while size:
                yield self.lines.feed(self._room, size)
                size = self._read_on(end)
        yield self.lines.end()  # FRM-2

    # Truncation: whether what stands before the offset is what was read.

    def _read_on(self, end: int) -> int | None:
        """Read from the offset to `end`, or as much as there is room for; the size, or None if it was truncated.

        TRN-1, TRN-3: after each read it is asked whether the bytes before it are still those that were read
        there. If they are not, the file was truncated, whatever its size is, and maybe before the read. Comparing
        the size with the offset would not do: the file may have grown past it since, and it may be truncated
        between the look at its size and the read.
        """
        size = 0
        if end > self.offset:
            os.lseek(self.fd, self.offset, os.SEEK_SET)
            size = os.readv(self.fd, [memoryview(self._room)[: end - self.offset]])
        before = self.offset - len(self._last)
        if os.pread(self.fd, len(self._last), before) != self._last:
            return None
        if before > 0 and os.pread(self.fd, len(self._first), 0) != self._first:
            return None
        self.offset += size
        self._first += self._room[: min(size, MARK_SIZE - len(self._first))]
        self._last = (self._last + self._room[max(size - MARK_SIZE, 0) : size])[-MARK_SIZE:]
        return size

    def _start_again(self) -> bytearray:
        """Go to the first byte of a truncated file; return the piece from before as a line of its own."""
        self.offset = os.lseek(self.fd, 0, os.SEEK_SET)
        self._first = self._last = b""
        self._seen = None
        self.behind = True
        return self.lines.end()  # TRN-2: it is not the beginning of what stands there now

    def _read_pipe(self, size: int) -> bytes:
        """What a pipe or device has at once: nothing without a writer, or while the writer is silent."""
        try:
            new = os.read(self.fd, size)
        except BlockingIOError:
            return b""
        self.offset += len(new)
        return new


class Source:
    """A path that is followed, the file that stands there, and those that have left it lately.

    `room` is for the bytes that are read at once: after so many the other files have their turn (DEL-10), and the
    memory is bounded by it and by the longest line, not by the backlog (RES-6). All sources of a tailer share it.
    """

    def __init__(
        self,
        key: int,
        path: str | os.PathLike[str],
        prefix: str,
        forbidden: Callable[[], FileId | None],
        room: bytearray,
    ) -> None:
        self.key = key
        self.path = path
        self.prefix = prefix
        self.behind = False  # whether it is known that there is more to be read
        self._forbidden = forbidden
        self._room = room
        # Oldest first, which is the order to read them in. It is a tuple, replaced and never changed, since
        # the thread that calls stop() reads it while the worker is at work: see `statuses`.
        self.files: tuple[OpenFile, ...] = ()
        self._standing: OpenFile | None = None  # the one of them that stands at the path

    def hold(self) -> None:
        """Open the file, if it is there: whatever becomes of its name then, what stands in it is not lost."""
        self._try_to_look()  # a fault is found again, and reported, by the first turn

    def turn(self) -> Iterator[bytearray]:
        """Look at the path, and read one block of each file: the whole lines.

        Raises OSError or ValueError, when all else is done, if the path or a file cannot be read.
        """
        self.behind = False
        standing, fault = self._try_to_look()
        files = self.files
        # ROT-1: first comes the look, with the size of the new file; then the old files are read to their
        # end, and then the new one up to that size. So no line comes before one that was written earlier.
        for position, file in enumerate(files):
            has_left = file is not self._standing
            before = file.offset
            try:
                status = os.fstat(file.fd) if has_left or standing is None else standing
                lines = file.read(status)
                is_over = has_left and self._is_over(file, status, file.offset != before)
            except OSError as error:
                fault = error
                lines = bytearray()
                is_over = has_left
            if before == 0 < file.offset:
                # ROT-5: now that the producer is in the new file, it will not end its piece in the old one.
                # Before, it might: one that writes in blocks ends its last line there, and then changes over.
                lines[:0] = bytearray().join(old.lines.end() for old in files[:position])
            if is_over:
                lines += file.lines.end()
                self._close(file)
            self.behind = file.behind and not is_over  # before the lines are written: if that fails, the turn ends
            if lines:
                yield lines
            if self.behind:
                break
        if fault is not None:
            raise fault

    def drain(self, ends: Ends) -> Iterator[bytearray]:
        """All whole lines up to the size that each file had when stop() was called, and the pieces.

        Raises OSError or ValueError as turn() does.
        """
        _, fault = self._try_to_look()  # DEL-7: a file may have come since the last look
        for file in self.files:
            try:
                yield from file.drain(ends.get(file.id, 0))
            except OSError as error:
                fault = error
                yield file.lines.end()
        if fault is not None:
            raise fault

    def statuses(self) -> Iterator[os.stat_result]:
        """The status of each file of this source: for stop(), in its thread, while the worker is at work."""
        standing = None
        with contextlib.suppress(OSError, ValueError):
            status = os.stat(self.path)
            standing = file_id(status)
            yield status
        for file in self.files:
            # The worker may have closed it by now, having read it to its end. The number may belong to
            # another file then; its status is as true.
            if file.id != standing:
                with contextlib.suppress(OSError):
                    yield os.fstat(file.fd)

    def close(self) -> None:
        """Give back the descriptors (RES-2)."""
        self._standing = None
        for file in self.files:
            self._close(file)

    def _close(self, file: OpenFile) -> None:
        self.files = tuple(other for other in self.files if other is not file)
        os.close(file.fd)

    @property
    def restless(self) -> bool:
        """Whether it has to be looked at once an interval, though nothing seems to happen.

        A file that has left the path is given up when it has not grown for a while; and of a pipe or a device the
        kernel does not tell all.
        """
        return any(file is not self._standing or not file.is_regular for file in self.files)

    # Rotation: which file stands at the path, and how long those that have left it are kept.

    def _try_to_look(self) -> tuple[os.stat_result | None, OSError | ValueError | None]:
        """The status of the file that stands at the path, or None; and why it cannot be followed, or None."""
        try:
            return self._look(), None
        except (FileNotFoundError, NotADirectoryError):
            # MIS-1, MIS-5, SRC-2: the file, its folder, or a link's target is missing. It is waited for; in
            # the gap of a rotation, too (ROT-4), and when it goes between the look and the open (MIS-9).
            return None, None
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            return None, error

    def _look(self) -> os.stat_result:
        """See which file stands at the path, and open it if it is a new one. Raises OSError or ValueError."""
        standing, self._standing = self._standing, None
        status = os.stat(self.path)
        if standing is not None and standing.id == file_id(status):
            self._standing = standing
            return status
        for file in self.files:
            if file.id == file_id(status):
                # ROT-7: a link was turned back to a file, or it was renamed back. It is read on, not again.
                self.files = (*(other for other in self.files if other is not file), file)
                self._standing = file
                file.quiet_since = None
                return status
        # ROT-3, ROT-9: any other file is a new one, and read from its first byte. It cannot be taken for one
        # before it: the inode number of a file that we have open is not given again, and after that we have
        # forgotten it.
        file, status = self._open()
        self.files = (*self.files, file)
        self._standing = file
        return status

    def _open(self) -> tuple[OpenFile, os.stat_result]:
        """Open the file at the path. Raises OSError or ValueError."""
        # SRC-3: without O_NONBLOCK, to open a FIFO is to wait for a writer; all other files would wait, too.
        fd = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
        try:
            status = os.fstat(fd)  # asked again: since the look, another file may have come to the path
            if stat.S_ISDIR(status.st_mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            if file_id(status) == self._forbidden():
                raise OSError("it is the destination, too")  # SRC-4: each line would make another, for ever
        except BaseException:
            os.close(fd)
            raise
        return OpenFile(fd, status, self._room), status

    def _is_over(self, file: OpenFile, status: os.stat_result, has_grown: bool) -> bool:
        """Whether a file that has left the path, and was read to its end just now, is to be given up."""
        now = time.monotonic()
        if has_grown or file.behind or file.quiet_since is None:
            file.quiet_since = now
            return False
        quiet = now - file.quiet_since
        if status.st_nlink == 0:
            return quiet > DELETED_GRACE_SEC
        if self._standing is None:
            return False  # ROT-4: until a new file stands at the path, the producer may go on in this one
        return quiet > RENAMED_GRACE_SEC or len(self.files) - 1 > LEFT_FILES_KEPT
