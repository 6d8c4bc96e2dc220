"""The filter with which FLT-2 sees what a tailer asks."""

from __future__ import annotations

import os
from pathlib import Path

from taillog_conformance.suite.test_flt import ScriptedFilter


def test_what_is_asked_in_a_child_process_is_noted(tmp_path: Path) -> None:
    lines = ["one\n", "\u00e9\U0001f600 \ufffd\r\n", "\n"]
    asked = ScriptedFilter(lambda line: line == "\n", tmp_path / "notes")
    assert asked.asked == []
    child = os.fork()
    if child == 0:
        os.closerange(3, 256)  # as one that keeps nothing of its parent's
        os._exit([asked(line) for line in lines] != [False, False, True])
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert asked.asked == lines
    asked("later\n")
    assert asked.asked == [*lines, "later\n"]
