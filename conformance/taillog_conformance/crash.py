"""A check whose process ended is a failed one, and one that broke an error; what is known of it is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import traces
from .contract import load_contract
from .isolated import in_words, stack_of
from .known import signature
from .last_words import TIMED_OUT, read
from .outcomes import ConformanceFailure
from .report.inert import bounded, printable
from .report.message import failure_message
from .report.model import Status
from .suite._registry import all_checks


def crashed(
    name: str, status: int | None, folder: Path | None, repeat: Callable[[str], str], *, in_process: bool
) -> dict[str, Any] | None:
    """The row of the check `name`, in which its process ended with the exit status `status`; None if it is no check.

    `folder` holds the last words of checks; `repeat` gives the command that shows the requirement's failure again. A
    process that gave no sign of life is the tailer's fault only if that runs `in_process`.
    """
    requirement = next((each.requirement for each in all_checks() if name in each.names), None)
    if requirement is None:
        return None
    left = read(folder, name) if folder is not None else ""
    if not isinstance(left, str):
        return dict(left)
    row = _row(requirement, name)
    how = in_words(status)
    if left.startswith(TIMED_OUT):
        if not in_process:
            return row | {"status": Status.ERROR, "message": NO_SIGN_OF_LIFE}
        how = "came to a stand, in which no check could go on, and had to be ended"
    failure = ConformanceFailure(
        f"the process in which the tailer ran {how}", expected="a process that goes on", got=stack_of(left)
    )
    message = failure_message(load_contract().get(requirement), name, failure, repeat(requirement))
    return row | {"status": Status.FAIL, "message": printable(message), "signature": signature(failure.why)}


def broken(requirement: str, name: str, error: Exception) -> dict[str, Any]:
    """The row of the check `name` of the requirement, round which something broke that is no call of the tailer's."""
    return _row(requirement, name) | {"status": Status.ERROR, "message": printable(bounded(broke(error)))}


def broke(error: BaseException) -> str:
    """What is told of an error of the kit's own."""
    return f"the check itself broke:\n{traces.of_error(error)}"


def _row(requirement: str, name: str) -> dict[str, Any]:
    return {"requirement": requirement, "target": {}, "name": name, "seconds": 0.0, "timeline": []}


NO_SIGN_OF_LIFE = (
    "the process of the check gave no sign of life for so long that it had to be ended, which says nothing of a "
    "program in a process of its own; where the machine is very busy, --scale gives the check more time"
)
