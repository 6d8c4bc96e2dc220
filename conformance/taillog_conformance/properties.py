"""Properties: many generated examples of one statement, the first that fails made small, all decided by the seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import hypothesis
from hypothesis.strategies import SearchStrategy

from .stage import Stage

T = TypeVar("T")

EXAMPLES = 25
"""Examples of one property in a plain run: each drives a tailer of its own for some milliseconds."""

SHRINKS_WITHIN = 3.0
"""Seconds that making a failing example small may take before the smallest one so far is shown."""


def explore(stage: Stage, examples: SearchStrategy[T], holds: Callable[[T], None], most: int = EXAMPLES) -> None:
    """Call `holds` with generated examples; raise what it raises for the smallest failing one that was found."""

    @hypothesis.seed(stage.seed)
    @hypothesis.settings(
        max_examples=most,
        database=None,
        deadline=None,
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(examples)
    def every(example: T) -> None:
        holds(example)

    every()
