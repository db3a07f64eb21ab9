"""Error budgets: what is allowed, used and left, and when it will be used up."""

import pytest

from components.promises import average, budget, lost
from components.uptime import Seconds

DAY = 86_400
WEEK = Seconds(up=7 * DAY)


@pytest.mark.parametrize(
    ("target", "counted", "remaining_s", "recent", "expected"),
    [
        # ten of thirty days, nothing lost
        (99.9, Seconds(up=10 * DAY), 20 * DAY, WEEK, (2592, 0, None)),
        # ten minutes in ten days, all in the last week: 1992 s at 600 s a week are 23 days, the month has 20
        (99.9, Seconds(10 * DAY - 600, major=600), 20 * DAY, Seconds(7 * DAY - 600, major=600),
         (2592, 600, None)),
        # twice as much: used up in 992 / 1600 of a week
        (99.9, Seconds(10 * DAY - 1600, major=1600), 20 * DAY, Seconds(7 * DAY - 1600, major=1600),
         (2592, 1600, 7 * DAY * 992 / 1600)),
        # more than allowed
        (99.9, Seconds(10 * DAY - 3000, major=3000), 20 * DAY, Seconds(7 * DAY - 3000, major=3000),
         (2592, 3000, None)),
        # a partial outage uses three tenths, degraded service nothing
        (99, Seconds(up=8 * DAY, degraded=DAY, partial=1000), DAY, WEEK, (8650, 300, None)),
        # unknown time and maintenance allow nothing
        (90, Seconds(up=1000, unknown=5 * DAY, maintenance=DAY), 0, Seconds(), (100, 0, None)),
        # nothing may be lost
        (100, Seconds(up=DAY), DAY, WEEK, (0, 0, None)),
        # nothing is known at all
        (99.9, Seconds(), 0, Seconds(), (0, 0, None)),
    ],
    ids=["quiet", "slow", "fast", "over", "partial", "unknown", "all", "nothing"],
)  # fmt: skip
def test_budgets(target, counted, remaining_s, recent, expected):
    spent = budget(target, counted, remaining_s=remaining_s, recent=recent)
    assert (spent.allowed_s, spent.used_s) == pytest.approx(expected[:2])
    assert spent.used_up_in_s == (None if expected[2] is None else pytest.approx(expected[2]))
    assert spent.left_s == pytest.approx(expected[0] - expected[1])


def test_a_target_is_met_exactly_when_the_uptime_figure_reaches_it():
    for lost_s in (0, 43, 44, 86, 87):
        seconds = Seconds(up=DAY - lost_s, major=lost_s)
        is_met = budget(99.95, seconds, remaining_s=0, recent=Seconds()).left_s >= 0
        assert is_met is (100 * (DAY - lost(seconds)) / DAY >= 99.95)


def test_an_average_counts_each_the_same():
    assert average([Seconds(up=100), Seconds(up=50, major=50)]) == Seconds(up=75, major=25)
    assert average([]) == Seconds()


@pytest.mark.parametrize("days", [1, 28, 29, 30, 31])
@pytest.mark.parametrize("target", [50, 95, 99, 99.5, 99.7, 99.9, 99.95, 99.99])
def test_what_was_lost_to_the_last_second_of_the_budget_is_no_breach(days, target):
    whole = days * DAY
    allowed = round(whole * round(10_000 - 100 * target) / 10_000, 3)
    exact = Seconds(up=whole - allowed, major=allowed)
    assert budget(target, exact, remaining_s=0, recent=Seconds()).left_s == 0
    more = Seconds(up=whole - allowed - 0.001, major=allowed + 0.001)
    assert budget(target, more, remaining_s=0, recent=Seconds()).left_s < 0
