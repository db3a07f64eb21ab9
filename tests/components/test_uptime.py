"""How long a component was well."""

from dataclasses import astuple
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.status import Status
from components.uptime import Seconds, Span, day_bounds, days, number, percent, tally

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_time_no_span_covers_is_unknown():
    spans = [Span(Status.OPERATIONAL, NOON, NOON + HOUR)]
    assert tally(spans, NOON - HOUR, NOON + 2 * HOUR) == Seconds(up=3600, unknown=7200)


def test_a_span_that_goes_on_counts_to_the_end():
    assert tally([Span(Status.MAJOR_OUTAGE, NOON)], NOON, NOON + HOUR) == Seconds(major=3600)


@pytest.mark.parametrize(
    ("seconds", "printed"),
    [
        (Seconds(up=100), "100.00 %"),
        (Seconds(up=99_999, major=1), "99.99 %"),  # cut, never rounded up to 100
        (Seconds(up=86_400 * 90 - 1, major=1), "99.99 %"),
        (Seconds(up=900, partial=100), "97.00 %"),  # a partial outage counts by 0.3
        (Seconds(up=900, degraded=100), "100.00 %"),
        (Seconds(up=50, major=50, unknown=900, maintenance=50), "50.00 %"),
        (Seconds(unknown=100), ""),
        (Seconds(maintenance=100), ""),
        (Seconds(major=100), "0.00 %"),
    ],
)
def test_percentages(seconds, printed):
    assert percent(seconds) == printed


@pytest.mark.parametrize(
    ("major", "partial", "printed"),
    [(9039, 1603, "99.87 %"), (8625, 5878, "99.86 %"), (9409, 31724, "99.75 %")],
)
def test_figures_agree_with_a_real_statuspage(major, partial, printed):
    whole = 90 * 86_400
    assert percent(Seconds(up=whole - major - partial, major=major, partial=partial)) == printed


MOMENTS = st.integers(0, 500_000).map(lambda ms: NOON + timedelta(milliseconds=ms))


@given(
    st.lists(st.tuples(MOMENTS, st.sampled_from(list(Status))), max_size=12),
    MOMENTS,
    MOMENTS,
    MOMENTS,
)
def test_seconds_add_up_to_the_whole_and_neighbours_to_their_union(steps, one, two, three):
    steps.sort(key=lambda step: step[0])
    ends = [at for at, _ in steps[1:]] + [None]
    spans = [Span(s, at, end) for (at, s), end in zip(steps, ends, strict=True)] if steps else []
    start, middle, end = sorted([one, two, three])
    whole = tally(spans, start, end)
    assert whole.whole == pytest.approx((end - start).total_seconds(), abs=0.002)
    parts = tally(spans, start, middle) + tally(spans, middle, end)
    assert astuple(whole) == pytest.approx(astuple(parts), abs=1e-6)


@pytest.mark.parametrize(
    "share", [0.1, 0.5, 0.999], ids=["most of it is cut off", "half a second", "nearly a second"]
)
def test_hundreds_of_changes_do_not_add_up_to_seconds(share):
    """Each outage begins at a whole second and lasts a fraction more: a cut at each end always loses it."""
    spans, at = [], NOON
    for _ in range(240):
        length = timedelta(seconds=2 + share)
        spans.append(Span(Status.MAJOR_OUTAGE, at, at + length))
        spans.append(Span(Status.OPERATIONAL, at + length, at + timedelta(seconds=60)))
        at += timedelta(seconds=60)
    counted = sum((tally(spans, NOON + n * HOUR, NOON + (n + 1) * HOUR) for n in range(4)), Seconds())
    assert counted.major == pytest.approx(240 * (2 + share), abs=0.5)
    assert counted.whole == pytest.approx(4 * 3600)


def test_an_edge_of_less_than_a_second_colours_nothing():
    assert Seconds(up=86_399.6, major=0.4).worst == Status.OPERATIONAL
    assert Seconds(up=86_399, major=1).worst == Status.MAJOR_OUTAGE


@pytest.mark.parametrize(
    ("seconds", "printed"), [(3600.0, "3600"), (0.1 + 0.2, "0.3"), (7.25, "7.25"), (0, "0")]
)
def test_seconds_are_printed_as_short_as_they_are(seconds, printed):
    assert str(number(seconds)) == printed


def test_days_are_those_of_the_pages_zone():
    berlin = ZoneInfo("Europe/Berlin")
    lengths = [
        (end.timestamp() - start.timestamp()) / 3600
        for start, end in (
            day_bounds(on, berlin) for on in (date(2026, 3, 29), date(2026, 7, 1), date(2026, 10, 25))
        )
    ]
    assert lengths == [23, 24, 25]


def test_days_count_both_ends():
    assert [on.day for on in days(date(2026, 2, 27), date(2026, 3, 2))] == [27, 28, 1, 2]
