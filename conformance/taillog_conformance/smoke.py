"""The smoke check of an adapter: construct, start, one line delivered, stop. A broken one is one red line, not forty.

It is lenient: any of its lines, at any time, in any form, will do. What it learns on the way (how fast the tailer is,
whether its reading can be watched, what its header looks like) fits later waits to the tailer; it decides nothing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from . import deadline
from .adapters import Adapter
from .clocks import Clocks
from .full import full_folder, has_room, is_full
from .isolated import ALIVE, in_a_process
from .memory import MEMORY
from .outcomes import AdapterProblem, ConformanceFailure, NotRun
from .producer import remove_tree
from .stage import Profile, Run, Stage, header_template

SAYS = "in the smoke check, "
"""What the message of its failure begins with: it is shown as that of a check of the requirement."""

SILENT = 40.0
"""Seconds without a sign of life after which the process is killed: a call into C may hold the interpreter up, in which
no other thread can look at a clock. Four times what a call may take that does not."""

SAYS_SO_EVERY = 1.0
"""Seconds between two signs of life."""

CALLS = 3
"""Waits of the smoke check that may each take all the time there is."""

STARTS = "LIF-1"
DELIVERS = "DEL-1"
GOES_ON = "DEL-3"
STOPS = "LIF-7"
DURING = {STARTS: "in the constructor or in start()", DELIVERS: "while it followed a file", STOPS: "in stop()"}
"""What the tailer was at, by the requirement that is at stake."""


def _breaks(requirement: str, adapter: Adapter) -> str:
    """The requirement that is broken by a fault in that part: of what is no object, no start() is asked for."""
    return DELIVERS if requirement == STARTS and "object" not in adapter.capabilities else requirement


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
            return f"the smoke check of the tailer failed ({self.requirement}: {self.failure.why.removeprefix(SAYS)})"
        return self.problem.splitlines()[0] if self.problem else ""


def smoke(adapter: Adapter, seed: str, clocks: Clocks, parent: Path | None = None) -> Smoke:
    """Drive the adapter once through the least that every check needs, in a process of its own where there is fork.

    A tailer that ends its process, or holds it up for good, does so there. Files are made in a folder in `parent`.
    """
    stage = Stage(adapter, f"{seed}:smoke", clocks, parent=parent)

    def part(send: Callable[[Any], None]) -> None:
        said = time.monotonic()

        def alive() -> None:
            nonlocal said
            if time.monotonic() - said > SAYS_SO_EVERY:
                said = time.monotonic()
                send(ALIVE)

        def give_up(result: Smoke) -> NoReturn:
            send(result)
            os._exit(0)

        stage.alive = alive
        send(_smoke(stage, send, give_up))

    try:
        ended = in_a_process(
            part, CALLS * clocks.over_all, silent=SILENT * clocks.scale, memory=MEMORY * max(1.0, clocks.scale)
        )
    except NotRun:
        return _smoke(stage, lambda requirement: None)
    finally:
        room = has_room(stage.folder)
        remove_tree(stage.folder)
    if not room:
        return Smoke(problem=full_folder(stage.folder))
    if ended.answers and isinstance(ended.answers[-1], Smoke):
        return ended.answers[-1]
    part_of = ended.answers[-1] if ended.answers else STARTS
    failure = ConformanceFailure(
        f"{SAYS}the process in which the tailer ran {ended.how}, {DURING[part_of]}",
        expected="a process that goes on",
        got="\n".join(filter(None, (ended.stack, ended.said))),
    )
    return Smoke(requirement=_breaks(part_of, adapter), failure=failure)


def _smoke(
    stage: Stage, doing: Callable[[str], None], give_up: Callable[[Smoke], object] = lambda result: None
) -> Smoke:
    """The smoke check itself; `doing` is told the requirement that each part is about, `give_up` what it comes to if
    its process has to end at once."""
    result = Smoke()

    def failed(failure: ConformanceFailure) -> None:
        failure.why = SAYS + failure.why
        result.failure = failure

    def gave_up(failure: ConformanceFailure) -> None:
        failed(failure)
        give_up(result)

    stage.give_up = gave_up
    try:
        run = stage.open()
        first, second = stage.words.word(), stage.words.word()
        run["a"].append(first + "\n")
        result.requirement = _breaks(STARTS, stage.adapter)
        doing(STARTS)
        run.start()
        result.requirement = DELIVERS
        doing(DELIVERS)
        tailer = run.make()

        def ended() -> str:
            return stage.adapter.ended_by_itself(tailer)

        patient = "from-start" in stage.adapter.capabilities
        came = (run.wait_long if patient else run.wait_for)(lambda: first in run.all_text() or bool(ended()))
        if (how := ended()) and first not in run.all_text():
            result.requirement = GOES_ON
            raise run.failure(
                f"{how} before it had delivered a line",
                expected="it follows the file until it is stopped",
                got="".join(report.text for report in run.reports if how not in report.text).strip() or "no word",
            )
        began = time.monotonic()
        run["a"].append(second + "\n")
        wait = run.wait_long if came or not patient else run.wait_for
        wait(lambda: second in run.all_text() or bool(ended()))
        if second in run.all_text():  # of a line that was lost there is nothing to learn
            result.profile.latency = stage.profile.latency = time.monotonic() - began
        offset = run.offset("a")
        result.profile.offset_visible = offset is not None and offset >= run["a"].size()
        result.profile.keeps_open = _stays_open(run)
        result.profile.header = _header(run, first)
        result.requirement = STOPS
        doing(STOPS)
        run.stop()
        result.requirement = DELIVERS
        if first not in run.all_text() and second not in run.all_text():
            raise run.failure(
                "of two lines neither was delivered, not even by the end of stop()",
                expected=f"{first!r} and {second!r}",
                got=repr(run.all_text()) if run.all_text() else "an empty destination",
            )
    except ConformanceFailure as failure:
        failed(failure)
    except AdapterProblem as problem:
        result.problem = str(problem)
    except Exception as error:
        broke = deadline.told("the smoke check itself broke: it", error)
        result.problem = full_folder(stage.folder) if is_full(error) else broke
    try:
        stage.close()
    except AdapterProblem as problem:
        result.problem = result.problem or str(problem)
    return result


SAMPLES = 8
"""Times that are looked whether a file is open, over more than the time from one look of the tailer to the next."""


def _stays_open(run: Run) -> bool:
    """Whether the tailer has the file open whenever that is looked at."""
    for _ in range(SAMPLES):
        run.rest(run.moment() / SAMPLES)
        if run.offset("a") is None:
            return False
    return True


def _header(run: Run, token: str) -> str | None:
    """The header that stood before `token`, where it is not the contract's default."""
    for line in run.all_text().split("\n"):
        if token in line:
            header = line.partition(token)[0]
            return None if header == f"[{run.name}0]:" else header_template(header, run.name, run["a"])
    return None
