"""Incidents that open, tell each fact and close by themselves."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from components.models import Component
from components.status import Status
from incidents import automation, handover
from incidents.lifecycle import PUBLIC_KINDS, Kind, Phase
from incidents.models import Affected, Incident, Post
from incidents.tasks import fall_silent
from tests.making import NOW, after, fell, found, group, joining, rose, watched


def only() -> Incident:
    return Incident.objects.get()


def posts(incident) -> list[str]:
    return [one.body for one in incident.updates.filter(kind=Kind.POST)]


def test_one_failed_check_changes_nothing(db):
    probe = watched()
    found(probe, "up", after(seconds=-60))
    found(probe, "down", NOW)
    assert not Incident.objects.exists()
    assert Component.objects.get().status == Status.OPERATIONAL


def test_the_second_look_comes_soon_not_an_interval_later(db):
    probe = watched(retry_s=5)
    found(probe, "up", after(seconds=-60))
    found(probe, "down", NOW)
    probe.refresh_from_db()
    assert probe.next_slot == int(NOW.timestamp()) + 5


def test_a_confirmed_failure_opens_one_incident_dated_back_to_the_first_failure(db):
    probe = watched("Web app")
    fell(probe)
    incident = only()
    assert (incident.title, incident.phase) == ("Web app is returning errors", Phase.INVESTIGATING)
    assert (incident.started_at, incident.impact) == (NOW, "critical")
    assert incident.published_at is not None
    assert posts(incident) == [
        "Web app is returning errors (since 08:00 UTC). Our monitoring detected this automatically. We're "
        "investigating and will post the next update by 08:30 UTC, or as soon as this changes."
    ]
    assert incident.updates.filter(is_by_machine=True, kind=Kind.POST).count() == 1
    assert Component.objects.get().status == Status.MAJOR_OUTAGE


def test_it_goes_on_failing_and_nothing_more_is_said(db):
    probe = watched()
    fell(probe)
    for minute in range(1, 6):
        found(probe, "down", after(minutes=minute))
    assert len(posts(only())) == 1


def test_a_second_open_incident_for_a_component_is_impossible(db):
    probe = watched()
    fell(probe)
    other = Incident.objects.create(title="Another", started_at=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        Affected.objects.create(incident=other, component=probe.component, is_auto_open=True)


def test_by_group_only_others_of_the_group_that_fail_within_two_minutes_join(db):
    joining("group")
    ours = group()
    one, two, late = (watched(name, group=ours) for name in ("Web app", "API", "Search"))
    stranger = watched("Elsewhere", group=group("Others"))
    fell(one)
    fell(two, after(seconds=60))
    fell(stranger, after(seconds=70))
    fell(late, after(seconds=200))
    joined = Incident.objects.get(title__startswith="Web app")
    assert {one.component.name for one in joined.affected.all()} == {"Web app", "API"}
    assert "API is also returning errors (since 08:01 UTC)." in posts(joined)
    assert Incident.objects.count() == 3


def test_recovery_is_told_then_watched_then_resolved(db, settings):
    settings.SETTLE_S = 120
    probe = watched()
    fell(probe)
    rose(probe, after(minutes=10))
    incident = only()
    assert (incident.phase, incident.resolved_at) == (Phase.MONITORING, None)
    assert Component.objects.get().status == Status.OPERATIONAL
    automation.advance(after(minutes=12))  # 10 s too early
    assert only().resolved_at is None
    automation.advance(after(minutes=12, seconds=10))
    incident = only()
    assert incident.phase == Phase.RESOLVED
    assert posts(incident)[-1] == (
        "API was not working normally from 08:00 UTC to 08:10 UTC (10 min). "
        "All checks have passed since then."
    )
    assert not Affected.objects.filter(is_auto_open=True).exists()


def test_a_relapse_during_settling_keeps_the_same_incident_open(db):
    probe = watched()
    fell(probe)
    rose(probe, after(minutes=10))
    fell(probe, after(minutes=11))
    automation.advance(after(minutes=30))
    incident = only()
    assert (incident.phase, incident.resolved_at) == (Phase.INVESTIGATING, None)


def test_after_it_was_resolved_a_new_failure_opens_a_new_one(db):
    probe = watched()
    fell(probe)
    rose(probe, after(minutes=10))
    automation.advance(after(minutes=20))
    fell(probe, after(minutes=60))
    assert Incident.objects.count() == 2
    assert Incident.objects.filter(resolved_at=None).count() == 1


def test_all_of_it_must_be_well_before_it_is_resolved(db):
    ours = group()
    one, two = watched("Web app", group=ours), watched("API", group=ours)
    fell(one)
    fell(two, after(seconds=30))
    rose(one, after(minutes=5))
    automation.advance(after(minutes=20))
    incident = only()
    assert incident.resolved_at is None
    assert "Web app has recovered (08:05 UTC). Still affected: API." in posts(incident)


def test_losing_sight_is_no_recovery(db):
    probe = watched()
    fell(probe)
    fall_silent(after(minutes=5))
    incident = only()
    assert Component.objects.get().status == Status.UNKNOWN
    assert (incident.recovered_since, incident.resolved_at) == (None, None)
    assert incident.updates.filter(
        kind=Kind.FACT, body__startswith="We don't currently know the status of API"
    ).exists()
    automation.advance(after(hours=1))
    assert only().resolved_at is None


def test_what_we_could_not_see_opens_nothing(db):
    probe = watched()
    found(probe, "up", after(seconds=-60))
    for second in range(0, 600, 60):
        found(probe, "unknown", after(seconds=second))
    assert Component.objects.get().status == Status.UNKNOWN
    assert not Incident.objects.exists()


def test_no_result_for_three_intervals_is_unknown(db):
    probe = watched()
    found(probe, "up", NOW)
    fall_silent(after(seconds=179))
    assert Component.objects.get().status == Status.OPERATIONAL
    fall_silent(after(seconds=181))
    assert Component.objects.get().status == Status.UNKNOWN


def test_slow_is_degraded_and_opens_nothing(db):
    probe = watched(latency_limit_ms=100)
    found(probe, "up", after(seconds=-60))
    found(probe, "up", NOW, ms=450)
    found(probe, "up", after(seconds=10), ms=450)
    assert Component.objects.get().status == Status.DEGRADED_PERFORMANCE
    assert not Incident.objects.exists()


def test_the_machine_keeps_its_promise_and_speaks_seldomer_in_a_long_night(db):
    probe = watched()
    fell(probe)
    promised = only().next_update_at
    automation.advance(promised)
    incident = only()
    assert posts(incident)[-1].startswith("API is still not working normally.")
    assert incident.next_update_at - promised == timedelta(hours=1)


@pytest.mark.parametrize(
    ("auto", "opened", "published"), [("off", 0, 0), ("suggest", 1, 0), ("publish", 1, 1)]
)
def test_off_suggest_publish(db, auto, opened, published):
    fell(watched(auto=auto))
    assert Incident.objects.count() == opened
    assert Incident.objects.public().count() == published


def test_a_suggestion_is_published_as_it_stands(db):
    fell(watched(auto="suggest"))
    automation.publish(only(), after(minutes=3))
    assert Incident.objects.public().get().updates.filter(kind=Kind.POST).count() == 1


def test_a_status_set_by_hand_stays_and_opens_nothing(db):
    probe = watched()
    found(probe, "up", after(minutes=-5))
    Component.objects.update(manual_status=Status.UNDER_MAINTENANCE)
    probe.component.refresh_from_db()
    probe.component.refresh(after(minutes=-4))
    fell(probe)
    assert Component.objects.get().status == Status.UNDER_MAINTENANCE
    assert not Incident.objects.exists()


# Hidden components


def public_words(incident) -> str:
    """All that strangers may read of it."""
    told = incident.updates.filter(kind__in=PUBLIC_KINDS)
    return "\n".join([incident.title, *(f"{one.body} {one.changes}" for one in told)])


def notes(incident) -> list[str]:
    return [one.body for one in incident.updates.filter(kind=Kind.NOTE)]


def test_a_hidden_component_that_fails_too_is_named_to_staff_alone(db):
    ours = group()
    chat, hidden = watched("Chat", group=ours), watched("chat-gw-2", group=ours, shown=False)
    fell(chat)
    fell(hidden, after(seconds=60))
    incident = only()
    assert "chat-gw-2" not in public_words(incident)
    assert notes(incident) == ["chat-gw-2 is also returning errors (since 08:01 UTC)."]
    assert {one.component.name for one in incident.affected.all()} == {"Chat", "chat-gw-2"}


def test_what_becomes_of_a_hidden_component_is_never_told(db):
    ours = group()
    chat, hidden = watched("Chat", group=ours), watched("chat-gw-2", group=ours, shown=False)
    fell(chat)
    fell(hidden, after(seconds=60))
    automation.advance(only().next_update_at)
    fall_silent(after(minutes=40))
    rose(hidden, after(minutes=41))
    rose(chat, after(minutes=42))
    automation.advance(after(minutes=50))
    incident = only()
    assert incident.phase == Phase.RESOLVED
    assert "chat-gw-2" not in public_words(incident)
    assert "Chat was not working normally" in posts(incident)[-1]
    assert notes(incident)[-1] == "chat-gw-2 has recovered (08:41 UTC)."


def test_a_hidden_component_does_not_keep_an_incident_open(db):
    ours = group()
    chat, hidden = watched("Chat", group=ours), watched("chat-gw-2", group=ours, shown=False)
    fell(chat)
    fell(hidden, after(seconds=60))
    rose(chat, after(minutes=5))
    automation.advance(after(minutes=10))
    assert only().phase == Phase.RESOLVED
    assert "chat-gw-2" not in public_words(only())


@pytest.mark.parametrize("auto", ["suggest", "delay", "publish"])
def test_when_only_hidden_components_fail_it_stays_with_staff(db, auto):
    probe = watched("chat-gw-2", auto=auto, shown=False)
    fell(probe)
    incident = only()
    assert (incident.is_suggestion, incident.publish_at, incident.next_update_at) == (True, None, None)
    assert incident.title == "chat-gw-2 is returning errors"
    assert notes(incident)[0].startswith("chat-gw-2 is returning errors (since 08:00 UTC). It is hidden")
    automation.advance(after(hours=1))
    assert not Incident.objects.public().exists()
    rose(probe, after(hours=2))
    automation.advance(after(hours=3))
    incident = only()
    assert incident.phase == Phase.RESOLVED
    assert not incident.updates.filter(kind__in=PUBLIC_KINDS).exists()


def test_customers_are_told_though_a_hidden_component_failed_first(db):
    ours = group()
    hidden, chat = watched("chat-gw-2", group=ours, shown=False), watched("Chat", group=ours)
    fell(hidden)
    fell(chat, after(seconds=60))
    public = Incident.objects.public().get()
    assert public.title == "Chat is returning errors"
    assert "chat-gw-2" not in public_words(public)
    assert Incident.objects.filter(published_at=None).count() == 1


def test_a_component_hidden_during_the_countdown_is_not_published(db):
    probe = watched("Chat", auto="delay")
    fell(probe)
    assert only().publish_at is not None
    Component.objects.update(is_shown=False)
    automation.advance(after(hours=1))
    assert (only().published_at, only().publish_at) == (None, None)


# Human takeover


def test_from_the_first_post_by_a_person_the_machine_only_notes(db):
    probe = watched()
    fell(probe)
    incident = only()
    incident.post(Post("We found the cause.", phase="identified"), now=after(minutes=2))
    rose(probe, after(minutes=5))
    fell(probe, after(minutes=6))
    rose(probe, after(minutes=8))
    automation.advance(after(hours=3))
    incident = only()
    assert (incident.phase, incident.resolved_at, incident.is_owned) == ("identified", None, True)
    assert posts(incident)[1:] == ["We found the cause."]
    assert incident.updates.filter(kind=Kind.NOTE).count() == 3
    assert all(not note.is_public for note in incident.updates.filter(kind=Kind.NOTE))


def test_when_all_is_well_for_ten_minutes_it_proposes_once(db):
    probe = watched()
    fell(probe)
    only().post(Post("We are on it.", phase="identified"), now=after(minutes=2))
    rose(probe, after(minutes=5))
    automation.advance(after(minutes=14))
    assert not only().updates.filter(kind=Kind.PROPOSAL).exists()
    for minute in (16, 17, 40):
        automation.advance(after(minutes=minute))
    (proposal,) = only().updates.filter(kind=Kind.PROPOSAL)
    assert proposal.body == "All checks have passed for 10 minutes: resolve?"


def test_handed_back_the_machine_speaks_and_resolves_again(db):
    probe = watched()
    fell(probe)
    only().post(Post("We are on it.", phase="identified"), now=after(minutes=2))
    rose(probe, after(minutes=5))
    handover.hand_back(only(), after(minutes=6))
    automation.advance(after(minutes=9))
    assert only().phase == Phase.RESOLVED


def test_a_person_opens_one_and_the_machine_does_not_open_another(db):
    probe = watched()
    found(probe, "up", after(minutes=-2))
    Incident.objects.open("Slow login", "We look.", now=after(minutes=-1), components=[probe.component])
    fell(probe)
    incident = only()
    assert incident.updates.filter(kind=Kind.NOTE).count() == 1
    assert incident.impact == "critical"


@pytest.mark.parametrize(
    ("body", "phase", "field"),
    [("", "identified", "body"), ("  \n", "identified", "body"), ("Words", "solved", "phase")],
)
def test_a_bad_post_is_refused_naming_the_field_and_nothing_is_half_done(db, body, phase, field):
    fell(watched())
    with pytest.raises(ValidationError) as refused:
        only().post(Post(body, phase=phase), now=after(minutes=1))
    assert field in refused.value.message_dict
    assert not only().is_owned


def test_a_resolved_incident_takes_no_open_phase_any_more(db):
    fell(watched())
    only().post(Post("Done.", phase="resolved"), now=after(minutes=1))
    with pytest.raises(ValidationError, match="resolved"):
        only().post(Post("Again?", phase="investigating"), now=after(minutes=2))
    only().post(Post("A last word.", phase="resolved"), now=after(minutes=3))
    assert only().resolved_at == after(minutes=1)


def test_an_edit_keeps_the_first_words_and_is_dated(db):
    fell(watched())
    incident = only()
    update = incident.post(Post("Teh cause.", phase="identified"), now=after(minutes=1))
    incident.edit(update, "The cause.", after(minutes=2))
    update.refresh_from_db()
    assert (update.body, update.first_body, update.edited_at) == (
        "The cause.",
        "Teh cause.",
        after(minutes=2),
    )


def test_a_promise_is_not_pushed_away_by_news(db):
    ours = group()
    one, two = watched("Web app", group=ours), watched("API", group=ours)
    fell(one)
    promised = only().next_update_at
    fell(two, after(seconds=60))
    assert only().next_update_at == promised


def test_a_change_tells_what_it_was_before(db):
    probe = watched(latency_limit_ms=100)
    found(probe, "up", after(minutes=-2))
    for second in (0, 10):
        found(probe, "up", after(minutes=-1, seconds=second), ms=450)
    fell(probe)
    (change,) = only().updates.get(kind=Kind.POST).changes
    assert change[2:] == ["degraded_performance", "major_outage"]


def test_over_midnight_every_clock_has_its_day(db):
    probe = watched("API")
    fell(probe, after(hours=15, minutes=50))  # 23:50
    incident = Incident.objects.get()
    assert "since 23:50 UTC" in incident.updates.filter(kind=Kind.POST).first().body
    assert "by 13 Nov, 00:20 UTC" in incident.updates.filter(kind=Kind.POST).first().body
    rose(probe, after(hours=16, minutes=10))  # 00:10
    assert "00:10 UTC" in incident.updates.last().body
    automation.advance(after(hours=17))
    assert "12 Nov, 23:50 UTC to 00:10 UTC" in incident.updates.last().body
    assert "2026" not in "".join(update.body for update in incident.updates.all())
