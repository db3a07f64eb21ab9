"""Budgets and monthly reports where clocks change, and where it is already, or still, another day.

What is expected is counted in another way: quarter of an hour by quarter of an hour, each by the month that
clocks show then.
"""

import csv
from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from components import identity, tasks
from components.models import Component, Page, StatusSpan
from incidents import tallies
from incidents.generated_text import duration
from statuspage.public import history_views, promises
from tests.making import component

HOUR, QUARTER = timedelta(hours=1), timedelta(minutes=15)
# The zone, and the moment at which its clocks change or its month begins.
MOMENTS = [
    ("Europe/Berlin", datetime(2026, 3, 29, 1, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),  # back by half an hour
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
    ("Pacific/Kiritimati", datetime(2026, 10, 31, 10, tzinfo=UTC)),  # 14 hours ahead: November begins
    ("Pacific/Niue", datetime(2026, 11, 1, 11, tzinfo=UTC)),  # 11 hours behind
    ("America/Sao_Paulo", datetime(2018, 2, 18, 2, tzinfo=UTC)),  # the last hour of a day came twice
    ("America/Sao_Paulo", datetime(2018, 11, 4, 3, tzinfo=UTC)),  # a midnight was skipped
    ("America/Asuncion", datetime(2017, 10, 1, 4, tzinfo=UTC)),  # the midnight that began the month
    ("America/Havana", datetime(2026, 11, 1, 4, tzinfo=UTC)),  # a midnight comes twice: the first begins it
    ("Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=UTC)),  # a whole day was skipped
]
EACH = pytest.mark.parametrize(("zone", "at"), MOMENTS, ids=[f"{zone} {at:%Y-%m}" for zone, at in MOMENTS])


def quarters(zone, since, until):
    """How many quarters of an hour each month has between two moments."""
    key, count = ZoneInfo(zone), int((until - since) / QUARTER)
    local = ((since + QUARTER * number).astimezone(key) for number in range(count))
    return Counter((at.year, at.month) for at in local)


def shop(at, *, lost=(-HOUR, HOUR)):
    """A component of 100 days, down from an hour before the moment to an hour after it."""
    place, began = component("Shop", uptime_target=99.0), at - timedelta(days=100)
    Component.objects.update(created_at=began)
    down, back = (at + shift for shift in lost)
    edges = [(began, down, "operational"), (down, back, "major_outage"), (back, None, "operational")]
    for start, end, status in edges:
        StatusSpan.objects.create(component=place, status=status, started_at=start, ended_at=end)
    Page.objects.this()
    return place


def count(now):
    tasks.tally_days(now)
    tallies.tally_excused(now)


def of_month(zone, at):
    return at.astimezone(ZoneInfo(zone)).date().replace(day=1)


@pytest.fixture
def page(transactional_db, settings):
    def of(zone):
        settings.PAGE_TIME_ZONE = zone
        identity.forget()

    return of


@EACH
def test_a_report_counts_the_month_that_the_clocks_show(page, zone, at):
    page(zone)
    shop(at)
    now = at + timedelta(days=33)
    count(now)
    whole = quarters(zone, at - timedelta(days=70), now + timedelta(days=35))
    lost = quarters(zone, at - HOUR, at + HOUR)
    for month in {of_month(zone, at), of_month(zone, at - HOUR)}:
        text = history_views.report_csv.gather(now, month=f"{month:%Y-%m}").render(now).decode()
        (row,) = csv.DictReader(text.splitlines())
        key = month.year, month.month
        until_now = (
            whole[key]
            if key != of_month(zone, now).timetuple()[:2]
            else quarters(zone, at - 40 * 24 * HOUR, now)[key]
        )
        assert (int(row["known_s"]), int(row["lost_s"])) == (until_now * 900, lost[key] * 900)


@EACH
def test_a_budget_is_of_the_whole_month_and_what_is_lost_is_lost_in_it(page, zone, at):
    page(zone)
    shop(at)
    now = at + 2 * HOUR
    count(now)
    (shown,) = promises.promises(promises.gather(now))
    month = of_month(zone, now)
    key = month.year, month.month
    whole = quarters(zone, at - timedelta(days=40), at + timedelta(days=40))[key]
    lost = quarters(zone, at - HOUR, at + HOUR)[key]
    assert (shown.whole.allowed, shown.whole.used) == (duration(whole * 9), duration(lost * 900))
