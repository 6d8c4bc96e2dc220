"""One run of the suite for each specimen that a selected test is about, all in one go."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from judged import Outcomes, run
from kill_table import write


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-messages", action="store_true", help="write the messages that are held word for word")
    parser.addoption("--caught", action="store_true", help="run no more of the suite on each than must fail on it")
    parser.addoption("--kill-table", action="store_true", help="write docs/kill-table.md and its picture from this run")


@pytest.fixture(scope="session")
def outcomes(request: pytest.FixtureRequest) -> Iterator[Outcomes]:
    """The outcomes of all specimens whose tests were selected, begun in the order of the tests."""
    items = [item for item in request.session.items if isinstance(item, pytest.Function)]
    asked = [item.callspec.params["each"] for item in items if "outcomes" in item.fixturenames]
    quick = request.config.getoption("--caught")
    found = Outcomes(run({each.name: each for each in asked}.values(), only_what_must_fail=quick))
    try:
        yield found
        if request.config.getoption("--kill-table"):
            write(found)
    finally:
        found.end()
