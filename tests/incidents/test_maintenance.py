"""Planned work: announced, begun, ended and repeated by itself, and never a way to hide an outage."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.utils import timezone

from components.models import Component, DayTally
from components.tasks import tally_days
from components.uptime import Seconds, percent
from incidents import automation, tasks, windows
from incidents.lifecycle import Kind
from incidents.models import Incident, Maintenance
from incidents.tallies import tally_excused
from tests.making import NOW, after, fell, found, group, rose, watched

TWO_HOURS = timedelta(hours=2)


def plan(*components, starts=None, ends=None, now=NOW, title="Database upgrade", **more):
    """Two hours of work on these, from tomorrow 08:00 UTC if not said otherwise."""
    starts = starts or after(days=1)
    more.setdefault("notice_h", 0)
    return Maintenance.objects.plan(
        title, "We upgrade the database.", starts, ends or starts + TWO_HOURS,
        components=components, now=now, **more,
    )  # fmt: skip


def turn(one, now):
    """What the clock's next second brings."""
    automation.advance_maintenance(now)
    one.refresh_from_db()
    return one.state


def told(one):
    return [(update.state, update.body) for update in one.updates.all()]


def posts(incident):
    return [update.body for update in incident.updates.filter(kind=Kind.POST)]


def worked_on(name="API", *, starts=NOW, **more):
    """A probe that is well, whose component is being worked on from 08:00 to 10:00."""
    probe = watched(name, **more)
    found(probe, "up", starts - timedelta(hours=1))
    one = plan(probe.component, starts=starts, now=starts - timedelta(days=1))
    assert turn(one, starts) == "in_progress"
    found(probe, "up", starts)
    return probe, one


# From the first word to the last


def test_it_is_announced_reminded_of_begun_and_ended_by_itself(db):
    probe = watched()
    one = plan(probe.component, starts=after(days=2), notice_h=24)
    assert told(one) == [("scheduled", "We upgrade the database.")]
    assert turn(one, after(hours=23)) == "scheduled"
    assert one.updates.count() == 1
    turn(one, after(days=1))
    assert told(one)[-1][1] == "This takes place 14 Nov, 08:00 to 10:00 UTC, as announced."
    turn(one, after(days=1, hours=1))
    assert one.updates.count() == 2  # once
    assert turn(one, after(days=2)) == "in_progress"
    assert told(one)[-1] == ("in_progress", "Maintenance has started. It is planned to end by 10:00 UTC.")
    found(probe, "up", after(days=2, hours=2))
    assert turn(one, after(days=2, hours=2)) == "completed"
    assert told(one)[-1] == ("completed", "Maintenance is complete.")
    assert (one.began_at, one.ended_at) == (after(days=2), after(days=2, hours=2))
    assert one.next_at is None


def test_work_planned_for_sooner_than_the_reminder_is_not_reminded_of(db):
    one = plan(watched().component, starts=after(hours=3), notice_h=24)
    turn(one, after(hours=1))
    assert one.updates.count() == 1


def test_while_nobody_can_see_it_is_verified_and_then_closed(db):
    _, one = worked_on()
    tasks.fall_silent(after(minutes=30))
    assert turn(one, after(hours=2)) == "verifying"
    assert turn(one, after(hours=2, minutes=14)) == "verifying"
    assert [state for state, _ in told(one)].count("verifying") == 1
    assert turn(one, after(hours=2, minutes=15)) == "completed"
    assert not Incident.objects.exists()


def test_verified_as_soon_as_the_probes_speak_again(db):
    probe, one = worked_on()
    tasks.fall_silent(after(minutes=30))
    turn(one, after(hours=2))
    found(probe, "up", after(hours=2, minutes=1), gap=True)
    found(probe, "up", after(hours=2, minutes=1, seconds=10), gap=True)
    assert turn(one, after(hours=2, minutes=2)) == "completed"


def test_one_that_waits_for_a_person_says_once_that_it_overruns(db):
    one = plan(watched().component, ends_by_itself=False)
    turn(one, after(days=1))
    for minutes in (120, 121, 200):
        assert turn(one, after(days=1, minutes=minutes)) == "in_progress"
    assert [text for _, text in told(one) if "longer than announced" in text] == [
        "Maintenance is taking longer than announced: it was due to end by 10:00 UTC."
    ]
    automation.complete_maintenance(one, after(days=1, hours=4))
    assert (one.state, one.ended_at) == ("completed", after(days=1, hours=4))


def test_one_that_nobody_begins_does_not_take_place(db):
    one = plan(watched().component, starts_by_itself=False)
    assert turn(one, after(days=1, hours=1)) == "scheduled"
    assert turn(one, after(days=1, hours=2)) == "cancelled"
    assert one.excused() is None  # no work, nothing to leave out


def test_extended_while_under_way_it_goes_on_and_the_figure_does_not_follow(db):
    probe, one = worked_on()
    one.replan(after(hours=1), starts_at=NOW, ends_at=after(hours=5))
    assert told(one)[-1][1] == "The plan has changed: 12 Nov, 08:00 to 13:00 UTC."
    assert turn(one, after(hours=2)) == "in_progress"
    found(probe, "up", after(hours=5))
    assert turn(one, after(hours=5)) == "completed"
    assert one.excused() == (NOW, after(hours=2))


def test_extended_while_it_is_verified_it_is_under_way_again(db):
    _, one = worked_on()
    tasks.fall_silent(after(minutes=30))
    assert turn(one, after(hours=2)) == "verifying"
    one.replan(after(hours=2, minutes=5), starts_at=NOW, ends_at=after(hours=3))
    assert (one.state, one.next_at) == ("in_progress", after(hours=3))


def test_moved_to_another_day_it_is_reminded_of_again(db):
    one = plan(watched().component, starts=after(days=2), notice_h=24)
    turn(one, after(days=1))
    one.replan(after(days=1, hours=1), starts_at=after(days=9), ends_at=after(days=9, hours=2))
    turn(one, after(days=8))
    assert [text for _, text in told(one)][-1].startswith("This takes place 21 Nov")


def test_once_it_has_begun_start_and_components_stay(db):
    probe, one = worked_on()
    other = watched("Search").component
    with pytest.raises(ValidationError, match="only its end can be moved"):
        one.replan(after(hours=1), starts_at=after(hours=1), ends_at=after(hours=2))
    with pytest.raises(ValidationError, match="its components stay as announced"):
        one.replan(after(hours=1), starts_at=NOW, ends_at=after(hours=2), components=[other])
    one.refresh_from_db()
    one.replan(after(hours=1), starts_at=NOW, ends_at=after(hours=3), components=[probe.component])
    assert one.ends_at == after(hours=3)


def test_before_it_begins_other_components_are_told(db):
    one = plan(watched().component)
    search = watched("Search").component
    one.replan(after(hours=1), starts_at=one.starts_at, ends_at=one.ends_at, components=[search])
    assert told(one)[-1][1] == "The plan has changed: it now affects Search."
    assert [component.name for component in one.components.all()] == ["Search"]


def test_cancelled_it_never_begins(db):
    one = plan(watched().component)
    one.cancel(after(hours=1))
    assert turn(one, after(days=1)) == "cancelled"
    assert told(one)[-1] == ("cancelled", "This maintenance will not take place.")
    with pytest.raises(ValidationError, match="It is over"):
        one.cancel(after(hours=2))


def test_what_has_begun_is_completed_not_cancelled(db):
    _, one = worked_on()
    with pytest.raises(ValidationError, match="complete it instead"):
        one.cancel(after(hours=1))


def test_a_person_begins_and_ends_it_early(db):
    ada = get_user_model().objects.create_user("ada")
    one = plan(watched().component)
    one.begin(after(hours=1), author=ada)
    automation.complete_maintenance(one, after(hours=2), author=ada)
    assert (one.began_at, one.ended_at) == (after(hours=1), after(hours=2))
    assert one.excused() is None  # it was over before its announced time
    assert [update.author for update in one.updates.all()] == [None, ada, ada]


def test_begun_early_later_edits_change_nothing_either(db):
    one = plan(watched().component, ends_by_itself=False)
    one.begin(after(hours=20))
    one.replan(after(hours=21), starts_at=one.starts_at, ends_at=after(days=1, hours=9))
    assert one.excused() == (after(days=1), after(days=1, hours=2))


def test_a_late_start_by_a_person_counts_from_there(db):
    one = plan(watched().component, starts_by_itself=False)
    one.begin(after(days=1, minutes=30))
    one.replan(after(days=1, hours=1), starts_at=one.starts_at, ends_at=after(days=1, hours=9))
    assert one.excused() == (after(days=1, minutes=30), after(days=1, hours=2))


def test_planned_in_the_middle_of_it_it_begins_at_once_and_excuses_nothing(db):
    one = plan(watched().component, starts=after(hours=-1), ends=after(hours=1))
    assert turn(one, after(seconds=1)) == "in_progress"
    assert one.began_at == NOW
    assert one.excused() is None


@pytest.mark.parametrize(
    ("starts", "ends", "field"),
    [
        (after(hours=2), after(hours=1), "ends_at"),
        (after(hours=-3), after(hours=-1), "ends_at"),
        (after(hours=1), after(days=90), "ends_at"),
    ],
)
def test_times_that_cannot_be_are_refused_by_name(db, starts, ends, field):
    with pytest.raises(ValidationError) as refused:
        plan(starts=starts, ends=ends)
    assert field in refused.value.message_dict
    assert not Maintenance.objects.exists()


def test_the_names_of_hidden_components_are_told_to_nobody(db):
    probe, one = worked_on("Secret", shown=False)
    fell(probe, after(hours=1))
    turn(one, after(hours=2))
    assert told(one)[-1][1] == "Maintenance is complete."


# Inside and at the end


def test_a_probe_that_fails_inside_a_window_opens_no_incident(db):
    probe, _ = worked_on()
    fell(probe, after(hours=1))
    assert probe.outcome == "down"
    assert not Incident.objects.exists()


def test_recovered_inside_nothing_is_said(db):
    probe, one = worked_on()
    fell(probe, after(hours=1))
    rose(probe, after(hours=1, minutes=30))
    turn(one, after(hours=2))
    assert not Incident.objects.exists()
    assert told(one)[-1][1] == "Maintenance is complete."


def test_still_down_at_the_end_is_one_incident_with_one_word(db):
    probe, one = worked_on()
    fell(probe, after(hours=1))
    assert turn(one, after(hours=2)) == "completed"
    for second in (1, 30, 60):
        found(probe, "down", after(hours=2, seconds=second))
        turn(one, after(hours=2, seconds=second))
        automation.advance(after(hours=2, seconds=second))
    incident = Incident.objects.get()
    assert (incident.started_at, incident.published_at) == (after(hours=2), after(hours=2))
    assert posts(incident) == [
        "API is returning errors (since 10:00 UTC). Our monitoring detected this automatically. We're "
        "investigating and will post the next update by 10:30 UTC, or as soon as this changes."
    ]
    assert incident.updates.filter(kind=Kind.FACT).get().body.startswith("Still failing when planned")
    assert told(one)[-1][1] == "Maintenance is complete, but API is not working yet."
    rose(probe, after(hours=2, minutes=10))
    automation.advance(after(hours=3))
    assert Incident.objects.get().resolved_at


def test_several_of_a_group_still_down_are_one_incident_with_one_word(db):
    ours = group()
    probes = [watched(name, group=ours, position=n) for n, name in enumerate(("Web app", "API", "Search"))]
    for probe in probes:
        found(probe, "up", after(hours=-1))
    one = plan(*(probe.component for probe in probes), starts=NOW, now=after(days=-1))
    turn(one, NOW)
    for probe in probes[:2]:
        fell(probe, after(hours=1))
    found(probes[2], "up", after(hours=2))
    turn(one, after(hours=2))
    incident = Incident.objects.get()
    assert incident.title == "Web app and API are not working"
    assert len(posts(incident)) == 1
    assert sorted(incident.troubled()) == ["API", "Web app"]


def test_slow_at_the_end_is_no_incident_as_it_is_none_at_other_times(db):
    probe, one = worked_on(latency_limit_ms=100)
    found(probe, "up", after(hours=1), ms=500)
    found(probe, "up", after(hours=1, seconds=10), ms=500)
    assert turn(one, after(hours=2)) == "completed"
    assert not Incident.objects.exists()


def test_down_before_the_window_its_incident_stays_and_goes_on(db):
    probe = watched()
    one = plan(probe.component, starts=NOW, now=after(days=-1))
    fell(probe, after(minutes=-20))
    incident = Incident.objects.get()
    turn(one, NOW)
    rose(probe, after(minutes=30))
    fell(probe, after(hours=1))
    turn(one, after(hours=2))
    assert Incident.objects.get() == incident
    incident.refresh_from_db()
    assert incident.resolved_at is None
    assert any("has recovered" in body for body in posts(incident))


def test_of_two_windows_over_a_component_the_last_to_end_judges(db):
    probe = watched()
    found(probe, "up", after(hours=-1))
    first = plan(probe.component, starts=NOW, now=after(days=-1))
    second = plan(probe.component, starts=after(hours=1), ends=after(hours=4), now=after(days=-1))
    turn(first, NOW)
    turn(second, after(hours=1))
    fell(probe, after(hours=1, minutes=30))
    assert turn(first, after(hours=2)) == "completed"
    assert told(first)[-1][1] == "Maintenance is complete."
    assert not Incident.objects.exists()
    assert turn(second, after(hours=4)) == "completed"
    assert Incident.objects.get().started_at == after(hours=4)


def test_from_one_window_straight_into_the_next_nothing_is_said(db):
    probe = watched()
    found(probe, "up", after(hours=-1))
    first = plan(probe.component, starts=NOW, now=after(days=-1))
    second = plan(probe.component, starts=after(hours=2), ends=after(hours=4), now=after(days=-1))
    turn(first, NOW)
    fell(probe, after(hours=1))
    turn(first, after(hours=2))
    second.refresh_from_db()
    assert (first.state, second.state) == ("completed", "in_progress")
    assert not Incident.objects.exists()


def test_what_staff_hold_in_their_hands_is_left_to_them(db):
    probe, one = worked_on()
    fell(probe, after(hours=1))
    Component.objects.get().say_by_hand("partial_outage", after(hours=1))
    turn(one, after(hours=2))
    assert not Incident.objects.exists()


def test_a_system_that_was_away_all_through_catches_up(db):
    probe = watched()
    found(probe, "up", after(hours=-1))
    one = plan(probe.component, starts=NOW, now=after(days=-1))
    found(probe, "up", after(hours=9))
    assert turn(one, after(hours=9)) == "in_progress"
    assert turn(one, after(hours=9, seconds=1)) == "completed"
    assert one.excused() == (NOW, after(hours=2))


# Series


@pytest.fixture
def berlin(settings):
    settings.PAGE_TIME_ZONE = "Europe/Berlin"
    return ZoneInfo("Europe/Berlin")


def test_a_series_keeps_its_hour_on_the_wall_when_clocks_change(db, berlin):
    first = datetime(2026, 10, 11, 2, 0, tzinfo=berlin)
    one = plan(watched().component, starts=first, now=first - timedelta(days=1),
               rule="FREQ=WEEKLY;BYDAY=SU")  # fmt: skip
    starts = [each.starts_at for each in one.occurrences.order_by("starts_at")]
    assert [at.astimezone(berlin).strftime("%d %H:%M") for at in starts] == [
        "18 02:00", "25 02:00", "01 02:00", "08 02:00"]  # fmt: skip
    assert [at.astimezone(UTC).hour for at in starts] == [0, 0, 1, 1]
    spring = datetime(2027, 3, 21, 2, 30, tzinfo=berlin)
    other = plan(starts=spring, now=spring - timedelta(days=1), rule="FREQ=WEEKLY;COUNT=2")
    (skipped,) = other.occurrences.all()
    assert skipped.starts_at.astimezone(berlin).strftime("%d %H:%M") == "28 03:30"  # 02:30 does not exist


def test_a_series_goes_by_the_clock_of_the_zone_it_was_made_in(db, berlin, settings):
    first = datetime(2026, 10, 11, 2, 0, tzinfo=berlin)
    one = plan(watched().component, starts=first, now=first - timedelta(days=1), rule="FREQ=WEEKLY;BYDAY=SU")
    before = [each.starts_at for each in one.occurrences.all()]
    assert one.zone == "Europe/Berlin"
    settings.PAGE_TIME_ZONE = "America/New_York"
    one.plan_ahead(first)
    assert [each.starts_at for each in one.occurrences.all()] == before  # none beside those announced
    one.plan_ahead(first + timedelta(days=28))
    later = one.occurrences.order_by("starts_at").last()
    assert later.starts_at.astimezone(berlin).strftime("%H:%M") == "02:00"


def test_the_next_of_a_series_are_announced_each_with_words_and_nobody_is_sent_them(db):
    probe = watched()
    one = plan(probe.component, rule="FREQ=WEEKLY", notice_h=12)
    each = one.occurrences.order_by("starts_at")
    assert [(o.starts_at - one.starts_at).days for o in each] == [7, 14, 21, 28]
    for occurrence in each:
        assert [c.pk for c in occurrence.components.all()] == [probe.component_id]
        assert [(u.body, u.notifies) for u in occurrence.updates.all()] == [(one.body, False)]
        assert occurrence.plans()[0].at == NOW
        assert occurrence.next_at == occurrence.starts_at - timedelta(hours=12)


def test_when_one_ends_the_next_is_written_down_and_none_twice(db):
    one = plan(rule="FREQ=WEEKLY")
    turn(one, one.starts_at)
    assert turn(one, one.ends_at) == "completed"
    starts = list(one.occurrences.values_list("starts_at", flat=True))
    assert max(starts) == one.starts_at + timedelta(days=35)
    Maintenance.objects.plan_ahead(one.ended_at)
    assert one.occurrences.count() == len(starts) == len(set(starts)) == 5


def test_the_clock_writes_down_what_comes_next(db):
    starts = timezone.now() + timedelta(minutes=5)
    one = plan(starts=starts, now=starts - timedelta(hours=1), rule="FREQ=DAILY")
    one.occurrences.order_by("-starts_at").first().delete()
    before = one.occurrences.count()
    tasks.plan_ahead()
    tasks.plan_ahead()
    assert one.occurrences.count() == before + 1


def test_what_becomes_of_the_first_does_not_move_the_series(db):
    one = plan(rule="FREQ=WEEKLY")
    due = {place.starts_at for place in one.occurrences.all()}
    start = one.starts_at + timedelta(hours=5)
    one.replan(after(hours=1), starts_at=start, ends_at=start + timedelta(hours=9))
    one.cancel(after(hours=2))
    Maintenance.objects.plan_ahead(after(days=8))
    later = one.occurrences.exclude(starts_at__in=due)
    assert [(each.starts_at, each.length) for each in later] == [(after(days=36), TWO_HOURS)]


def test_a_series_that_stops_takes_back_what_it_announced(db):
    one = plan(rule="FREQ=WEEKLY")
    one.replan(after(hours=1), starts_at=one.starts_at, ends_at=one.ends_at, rule="")
    assert {each.state for each in one.occurrences.all()} == {"cancelled"}
    assert one.state == "scheduled"
    Maintenance.objects.plan_ahead(after(days=3))
    assert one.occurrences.count() == 4


def test_a_rule_that_cannot_be_read_is_refused_with_a_sentence(db):
    with pytest.raises(ValidationError) as refused:
        plan(rule="FREQ=HOURLY")
    assert refused.value.message_dict == {"rule": ["Set FREQ to DAILY, WEEKLY, MONTHLY or YEARLY."]}


# What is excused is counted


def counted(day=NOW):
    row = DayTally.objects.get(day=day.date())
    excused = Seconds(*(getattr(row, f"excused_{name}_s") for name in
                        ("up", "degraded", "partial", "major", "unknown", "maintenance")))  # fmt: skip
    return row.seconds, excused


def tally(now):
    tally_days(now)
    tally_excused(now)


def test_the_outage_inside_is_in_the_first_figure_and_out_of_the_second(db):
    probe, one = worked_on()
    fell(probe, after(hours=1))
    rose(probe, after(hours=1, minutes=30))
    turn(one, after(hours=2))
    found(probe, "up", after(hours=3))
    for _ in range(2):  # twice is as once
        tally(after(hours=3))
    raw, excused = counted()
    assert (raw.major, excused.major, excused.up) == (1800, 1800, 5400)
    assert percent(raw) == "87.50 %"
    assert percent(windows.outside(raw, excused)) == "100.00 %"


def test_a_day_long_past_is_counted_again_when_its_window_ends(db):
    probe = watched()
    found(probe, "up", after(days=-5))
    one = plan(probe.component, starts=after(days=-4), ends=after(hours=1), now=after(days=-5))
    turn(one, after(days=-4))
    fell(probe, after(days=-4, hours=2))
    rose(probe, after(days=-4, hours=3))
    found(probe, "up", after(hours=1))
    tally_days(after(hours=1), since=after(days=-5).date())
    turn(one, after(hours=1))
    tally_excused(after(hours=1))
    raw, excused = counted(after(days=-4))
    assert (raw.major, excused.major) == (3600, 3600)


def test_until_the_days_own_row_is_there_it_waits(db):
    worked_on()
    tally_excused(after(hours=1))
    assert not DayTally.objects.exists()
    tally(after(hours=1))
    assert counted()[1].whole == 3600


def test_an_end_moved_while_under_way_changes_no_figure(db):
    probe, one = worked_on()
    one.replan(after(hours=1), starts_at=NOW, ends_at=after(hours=6))
    fell(probe, after(hours=3))
    rose(probe, after(hours=4))
    turn(one, after(hours=6))
    found(probe, "up", after(hours=7))
    tally(after(hours=7))
    raw, excused = counted()
    assert (raw.major, excused.major, excused.whole) == (3600, 0, 7200)
