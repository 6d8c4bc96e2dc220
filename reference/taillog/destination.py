"""Where the lines go: a stream that the caller owns, or a file that the tailer opens.

Both get text that consists of whole lines, from one thread: no two writes are ever in flight at once
(CON-1), and no line can stand inside another (CON-2).
"""

import contextlib
import os
import stat
from typing import Protocol

from taillog.framing import with_prefix

NEW_FILE_MODE = 0o666  # as with open(): what others may not do, the umask takes away

FileId = tuple[int, int]
"""Which file it is, whatever its name: the numbers of its device and of its inode."""


def file_id(status: os.stat_result) -> FileId:
    """Which file this is the status of."""
    return status.st_dev, status.st_ino


class Writable(Protocol):
    """What a stream needs to be a destination. If it has a flush(), that is called too."""

    def write(self, text: str, /) -> object:
        """Take a text of whole lines (DST-5)."""


class Destination(Protocol):
    """What the loop asks of either kind."""

    @property
    def stuck(self) -> bool:
        """Whether a part of an earlier write() is still to be written. write_the_rest() tries that again."""

    def open(self) -> None:
        """Begin: called by start(), not before (LIF-2). Raises OSError."""

    def write(self, lines: bytearray, prefix: str) -> None:
        """Write whole lines of UTF-8, each after the prefix; not while it is stuck. Raises whatever writing raises."""

    def write_the_rest(self) -> None:
        """Write what is left of an earlier write(). Raises whatever the writing raises."""

    def flush(self) -> None:
        """Let what was written be seen. Raises whatever that raises."""

    def close(self) -> None:
        """Give back what open() took. Raises OSError."""

    def regular_file(self) -> FileId | None:
        """The file that is written, if it is one that a source could be, too."""


class StreamDestination:
    """A text stream of the caller's, which stays open (DST-3).

    A write() that raised is not repeated. Whether the stream has taken the text is not known then, and a
    line that is lost, with the error reported, is better than a line twice (DEL-5). Later text is written
    as usual (DST-7).
    """

    stuck = False

    def __init__(self, stream: Writable) -> None:
        self._stream = stream
        self._is_flushed = True

    def open(self) -> None:
        """Nothing to do: it is open."""

    def write(self, lines: bytearray, prefix: str) -> None:
        """Write the text; what the stream cannot encode, with "?" in its place (DST-11)."""
        self._is_flushed = False
        # "surrogatepass" is for a lone surrogate in a prefix (it may come from a file name). The lines have none.
        prefixed = with_prefix(lines, prefix.encode("utf-8", "surrogatepass"))
        text = prefixed.decode("utf-8", "surrogatepass")
        try:
            self._stream.write(text)
        except UnicodeEncodeError as error:
            # A text is encoded before any of it is written, so this writes no line twice.
            encoding = getattr(self._stream, "encoding", None) or error.encoding
            for known in (encoding, "ascii"):
                with contextlib.suppress(UnicodeError, LookupError, TypeError):
                    self._stream.write(text.encode(known, errors="replace").decode(known))
                    return
            raise

    def write_the_rest(self) -> None:
        """Nothing to do: what the stream has not taken is not known."""

    def flush(self) -> None:
        """Flush what was written (DST-4). After an error, the next flush() tries it again."""
        flush = getattr(self._stream, "flush", None)
        if flush is not None and not self._is_flushed:
            flush()
        self._is_flushed = True

    def close(self) -> None:
        """Nothing to do: it is the caller's."""

    def regular_file(self) -> FileId | None:
        """The file behind the stream; None for a stream in memory, a terminal, a pipe."""
        # A stream may have no fileno(), or one that raises, or that returns what is no descriptor.
        with contextlib.suppress(Exception):
            status = os.fstat(self._stream.fileno())  # type: ignore[attr-defined]
            if stat.S_ISREG(status.st_mode):
                return file_id(status)
        return None


class PathDestination:
    """A file that is replaced (DST-2), in UTF-8, with no newline translated (DST-1).

    Lines go from file to file without becoming text: 0.8 s of processor time a GB, where text took 2.6 s.

    It has no buffer. So, when the disk is full, it is known to the byte how much of a text was written. The
    rest is kept, and goes before anything else: no line is lost, and none is torn by another (DST-7).
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = path
        self._rest = bytearray()

    @property
    def stuck(self) -> bool:
        """Whether a part of a text is not in the file yet."""
        return bool(self._rest)

    def open(self) -> None:
        """Create the file, or empty it. Raises OSError (DST-9)."""
        self._fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, NEW_FILE_MODE)

    def write(self, lines: bytearray, prefix: str) -> None:
        """Write these lines; not while it is stuck. Raises OSError; the rest is kept then."""
        self._rest = with_prefix(lines, prefix.encode("utf-8", "replace"))  # "?" for a lone surrogate
        self.write_the_rest()

    def write_the_rest(self) -> None:
        """Write what is left of earlier lines. Raises OSError; the rest is kept then."""
        while self._rest:
            del self._rest[: os.write(self._fd, self._rest)]

    def flush(self) -> None:
        """Nothing to do: there is no buffer."""

    def close(self) -> None:
        """Close the file. Raises OSError."""
        os.close(self._fd)

    def regular_file(self) -> FileId | None:
        """The file; None if the path leads to a terminal, a pipe, a device."""
        status = os.fstat(self._fd)
        return file_id(status) if stat.S_ISREG(status.st_mode) else None


def destination_for(dst: Writable | str | os.PathLike[str]) -> Destination:
    """The destination that `dst` stands for."""
    # DST-8, DST-10: its type decides, never its truth. A stream may have a length, which may be 0.
    if isinstance(dst, str | os.PathLike):
        return PathDestination(dst)
    return StreamDestination(dst)
