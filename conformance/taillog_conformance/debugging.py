"""`taillog check --debug ID`: one requirement's checks in this very process, for a person with a debugger.

There is no worker, no deadline and no pytest in between: a breakpoint in the tailer stops the tailer, its caller waits,
and the timeline is printed as it goes. Checks that need a process of their own still fork one.
"""

from __future__ import annotations

import os
import sys
import textwrap
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from .adapters import Adapter
from .clocks import Clocks, Unhurried
from .contract import Requirement
from .outcomes import AdapterProblem, ConformanceFailure, NotApplicable, NotRun
from .report.inert import printable
from .report.message import failure_message
from .scenario import of_requirement
from .smoke import smoke
from .stage import Profile, Stage
from .suite._registry import Check, all_checks, function_of
from .timeline import Event

FAILED, UNDECIDED = 1, 3
"""Exit statuses: something failed; nothing did, which is no verdict, as only one requirement was looked
at. The latter too if nobody listens to the end."""

BREAKPOINTS = "PYTHONBREAKPOINT"
"""The variable by which breakpoint() is switched off while the tailer is only being got to know."""


def debug(adapter: Adapter, requirement: Requirement, seed: int) -> int:
    """Run the checks of `requirement` and print what happens meanwhile; the exit status."""
    _say(f"{requirement.id} ({requirement.level}) {requirement.statement}")
    with _without_breakpoints():
        known = smoke(adapter, str(seed), Clocks())
    if known.reason:
        _say(f"\nnote: {printable(known.reason)}")
    status = UNDECIDED
    for check in all_checks():
        if check.requirement == requirement.id:
            cases = of_requirement(requirement.id) if check.cases != ("",) else (None,)
            for name, case in zip(check.names, cases, strict=True):
                arguments = {} if case is None else {"case": case}
                if not _passes(adapter, requirement, check, name, arguments, seed, known.profile):
                    status = FAILED
    return status


def _passes(
    adapter: Adapter,
    requirement: Requirement,
    check: Check,
    name: str,
    arguments: Mapping[str, object],
    seed: int,
    profile: Profile,
) -> bool:
    """Run one check; False if the tailer failed it."""
    _say(f"\n{name}")
    for capability in (requirement.capability, *check.needs):
        if capability is not None and capability not in adapter.capabilities:
            _say(f"  not applicable: the tailer does not declare {capability}")
            return True
    strict = requirement.area == "PFX"
    stage = Stage(adapter, f"{seed}:{name}", Unhurried(), profile, strict_headers=strict, watch=_tell)
    try:
        function_of(check)(stage, **arguments)
    except ConformanceFailure as failure:
        failure.timeline = None  # it was told as it went
        _say(printable(failure_message(requirement, name, failure, f"the same with --seed {seed}")))
        return False
    except (NotApplicable, NotRun, AdapterProblem) as reason:
        _say(f"  could not be judged: {printable(str(reason))}")
        return True
    finally:
        stage.close()
    _say("  pass")
    return True


_speaking = threading.Lock()


def _one_lock_a_process() -> None:
    """A check may fork a process just while another thread speaks, which in it goes on no more."""
    global _speaking
    _speaking = threading.Lock()


os.register_at_fork(after_in_child=_one_lock_a_process)


def _say(text: str) -> None:
    """Print a line, in one piece with its end: the tailer's threads have their events told too."""
    with _speaking:
        try:
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()
        except BrokenPipeError:
            os._exit(UNDECIDED)  # the thread may be the tailer's, and it is not to learn that nobody listens


def _tell(event: Event) -> None:
    _say(textwrap.indent(printable(event.shown()), "  "))


@contextmanager
def _without_breakpoints() -> Iterator[None]:
    before = os.environ.get(BREAKPOINTS)
    os.environ[BREAKPOINTS] = "0"
    try:
        yield
    finally:
        if before is None:
            del os.environ[BREAKPOINTS]
        else:
            os.environ[BREAKPOINTS] = before
