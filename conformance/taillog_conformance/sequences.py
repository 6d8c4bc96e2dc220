"""Random sequences of what producers do, as scenarios: a model-based test whose model is the oracle.

What was truncated, deleted or rotated before the tailer was known to have read it may be missing; all else must come.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from hypothesis import strategies as st

from .scenario import Scenario, Step

FILES = ("a", "b")
LINKED = "c"
"""The file whose path is a link, where links are turned."""

SHORTEST, LONGEST = 4, 10
"""Things done in a sequence: as many as the known defects of this kind need, and still a tenth of a second."""

PLAIN = ("append", "append", "looks", "settle")
TRUNCATION = ("touch", "truncate")
ROTATION = ("touch", "rotate", "rotate late", "delete", "turn")


@dataclass
class _Producer:
    """Makes steps of what is drawn, each possible in the state that the steps before it leave."""

    steps: list[Step] = field(default_factory=list)
    there: dict[str, bool] = field(default_factory=dict)
    lines: int = 0

    def do(self, verb: str, file: str = "", *parts: str, argument: str = "") -> None:
        self.steps.append(Step(verb, file, parts, argument))

    def append(self, file: str, count: int = 1) -> None:
        text = ""
        for _ in range(count):
            self.lines += 1
            text += f"$line{self.lines} $more{self.lines}\n"
        self.do("append", file, text)
        self.there[file] = True

    def take(self, what: str, file: str, count: int) -> None:
        """Do `what`, or append where that is not possible yet."""
        if what in ("looks", "settle"):
            self.do(what, argument=str(count) if what == "looks" else "")
        elif what == "append" or not self.there.get(file) or (file == LINKED) != (what == "turn"):
            self.append(LINKED if what == "turn" else file, count)
        elif what == "touch":
            self.do("touch", file)
        elif what == "turn":
            self.do("deliver")
            self.do("turn", file)
            self.append(file, count)
        elif what == "delete":
            self.do("deliver")
            self.do("delete", file)
            self.there[file] = False
        elif what == "truncate":
            self._truncate(file)
        else:
            self._rotate(file, count, late=what == "rotate late")

    def _truncate(self, file: str) -> None:
        self.append(file, 2)
        self.do("deliver")
        self.do("truncate", file)
        self.lines += 1
        # Shorter than what stood there: so it is seen as truncated, however late the tailer looks.
        self.do("append", file, f"$line{self.lines}\n")
        self.do("deliver")

    def _rotate(self, file: str, count: int, late: bool) -> None:
        if late:
            self.do("deliver")
        self.do("rename", file)
        if late:
            self.append(file, count)
        self.do("create", file)
        self.append(file, count)


def scenarios(requirement: str, kinds: Collection[str]) -> st.SearchStrategy[Scenario]:
    """Sequences for a check of `requirement`, of the things in `kinds` (PLAIN, TRUNCATION, ROTATION)."""
    things = st.lists(
        st.tuples(st.sampled_from(sorted(kinds)), st.sampled_from((*FILES, LINKED)), st.integers(1, 3)),
        min_size=SHORTEST,
        max_size=LONGEST,
    )
    linked = "turn" in kinds
    return st.builds(lambda before, after: _scenario(requirement, before, after, linked), st.integers(0, 2), things)


def _scenario(requirement: str, before: int, things: list[tuple[str, str, int]], linked: bool) -> Scenario:
    producer = _Producer()
    if linked:
        producer.do("link", LINKED)
    for file in FILES[:before]:
        producer.append(file)
    producer.do("start")
    for what, file, count in things:
        producer.take(what, file if linked or file != LINKED else FILES[0], count)
    producer.do("settle")
    producer.do("stop")
    files = tuple(dict.fromkeys(step.file for step in producer.steps if step.file))
    return Scenario(requirement, "a generated sequence", tuple(producer.steps), files, interval=SEQUENCE_INTERVAL)


SEQUENCE_INTERVAL = 0.002
"""Seconds between looks: a sequence has several waits for one."""
