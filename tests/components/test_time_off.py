"""Time in which nothing ran, or nothing was seen, is never counted as up; and the past stays as it was."""

import json
from datetime import datetime, timedelta

import pytest
from django.db import connection

from components import tasks
from components.models import Component, DayTally, HourTally, Page, Probe, StatusSpan
from components.tasks import tally_days, tally_hours
from components.uptime import Seconds
from incidents.tallies import tally_excused
from incidents.tasks import fall_silent
from statuspage.public import days, drilldown, history_views
from statuspage.public.world import gather_world
from tests.incidents.test_maintenance import plan, turn
from tests.making import NOW, after, fell, found, watched

HOUR = timedelta(hours=1)


def tally(now):
    tally_hours(now)
    tally_days(now)


def wake(now):
    """What a worker does first after a long sleep, in the unluckiest order."""
    tally(now)
    fall_silent(now)
    tally(now)


def added(rows):
    return sum((row.seconds for row in rows), Seconds())


def seconds_shown(now=NOW, first=None):
    """The same stretch as each place of the page counts it."""
    component = Component.objects.get()
    gathered = gather_world(now)
    by_day = days.counted_by_day(gathered, component)
    return {
        "hours": added(HourTally.objects.all()).up,
        "days": added(DayTally.objects.all()).up,
        "the 90 days": days.added(by_day.values()).raw.up,
        "uptime.json": sum(
            row["up_s"] for row in json.loads(history_views.uptime_json.gather(now).render(now))["uptime"]
        ),
        "drill-down": sum(hours_of_day(gathered, component, on, now) for on in by_day),
    }


def hours_of_day(gathered, component, on, now):
    hours = drilldown.hours_of(on, gathered.zone)
    kept = drilldown.tallies(component, hours)
    day_world = drilldown.gather_day(now, component.public_id, on)
    page = drilldown.day_page(day_world, component, on, kept, now)
    assert len(page.hours) == 24
    counted = [row.seconds.up for row in kept.values()]
    return sum(counted)


def ran(probe, start, minutes):
    for minute in range(minutes + 1):
        found(probe, "up", start + timedelta(minutes=minute), gap=minute == 0)
        probe.refresh_from_db()


@pytest.mark.parametrize("off", [timedelta(hours=2), timedelta(days=2), timedelta(days=40)])
def test_time_in_which_the_program_was_off_is_unknown_everywhere(db, off):
    probe = watched()
    ran(probe, NOW - off - timedelta(minutes=5), 4)
    tally(NOW - off)
    wake(NOW)
    ran(probe, NOW, 1)
    now = NOW + timedelta(seconds=61)
    tally(now)
    seen = 4 * 60 + 60 + 61
    assert seconds_shown(now) == dict.fromkeys(seconds_shown(now), seen)


def test_the_first_book_keeping_after_a_weekend_does_not_fill_it(db):
    probe = watched()
    ran(probe, after(days=-2), 1)
    tally(NOW)  # nobody has said yet that the probes are silent
    assert added(HourTally.objects.all()).up == added(DayTally.objects.all()).up == 120


def test_a_status_that_staff_set_needs_no_probe_to_go_on(db):
    probe = watched()
    ran(probe, after(days=-2), 1)
    probe.component.refresh_from_db()
    probe.component.say_by_hand("degraded_performance", after(days=-2, minutes=2))
    wake(NOW)
    assert added(DayTally.objects.all()).degraded == 2 * 86_400 - 120


def test_what_an_older_version_counted_as_up_is_counted_again(db):
    probe = watched()
    ran(probe, after(days=-9), 1)
    fall_silent(NOW)
    HourTally.objects.bulk_create(
        HourTally(component=probe.component, hour=after(days=-9) + n * HOUR, up_s=3600, latency={"40": 7})
        for n in range(9 * 24)
    )
    DayTally.objects.bulk_create(
        DayTally(component=probe.component, day=after(days=-n).date(), up_s=86_400) for n in range(1, 9)
    )
    DayTally.objects.create(component=probe.component, day=after(days=-50).date(), up_s=7)
    assert Page.objects.get().hours_upto is None  # as after the upgrade
    tally(NOW)
    tally(NOW)
    assert added(HourTally.objects.all()).up == 120
    assert added(DayTally.objects.all()).up == 127  # of the day without a log nobody knows better
    assert HourTally.objects.filter(latency={"40": 7}).count() == 9 * 24


def test_a_recount_that_is_cut_off_goes_on_where_it_was(db, monkeypatch):
    probe = watched()
    ran(probe, after(days=-30), 1)
    monkeypatch.setattr(tasks, "MAX_COUNT_S", 0.0)
    runs = 0
    while (mark := Page.objects.this().days_upto) is None or mark < NOW:
        tally_days(NOW)
        runs += 1
    assert 3 < runs < 10
    assert DayTally.objects.count() == 31


def test_an_outage_dated_back_further_than_an_hour_is_in_every_hour(db):
    probe = watched(interval_s=600, retry_s=600, confirm_down=10)
    start = after(minutes=-230)  # down from 05:40, sure at 07:10
    for minutes in range(0, 90, 10):
        found(probe, "up", start + timedelta(minutes=minutes))
        tally(start + timedelta(minutes=minutes, seconds=1))
    for minutes in range(90, 190, 10):
        found(probe, "down", start + timedelta(minutes=minutes))
        tally(start + timedelta(minutes=minutes, seconds=1))
    assert StatusSpan.objects.get(ended_at=None).started_at == start + timedelta(minutes=90)
    rows = {row.hour: (row.up_s, row.major_s) for row in HourTally.objects.all()}
    assert rows[after(hours=-3)] == (2400, 1200)
    assert rows[after(hours=-2)] == (0, 3600)


def test_what_planned_work_excuses_is_counted_again_with_its_day(db):
    probe = watched(interval_s=86_400)
    found(probe, "up", after(days=-6))
    one = plan(probe.component, starts=after(days=-4), ends=after(days=-4, hours=2), now=after(days=-6))
    turn(one, after(days=-4))
    turn(one, after(days=-4, hours=2))
    tally(after(days=-3))
    Page.objects.update(excused_upto=after(days=-3))
    probe.component.refresh_from_db()
    probe.component.say_by_hand("major_outage", after(days=-4, hours=1))
    tally(NOW)
    tally_excused(NOW)
    row = DayTally.objects.get(day=after(days=-4).date())
    assert row.excused_major_s == 3600


# Changing the interval


@pytest.mark.parametrize("how", ["save", "fields"])
def test_a_shorter_interval_does_not_turn_the_past_unknown(db, how):
    now = datetime.fromtimestamp(int(datetime.now(NOW.tzinfo).timestamp()), NOW.tzinfo)
    probe = watched(interval_s=86_400)
    found(probe, "up", now - timedelta(hours=10))
    probe.refresh_from_db()
    probe.interval_s = 60
    probe.save(**({"update_fields": ["interval_s"]} if how == "fields" else {}))
    fall_silent(now + timedelta(seconds=5))
    assert Component.objects.get().status == "operational"
    # the next result is due within a minute from now: if it does not come, that is what is unknown
    fall_silent(now + timedelta(seconds=200))
    span = StatusSpan.objects.get(ended_at=None)
    assert span.status == "unknown"
    assert timedelta(seconds=59) <= span.started_at - now <= timedelta(seconds=65)


def test_the_new_interval_counts_as_soon_as_there_is_a_result(db):
    now = datetime.now(NOW.tzinfo)
    probe = watched(interval_s=86_400)
    found(probe, "up", now - timedelta(hours=10))
    probe.refresh_from_db()
    probe.interval_s = 60
    probe.save()
    found(Probe.objects.get(), "up", now + timedelta(seconds=30), gap=True)
    assert Probe.objects.get().heard_for_s is None
    fall_silent(now + timedelta(seconds=230))
    assert Probe.objects.get().outcome == "unknown"


def test_a_longer_interval_does_not_make_up_what_nobody_saw(db):
    now = datetime.now(NOW.tzinfo)
    probe = watched(interval_s=60)
    found(probe, "up", now - timedelta(hours=10))
    probe.refresh_from_db()
    probe.interval_s = 86_400
    probe.save()
    fall_silent(now + timedelta(seconds=5))
    fall_silent(now + timedelta(minutes=16))
    span = StatusSpan.objects.get(ended_at=None)
    assert (span.status, round((now - span.started_at).total_seconds(), -2)) == ("unknown", 35_900)


# Long intervals


def test_a_daily_probe_is_unknown_once_its_day_is_over_and_not_two_days_later(db):
    probe = watched(interval_s=86_400)
    found(probe, "up", NOW)
    fall_silent(after(days=1, minutes=14))
    assert Component.objects.get().status == "operational"  # it may be late
    fall_silent(after(days=1, minutes=16))
    span = StatusSpan.objects.get(ended_at=None)
    assert (span.status, span.started_at) == ("unknown", after(days=1))


def test_where_we_could_not_see_we_look_again_before_the_day_is_over(db):
    probe = watched(interval_s=86_400)
    found(probe, "up", after(days=-1))
    found(probe, "unknown", NOW)
    assert Probe.objects.get().next_slot <= NOW.timestamp() + 60
    fell(watched("Shop", interval_s=60))  # and nothing else changes for those that are looked at often


def test_both_databases_and_the_model_agree_when_a_probe_is_silent(db):
    for interval_s in (5, 60, 450, 451, 3600, 86_400):
        probe = watched(f"Each {interval_s} s", interval_s=interval_s)
        found(probe, "up", NOW)
    for seconds in (14, 15, 180, 1349, 1350, 1351, 4499, 4500, 87_299, 87_300):
        at = after(seconds=seconds)
        silent = {one.pk for one in Probe.objects.silent(at)}
        assert silent == {one.pk for one in Probe.objects.all() if one.is_silent(at)}, connection.vendor
