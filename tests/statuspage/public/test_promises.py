"""Promises in public: the budget of this month where a target is set, and the report of any month."""

import csv
from datetime import UTC, date, datetime, timedelta

import pytest
from django.http import Http404
from django.test import Client
from django.urls import reverse

from components import uptime
from components.models import Component, DayTally, Page
from components.uptime import Seconds
from statuspage.models import Audit, Role
from statuspage.public import exports, history_views, promises, views
from statuspage.public.world import gather_world
from tests.making import NOW, fell, group, rose, watched
from tests.people import person

DAY = 86_400


def tallied(component, on, **seconds):
    lost = sum(seconds.get(name, 0) for name in ("major_s", "partial_s", "unknown_s"))
    DayTally.objects.create(component=component, day=on, up_s=DAY - lost, **seconds)


@pytest.fixture
def shop(db):
    """Eleven days of November, with 26 minutes lost on the 8th, of them 20 in announced maintenance."""
    probe = watched("Shop", group=group("Sales"))
    for back in range(1, 60):
        on = NOW.date() - timedelta(days=back)
        lost = (
            {"major_s": 1560, "excused_major_s": 1200, "excused_up_s": 600} if on == date(2026, 11, 8) else {}
        )
        tallied(probe.component, on, **lost)
    Page.objects.this()
    return probe.component


def html(gather=history_views.figures.gather, now=NOW, **named):
    return gather(now, **named).render(now).decode()


def promise(target):
    Component.objects.update(uptime_target=target)
    (shown,) = promises.promises(promises.gather(NOW))
    return shown


def test_without_a_target_nothing_is_promised(shop):
    assert "What we promise" not in html()
    assert not promises.is_any(gather_world(NOW))


def test_a_component_with_a_target_shows_its_budget_by_both_figures(shop):
    shown = promise(99.9)
    assert (shown.name, shown.target) == ("Shop", "99.9 %")
    # known: 11 days and 8 h so far are counted or still unknown; the month has 30 days
    assert (shown.whole.used, shown.outside.used) == ("26 min", "6 min")
    assert shown.whole.allowed.startswith("42 min") or shown.whole.allowed.startswith("43 min")
    assert shown.whole.left
    assert not shown.whole.over
    page = html()
    assert "What we promise" in page
    assert "26 min of 4" in page
    assert "What we promise" not in html(month="2026-10")  # it is this month's


def test_the_day_on_which_it_is_used_up_is_named_and_what_was_lost_beyond_it(shop):
    shown = promise(99.9)
    # 1560 s within 6 days and 8 h of the last seven days: the 1000 s left last four days
    assert shown.whole.used_up_on == date(2026, 11, 16)
    assert "used up by Monday 16 Nov" in html()
    shown = promise(99.99)
    assert (shown.whole.left, shown.whole.used_up_on) == ("", None)
    assert shown.whole.over.endswith("min")
    assert "more than the target allows" in html()


def test_the_page_promises_the_average_of_its_components(shop):
    other = watched("API", position=2)
    for back in range(1, 12):
        tallied(other.component, NOW.date() - timedelta(days=back))
    hidden = watched("Secret", position=3, shown=False)
    tallied(hidden.component, NOW.date() - timedelta(days=1), major_s=DAY)
    Page.objects.update(uptime_target=99.5)
    (shown,) = promises.promises(promises.gather(NOW))
    assert (shown.name, shown.url, shown.whole.used) == ("Average of all components", "", "13 min")


def report(month="2026-11", now=NOW):
    return html(history_views.report.gather, now, month=month)


def test_a_month_as_a_report_by_group(shop):
    Component.objects.update(uptime_target=99.9)
    loose = watched("=API", position=2)
    tallied(loose.component, date(2026, 11, 9), unknown_s=DAY)
    fell(loose, NOW - timedelta(days=3))
    rose(loose, NOW - timedelta(days=3) + timedelta(minutes=30))
    page = report()
    assert "November 2026 so far" in page
    assert page.index("Sales") < page.index("Shop")
    assert "report.css" in page
    text = history_views.report_csv.gather(NOW, month="2026-11").render(NOW).decode()
    rows = {row["component"]: row for row in csv.DictReader(text.splitlines())}
    assert list(rows) == ["Shop", "'=API"]
    assert (rows["Shop"]["group"], rows["Shop"]["lost_s"], rows["Shop"]["met"]) == ("Sales", "1560", "yes")
    assert rows["Shop"]["outside_percent"] > rows["Shop"]["uptime_percent"]
    assert rows["'=API"]["incidents"] == "1"


def test_an_earlier_month_holds_its_own_days_alone(shop):
    Component.objects.update(uptime_target=99.9)
    text = history_views.report_csv.gather(NOW, month="2026-10").render(NOW).decode()
    (row,) = csv.DictReader(text.splitlines())
    assert (row["lost_s"], row["uptime_percent"], row["met"]) == ("0", "100.00", "yes")
    assert "October 2026" in report("2026-10")
    assert "so far" not in report("2026-10")


@pytest.mark.parametrize(("zone", "has_october"), [("UTC", False), ("America/New_York", True)])
def test_the_first_month_is_by_the_clock_of_the_page(shop, settings, zone, has_october):
    settings.PAGE_TIME_ZONE = zone
    Component.objects.update(created_at=datetime(2026, 11, 1, 2, tzinfo=UTC))
    assert ('href="/reports/2026-10"' in report()) is has_october


def test_the_average_of_a_month_without_loss_names_no_loss(shop):
    world = promises.gather_report(NOW, date(2026, 10, 1))
    average = promises.report_page(world, date(2026, 10, 1), [], NOW).average
    assert (average.uptime.percent, average.uptime.down) == ("100.00 %", "")


@pytest.mark.parametrize("month", ["2026-12", "1999-01"])
def test_months_without_anything_have_no_report(shop, month):
    with pytest.raises(Http404):
        report(month)


def test_a_target_is_met_by_the_figure_outside_announced_maintenance(shop):
    world = gather_world(NOW)
    counted = promises._of_month(world, shop, date(2026, 11, 1))
    assert promises.kept(None, counted.outside) is None
    assert promises.kept(99.99, counted.raw) is False
    assert promises.kept(99.9, counted.outside) is True


@pytest.mark.parametrize(
    ("typed", "kept"), [("99.95", 99.95), ("", None), ("100", 100.0), ("101", "refused"), ("10", "refused")]
)
def test_staff_set_a_target_and_take_it_back(shop, typed, kept):
    Component.objects.update(uptime_target=99)
    browser = Client()
    browser.force_login(person("ada", Role.ADMIN))
    answer = browser.post(reverse("console_settings"), {"joining": "all", "uptime_target": typed})
    if kept == "refused":
        assert answer.status_code == 400
        assert "Use at" in answer.content.decode()
    else:
        assert answer.status_code == 302, answer.content.decode()
        assert Page.objects.this().uptime_target == kept
        assert kept is None or Audit.objects.filter(act="page.settings").exists()


def test_the_last_second_of_a_month_and_the_first_of_the_next(shop):
    """At the turn of a month the budget begins anew, and neither divides by nothing."""
    Component.objects.update(uptime_target=99.9)
    for moment in (datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)):
        (shown,) = promises.promises(promises.gather(moment))
        assert shown.whole.used == ("26 min" if moment.month == 11 else "0 s")


@pytest.mark.parametrize(
    ("target", "shown"),
    [(99.9, "99.9 %"), (100.0, "100 %"), (99.9996, "99.9996 %"), (99.99999, "99.99999 %"), (50, "50 %")],
)
def test_a_promise_is_shown_as_it_was_made(target, shown):
    assert promises.percent_of(target) == shown


def test_a_promise_is_exported_as_it_was_made(shop):
    Component.objects.update(uptime_target=99.99999)
    text = history_views.report_csv.gather(NOW, month="2026-10").render(NOW).decode()
    (row,) = csv.DictReader(text.splitlines())
    assert row["target_percent"] == "99.99999"


def test_a_promise_of_all_the_time_has_no_budget_to_use_up(shop):
    shown = promise(100)
    assert (shown.target, shown.whole.allowed, shown.whole.left, shown.whole.over) == (
        "100 %", "", "", "26 min",
    )  # fmt: skip
    page = html()
    assert "26 min lost; the target allows none" in page
    assert "26 min more than the target allows" in page
    DayTally.objects.update(major_s=0, up_s=DAY)
    page = html()
    assert "0 s lost; the target allows none" in page
    assert "0 s left" not in page
    assert "of 0 s" not in page


def test_a_month_of_maintenance_says_so_and_not_that_there_is_no_data(shop):
    """In the report, its average, the history, the export and the budget; what was excused alike."""
    Component.objects.update(uptime_target=99.9)
    excused = watched("Excused", position=2).component
    DayTally.objects.all().delete()
    for day in range(1, 32):
        on = date(2026, 10, day)
        DayTally.objects.create(component=shop, day=on, maintenance_s=DAY - 60, unknown_s=60)
        DayTally.objects.create(component=excused, day=on, up_s=DAY, excused_up_s=DAY)
    world = promises.gather_report(NOW, date(2026, 10, 1))
    page = promises.report_page(world, date(2026, 10, 1), [], NOW)
    rows = {row.name: row for group in page.groups for row in group.rows}
    assert (rows["Shop"].uptime.percent, rows["Shop"].uptime.instead) == ("", "maintenance")
    assert (rows["Shop"].uptime.coverage, rows["Shop"].verdict) == ("no data for 31 min", "")
    assert (rows["Excused"].uptime.percent, rows["Excused"].uptime.outside) == ("100.00 %", "")
    assert page.average.uptime.outside_instead == "maintenance"
    cells = report("2026-10").split("<td>")
    assert [cell.split("<")[0].strip() for cell in cells if cell.strip().startswith("maintenance")] == (
        ["maintenance"] * 4  # Shop twice, Excused and the average outside
    )
    history = views.history_page.gather(NOW, month="2026-10").render(NOW).decode()
    assert "<small>maintenance</small>" in history
    assert exports.arithmetic(Seconds(maintenance=DAY)) == "maintenance"


def test_a_month_with_less_maintenance_than_silence_has_no_data(shop):
    assert uptime.in_place(Seconds(maintenance=60, unknown=61)) == "no data"
    assert uptime.in_place(Seconds(maintenance=0.5)) == "no data"
    assert uptime.in_place(Seconds(maintenance=61, unknown=60)) == "maintenance"
