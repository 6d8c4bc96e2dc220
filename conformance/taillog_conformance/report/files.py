"""Report files: checked before the run, written whole at every step, so that nothing measured is lost."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from ..outcomes import UsageProblem


def writable(path: Path, what: str) -> None:
    """Raise UsageProblem unless a report can be written to `path`."""
    folder = path.parent
    if path.is_dir():
        raise UsageProblem(f"the {what} cannot be written to {path}: it is a folder")
    if not folder.is_dir():
        raise UsageProblem(f"the {what} cannot be written to {path}: the folder {folder} does not exist")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UsageProblem(f"the {what} cannot be written to {path}: {error.strerror}") from None


def write_whole(path: Path, text: str) -> None:
    """Replace `path` by `text` in one step: a reader, or a killed run, never sees half a report.

    What is no regular file (/dev/null, /dev/stdout, a FIFO) is written to, and not replaced: root could. A link is
    followed.
    """
    path = path.resolve()
    if path.exists() and not path.is_file():
        path.write_text(text, encoding="utf-8", newline="\n")
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
