"""What a check can end in, besides passing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .fates import Fates
    from .played import Played
    from .timeline import Timeline


class UsageProblem(Exception):
    """The user asked for something that cannot be done; the message is one line that says what to do."""


class AdapterProblem(Exception):
    """The adapter broke, not the tailer: the check is an error and the run inconclusive."""


class NotApplicable(Exception):
    """The tailer does not declare what the check asks for; the message is the reason."""


class NotRun(Exception):
    """The machine lacks what the check needs; the message is the reason."""


class ConformanceFailure(AssertionError):
    """The tailer broke the requirement.

    `expected` and `got` are what a maintainer compares; `event` is the place in the timeline where it shows.
    """

    def __init__(self, why: str, expected: str = "", got: str = "", event: int | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.expected = expected
        self.got = got
        self.event = event
        self.timeline: Timeline | None = None
        self.fates: Fates | None = None
        """What became of each line, as far as that can be told."""
        self.played: Played | None = None
        """The steps that show it, where it is the oracle that found it."""
        self.scenario = ""
        """The scenario file that shows it again, where one does."""

    def __reduce__(self) -> tuple[object, ...]:
        """So that it can be told to another process; what a tailer raised may not be such, and stays behind."""
        return (_told, (type(self), self.why, self.expected, self.got, self.event, self.timeline, self.fates))


class TailerRaised(ConformanceFailure):
    """A call of the tailer raised `cause` where the contract says that it returns."""

    cause: BaseException | None = None


class TailerHung(ConformanceFailure):
    """A call of the tailer had not returned within its bound; `got` holds the stack it stood at."""


def _told(
    kind: type[ConformanceFailure],
    why: str,
    expected: str,
    got: str,
    event: int | None,
    timeline: Timeline | None,
    fates: Fates | None,
) -> ConformanceFailure:
    failure = kind(why, expected, got, event)
    failure.timeline, failure.fates = timeline, fates
    return failure
