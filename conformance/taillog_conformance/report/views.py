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


def render(view: str, report: Report) -> str:
    """The text of the view `view` (one of VIEWS)."""
    if view == "json":
        return json.dumps(report.as_json(), indent=1) + "\n"
    text: str = importlib.import_module(f"{__package__}.{view}").render(report)
    return text
