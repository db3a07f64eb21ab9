"""What a check's reading means, at its limits."""

import pytest

from components.outcomes import Expectation, Failure, Outcome, Reading, classify


@pytest.mark.parametrize(
    ("total_ms", "outcome"),
    [(999.0, Outcome.UP), (1000.0, Outcome.UP), (1000.1, Outcome.DEGRADED)],
)
def test_an_answer_at_the_limit_itself_is_in_time(total_ms, outcome):
    reading = Reading(total_ms, status_code=200)
    assert classify(reading, Expectation(latency_limit_ms=1000))[0] is outcome


@pytest.mark.parametrize(
    ("days_left", "outcome"),
    [(15, Outcome.UP), (14, Outcome.UP), (13, Outcome.DEGRADED), (0, Outcome.DEGRADED)],
)
def test_a_certificate_with_just_enough_days_is_well(days_left, outcome):
    reading = Reading(20.0, status_code=200, days_left=days_left)
    assert classify(reading, Expectation(least_days_left=14))[0] is outcome


def test_what_was_asked_for_is_not_there_says_neither_up_nor_down():
    reading = Reading(
        20.0, Failure.NO_DATA, "The response has no series “connections_used”.", status_code=200
    )
    assert classify(reading, Expectation()) == (
        Outcome.UNKNOWN,
        "The response has no series “connections_used”.",
    )


def test_an_answer_that_says_it_is_not_well_is_degraded():
    reading = Reading(20.0, degraded="connections_used is 0.9; the limit is 0.8.", status_code=200)
    assert classify(reading, Expectation(latency_limit_ms=10)) == (
        Outcome.DEGRADED,
        "connections_used is 0.9; the limit is 0.8.",
    )
