"""When the report of a month is made for mail, and that it holds what its page shows."""

import re
from datetime import UTC, date, datetime, timedelta
from html import unescape
from threading import Barrier, Thread

import pytest
from django.db import connection, connections

from components.models import Component, DayTally, Page
from incidents.models import Incident, MonthlyReport, Notice, Post
from statuspage.public import history_views, monthly_report
from statuspage.public.monthly_report import due_months, make
from subscribers.delivery import fan_out
from tests.making import component, group, watched

DAY = 86_400
OCTOBER = date(2026, 10, 1)
FIRST = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)  # the hour at which October is due


def counted(place, month=OCTOBER, **lost):
    """A month of day tallies; `lost`: seconds on the 8th."""
    for day in range(1, 29):
        seconds = lost if day == 8 else {}
        up = DAY - sum(value for name, value in seconds.items() if not name.startswith("excused"))
        DayTally.objects.create(component=place, day=month.replace(day=day), up_s=up, **seconds)


def tallied_until(at):
    Page.objects.this()
    Page.objects.update(days_upto=at, excused_upto=at)


@pytest.fixture
def shop(transactional_db):
    """Shop, which lost an hour in October, with an incident, and Blog, which lost nothing."""
    shop = watched("Shop & co", group=group("Sales")).component
    blog = watched("Blog", position=2).component
    counted(shop, major_s=3600)
    counted(blog)
    Component.objects.filter(pk=shop.pk).update(uptime_target=99.9)
    began = datetime(2026, 10, 8, 9, 0, tzinfo=UTC)
    incident = Incident.objects.open(
        "Orders fail", "We look.", now=began, components=[shop], statuses={shop: "major_outage"}
    )
    incident.post(Post("Fixed.", phase="resolved"), now=began + timedelta(hours=1))
    tallied_until(FIRST)
    return shop


def test_it_is_made_once_at_eight_in_the_morning_of_the_first_day(shop):
    early = make(FIRST - timedelta(minutes=1))
    assert [report.month for report in early] == [date(2026, 9, 1)]
    (made,) = make(FIRST)
    assert (made.month, made.ended_at) == (OCTOBER, datetime(2026, 11, 1, tzinfo=UTC))
    assert make(FIRST + timedelta(minutes=5)) == []
    assert make(FIRST + timedelta(days=20)) == []
    assert Notice.objects.filter(report=made).count() == 1


@pytest.mark.parametrize(
    ("zone", "due"),
    [
        ("UTC", datetime(2026, 11, 1, 8, 0, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 11, 1, 7, 0, tzinfo=UTC)),
        ("America/Los_Angeles", datetime(2026, 11, 1, 16, 0, tzinfo=UTC)),  # clocks change that night
        ("Pacific/Kiritimati", datetime(2026, 10, 31, 18, 0, tzinfo=UTC)),
    ],
)
def test_the_hour_is_that_of_the_page(transactional_db, settings, zone, due):
    settings.PAGE_TIME_ZONE = zone
    assert due_months(due - timedelta(seconds=1)) == [date(2026, 9, 1)]
    assert due_months(due) == [OCTOBER]


@pytest.mark.parametrize("mark", ["days_upto", "excused_upto"])
def test_it_waits_until_all_results_are_counted(shop, mark):
    """What comes late, as after a pause of ours or from a region that was cut off, sets the mark back."""
    for upto in (None, datetime(2026, 10, 20, tzinfo=UTC), datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC)):
        Page.objects.update(**{mark: upto})
        assert make(FIRST) == []
    Page.objects.update(**{mark: datetime(2026, 11, 1, tzinfo=UTC)})
    assert [report.month for report in make(FIRST)] == [OCTOBER]


def test_months_missed_while_the_program_stood_still_are_made_in_order(shop):
    make(FIRST)
    later = datetime(2027, 1, 9, 12, 0, tzinfo=UTC)
    counted(shop, date(2026, 11, 1))
    tallied_until(later)
    assert [report.month for report in make(later)] == [date(2026, 11, 1), date(2026, 12, 1)]
    ordered = Notice.objects.exclude(report=None).order_by("pk").values_list("report__month", flat=True)
    assert list(ordered) == [OCTOBER, date(2026, 11, 1)]  # December has no data, and is not mailed


def test_a_page_without_data_owes_no_report(transactional_db):
    component("Shop")
    tallied_until(FIRST)
    (made,) = make(FIRST)
    assert made.measured == set()
    assert not Notice.objects.exists()
    assert make(FIRST) == []


def test_two_workers_at_once_make_one(shop):
    if connection.vendor == "sqlite":
        pytest.skip("one writer at a time")
    gate, errors = Barrier(2), []

    def work():
        try:
            gate.wait(10)
            make(FIRST)
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert errors == []
    assert (MonthlyReport.objects.count(), Notice.objects.exclude(report=None).count()) == (1, 1)


def test_its_figures_are_those_of_the_page(shop):
    (made,) = make(FIRST)
    page = unescape(history_views.report.gather(FIRST, month="2026-10").render(FIRST).decode())
    text = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    rows = [row for part in made.body["groups"] for row in part["rows"]] + [made.body["average"]]
    assert [row["name"] for row in rows] == ["Shop & co", "Blog", "Average of all components"]
    for row in rows:
        shown = (row["uptime"], row["down"], row["coverage"], row["outside"], row["target"] or "none",
                 row["verdict"], str(row["incidents"]))  # fmt: skip
        assert f"{row['name']} {' '.join(filter(None, shown))}" in text
    assert rows[0]["uptime"] != rows[1]["uptime"]
    (incident,) = made.body["incidents"]
    assert (incident["title"], incident["lasted"], incident["is_open"]) == ("Orders fail", "1 h", False)
    assert incident["title"] in text
    assert f"{made.body['first_word']}" in text


def test_hidden_components_are_in_no_report(shop):
    secret = watched("Secret", shown=False).component
    counted(secret, major_s=7200)
    began = datetime(2026, 10, 9, 9, 0, tzinfo=UTC)
    Incident.objects.open(
        "Both fail", "x", now=began, components=[shop, secret],
        statuses={shop: "major_outage", secret: "major_outage"},
    )  # fmt: skip
    assert make(FIRST) == []  # it is dated back, and not counted yet
    tallied_until(FIRST)
    (made,) = make(FIRST)
    assert "Secret" not in str(made.body)
    assert secret.public_id not in str(made.body)


def test_an_old_notice_may_go_and_its_report_is_not_made_again(shop):
    make(FIRST)
    fan_out.sort(FIRST)
    fan_out.forget_old(FIRST + timedelta(days=40))
    assert not Notice.objects.exclude(report=None).exists()
    assert make(FIRST + timedelta(days=20)) == []
    assert monthly_report.due_months(FIRST + timedelta(days=20)) == []
