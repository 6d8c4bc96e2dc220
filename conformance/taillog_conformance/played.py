"""What was played when a tailer failed: the steps with their very data, so that they can be played without the kit.

A scenario knows its steps. For a check that is code they are read off the timeline: what the producer did, and where
the check waited.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from . import model
from .timeline import READ, Event

LONGEST = 16_000_000
"""Bytes of one step beyond which nothing is recorded."""

SHORT = 1500
"""Characters that all data of a recording may take when it is written out: what a short script has room for."""

REPEATS_SHRINK = 100
"""By how much zlib shortens what repeats, at least."""

PAUSE = 0.025
"""Seconds between two events after which the check is taken to have waited on purpose."""

_REPEATED = re.compile(rb"(.{1,64}?)\1{15,}", re.DOTALL)
"""A unit of some bytes that stands there 16 times or more."""

_HELD_AT = re.compile(r" at (\S+):([0-9]+)(?: |$)")

Part = str | dict[str, object]


@dataclass(frozen=True, slots=True)
class Move:
    """One step: its verb (of a scenario, or `hold`, `release`), the file's label, and its data or argument."""

    verb: str
    file: str = ""
    data: bytes = b""
    argument: str = ""


@dataclass(frozen=True)
class Played:
    """Steps, and what the tailer was made with: keys by label, prefixes by key, the text that a filter asks for."""

    files: Mapping[str, int]
    moves: tuple[Move, ...]
    prefixes: Mapping[int, str] = field(default_factory=dict)
    contains: str | None = None
    in_time: bool = False
    interval: float = 0.01

    def as_json(self) -> dict[str, object] | None:
        """As plain data for a report; None where it is too long to be of use."""
        steps: list[list[object]] = []
        room = SHORT
        for move in self.moves:
            if len(move.data) > LONGEST or _is_too_various(move.data):
                return None
            parts = parts_of(move.data)
            room -= sum(len(str(part)) for part in parts)
            if room < 0:
                return None
            steps.append([move.verb, move.file, move.argument, *parts])
        return {
            "files": dict(self.files),
            "prefixes": {str(key): prefix for key, prefix in self.prefixes.items()},
            "contains": self.contains,
            "in_time": self.in_time,
            "interval": self.interval,
            "steps": steps,
        }


def _is_too_various(data: bytes) -> bool:
    """Whether `data` cannot be written in SHORT characters, of four bytes at the most: seen at once, where to look for
    all that repeats takes seconds."""
    return len(zlib.compress(data, level=1)) > 4 * SHORT + len(data) // REPEATS_SHRINK


def parts_of(data: bytes) -> list[Part]:
    """`data` as a scenario file writes it: texts, `{"hex": ...}` for other bytes, `{"repeat": ..., "times": n}`."""
    parts: list[Part] = []
    at = 0
    for found in _REPEATED.finditer(data):
        unit = _text(found[1])
        if isinstance(unit, str):
            parts += [_text(data[at : found.start()]), {"repeat": unit, "times": len(found[0]) // len(found[1])}]
            at = found.end()
    parts.append(_text(data[at:]))
    return [part for part in parts if part != ""]


def _text(data: bytes) -> Part:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"hex": data.hex()}


_PRODUCED = {model.APPEND, model.APPEND_OLD, model.CREATE, model.TRUNCATE, model.DELETE, "touch", "link"}
"""Events of the producer's lane that are steps of a scenario as they stand."""


def from_timeline(events: Sequence[Event]) -> tuple[Move, ...] | None:
    """The steps that `events` show; None where they hold something that steps cannot say."""
    moves: list[Move] = []
    last = 0.0
    for event in events:
        waited = event.at - last > PAUSE and bool(moves)
        last = event.at
        found = list(_moves_of(event))
        if None in found:
            return None
        if any(move.verb == "stop" for move in moves):
            found = [move for move in found if move is not None and move.verb not in ("seen", "settle")]
        elif waited and found and found[0] != Move("settle") and moves[-1].verb != "settle":
            moves.append(Move("quiet"))
        moves += [move for move in found if move is not None and (move.verb != "settle" or moves[-1:] != [move])]
    verbs = [move.verb for move in moves]
    if verbs.count("start") != 1 or verbs.count("stop") != 1:
        return None
    while moves[verbs.index("stop") - 1].verb in ("quiet", "seen"):
        del moves[verbs.index("stop") - 1]  # a wait before stop() would only help a tailer that does not drain
        verbs = [move.verb for move in moves]
    return tuple(_without_turns(moves))


def _moves_of(event: Event) -> Iterable[Move | None]:
    """The steps of one event: none, one; None itself where it is something that no step says."""
    match event.lane, event.what:
        case "producer", what if what in _PRODUCED:
            yield Move(what, event.file, event.data if isinstance(event.data, bytes) else b"")
        case "producer", "chmod":
            yield Move("chmod", event.file, argument=event.note)
        case "producer", model.RENAME if event.note.startswith("to "):
            yield Move("rename", event.file)
        case "producer", model.RENAME if event.note.startswith("the link"):
            yield Move("turn", event.file)
        case "producer", _:
            yield None
        case "tailer", "start" | "stop":
            yield Move(event.what)
        case "tailer", what if what == READ:
            yield Move("seen", event.file)  # somebody waited for it, and looked
        case "check", model.SEEN:
            yield Move("settle") if event.note == "delivered" else Move("seen", event.file)
        case "check", "hold":
            place = _HELD_AT.search(event.note)
            yield Move("hold", argument=f"{place[1]}:{place[2]}") if place else None
        case "check", "release":
            yield Move("release")
        case "destination", "refuse":
            yield None


def _without_turns(moves: Iterable[Move]) -> Iterable[Move]:
    """The turn of a link is noted as a rename and the creation of a file; it is one step."""
    turned = ""
    for move in moves:
        if not (turned and move.verb == model.CREATE and move.file == turned):
            yield move
        turned = move.file if move.verb == "turn" else ""
