"""Text that came from a tailer, a file or a user, made harmless for where it is shown: nothing in it acts or hides."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any

_BACKTICKS = re.compile("`+")

LINE_BREAKS = "\n"
"""The only characters of layout that stay as they are: a message is lines."""

LONGEST_LINE = 1000
"""Characters of a message in one line: what is wrong is said at its ends, and between them stands what was quoted."""

LONGEST_TEXT = 2**17
"""Characters of one text of a result: nobody reads more, and some tailer raises 60 MB."""


def bounded(text: str, most: int = LONGEST_TEXT) -> str:
    """`text`, its middle left out where it is longer than `most` characters."""
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]} ... {text[-half:]} ({len(text):,} characters)"


def harmless(value: Any) -> Any:
    """Plain data with every text in it printable and of bounded length: it can be sent to any process, and written."""
    match value:
        case str():
            return printable(bounded(value))
        case Mapping():
            return {harmless(key): harmless(each) for key, each in value.items()}
        case Sequence():
            return [harmless(each) for each in value]
        case _:
            return value


def printable(text: str) -> str:
    """`text` with every character that does not print, but for LF, written as an escape.

    So no terminal sequence acts, no mark of direction turns a line round, nothing is there that cannot be encoded
    (a lone surrogate) or that XML has no place for (NUL and the like).
    """
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable() or character in LINE_BREAKS
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def in_one_line(text: str) -> str:
    """`text` printable and without line breaks; the middle of a very long one is left out."""
    line = printable(" ".join(text.split("\n")))
    if len(line) <= LONGEST_LINE:
        return line
    half = LONGEST_LINE // 2
    return f"{line[:half]} ... {line[-half:]}"


def in_html(text: str) -> str:
    """`text` for HTML or SVG, between tags or in a quoted attribute."""
    return html.escape(printable(text), quote=True)


def in_code_span(text: str) -> str:
    """`text` as a code span of Markdown, in one line, for a table's cell too."""
    text = " ".join(printable(text).split("\n")).strip() or " "
    fence = "`" * (_longest_run(text) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}".replace("|", "\\|")


def in_code_block(text: str) -> str:
    """`text` as a fenced block of Markdown, which nothing in it can end."""
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}text\n{printable(text)}\n{fence}"


def in_markdown(text: str) -> str:
    """A text of the contract's for Markdown, between other text or in a table's cell; its code spans stay."""
    return html.escape(printable(text), quote=False).replace("|", "\\|")


def _longest_run(text: str) -> int:
    return max((len(run) for run in _BACKTICKS.findall(text)), default=0)
