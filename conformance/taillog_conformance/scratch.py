"""Files without a name, for what another process is told and tells: none waits for the other's end, as pipes do."""

from __future__ import annotations

import os
import tempfile
from typing import IO

LONGEST = 2**20
"""Bytes of one that are read."""


def scratch(content: bytes = b"") -> IO[bytes]:
    """A new file that holds `content` and is to be read from its beginning; in memory, where the system has such."""
    # A full disk is told by the checks, and nothing of it stands in the way of a target that is imported.
    in_memory = getattr(os, "memfd_create", None)
    file: IO[bytes]
    file = os.fdopen(in_memory("conformance"), "w+b") if in_memory else tempfile.TemporaryFile()  # noqa: SIM115
    file.write(content)
    file.seek(0)
    return file


def contents(file: IO[bytes]) -> bytes:
    """What was written to it by anyone."""
    file.seek(0)
    return file.read(LONGEST)
