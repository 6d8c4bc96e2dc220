"""The adapter of a class of the contract's shape: TailLog(name, log_files, dst, ...)."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from .. import traces
from ..outcomes import AdapterProblem, TailerRaised, UsageProblem
from .base import DEFAULT, TOLD, Adapter, Job, Tailer, names

ON_BY_DEFAULT = TOLD | {"prefix", "filter", "destination-path", "error-report", "stream", "object", "several-files"}
"""What a class of the shape is taken to do unless it says otherwise (contract, "The shape")."""

NEEDS_PARAMETER = {"prefix": "log_line_prefixes", "filter": "log_line_filter"}
"""Capabilities that can be seen from the constructor: without the parameter they are undeclared."""

DECLARATION = "taillog_capabilities"
"""The attribute by which a class may declare capabilities that are not on by default: names, in any collection."""

POSITIONAL = 3
"""name, log_files and dst are handed over by position, so that a class may name them as it likes."""

BY_NAME = frozenset({"interval_sec", *NEEDS_PARAMETER.values()})
"""What else there is of the shape is handed over by its name."""

METHODS = ("start", "stop", "stopped")


class TailLogAdapter(Adapter):
    """Drives a class (or a factory) of the contract's shape.

    `capabilities`, and those in the class's own attribute `taillog_capabilities` if it has one, are added to those on
    by default, `without` taken away; `arguments` are handed to the constructor with the suite's own.

    Raises:
        UsageProblem: `cls` cannot have the shape.
    """

    kind: ClassVar[str] = "class"
    tailer_is_the_implementation: ClassVar[bool] = True

    def __init__(
        self,
        cls: Callable[..., Any],
        *,
        capabilities: Iterable[str] = (),
        without: Iterable[str] = (),
        name: str | None = None,
        arguments: Mapping[str, object] | None = None,
    ) -> None:
        self.cls = cls
        self.name = name or f"{getattr(cls, '__module__', '?')}:{getattr(cls, '__qualname__', repr(cls))}"
        self.arguments = dict(arguments or {})
        self._parameters = _parameters(cls, self.name)
        found = frozenset(
            capability
            for capability in ON_BY_DEFAULT
            if capability not in NEEDS_PARAMETER or self._takes(NEEDS_PARAMETER[capability])
        )
        declared = names(getattr(cls, DECLARATION, ()))
        self.capabilities = (found | declared | names(capabilities)) - names(without)

    def _takes(self, parameter: str) -> bool:
        return self._parameters is None or parameter in self._parameters

    def open(self, job: Job) -> Tailer:
        """The class called for `job`; TailerRaised if its constructor raises."""
        options: dict[str, object] = {"interval_sec": job.interval}
        if job.prefixes is not DEFAULT:
            options["log_line_prefixes"] = job.prefixes
        if job.filter is not DEFAULT:
            options["log_line_filter"] = job.filter
        options = {name: value for name, value in options.items() if self._takes(name)} | self.arguments
        try:
            tailer: Tailer = self.cls(job.name, dict(job.log_files), job.dst, **options)
        except BaseException as error:  # a constructor that raises SystemExit is the tailer's fault too
            raise TailerRaised(
                f"the constructor raised {type(error).__name__}",
                expected="a tailer",
                got=traces.of_error(error),
            ) from None
        missing = _missing_methods(tailer)
        if missing:
            raise AdapterProblem(f"{self.name} made {tailer!r}, which has no {missing}; write an adapter for it")
        return tailer


def _missing_methods(tailer: object) -> str:
    """The contract's methods that it does not have, in words."""
    return ", ".join(f"{method}()" for method in METHODS if not callable(getattr(tailer, method, None)))


def _adapter_for(function: Callable[..., Any]) -> str:
    """What to do about a function that is no constructor."""
    if inspect.isasyncgenfunction(function):
        return "it is an asynchronous generator: make an AsyncIteratorAdapter of it in your module, and name that"
    if inspect.isgeneratorfunction(function):
        return "it is a generator: make an IteratorAdapter of it in your module, and name that"
    return "write an adapter for it"


def _parameters(cls: Callable[..., Any], name: str) -> frozenset[str] | None:
    """The names that the constructor takes by keyword; None if it takes any, or if they cannot be known."""
    if not callable(cls):
        raise UsageProblem(f"{name} is not a class: a target is module:Class or module:adapter_object")
    if isinstance(cls, type):
        missing = _missing_methods(cls)
        is_the_objects = missing == "stopped()" and not hasattr(cls, "stopped")  # that of an event of its own, say
        if missing and not is_the_objects:
            raise UsageProblem(
                f"{name} has not the shape of a TailLog: it has no {missing}; "
                "give it the contract's methods, or write an adapter for it"
            )
    try:
        parameters = inspect.signature(cls).parameters.values()
    except (TypeError, ValueError):
        return None  # a class written in C may not tell
    kinds = inspect.Parameter
    positional = [each for each in parameters if each.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)]
    takes_any_positions = any(each.kind is kinds.VAR_POSITIONAL for each in parameters)
    if len(positional) < POSITIONAL and not takes_any_positions:
        raise UsageProblem(
            f"{name} has not the shape of a TailLog: its constructor must take (name, log_files, dst) by position; "
            f"{_adapter_for(cls)}"
        )
    by_position_alone = [
        each.name for each in parameters if each.kind is kinds.POSITIONAL_ONLY and each.name in BY_NAME
    ]
    if by_position_alone:
        raise UsageProblem(
            f"{name} has not the shape of a TailLog: its constructor must take {', '.join(by_position_alone)} by name; "
            "write an adapter for it"
        )
    if any(each.kind is kinds.VAR_KEYWORD for each in parameters):
        return None
    return frozenset(each.name for each in parameters)
