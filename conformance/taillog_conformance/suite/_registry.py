"""The checks there are: each is a function marked with the requirement that it is about."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest

from ..contract import load_contract
from ..scenario import of_requirement

F = TypeVar("F", bound=Callable[..., Any])

MARK = "taillog"


@dataclass(frozen=True)
class Check:
    """One check: its requirement, its name, what it needs beyond that, and its cases ('' if it has none)."""

    requirement: str
    function: str
    module: str
    needs: tuple[str, ...]
    cases: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names under which its results are reported."""
        return tuple(f"{self.function}[{case}]" if case else self.function for case in self.cases)


_CHECKS: dict[str, Check] = {}


def requirement(id: str, *, needs: Sequence[str] = (), scenarios: bool = False) -> Callable[[F], F]:
    """Mark a function as a check of the requirement `id`.

    It is not applicable where the tailer does not declare the requirement's capability or one of `needs`. With
    `scenarios` it runs once for each case of the requirement's scenario file, given to it as `case`.
    """
    load_contract().get(id)

    def mark(function: F) -> F:
        found = of_requirement(id) if scenarios else ()
        cases = tuple(scenario.slug for scenario in found) or ("",)
        _CHECKS[function.__name__] = Check(id, function.__name__, function.__module__, tuple(needs), cases)
        marked: Any = pytest.mark.taillog(id, tuple(needs))(function)
        if scenarios:
            marked = pytest.mark.parametrize("case", found, ids=cases)(marked)
        result: F = marked
        return result

    return mark


def function_of(check: Check) -> Callable[..., Any]:
    """The function that carries the check out, with its marks."""
    function: Callable[..., Any] = getattr(importlib.import_module(check.module), check.function)
    return function


def all_checks() -> tuple[Check, ...]:
    """Every check of the suite, in the contract's order."""
    package = importlib.import_module(__package__ or "")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")
    order = {requirement.id: place for place, requirement in enumerate(load_contract().requirements)}
    return tuple(sorted(_CHECKS.values(), key=lambda check: order[check.requirement]))


def all_names() -> dict[str, list[str]]:
    """The names under which results are reported, of every check, by requirement."""
    names: dict[str, list[str]] = {}
    for check in all_checks():
        names.setdefault(check.requirement, []).extend(check.names)
    return names
