"""Tells of one output of several files which line is whose: by a pattern that the adapter's author gives."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from ..outcomes import UsageProblem

FILE, TEXT = "file", "text"
"""The pattern's groups: the path, and what of the line is the source's own."""


def pattern_of(text: str) -> re.Pattern[str]:
    """The compiled pattern; UsageProblem where it is none, or has no group for the file."""
    try:
        pattern = re.compile(text, re.DOTALL)
    except re.error as error:
        raise UsageProblem(f"the pattern {text!r} that attributes lines is not valid: {error}") from None
    if FILE not in pattern.groupindex:
        raise UsageProblem(
            f"the pattern {text!r} does not tell the file: it needs a group (?P<{FILE}>...), "
            f"and (?P<{TEXT}>...) where the line stands beside it"
        )
    return pattern


class Attribution:
    """Takes output as it comes, and hands each line on with the key of its file.

    A line that matches whole and has the group `text` is that text of the file. One without that group is a banner: it
    names the file of the lines that follow; an empty line before it belongs to it. What no pattern and no banner
    attributes goes on with no key.
    """

    def __init__(
        self, pattern: re.Pattern[str], keys: Mapping[str, int], deliver: Callable[[int | None, str], None]
    ) -> None:
        self._pattern = pattern
        self._keys = keys
        self._deliver = deliver
        self._has_text = TEXT in pattern.groupindex
        self._piece = ""
        self._blank = ""
        self._current: int | None = None

    def take(self, text: str) -> None:
        """Take some more output; an unterminated line waits for its end."""
        *lines, self._piece = (self._piece + text).split("\n")
        for line in lines:
            self._line(line, "\n")

    def end(self) -> None:
        """Take what is left as a last line."""
        self._release()
        if self._piece:
            self._line(self._piece, "")
        self._release()
        self._piece = ""

    def _release(self) -> None:
        if self._blank:
            self._deliver(self._current, self._blank)
            self._blank = ""

    def _line(self, line: str, end: str) -> None:
        found = self._pattern.fullmatch(line)
        key = self._keys.get(found[FILE]) if found else None
        if found is None or key is None:
            self._release()
            if line or self._has_text:
                self._deliver(self._current, line + end)
            else:
                self._blank = end
        elif self._has_text:
            self._deliver(key, (found[TEXT] or "") + end)
        else:
            self._blank = ""
            self._current = key
