"""Whether a document has the shape of the published schema: of JSON Schema just the words that it is written in."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from typing import Any

SCHEMA_FILE = "report-1.schema.json"

TYPES: Mapping[str, Callable[[object], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}

SAYS_NOTHING = frozenset({"$schema", "$defs", "title", "description"})
"""Words of a schema that ask nothing of a document."""


@cache
def report_schema() -> Mapping[str, Any]:
    """The published schema of a report."""
    found: dict[str, Any] = json.loads(resources.files(__package__).joinpath(SCHEMA_FILE).read_text(encoding="utf-8"))
    return found


def mismatch(document: object) -> str | None:
    """What of `document` is not as the schema of a report says, the first thing in one line; None if all is."""
    return _mismatch(document, report_schema(), "the report")


def _mismatch(value: object, schema: Mapping[str, Any], where: str) -> str | None:
    for word, asked in schema.items():
        if word not in SAYS_NOTHING:
            found = ASKS[word](value, asked, where, schema)
            if found is not None:
                return found
    return None


def _ref(value: object, asked: str, where: str, _: Mapping[str, Any]) -> str | None:
    return _mismatch(value, report_schema()["$defs"][asked.removeprefix("#/$defs/")], where)


def _type(value: object, asked: str | list[str], where: str, _: Mapping[str, Any]) -> str | None:
    names = [asked] if isinstance(asked, str) else asked
    return None if any(TYPES[name](value) for name in names) else f"{where} is no {' or '.join(names)}"


def _among(value: object, asked: list[object], where: str, _: Mapping[str, Any]) -> str | None:
    return None if value in asked else f"{where} is {value!r}, not {', '.join(map(repr, asked))}"


def _const(value: object, asked: object, where: str, schema: Mapping[str, Any]) -> str | None:
    return _among(value, [asked], where, schema)


def _pattern(value: object, asked: str, where: str, _: Mapping[str, Any]) -> str | None:
    return None if re.fullmatch(asked, str(value)) else f"{where} is {value!r}"


def _minimum(value: Any, asked: float, where: str, _: Mapping[str, Any]) -> str | None:
    return None if value is None or value >= asked else f"{where} is {value}, less than {asked}"


def _maximum(value: Any, asked: float, where: str, _: Mapping[str, Any]) -> str | None:
    return None if value is None or value <= asked else f"{where} is {value}, more than {asked}"


def _min_items(value: Any, asked: int, where: str, _: Mapping[str, Any]) -> str | None:
    return None if len(value) >= asked else f"{where} has less than {asked} items"


def _unique(value: Any, asked: bool, where: str, _: Mapping[str, Any]) -> str | None:
    return None if not asked or len({repr(item) for item in value}) == len(value) else f"{where} has an item twice"


def _required(value: Any, asked: list[str], where: str, _: Mapping[str, Any]) -> str | None:
    return next((f"{where} has no {name!r}" for name in asked if name not in value), None)


def _properties(value: Any, asked: Mapping[str, Any], where: str, _: Mapping[str, Any]) -> str | None:
    found = (_mismatch(value[name], schema, f"{where}: {name}") for name, schema in asked.items() if name in value)
    return next((each for each in found if each is not None), None)


def _additional(value: Any, asked: Any, where: str, schema: Mapping[str, Any]) -> str | None:
    more = [name for name in value if name not in schema.get("properties", {})]
    if asked is False:
        return f"{where} has an unknown {more[0]!r}" if more else None
    found = (_mismatch(value[name], asked, f"{where}: {name}") for name in more)
    return next((each for each in found if each is not None), None)


def _items(value: Any, asked: Mapping[str, Any], where: str, _: Mapping[str, Any]) -> str | None:
    found = (_mismatch(item, asked, f"{where} {number}") for number, item in enumerate(value, start=1))
    return next((each for each in found if each is not None), None)


ASKS: Mapping[str, Callable[[Any, Any, str, Mapping[str, Any]], str | None]] = {
    "$ref": _ref,
    "type": _type,
    "const": _const,
    "enum": _among,
    "pattern": _pattern,
    "minimum": _minimum,
    "maximum": _maximum,
    "minItems": _min_items,
    "uniqueItems": _unique,
    "required": _required,
    "properties": _properties,
    "additionalProperties": _additional,
    "items": _items,
}
"""What each word of the schema asks; a schema writes `type` before the words that rely on it."""
