"""A full disk is nobody's failure: what a tailer makes of it, where the suite cannot write either, is not judged."""

from __future__ import annotations

import errno
import tempfile
from pathlib import Path

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)

NEEDED = 2**16
"""Bytes that have to fit: less is no room to judge anything in."""


def is_full(error: BaseException) -> bool:
    """Whether an error says that there is no room left."""
    return isinstance(error, OSError) and error.errno in NO_ROOM


def has_room(folder: Path) -> bool:
    """Whether anything can still be written in `folder`."""
    try:
        with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
            file.write(bytes(NEEDED))
    except OSError as error:
        return not is_full(error)
    return True


def full_folder(folder: Path) -> str:
    """What a person is told who has to make room."""
    return (
        f"nothing can be judged: the disk of the folder for temporary files, {folder.parent}, is full; make room, or "
        "name another folder by the environment variable TMPDIR"
    )
