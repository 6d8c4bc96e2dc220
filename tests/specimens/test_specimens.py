"""Every specimen is caught, for its own defect and for no other, and the message says so."""

from __future__ import annotations

import pytest
from judged import Outcomes, mistakes

from taillog_fixtures.specimens import Specimen, all_specimens


@pytest.mark.parametrize("each", all_specimens(), ids=lambda each: str(each.name))
def test_it_is_caught_for_what_it_is(each: Specimen, outcomes: Outcomes) -> None:
    outcome = outcomes.of(each)
    not_run = outcome.not_run(each.must_fail)
    if not_run:
        pytest.skip(not_run)
    found = mistakes(each, outcome)
    assert not found, "\n".join([each.doc, *found])
