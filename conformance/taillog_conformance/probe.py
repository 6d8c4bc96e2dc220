"""Loads a target in a process of its own, and tells what it is: a target may hang, print, exit or crash meanwhile.

Run as `python -m taillog_conformance.probe` with the target's fields as JSON on standard input and a descriptor to
answer on as its argument.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from typing import Any

from .outcomes import UsageProblem
from .target import Target, described, one_line

IMPORTS_WITHIN = 60.0
"""Seconds that a target gets to be imported: heavy ones take several."""

LAST_WORDS = 200
"""Characters shown of what a target printed when it ended the process."""


def describe(target: Target) -> dict[str, Any]:
    """The name, kind and capabilities of the target.

    Raises:
        UsageProblem: it cannot be loaded, in one line.
    """
    reading, writing = os.pipe()
    asked = json.dumps(dataclasses.asdict(target))
    try:
        process = subprocess.run(
            [sys.executable, "-m", "taillog_conformance.probe", str(writing)],
            input=asked.encode(),
            capture_output=True,
            pass_fds=[writing],
            timeout=IMPORTS_WITHIN,
            check=False,
        )
    except subprocess.TimeoutExpired:
        os.close(reading)
        raise UsageProblem(f"the target {target.name} was not imported within {IMPORTS_WITHIN:g} s") from None
    finally:
        os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    if not answer:
        said = " ".join(process.stderr.decode(errors="replace").split())[-LAST_WORDS:]
        raise UsageProblem(
            f"the import of the target {target.name} ended the process with status {process.returncode}"
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
        answer = described(adapter)
    except UsageProblem as problem:
        answer = {"problem": str(problem)}
    except Exception as error:
        answer = {"problem": f"the target {target.name} cannot be loaded: {type(error).__name__}: {one_line(error)}"}
    os.write(int(sys.argv[1]), json.dumps(answer).encode())
    os._exit(0)  # threads and exit handlers of the target's module may never end


if __name__ == "__main__":
    main()
