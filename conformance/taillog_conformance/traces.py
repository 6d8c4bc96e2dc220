"""Stacks and errors in words, without the marks below the lines of code that Python puts there.

For these it parses the source again, and CPython 3.11 raises SystemError there when two threads do so at once: the
threads of a tailer log their errors whenever they like.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable


def of_stack(frames: Iterable[traceback.FrameSummary]) -> str:
    """The frames, the innermost last, without a line end."""
    return "".join(_without_marks(frames).format()).rstrip()


def of_error(error: BaseException) -> str:
    """The error with its trace, and those that it came of, without a line end."""
    found = traceback.TracebackException.from_exception(error)
    left = [found]
    while left:
        each = left.pop()
        each.stack = _without_marks(each.stack)
        left += [other for other in (each.__cause__, each.__context__, *(each.exceptions or ())) if other is not None]
    return "".join(found.format()).rstrip()


def _without_marks(frames: Iterable[traceback.FrameSummary]) -> traceback.StackSummary:
    plain = [(frame.filename, frame.lineno or 0, frame.name, frame.line) for frame in frames]
    return traceback.StackSummary.from_list(plain)
