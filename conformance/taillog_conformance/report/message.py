"""The message of a failure: what the contract asks, what came, the timeline, what to look at, how to repeat it."""

from __future__ import annotations

import textwrap
from typing import Any

from ..contract import Requirement
from ..outcomes import ConformanceFailure, TailerRaised

WIDTH = 100
"""Columns of a message: it is pasted into bug reports."""


LONGEST_SCENARIO = 2_000
"""Characters of a scenario that a message shows; a longer one is one of the kit's own, and the command repeats it."""

WHERE_IT_RAISED = "Look first at where it raised, and why: that it did may be all that there is."


def failure_message(requirement: Requirement, check: str, failure: ConformanceFailure, repeat: str) -> str:
    """What a maintainer reads."""
    parts = [
        textwrap.fill(f"{requirement.id} ({requirement.level}) {requirement.statement}", WIDTH),
        "",
        _field("check", check),
        _field("what", failure.why),
    ]
    if failure.expected:
        parts.append(_field("expected", failure.expected))
    if failure.got:
        parts.append(_field("got", failure.got))
    if failure.timeline is not None:
        parts += ["", "  timeline:", *(f"  {line}" for line in failure.timeline.around(failure.event))]
    if failure.scenario and len(failure.scenario) <= LONGEST_SCENARIO:
        parts += ["", "  scenario, to be replayed by --scenario FILE:", *_indented(failure.scenario)]
    advice = requirement.if_it_fails
    if isinstance(failure, TailerRaised):  # in most requirements something else than what they are about
        advice = f"{WHERE_IT_RAISED} {advice}"
    parts += ["", _field("look at", advice), _field("repeat", repeat, wrap=False)]
    return "\n".join(parts)


def failure_data(failure: ConformanceFailure, repeat: str) -> dict[str, Any]:
    """The same as plain data, for views that show it in their own way.

    `event` is the place in the timeline where it shows, None where there is no timeline.
    """
    event = failure.event
    if event is None and failure.timeline is not None:
        event = len(failure.timeline.events()) - 1
    fates = failure.fates
    return {
        "why": failure.why,
        "expected": failure.expected,
        "got": failure.got,
        "event": event,
        "repeat": repeat,
        "scenario": failure.scenario,
        "played": failure.played.as_json() if failure.played else None,
        "lines": [line.as_json() for line in fates.lines] if fates else [],
        "strays": [stray.as_json() for stray in fates.strays] if fates else [],
    }


def _indented(text: str) -> list[str]:
    return [f"    {line}" if line else "" for line in text.splitlines()]


def _field(name: str, text: str, wrap: bool = True) -> str:
    head = f"  {name + ':':<10}"
    lines = text.splitlines() or [""]
    if wrap and len(lines) == 1:
        lines = textwrap.wrap(text, WIDTH - len(head), break_long_words=False, break_on_hyphens=False) or [""]
    return head + ("\n" + " " * len(head)).join(lines)
