"""When a number will be full: seen in a leak, and not in noise."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.forecasts import MIN_POINTS, seconds_until

MINUTE = 60.0


def line(count, start, per_minute, *, noise=0.0, seed=1, step=MINUTE):
    dice = random.Random(seed)
    return [(n * step, start + per_minute * n * step / MINUTE + dice.gauss(0, noise)) for n in range(count)]


def test_a_steady_rise_says_when_it_is_full():
    assert seconds_until(line(30, 0.5, 0.01), 1.0) == pytest.approx(21 * MINUTE)


def test_a_fall_is_as_good():
    assert seconds_until(line(30, 500, -10), 0, is_falling=True) == pytest.approx(21 * MINUTE)
    assert seconds_until(line(30, 500, -10), 1000) is None  # it moves away


@pytest.mark.parametrize("seed", range(20))
def test_a_rise_with_noise_is_seen(seed):
    wait_s = seconds_until(line(30, 0.5, 0.01, noise=0.01, seed=seed), 1.0)
    assert wait_s == pytest.approx(21 * MINUTE, rel=0.25)


def test_what_is_full_is_full_now():
    assert seconds_until([(0, 1.0)], 1.0) == 0
    assert seconds_until(line(30, 0.5, 0.05), 1.0) == 0


@pytest.mark.parametrize(
    "points",
    [
        [],
        [(0, 0.5)],
        line(MIN_POINTS - 1, 0.5, 0.05),
        line(30, 0.5, 0.05, step=5.0),  # thirty values within 145 s
        [(0, 0.5 + n / 100) for n in range(30)],  # all of one moment
        line(30, 0.5, 0),
        line(30, 0.9, -0.01),
        line(30, 0.1, 0.001),  # full in 13 h: further than it has watched
    ],
)
def test_too_little_or_no_trend_says_nothing(points):
    assert seconds_until(points, 1.0) is None


def noise(dice):
    return [(n * MINUTE, 0.5 + dice.gauss(0, 0.1)) for n in range(30)]


def slow_noise(dice):
    value, points = 0.0, []
    for n in range(30):
        value = 0.8 * value + dice.gauss(0, 0.05)
        points.append((n * MINUTE, 0.6 + value))
    return points


def one_step(dice):
    at = dice.randrange(2, 29)
    return [(n * MINUTE, (0.7 if n >= at else 0.4) + dice.gauss(0, 0.01)) for n in range(30)]


def one_outlier(dice):
    at = dice.randrange(30)
    return [(n * MINUTE, (0.9 if n == at else 0.4) + dice.gauss(0, 0.01)) for n in range(30)]


def sawtooth(dice):
    length, phase = dice.randrange(4, 12), dice.randrange(12)
    return [
        (n * MINUTE, 0.3 + 0.4 * ((n + phase) % length) / length + dice.gauss(0, 0.01)) for n in range(30)
    ]


@pytest.mark.parametrize(
    ("kind", "most"), [(noise, 1), (one_step, 0), (one_outlier, 0), (slow_noise, 20), (sawtooth, 40)]
)
def test_what_only_wanders_does_not_alarm(kind, most):
    """Of a thousand; a verdict needs two in a row."""
    alarms = sum(seconds_until(kind(random.Random(seed)), 1.0) is not None for seed in range(1000))
    assert alarms <= most


def test_a_restart_begins_anew_and_must_come_further_than_before():
    leak = line(20, 0.5, 0.02)
    again = [(20 * MINUTE + at, value) for at, value in line(15, 0.1, 0.05)]
    assert seconds_until([*leak, *again], 1.0) is None  # at 0.8, it was at 0.88 before
    further = [(20 * MINUTE + at, value) for at, value in line(17, 0.1, 0.05)]
    assert seconds_until([*leak, *further], 1.0) == pytest.approx(2 * MINUTE)


@given(
    st.lists(
        st.tuples(st.integers(-100_000, 0), st.floats(allow_nan=False, allow_infinity=False)), max_size=40
    ),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
)
def test_any_numbers_have_a_time_or_none(points, full_at, is_falling):
    wait_s = seconds_until(sorted(points), full_at, is_falling=is_falling)
    assert wait_s is None or 0 <= wait_s <= 300_000


@pytest.mark.parametrize("scale", [1e-300, 1e-9, 1, 1e9, 1e300])
def test_the_size_of_the_numbers_does_not_matter(scale):
    points = [(at, value * scale) for at, value in line(30, 0.5, 0.01)]
    assert seconds_until(points, scale) == pytest.approx(21 * MINUTE)
