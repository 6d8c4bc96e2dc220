"""The contract as data: what a tailer has to do, at which level, why, and where it went wrong before.

The texts stand in `requirements.toml` beside this module; here is their form, and the care taken in reading
them. Standard library only, since every command of the kit loads it first.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cache
from importlib import resources
from types import MappingProxyType

SOURCE = "requirements.toml"
"""The file the contract is read from, beside this module."""

_ID = re.compile(r"[A-Z]{3}-[1-9][0-9]*")
_LINK = re.compile(r"https://\S+")


class ContractError(ValueError):
    """The contract's data cannot be used; the message is one line that says where and why."""


class UnknownRequirement(ValueError):
    """No requirement and no area has this name; the message is one line with the names that come near."""


class Level(StrEnum):
    """How binding a requirement is, in the sense of RFC 2119."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    MAY = "MAY"


@dataclass(frozen=True, slots=True)
class SeenIn:
    """A real program in which a requirement did not hold; `link` leads to its public thread, if known."""

    what: str
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Requirement:
    """One row of the contract. `untested` is the reason why no check looks at it, if none does."""

    id: str
    level: Level
    title: str
    statement: str
    rationale: str
    if_it_fails: str
    since: str
    capability: str | None = None
    seen_in: tuple[SeenIn, ...] = ()
    untested: str | None = None

    @property
    def area(self) -> str:
        """The id of its area: the letters of its own id."""
        return self.id.partition("-")[0]


@dataclass(frozen=True, slots=True)
class Traced:
    """The requirements that took over from one name of PyTorch's TailLogTest; its `note` says how."""

    name: str
    ids: tuple[str, ...]
    note: str


@dataclass(frozen=True, slots=True)
class Contract:
    """All requirements in the contract's order, with the areas, capabilities and traces they refer to."""

    version: str
    areas: Mapping[str, str]
    capabilities: Mapping[str, str]
    renamed: Mapping[str, str]
    requirements: tuple[Requirement, ...]
    traced: tuple[Traced, ...]

    def get(self, id: str) -> Requirement:
        """The requirement with this id, or with the one that took its place.

        Raises UnknownRequirement if there is none.
        """
        current = self.renamed.get(id, id)
        for requirement in self.requirements:
            if requirement.id == current:
                return requirement
        raise self._unknown(id)

    def select(self, names: Iterable[str]) -> tuple[Requirement, ...]:
        """The requirements that `names` give by id or area, in any case: each once, in the contract's order.

        Raises UnknownRequirement for the first name that is neither.
        """
        chosen: set[str] = set()
        for name in names:
            word = name.strip().upper()
            if word in self.areas:
                chosen.update(requirement.id for requirement in self.requirements if requirement.area == word)
            else:
                try:
                    chosen.add(self.get(word).id)
                except UnknownRequirement:
                    raise self._unknown(name) from None
        return tuple(requirement for requirement in self.requirements if requirement.id in chosen)

    def _unknown(self, name: str) -> UnknownRequirement:
        word = name.strip().upper()
        if word in self.areas:
            ids = ", ".join(requirement.id for requirement in self.requirements if requirement.area == word)
            return UnknownRequirement(f"{word} is an area, and here goes one requirement: {ids}")
        import difflib  # here, because only a mistake needs it and every command would pay for it

        known = [*self.areas, *(requirement.id for requirement in self.requirements)]
        near = difflib.get_close_matches(word, known)
        hint = f"did you mean {', '.join(near)}?" if near else f"the areas are {', '.join(self.areas)}"
        return UnknownRequirement(f"unknown requirement or area {name!r}: {hint}")


@cache
def load_contract() -> Contract:
    """The contract that comes with the kit, read once in a process.

    Raises ContractError if its data is at fault. Source: `requirements.toml`.
    """
    return parse_contract(resources.files(__package__).joinpath(SOURCE).read_text(encoding="utf-8"))


def parse_contract(text: str) -> Contract:
    """The contract in a TOML text of the form of `requirements.toml`.

    Raises ContractError at the first thing that is missing, unknown, doubled or of the wrong kind.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ContractError(f"{SOURCE}: not TOML: {error}") from error
    top = _Table(document, "top level")
    top.allow("contract_version", "areas", "capabilities", "renamed", "requirement", "traced")
    areas = top.table("areas").texts()
    capabilities = top.table("capabilities").texts()
    requirements = tuple(_requirement(row, areas, capabilities) for row in top.rows("requirement"))
    ids = [requirement.id for requirement in requirements]
    _refuse_doubles("requirement", ids)
    renamed = top.table("renamed").texts()
    _check_renamed(renamed, ids)
    traced = tuple(_traced(row, ids) for row in top.rows("traced"))
    _refuse_doubles("traced name", [trace.name for trace in traced])
    return Contract(
        version=top.text("contract_version"),
        areas=MappingProxyType(areas),
        capabilities=MappingProxyType(capabilities),
        renamed=MappingProxyType(renamed),
        requirements=requirements,
        traced=traced,
    )


def _requirement(row: _Table, areas: Mapping[str, str], capabilities: Mapping[str, str]) -> Requirement:
    row = row.named(row.text("id"))
    row.allow(*(field.name for field in fields(Requirement)))
    level = row.text("level")
    if level not in Level.__members__:
        raise row.error(f"unknown level {level!r}, not one of {', '.join(Level)}")
    requirement = Requirement(
        id=row.text("id"),
        level=Level(level),
        title=row.text("title"),
        statement=row.text("statement"),
        rationale=row.text("rationale"),
        if_it_fails=row.text("if_it_fails"),
        since=row.text("since"),
        capability=row.optional_text("capability"),
        seen_in=tuple(_seen_in(case) for case in row.rows("seen_in")),
        untested=row.optional_text("untested"),
    )
    if not _ID.fullmatch(requirement.id):
        raise row.error("an id is an area's three letters, a hyphen and a number from 1")
    if requirement.area not in areas:
        raise row.error(f"unknown area {requirement.area!r}")
    if requirement.capability is not None and requirement.capability not in capabilities:
        raise row.error(f"unknown capability {requirement.capability!r}")
    return requirement


def _seen_in(row: _Table) -> SeenIn:
    row.allow(*(field.name for field in fields(SeenIn)))
    link = row.optional_text("link")
    if link is not None and not _LINK.fullmatch(link):
        raise row.error(f"link {link!r} is no https address")
    return SeenIn(row.text("what"), link)


def _traced(row: _Table, known: Sequence[str]) -> Traced:
    row = row.named(row.text("name"))
    row.allow(*(field.name for field in fields(Traced)))
    ids = row.text_list("ids")
    for id in ids:
        if id not in known:
            raise row.error(f"unknown requirement {id!r}")
    return Traced(row.text("name"), ids, row.text("note"))


def _refuse_doubles(kind: str, names: Sequence[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ContractError(f"{SOURCE}: {kind} {name} stands there twice")
        seen.add(name)


def _check_renamed(renamed: Mapping[str, str], ids: Sequence[str]) -> None:
    for old, new in renamed.items():
        if old in ids:
            raise ContractError(f"{SOURCE}: renamed: {old} is a requirement again, but ids are never reused")
        if new not in ids:
            raise ContractError(f"{SOURCE}: renamed: {old} leads to {new}, which is no requirement")


@dataclass(frozen=True, slots=True)
class _Table:
    """A TOML table with its place in the file, so that every complaint can say where."""

    values: Mapping[str, object]
    place: str

    def named(self, place: str) -> _Table:
        return _Table(self.values, place)

    def error(self, why: str) -> ContractError:
        return ContractError(f"{SOURCE}: {self.place}: {why}")

    def allow(self, *names: str) -> None:
        for name in self.values:
            if name not in names:
                raise self.error(f"unknown field {name!r}")

    def text(self, name: str) -> str:
        """The text of a field that must be there, every run of white space folded into one blank."""
        if name not in self.values:
            raise self.error(f"field {name!r} is missing")
        return self._folded(self.values[name], f"field {name!r}")

    def optional_text(self, name: str) -> str | None:
        return self.text(name) if name in self.values else None

    def text_list(self, name: str) -> tuple[str, ...]:
        value = self.values.get(name)
        if not isinstance(value, list):
            raise self.error(f"field {name!r} is not a list")
        return tuple(self._folded(item, f"an item of {name!r}") for item in value)

    def texts(self) -> dict[str, str]:
        """All fields of this table, each of which must be a text."""
        return {name: self.text(name) for name in self.values}

    def table(self, name: str) -> _Table:
        value = self.values.get(name)
        if not isinstance(value, dict):
            raise self.error(f"table [{name}] is missing")
        return _Table(value, name)

    def rows(self, name: str) -> list[_Table]:
        """The tables of an array of tables; none if it is left out."""
        value = self.values.get(name, [])
        if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
            raise self.error(f"{name!r} is not an array of tables")
        return [_Table(row, f"{self.place}, {name} {number}") for number, row in enumerate(value, start=1)]

    def _folded(self, value: object, what: str) -> str:
        if not isinstance(value, str) or not value.strip():
            raise self.error(f"{what} is not a text")
        return " ".join(value.split())
