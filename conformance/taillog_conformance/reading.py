"""Reads files that others may have written: a huge or malformed one is one clear line, and none is carried out."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any, NoReturn

from .outcomes import UsageProblem

KIBIBYTE = 2**10
MEBIBYTE = 2**20

LARGEST_JSON = 32 * MEBIBYTE
"""Bytes of a report that is read: one in which every check failed at length has 6 MiB."""

LARGEST_TOML = 256 * KIBIBYTE
"""Bytes of a TOML file that is read: fifty times what a person writes, and parsed within seconds."""

MOST_PARTS = 100
"""Parts of a dotted key: one of 30,000 in a file of 64 KiB takes the parser a minute."""

_KEY = r"""(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')"""
_LONG_KEY = re.compile(rf"(?<![A-Za-z0-9_-])(?:{_KEY}[ \t]*+\.[ \t]*+){{{MOST_PARTS}}}")


def read_json(path: Path, what: str) -> Any:
    """The JSON document in the file at `path`, which messages call `what`.

    Raises:
        UsageProblem: it cannot be read, is too large, or is no JSON; one line.
    """
    text = _text(path, what, LARGEST_JSON)
    try:
        return json.loads(text, parse_constant=_no_number)
    except RecursionError:
        raise UsageProblem(f"the {what} {path} is not valid JSON: it is nested too deep") from None
    except ValueError as error:
        raise UsageProblem(f"the {what} {path} is not valid JSON: {error}") from None


def read_toml_text(path: Path, what: str) -> str:
    """The text of the TOML file at `path`, which messages call `what`.

    Raises:
        UsageProblem: it cannot be read, or is too large; one line.
    """
    return _text(path, what, LARGEST_TOML)


def parse_toml(text: str, where: str) -> dict[str, Any]:
    """The tables of a TOML text; `where` names it in messages.

    Raises:
        UsageProblem: it is no TOML; one line.
    """
    if _LONG_KEY.search(text):
        raise UsageProblem(f"{where} has a key of more than {MOST_PARTS} parts")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise UsageProblem(f"{where} is not valid TOML: it is nested too deep") from None
    except ValueError as error:  # a TOMLDecodeError, or a number with too many digits
        raise UsageProblem(f"{where} is not valid TOML: {error}") from None


def _text(path: Path, what: str, most: int) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)  # no size is asked for: a device or a pipe has none
    except OSError as error:
        raise UsageProblem(f"the {what} {path} cannot be read: {error.strerror}") from None
    if len(data) > most:
        raise UsageProblem(f"the {what} {path} is larger than {most // KIBIBYTE:,} KiB, so it is none")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageProblem(f"the {what} {path} is not UTF-8: {error.reason} at byte {error.start}") from None


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
