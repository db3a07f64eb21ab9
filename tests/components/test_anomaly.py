"""Slower than usual at this hour of the week."""

import random

import pytest

from components.anomaly import MIN_CHECKS, slower
from components.latency import bucket


def hour(median_ms, *, checks=60, spread=0.2, seed=1):
    """The histogram of an hour of checks around this median."""
    chance = random.Random(seed)
    histogram = {}
    for _ in range(checks):
        key = str(bucket(median_ms * chance.lognormvariate(0, spread)))
        histogram[key] = histogram.get(key, 0) + 1
    return histogram


def weeks(*medians):
    return [hour(median_ms, seed=number) for number, median_ms in enumerate(medians)]


def test_three_times_as_slow_as_in_three_weeks_is_slower():
    found = slower(hour(600), weeks(200, 210, 190))
    assert found is not None
    assert (found.weeks, round(found.now_ms, -2), round(found.usual_ms, -2)) == (3, 600, 200)


@pytest.mark.parametrize(
    ("now", "before"),
    [
        (hour(600), weeks(200, 210)),  # two weeks are no custom
        (hour(600), [*weeks(200, 210), hour(200, checks=MIN_CHECKS - 1)]),
        (hour(600, checks=MIN_CHECKS - 1), weeks(200, 210, 190)),
        ({}, weeks(200, 210, 190)),
        (hour(380), weeks(200, 210, 190)),  # not twice as slow
        (hour(40), weeks(10, 11, 12)),  # nobody notices
        (hour(600), weeks(200, 210, 700)),  # one of the weeks was as slow
        (hour(600), weeks(590, 610, 620)),  # always so at this hour
        (hour(100), weeks(600, 610, 620)),
    ],
)
def test_what_is_usual_or_not_known_says_nothing(now, before):
    assert slower(now, before) is None


def test_ordinary_noise_says_nothing():
    """500 hours of a service whose median wanders by a third, each against its last eight weeks."""
    chance = random.Random(7)
    found = 0
    for number in range(500):
        before = weeks(*(200 * chance.lognormvariate(0, 0.3) for _ in range(8)))
        found += slower(hour(200 * chance.lognormvariate(0, 0.3), seed=number), before) is not None
    assert found <= 2
