"""What is taken of a tailer's log records, and what is left of them for whoever else handles them."""

from __future__ import annotations

import logging

import pytest

from taillog_conformance import logs


class Counting(logging.Handler):
    """Counts the characters of the messages that it gets."""

    def __init__(self) -> None:
        super().__init__()
        self.characters = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.characters += len(record.getMessage())


TEXT = "x" * (logs.HANDED_ON // 4)

TIMES = 8


def test_a_tailer_may_hand_its_lines_over_by_logging(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own handlers get every record; those of a test runner, which keeps what it gets, only so much."""
    runners, own = Counting(), Counting()
    monkeypatch.setattr(logging.getLogger(), "handlers", [runners])
    logger = logging.getLogger("a tailer's own")
    reports: list[logs.Report] = []
    with logs.reports_to(reports.append):
        logger.addHandler(own)
        for _ in range(TIMES):
            logger.error("%s", TEXT)
            logger.error(TEXT)
    logger.removeHandler(own)
    assert own.characters == 2 * TIMES * len(TEXT)
    assert len(reports) == 2 * TIMES
    assert len(TEXT) <= runners.characters < own.characters
    assert runners.filters == []


class Unshowable:
    def __str__(self) -> str:
        raise ValueError("it cannot be shown")


def test_what_cannot_be_shown_breaks_no_thread_that_logs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [logging.NullHandler()])
    with logs.reports_to(lambda report: None):
        logging.getLogger("a tailer's own").warning(Unshowable())
