"""A check whose process ended is a failed one; what is known of its end is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from .contract import load_contract
from .isolated import in_words, stack_of
from .known import signature
from .last_words import TIMED_OUT, read
from .outcomes import ConformanceFailure
from .report.inert import printable
from .report.message import failure_message
from .suite._registry import all_checks


def crashed(name: str, status: int | None, folder: Path | None, repeat: Callable[[str], str]) -> dict[str, Any] | None:
    """The row of the check `name`, in which its process ended with the exit status `status`; None if it is no check.

    `folder` holds the last words of checks; `repeat` gives the command that shows the requirement's failure again.
    """
    requirement = next((each.requirement for each in all_checks() if name in each.names), None)
    if requirement is None:
        return None
    left = read(folder, name) if folder is not None else ""
    if not isinstance(left, str):
        return dict(left)
    how = in_words(status)
    if left.startswith(TIMED_OUT):
        how = "came to a stand, in which no check could go on, and had to be ended"
    failure = ConformanceFailure(
        f"the process in which the tailer ran {how}", expected="a process that goes on", got=stack_of(left)
    )
    return {
        "requirement": requirement,
        "target": {},
        "name": name,
        "status": "fail",
        "seconds": 0.0,
        "message": printable(failure_message(load_contract().get(requirement), name, failure, repeat(requirement))),
        "timeline": [],
        "signature": signature(failure.why),
    }
