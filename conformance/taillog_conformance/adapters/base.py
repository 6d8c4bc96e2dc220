"""What an adapter is: it turns a job (files, destination, prefixes, filter) into a tailer that can be started."""

from __future__ import annotations

import enum
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol, TextIO

from ..outcomes import UsageProblem

Filter = Callable[[str], object]


class Default(enum.Enum):
    """Says that an argument is to be left out, so that the tailer's own default holds (None is a value: FLT-3)."""

    DEFAULT = "default"


DEFAULT = Default.DEFAULT


TOLD = frozenset({"from-start", "missing-files", "path-twice", "last-piece"})
"""What every tailer that is told when to stop is taken to do, unless its adapter takes it back; see target.FINER."""


CALLED_IN_PROCESS = frozenset({"object", "stream", "destination-path"})
"""What only a tailer can have that the suite itself calls and gives a destination."""


class Tailer(Protocol):
    """What the suite calls. `start` and `stop` may return anything; LIF-1 looks at what start() returned."""

    def start(self) -> object: ...
    def stop(self) -> object: ...
    def stopped(self) -> bool: ...


@dataclass(frozen=True)
class Job:
    """What one tailer has to do.

    A tailer writes to `dst`, or its adapter hands over what the tailer put out for one file by `deliver(key, text)`
    (a command writes to its own standard output). `report(text)` takes an error that the tailer reported in another
    way than the logging module. `interval` is in seconds.
    """

    name: str
    log_files: Mapping[int, str | os.PathLike[str]]
    dst: TextIO | str | os.PathLike[str]
    deliver: Callable[[int, str], None]
    report: Callable[[str], None]
    interval: float
    prefixes: Mapping[int, str] | Default | None = DEFAULT
    filter: Filter | Default | None = DEFAULT

    def hand_over(self, key: int | None, text: str) -> None:
        """`deliver` for a file; what belongs to no file in particular (None) goes to the stream that all share."""
        if key is not None:
            self.deliver(key, text)
        else:
            assert not isinstance(self.dst, str | os.PathLike), "only a tailer that takes a path is given one"
            self.dst.write(text)


def names(capabilities: Iterable[str]) -> frozenset[str]:
    """The names of capabilities as a set; UsageProblem for one text, which would be taken letter by letter."""
    if isinstance(capabilities, str):
        raise UsageProblem(f"capabilities are a collection of names, and not a text: {{{capabilities!r}}}")
    return frozenset(capabilities)


class Adapter(ABC):
    """Base of all adapters.

    `capabilities` are those that the tailer declares; a check that needs another one is not applicable. An exception
    of an adapter's own is status `error`, told apart from a failing tailer: an adapter raises `TailerRaised` for what
    the tailer itself did.
    """

    kind: ClassVar[str] = "adapter"
    tailer_is_the_implementation: ClassVar[bool] = False
    """Whether exceptions of the opened tailer's methods are the implementation's own."""

    reports_as: ClassVar[str] = "a log record of level ERROR or above"
    """What counts as the tailer's report of an error, in words."""

    impossible: ClassVar[frozenset[str]] = frozenset()
    """Capabilities that no tailer driven by this kind of adapter can have."""

    name: str
    capabilities: frozenset[str]

    @abstractmethod
    def open(self, job: Job) -> Tailer:
        """A tailer for `job`, not yet started."""

    def refuse_impossible(self) -> None:
        """Raise UsageProblem where a capability is declared that cannot be had."""
        wrong = sorted(self.capabilities & self.impossible)
        if wrong:
            raise UsageProblem(
                f"{self.name} declares {', '.join(wrong)}, which only a tailer can have that the suite itself calls "
                f"and gives a destination, and none of the kind {self.kind}: leave that out"
            )

    def processes(self, tailer: Tailer) -> Iterable[int]:
        """The ids of the processes in which `tailer` reads, for its read offset."""
        return [os.getpid()]

    def progress(self, tailer: Tailer) -> object:
        """Anything that changes while a call of `tailer` gets on, besides what it delivers and how far it has read."""
        return None

    def ended_by_itself(self, tailer: Tailer) -> str:
        """How `tailer` came to its end though nobody stopped it, in words; '' while it goes on."""
        return ""

    def abandon(self, tailer: Tailer) -> None:  # noqa: B027
        """End what `tailer` left behind (processes); called once for each tailer, when its check is over."""
