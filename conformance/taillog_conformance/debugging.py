"""`taillog check --debug ID`: one requirement's checks in this very process, for a person with a debugger.

There is no worker, no deadline and no pytest in between: a breakpoint in the tailer stops the tailer, its caller waits,
and the timeline is printed as it goes. Checks that need a process of their own still fork one.
"""

from __future__ import annotations

import os
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
"""Exit statuses: something failed; nothing did, which is no verdict, as only one requirement was looked at."""

BREAKPOINTS = "PYTHONBREAKPOINT"
"""The variable by which breakpoint() is switched off while the tailer is only being got to know."""


def debug(adapter: Adapter, requirement: Requirement, seed: int) -> int:
    """Run the checks of `requirement` and print what happens meanwhile; the exit status."""
    print(f"{requirement.id} ({requirement.level}) {requirement.statement}", flush=True)
    with _without_breakpoints():
        known = smoke(adapter, str(seed), Clocks())
    if known.reason:
        print(f"\nnote: {printable(known.reason)}", flush=True)
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
    print(f"\n{name}", flush=True)
    for capability in (requirement.capability, *check.needs):
        if capability is not None and capability not in adapter.capabilities:
            print(f"  not applicable: the tailer does not declare {capability}", flush=True)
            return True
    strict = requirement.area == "PFX"
    stage = Stage(adapter, f"{seed}:{name}", Unhurried(), profile, strict_headers=strict, watch=_tell)
    try:
        function_of(check)(stage, **arguments)
    except ConformanceFailure as failure:
        failure.timeline = None  # it was told as it went
        print(printable(failure_message(requirement, name, failure, f"the same with --seed {seed}")), flush=True)
        return False
    except (NotApplicable, NotRun, AdapterProblem) as reason:
        print(f"  could not be judged: {printable(str(reason))}", flush=True)
        return True
    finally:
        stage.close()
    print("  pass", flush=True)
    return True


def _tell(event: Event) -> None:
    print(f"  {printable(event.shown())}", flush=True)


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
