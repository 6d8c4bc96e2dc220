"""The badge: a document for the endpoint of shields.io, which draws it."""

from __future__ import annotations

import json

from .inert import printable
from .model import Report, Verdict
from .wording import COLOURS

SCHEMA_VERSION = 1
"""Of shields.io's endpoint format."""


def render(report: Report) -> str:
    """The badge's document."""
    s = report.summary()
    detail = {
        Verdict.CONFORMANT: f"{s.passed + s.excused} of {s.required}",
        Verdict.NONCONFORMANT: f"{s.failed} of {s.required} failed",
        Verdict.INCONCLUSIVE: f"{s.ran} of {s.required} ran",
    }[report.verdict()]
    document = {
        "schemaVersion": SCHEMA_VERSION,
        "label": printable(f"TailLog {report.contract.version}"),
        "message": f"{report.verdict()}, {detail}",
        "color": COLOURS[report.verdict()],
    }
    return json.dumps(document, indent=1) + "\n"
