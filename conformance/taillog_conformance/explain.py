"""`taillog explain ID`: all that is known of one requirement, in the order in which somebody who failed it asks."""

from __future__ import annotations

import textwrap
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from .contract import Requirement

SOURCE = "right_ways.toml"
"""The file with a right way for each requirement, beside this module."""

WIDTH = 100
"""Columns at which the text wraps."""


@dataclass(frozen=True)
class Way:
    """A right way to meet a requirement, and the function of the reference that goes it (`module:name`)."""

    how: str
    where: str


@cache
def right_ways() -> dict[str, Way]:
    """A right way for each requirement, by id."""
    rows = tomllib.loads((resources.files(__package__) / SOURCE).read_text(encoding="utf-8"))
    return {id: Way(" ".join(row["how"].split()), row["where"]) for id, row in rows.items()}


@dataclass(frozen=True)
class Looked:
    """One check of the requirement: its name, its sentence, and the module that it stands in."""

    name: str
    sentence: str
    module: str


def explain(requirement: Requirement, checks: Sequence[Looked]) -> str:
    """The text that `taillog explain` prints."""
    capability = f", needs the capability {requirement.capability}" if requirement.capability else ""
    parts = [
        f"{requirement.id} ({requirement.level}): {requirement.title}",
        f"since contract {requirement.since}{capability}",
        "",
        _filled(requirement.statement),
        *_section("Why it matters", [requirement.rationale]),
        *_section("Where it went wrong", [_case(case.what, case.link) for case in requirement.seen_in], wrap=False),
        *_section("What to look at", [requirement.if_it_fails]),
    ]
    way = right_ways().get(requirement.id)
    if way is not None:
        module, _, name = way.where.partition(":")
        parts += _section("A right way", [way.how, f"In the reference: {name} in {module}"])
    said = [f"{check.name} ({check.module})\n  {check.sentence}" for check in checks]
    parts += _section("How it is checked", said or [requirement.untested or ""], wrap=False)
    parts += ["", f"Try it: taillog check TARGET --only {requirement.id}"]
    return "\n".join(parts) + "\n"


def _section(title: str, items: Sequence[str], wrap: bool = True) -> list[str]:
    if not any(items):
        return []
    return ["", f"{title}:", *(_filled(item, "  ") if wrap else textwrap.indent(item, "  ") for item in items)]


def _case(what: str, link: str | None) -> str:
    return f"{what}\n  {link}" if link else what


def _filled(text: str, indent: str = "") -> str:
    return textwrap.fill(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
