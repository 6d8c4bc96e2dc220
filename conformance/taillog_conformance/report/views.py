"""The views of a report that can be written to a file: each is made from the one result model."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .model import Report

VIEWS: Mapping[str, str] = {
    "json": "JSON report",
    "junit": "JUnit XML",
    "markdown": "Markdown summary",
    "html": "HTML report",
    "badge": "badge",
}
"""What each view is called in a message, by its option's name."""

KNOWN_FAILURES = "list of known failures"
"""What the file of known failures is called there, which is no view."""


def render(view: str, report: Report, to_be_read: bool = True) -> str:
    """The text of the view `view` (one of VIEWS).

    JSON that is not `to_be_read` by a person has no line breaks: it is written ten times as fast.
    """
    if view == "json":
        return (json.dumps(report.as_json(), indent=1) if to_be_read else report.as_text()) + "\n"
    text: str = importlib.import_module(f"{__package__}.{view}").render(report)
    return text
