"""Report files: checked before the run, written whole at every step, so that nothing measured is lost."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from ..outcomes import UsageProblem


def settled(path: Path) -> Path:
    """Where a report for `path` is written, wherever the process stands by then: a link is followed.

    What is there and no regular file keeps its name: that of a pipe behind /dev/stdout leads nowhere.
    """
    return path.absolute() if _is_written_through(path) else Path(os.path.realpath(path))


def _is_written_through(path: Path) -> bool:
    return path.exists() and not path.is_file()


def all_writable(files: Iterable[tuple[Path, str]]) -> None:
    """Raise UsageProblem unless each of these reports, of which the texts say what they are, can be written to a file
    of its own."""
    taken: dict[Path, str] = {}
    for path, what in files:
        writable(path, what)
        before = taken.setdefault(settled(path), what)
        if before != what:
            raise UsageProblem(f"the {before} and the {what} cannot both be written to {path}")


def writable(path: Path, what: str) -> None:
    """Raise UsageProblem unless a report can be written to `path`."""
    if path.is_dir():
        raise UsageProblem(f"the {what} cannot be written to {path}: it is a folder")
    if _is_written_through(path):
        if not os.access(path, os.W_OK):
            raise UsageProblem(f"the {what} cannot be written to {path}: {os.strerror(errno.EACCES)}")
        return
    folder = settled(path).parent if path.is_symlink() else path.parent
    if not folder.is_dir():
        raise UsageProblem(f"the {what} cannot be written to {path}: the folder {folder} does not exist")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UsageProblem(f"the {what} cannot be written to {path}: {error.strerror}") from None


def write_at_last(path: Path, what: str, text: str) -> None:
    """Write a report where nothing comes after it; UsageProblem where that fails."""
    try:
        write_whole(path, text)
    except OSError as error:
        raise UsageProblem(not_written(path, what, error)) from None


def not_written(path: Path, what: str, error: OSError) -> str:
    """What a person is told of a report that could not be written."""
    return f"the {what} could not be written to {path}: {error.strerror}"


def rewritable(path: Path) -> bool:
    """Whether a report may be written there at every step: into a pipe or a terminal each one would come."""
    return not _is_written_through(path)


def write_whole(path: Path, text: str) -> None:
    """Replace `path` by `text` in one step: a reader, or a killed run, never sees half a report.

    What is no regular file (/dev/null, /dev/stdout, a FIFO) is written to, and not replaced: root could. A link is
    followed.
    """
    path = settled(path)
    if _is_written_through(path):
        _write_through(path, text)
        return
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def _write_through(path: Path, text: str) -> None:
    # Else the opening of a FIFO waits for a reader, and a tailer may have put one there meanwhile.
    handle = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    os.set_blocking(handle, True)
    with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
