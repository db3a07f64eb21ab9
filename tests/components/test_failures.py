"""Each failure has its words, in one table that every page reads."""

import pytest

from components.failures import OTHER, ROWS, titles, words
from components.outcomes import Failure
from components.unsteady import ON_AND_OFF
from incidents.generated_text import is_ours


def test_each_failure_has_a_row():
    assert set(ROWS) == {*Failure, ON_AND_OFF}


@pytest.mark.parametrize("failure", ROWS)
def test_a_row_has_all_its_words(failure):
    row = words(failure)
    assert row.noticed in titles()
    assert all((row.noticed, row.now, row.met, row.seen, row.how[0]))
    assert row.met.endswith(".")
    assert row.how[0].endswith(".")


def test_a_failure_of_a_later_version_costs_no_page():
    assert words("of the future") is OTHER


def test_a_title_of_an_earlier_version_is_still_an_automatic_one():
    assert {"answers with errors", "cannot be reached", "does not answer"} <= titles()
    assert is_ours("API answers with errors", ["API"])
    assert not is_ours("API is slow", ["API"])
