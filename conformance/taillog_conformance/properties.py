"""Properties: many generated examples of one statement, the first that fails made small, all decided by the seed."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar
from unittest import mock

import hypothesis
import hypothesis.configuration
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from .outcomes import AdapterProblem, ConformanceFailure
from .stage import Stage

T = TypeVar("T")


def store_in(folder: str) -> None:
    """Have Hypothesis keep what it keeps in `folder`."""
    hypothesis.configuration.set_hypothesis_home_dir(folder)


if found := os.environ.get("HYPOTHESIS_STORAGE_DIRECTORY"):
    store_in(found)  # now, for a tailer may have cleared the variable when Hypothesis asks for it

EXAMPLES = 16
"""Examples of one property in a plain run: each drives a tailer of its own for some milliseconds."""

TRIED_AGAIN = 12
"""Failing examples, the smallest first, that are tried again until one lasts."""

TIMES_AGAIN = 2
"""Times that it has to fail again: what is shown is to be replayed."""

EXPLORES_WITHIN = 60.0
"""Seconds after which no further example is tried: a slow tailer on a busy machine gets fewer."""

TRIES_AGAIN_WITHIN = 60.0
"""Seconds after which no further failing example is tried again."""

SHRINKS_WITHIN = 1.5
"""Seconds that making a failing example small may take before the smallest one so far is shown."""


def text_of(characters: str, most: int) -> SearchStrategy[str]:
    """Texts of up to `most` of these characters.

    Not st.text(): it reads Hypothesis's table of Unicode, which each process would make anew (0.1 s), for nothing that
    was kept by an earlier run is used.
    """
    return st.lists(st.sampled_from(characters), max_size=most).map("".join)


def explore(stage: Stage, examples: SearchStrategy[T], holds: Callable[[T], object], most: int = EXAMPLES) -> None:
    """Call `holds` with generated examples; raise what it raises for the smallest failing one that was found.

    The runs that an example opened are closed before the next one.
    """
    failures: list[tuple[T, ConformanceFailure]] = []
    problems: list[AdapterProblem] = []
    failing_since = 0.0
    ends = time.monotonic() + EXPLORES_WITHIN * stage.clocks.scale * stage.depth

    @hypothesis.seed(stage.seed)
    @hypothesis.settings(
        max_examples=most * stage.depth,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],  # Phase.explain would trace each line of many more
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(examples)
    def every(example: T) -> None:
        nonlocal failing_since
        stage.alive()  # hundreds of examples may be turned away in a row
        if failures and time.monotonic() > failing_since + SHRINKS_WITHIN:
            hypothesis.reject()
        if problems or (not failures and time.monotonic() > ends):
            return
        try:
            failure = _failure_of(stage, example, holds)
        except AdapterProblem as problem:
            problems.append(problem)
            return
        if failure is not None:
            failing_since = failing_since or time.monotonic()
            failures.append((example, failure))
            raise failure

    try:
        with _by_the_seed_alone():
            every()
    except Exception:  # Ctrl-C is none: it ends the run, whatever was found
        # Hypothesis may also say that a failure is flaky, as a race is: what was seen once was seen.
        if not failures:
            raise
    if problems:
        raise problems[0]
    if failures:
        raise _smallest_that_lasts(stage, failures, holds)


def _by_the_seed_alone() -> AbstractContextManager[object]:
    """Has Hypothesis take no examples from the modules that are imported just now, the tailer's among them.

    By the same seed they would be others in another installation, and after other checks. It has no setting for this;
    a version that does not look there has nothing to leave out.
    """
    providers = sys.modules.get("hypothesis.internal.conjecture.providers")
    if providers is None or not hasattr(providers, "CONSTANTS_CACHE"):
        return nullcontext()
    cache = type(providers.CONSTANTS_CACHE)(1024)
    return mock.patch.multiple(providers, _get_local_constants=providers.Constants, CONSTANTS_CACHE=cache)


def _smallest_that_lasts(
    stage: Stage, failures: list[tuple[T, ConformanceFailure]], holds: Callable[[T], object]
) -> ConformanceFailure:
    """The failure of the smallest example that fails when it is tried again: in a race, not each one does."""
    by_size = sorted(failures, key=lambda each: len(repr(each[0])))
    ends = time.monotonic() + TRIES_AGAIN_WITHIN * stage.clocks.scale
    for example, _ in by_size[:TRIED_AGAIN]:
        if time.monotonic() > ends:
            break
        again = [_failure_of(stage, example, holds) for _ in range(TIMES_AGAIN)]
        if all(again) and again[0] is not None:
            return again[0]
    smallest = by_size[0][1]
    smallest.why += " (seen once, and not each time when the same was tried again)"
    return smallest


def _failure_of(stage: Stage, example: T, holds: Callable[[T], object]) -> ConformanceFailure | None:
    try:
        holds(example)
    except ConformanceFailure as failure:
        return failure
    finally:
        while stage.runs:
            stage.runs.pop().close()
    return None
