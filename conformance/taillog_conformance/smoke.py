"""The smoke check of an adapter: construct, start, one line delivered, stop. A broken one is one red line, not forty.

It is lenient: any of its lines, at any time, in any form, will do. What it learns on the way (how fast the tailer is,
whether its reading can be watched, what its header looks like) fits later waits to the tailer; it decides nothing.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from .adapters import Adapter
from .clocks import Clocks
from .outcomes import AdapterProblem, ConformanceFailure
from .stage import Profile, Run, Stage

STARTS = "LIF-1"
DELIVERS = "DEL-1"
STOPS = "LIF-7"


@dataclass
class Smoke:
    """What came of it: `failure` is the tailer's, with the requirement it breaks; `problem` the adapter's own."""

    profile: Profile = field(default_factory=Profile)
    requirement: str = ""
    failure: ConformanceFailure | None = None
    problem: str = ""

    @property
    def reason(self) -> str:
        """Why nothing else can be judged, in one line; '' if it can."""
        if self.failure is not None:
            return f"the smoke check of the tailer failed ({self.requirement}: {self.failure.why})"
        return self.problem.splitlines()[0] if self.problem else ""


def smoke(adapter: Adapter, seed: str, clocks: Clocks) -> Smoke:
    """Drive the adapter once through the least that every check needs."""
    stage = Stage(adapter, f"{seed}:smoke", clocks)
    result = Smoke()
    try:
        run = stage.open()
        first, second = stage.words.word(), stage.words.word()
        run["a"].append(first + "\n")
        result.requirement = STARTS
        run.start()
        run.wait_long(lambda: first in run.all_text())
        began = time.monotonic()
        run["a"].append(second + "\n")
        run.wait_long(lambda: second in run.all_text())
        result.profile.latency = time.monotonic() - began
        offset = run.offset("a")
        result.profile.offset_visible = offset is not None and offset >= run["a"].size()
        result.profile.header = _header(run, first)
        result.requirement = STOPS
        run.stop()
        result.requirement = DELIVERS
        if first not in run.all_text() and second not in run.all_text():
            raise run.failure(
                "of two lines neither was delivered, not even by the end of stop()",
                expected=f"{first!r} and {second!r}",
                got=repr(run.all_text()) if run.all_text() else "an empty destination",
            )
    except ConformanceFailure as failure:
        result.failure = failure
    except AdapterProblem as problem:
        result.problem = str(problem)
    finally:
        stage.close()
    return result


def _header(run: Run, token: str) -> str | None:
    """The header that stood before `token`, where it is not the contract's default."""
    for line in run.text().split("\n"):
        if token in line:
            header = line.partition(token)[0]
            if header == f"[{run.name}0]:":
                return None
            return header.replace(run.name, "{name}").replace("0", "{key}")
    return None
