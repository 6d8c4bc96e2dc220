"""Races between a tailer's own thread and its caller, tried at every line of the tailer's code."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from .clocks import FAST_INTERVAL
from .outcomes import ConformanceFailure
from .perturb import LONGEST_HOLD, Holder, Place, described, release_when_still
from .stage import Run, Stage

LEARNS_FOR_LOOKS = 4
"""Looks in which the lines that an idle tailer passes are learned."""

LEARNS_WITHIN = 2.0
"""Seconds, at the most, in which an idle tailer has to take up something new for its lines to be learned."""

FIRST_PLACES = 15
"""Lines after something new at which the tailer is held: what it does first about it is where it can be surprised."""

LAST_PLACES = 25
"""Lines that a tailer of events passes last, once it has taken up what is new: there it asks whether it is to stop."""

LOOKS_WITHIN = 1.0
"""Seconds in which a tailer that goes on has looked once."""

COMES_WITHIN = 0.5
"""Seconds, at the least, in which a thread has to come to a place that it passes while it idles."""

STILL_FOR_MOMENTS = 3
"""Moments without a line passed after which a tailer of events has done all that it does about something new."""

TRIES_FOR = 6.0
"""Seconds after which the remaining places are left out: only a tailer that looks seldom has so much of them."""


Part = Callable[[Run], None]


def held_at_every_line(
    stage: Stage,
    prepare: Part,
    meanwhile: Part,
    *,
    files: str = "a",
    interval: float | None = None,
    before: Part | None = None,
    after: Part | None = None,
    while_idle: bool = True,
) -> bool:
    """Play `prepare`, hold the tailer at a line, do `meanwhile`, call stop() and let the tailer go on; at each line.

    With `before`, which is played once the tailer idles, it is held at lines that it passes because of that; but if
    `while_idle`, only where it passes none without, for it waits for events. With `after`, the tailer goes on for a
    look, then `after` is played, and stop() comes last.

    The tailer gets `files`, and looks at them every `interval` seconds, by default fast.

    It is only slowed down, as any machine may do: a correct one delivers all there is in every round. False where it
    passes no line at which it could be held.

    Raises:
        ConformanceFailure: with the line at which the tailer was held.
    """

    def opened() -> Run:
        return stage.open(files, interval=interval or FAST_INTERVAL)

    with Holder() as holder:
        idle, woken = _places(opened(), holder, prepare, before)
    if while_idle and idle:
        places, before = idle, None
    else:
        places = woken[-LAST_PLACES:] if while_idle else woken[:FIRST_PLACES]
    began = time.monotonic()
    for place in places:
        if time.monotonic() - began > TRIES_FOR * stage.clocks.scale:
            break
        run = opened()
        _round(run, place, idle, prepare, meanwhile, before, after)
        run.tailer = None  # there are many of them, and one may hold tens of MiB
    return bool(places)


def held_at_its_first_lines(stage: Stage, prepare: Part) -> None:
    """Play `prepare`, start a tailer, hold its thread at a line that it passes first, call stop(), and let it go on; at
    each of those lines.

    Raises:
        ConformanceFailure: with the line at which the tailer was held.
    """
    run = stage.open()
    prepare(run)
    with Holder() as holder, holder.learning():
        run.start()
        run.settle()
    run.stop()
    run.close()
    for place in holder.places()[:FIRST_PLACES]:
        run = stage.open()
        prepare(run)
        with Holder() as holder:
            holder.want(place)
            began = time.monotonic()
            run.start()
            waits = time.monotonic() - began > LONGEST_HOLD / 2
            _stop_while_held(run, holder, place, held=not waits and holder.held(COMES_WITHIN))
        run.tailer = None  # as in held_at_every_line
        if waits:  # for its thread, and so that cannot be surprised
            break


def _places(run: Run, holder: Holder, prepare: Part, before: Part | None) -> tuple[list[Place], list[Place]]:
    """The lines that the tailer passes while it idles, and those that it passes because of `before` alone."""
    prepare(run)
    first = _passed(run, holder)
    run.quiet()
    idle = [place for place in _passed(run, holder) if place in first]  # what it is done with was not passed idly
    woken: list[Place] = []
    if before is not None:
        with holder.learning():
            before(run)
            woken = _woken(run, holder, idle)
    run.stop()
    run.close()
    return idle, woken


def _passed(run: Run, holder: Holder) -> list[Place]:
    """The lines that the tailer passes in a few looks."""
    with holder.learning():
        run.looks(LEARNS_FOR_LOOKS)
        run.rest(LEARNS_FOR_LOOKS * run.stage.profile.latency)
    return holder.places()


def _woken(run: Run, holder: Holder, idle: list[Place]) -> list[Place]:
    """The lines other than `idle` that the tailer, which has been given something to do, passes until it is done."""
    ends = time.monotonic() + LEARNS_WITHIN * run.stage.clocks.scale
    passed: list[Place] = []
    while True:
        run.quiet()
        before, passed = passed, [place for place in holder.places() if place not in idle]
        if (passed and passed == before) or time.monotonic() > ends:
            return passed


def _round(
    run: Run,
    place: Place,
    idle: list[Place],
    prepare: Part,
    meanwhile: Part,
    before: Part | None,
    after: Part | None,
) -> None:
    with Holder() as holder:
        prepare(run)
        holder.want(place)
        if before is not None:
            before(run)
        comes_within = max(COMES_WITHIN, LEARNS_FOR_LOOKS * run.stage.profile.latency)
        held = holder.held(comes_within, still=math.inf if before is None else STILL_FOR_MOMENTS * run.moment())
        if held:
            run.timeline.add("check", "hold", note=f"the tailer's thread at {described(place)}")
            meanwhile(run)

        def go_on() -> None:
            if after is not None:
                run.timeline.add("check", "release")
                if idle:
                    holder.release_for_a_look(idle, LOOKS_WITHIN * run.stage.clocks.scale)
                else:
                    holder.release()
                    holder.rests(run.moment())
                after(run)

        _stop_while_held(run, holder, place, held=held, before=go_on)


def _stop_while_held(
    run: Run, holder: Holder, place: Place, *, held: bool, before: Callable[[], object] = lambda: None
) -> None:
    """Do what comes `before`, and call stop(), while the tailer's thread is `held` at `place`; and judge."""
    try:
        before()
        watcher = release_when_still(holder, threading.get_ident(), lambda: run.ended)
        run.stop()
        watcher.join()
        run.judge()
    except ConformanceFailure as failure:
        if held:
            failure.why += f"; the tailer's thread had been held at {described(place)}"
        raise
    finally:
        holder.release()
        run.close()
