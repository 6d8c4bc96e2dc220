"""A correct tailer that notes what it is given, one line of JSON for each life, in the file that SPY_NOTES names."""

from __future__ import annotations

import json
import os
from pathlib import Path

from taillog_fixtures.specimens._loop import OneLoop, OpenFile

NOTES = "SPY_NOTES"
"""The environment variable with the path of the notes."""


class Spy(OneLoop):
    """Notes its name, its files, its prefixes, and the first line and the size of what it reads of each file."""

    def prepare(self) -> None:
        self.first_lines: list[str] = []
        self.bytes_read = 0

    def frame(self, file: OpenFile, data: bytes) -> list[str]:
        lines = super().frame(file, data)
        if file.offset == len(data):
            self.first_lines += lines[:1]
        self.bytes_read += len(data)
        return lines

    def join(self) -> None:
        super().join()
        note = {
            "name": self.name,
            "keys": list(self.log_files),
            "paths": [os.fspath(path) for path in self.log_files.values()],
            "prefixes": list(self.prefixes.values()),
            "first_lines": self.first_lines,
            "bytes": self.bytes_read,
        }
        with Path(os.environ[NOTES]).open("a", encoding="utf-8", errors="backslashreplace") as notes:
            notes.write(json.dumps(note) + "\n")
