"""Loads a target in a process of its own, and tells what it is: a target may hang, print, exit or crash meanwhile.

Run as `python -m taillog_conformance.probe` with the target's fields as JSON on standard input and the descriptor of a
file to answer in as its argument.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from . import strays
from .outcomes import UsageProblem
from .report.inert import in_one_line
from .scratch import contents, scratch
from .target import Target, described, one_line

IMPORTS_WITHIN = 60.0
"""Seconds that a target gets to be imported: heavy ones take several."""

LAST_WORDS = 200
"""Characters shown of what a target printed when it ended the process."""


NAMES_AN_ADAPTER = "names_an_adapter"


def describe(target: Target) -> dict[str, Any]:
    """The name, kind and capabilities of the target.

    Raises:
        UsageProblem: it cannot be loaded, in one line.
    """
    with describing(target) as described:
        return described()


@contextmanager
def describing(target: Target) -> Iterator[Callable[[], dict[str, Any]]]:
    """Begin to ask for what `describe` tells. It takes its time, in which the caller may do something else."""
    with _asking(target) as answer:

        def described() -> dict[str, Any]:
            found = answer()
            del found[NAMES_AN_ADAPTER]
            return found

        yield described


def names_an_adapter(target: Target) -> bool:
    """Whether the target is an adapter object, and not a tailer; UsageProblem as of `describe`."""
    with _asking(target) as answer:
        return bool(answer()[NAMES_AN_ADAPTER])


@contextmanager
def _asking(target: Target) -> Iterator[Callable[[], dict[str, Any]]]:
    asked = json.dumps(dataclasses.asdict(target)).encode()
    # Files, no pipes: what the target has forked may hold them open for as long as it likes.
    with scratch(asked) as asking, scratch() as answering, scratch() as saying, strays.adopting() as left:
        process = subprocess.Popen(
            [sys.executable, "-m", "taillog_conformance.probe", str(answering.fileno())],
            stdin=asking,
            stdout=subprocess.DEVNULL,
            stderr=saying,
            pass_fds=[answering.fileno()],
        )

        def answer() -> dict[str, Any]:
            try:
                process.wait(IMPORTS_WITHIN)
            except subprocess.TimeoutExpired:
                raise UsageProblem(f"the target {target.name} was not imported within {IMPORTS_WITHIN:g} s") from None
            return _answered(target, process.returncode, contents(answering), contents(saying))

        try:
            yield answer
        finally:
            process.kill()
            process.wait()
    strays.end(left)


def _answered(target: Target, status: int, answer: bytes, errors: bytes) -> dict[str, Any]:
    if not answer:
        said = " ".join(errors.decode(errors="replace").split())[-LAST_WORDS:]
        raise UsageProblem(
            f"the import of the target {target.name} ended the process with status {status}"
            + (f": {said}" if said else "")
        )
    found: dict[str, Any] = json.loads(answer)
    if "problem" in found:
        raise UsageProblem(found["problem"])
    return found


def main() -> None:
    """Answer on the descriptor that the first argument names, and end without the target's own farewell."""
    target = Target(**json.load(sys.stdin))
    try:
        adapter = target.adapter()
        answer = described(adapter) | {NAMES_AN_ADAPTER: target.names_an_adapter()}
    except UsageProblem as problem:
        answer = {"problem": in_one_line(str(problem))}
    except Exception as error:
        told = f"the target {target.name} cannot be loaded: {type(error).__name__}: {one_line(error)}"
        answer = {"problem": in_one_line(told)}
    os.write(int(sys.argv[1]), json.dumps(answer).encode())
    os._exit(0)  # threads and exit handlers of the target's module may never end


if __name__ == "__main__":
    main()
