"""One duration, counted once: from the first failure until all was well again."""

from datetime import timedelta

import pytest

from incidents import automation, span, undoing
from incidents.models import Incident, Post
from tests.making import NOW, after, component, fell, found, group, rose, watched


@pytest.mark.parametrize(
    ("well_min", "resolved_min", "ended_min"),
    [
        (None, None, None),  # it lasts
        (6, None, 6),  # well, and watched
        (6, 9, 6),  # the probes saw it, Resolved was pressed later
        (None, 9, 9),  # nobody saw it recover: people's word
        (6, 4, 4),  # people dated the end back to before the probes were sure
        (-1, 9, 9),  # the beginning was moved behind that recovery
        (0, 9, 9),
    ],
)
def test_when_it_ended(well_min, resolved_min, ended_min):
    times = [None if m is None else after(minutes=m) for m in (well_min, resolved_min, ended_min)]
    assert span.ended(NOW, recovered_since=times[0], resolved_at=times[1]) == times[2]


def test_a_beginning_in_the_future_lasts_no_time():
    assert span.lasted(after(minutes=1), None, NOW) == timedelta()


def minutes(incident):
    incident.refresh_from_db()
    return incident.lasted(after(hours=9)).total_seconds() / 60


def opened(*of, at=NOW):
    return Incident.objects.open("It fails", "We look.", now=at, components=of)


def test_the_settling_time_is_no_outage(db, settings):
    settings.SETTLE_S = 120
    probe = watched()
    fell(probe)
    rose(probe, after(minutes=5))
    automation.advance(after(minutes=20))
    incident = Incident.objects.get()
    assert minutes(incident) == 5
    assert "(5 min)" in incident.updates.last().body


def test_the_last_component_to_recover_ends_it(db):
    of = group()
    one, two = watched("API", group=of), watched("Chat", group=of, position=2)
    fell(one)
    fell(two, after(seconds=20))
    rose(one, after(minutes=3))
    rose(two, after(minutes=8))
    automation.advance(after(minutes=30))
    assert minutes(Incident.objects.get()) == 8


def test_a_relapse_counts_to_the_last_recovery_without_the_time_between(db, settings):
    settings.SETTLE_S = 600
    probe = watched()
    fell(probe)
    rose(probe, after(minutes=5))
    fell(probe, after(minutes=7))
    rose(probe, after(minutes=11))
    automation.advance(after(minutes=40))
    incident = Incident.objects.get()
    assert (minutes(incident), incident.ended_at) == (5 + 4, after(minutes=11))
    assert "to 08:11 UTC (9 min in all, with recoveries in between)." in incident.updates.last().body


def test_people_press_resolved_later(db):
    probe = watched()
    fell(probe)
    incident = Incident.objects.get()
    incident.post(Post("We see it.", phase="identified"), now=after(minutes=2))
    rose(probe, after(minutes=6))
    incident.post(Post("Over.", phase="resolved"), now=after(minutes=9))
    assert minutes(incident) == 6


def test_people_press_resolved_while_it_still_fails(db):
    probe = watched()
    fell(probe)
    incident = Incident.objects.get()
    incident.post(Post("Fixed, we think.", phase="monitoring"), now=after(minutes=2))
    incident.post(Post("Over.", phase="resolved"), now=after(minutes=9))
    assert minutes(incident) == 9


def test_without_probes_it_ends_when_people_said_it_was_fixed(db):
    incident = opened(component("Letters"))
    incident.post(Post("Fixed.", phase="monitoring"), now=after(minutes=6))
    incident.post(Post("Over.", phase="resolved"), now=after(minutes=9))
    assert minutes(incident) == 6


def test_without_probes_a_fix_that_did_not_hold_is_none(db):
    incident = opened()
    incident.post(Post("Fixed.", phase="monitoring"), now=after(minutes=6))
    incident.post(Post("It is not.", phase="investigating"), now=after(minutes=8))
    incident.post(Post("Over.", phase="resolved"), now=after(minutes=30))
    assert minutes(incident) == 30


def test_an_end_that_is_dated_back_counts(db):
    incident = opened()
    incident.post(Post("Over.", phase="resolved", at=after(minutes=12)), now=after(minutes=30))
    assert minutes(incident) == 12


def test_reopened_it_lasts_until_it_ends_again(db):
    probe = watched()
    fell(probe)
    incident = Incident.objects.get()
    rose(probe, after(minutes=6))
    incident.post(Post("Over.", phase="resolved"), now=after(minutes=9))
    update = incident.post(
        Post("It is not.", phase="investigating", reopens=True, undo_s=20), now=after(minutes=15)
    )
    assert incident.ended_at is None
    undoing.undo(incident, update, after(minutes=15, seconds=5))
    assert minutes(incident) == 6
    incident.post(Post("It is not.", phase="investigating", reopens=True), now=after(minutes=16))
    incident.post(Post("Over.", phase="resolved"), now=after(minutes=20))
    assert minutes(incident) == 20


def test_written_down_afterwards_it_is_as_long_as_was_typed(db):
    incident = Incident.objects.record(
        "Mail was late", "It was.", started_at=NOW, ended_at=after(minutes=9), now=after(hours=1),
        statuses={component("Mail"): "partial_outage"},
    )  # fmt: skip
    assert minutes(incident) == 9


def test_the_beginning_can_be_moved(db):
    probe = watched()
    fell(probe)
    rose(probe, after(minutes=6))
    automation.advance(after(minutes=30))
    incident = Incident.objects.get()
    incident.amend(after(hours=1), started_at=after(minutes=-4))
    assert minutes(incident) == 10


def test_hidden_components_do_not_lengthen_it(db):
    of = group()
    shown, hidden = watched("API", group=of), watched("Cellar", group=of, position=2, shown=False)
    fell(shown)
    fell(hidden, after(seconds=20))
    rose(shown, after(minutes=4))
    automation.advance(after(minutes=30))
    found(hidden, "down", after(minutes=31))
    assert minutes(Incident.objects.get()) == 4
