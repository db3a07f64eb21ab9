"""What belongs to one incident, what it says when things get worse again, and what it promises."""

from datetime import timedelta

import pytest

from incidents import automation, handover
from incidents.lifecycle import Kind, Phase
from incidents.models import Incident, Post
from tests.making import after, fell, group, joining, rose, watched


def only() -> Incident:
    return Incident.objects.get()


def posts(incident) -> list[str]:
    return [update.body for update in incident.updates.filter(kind=Kind.POST)]


# Relapses and promises


def test_a_relapse_says_again_and_promises_thirty_minutes_from_then(db):
    probe = watched()
    fell(probe)
    rose(probe, after(minutes=3))
    fell(probe, after(minutes=4))
    incident = only()
    assert posts(incident)[-1] == (
        "API is failing again (since 08:04 UTC). We're investigating and will post the next update "
        "by 08:34 UTC."
    )
    assert incident.phase == Phase.INVESTIGATING
    assert incident.next_update_at == after(minutes=34, seconds=10)


def test_only_kept_promises_without_news_make_the_next_one_later(db):
    web, api = watched("Web"), watched("API")
    fell(web)
    for minute in (2, 4, 6):  # posts of all kinds do not count
        rose(web, after(minutes=minute))
        fell(web, after(minutes=minute + 1))
    lengths = []
    for _ in range(5):
        at = only().next_update_at
        automation.advance(at)
        lengths.append(only().next_update_at - at)
    assert lengths == [timedelta(hours=hours) for hours in (1, 2, 4, 4, 4)]
    late = at + timedelta(minutes=10)
    rose(web, late)
    fell(web, late + timedelta(minutes=1))
    assert only().next_update_at == late + timedelta(minutes=31, seconds=10)
    assert api.component.affected.count() == 0


def test_what_joins_in_a_long_night_is_told_again_within_half_an_hour(db):
    web = watched("Web", latency_limit_ms=100)
    fell(web)
    automation.advance(only().next_update_at)  # the next one is due in an hour
    rose(web, after(minutes=40))
    assert only().phase == Phase.MONITORING
    fell(web, after(minutes=41))
    assert only().next_update_at == after(minutes=71, seconds=10)


def test_no_promise_is_past_when_an_incident_is_handed_back(db):
    probe = watched()
    fell(probe)
    only().post(Post("Ours.", phase="identified", next_update_at=after(minutes=10)), now=after(minutes=1))
    handover.hand_back(only(), after(hours=2))
    assert only().next_update_at == after(hours=2, minutes=30)
    automation.advance(after(hours=2))
    assert posts(only())[-1] == "Ours."


def test_it_fails_again_minutes_after_it_was_resolved_and_the_story_goes_on(db):
    probe = watched()
    fell(probe)
    rose(probe, after(minutes=3))
    automation.advance(after(minutes=6))
    assert only().resolved_at is not None
    fell(probe, after(minutes=9))
    incident = only()
    assert (incident.resolved_at, incident.phase) == (None, Phase.INVESTIGATING)
    assert posts(incident)[-1].startswith("API is failing again (since 08:09 UTC).")
    rose(probe, after(minutes=20))
    automation.advance(after(minutes=25))
    assert only().resolved_at is not None


@pytest.mark.parametrize("by", ["person", "much later"])
def test_what_people_resolved_or_what_is_long_over_is_not_reopened(db, by):
    probe = watched()
    fell(probe)
    rose(probe, after(minutes=3))
    if by == "person":
        only().post(Post("Over.", phase="resolved"), now=after(minutes=4))
    automation.advance(after(minutes=6))
    fell(probe, after(minutes=9 if by == "person" else 20))
    assert Incident.objects.count() == 2


# Who joins what


def test_what_fails_within_two_minutes_is_one_incident_whatever_its_group(db):
    probes = [watched("Web", group=group("A")), watched("API", group=group("B")), watched("Chat")]
    for n, probe in enumerate(probes):
        fell(probe, after(seconds=100 * n))  # each within the window of the one before
    assert sorted(only().names()) == ["API", "Chat", "Web"]


def test_after_the_window_it_is_another_incident(db):
    fell(watched("Web"))
    fell(watched("API"), after(seconds=200))
    assert Incident.objects.count() == 2


def test_what_fails_while_people_have_the_incident_is_a_note_and_no_chain(db):
    fell(watched("Web"))
    only().post(Post("Ours.", phase="identified"), now=after(seconds=20))
    fell(watched("API"), after(seconds=60))
    incident = only()
    assert posts(incident)[-1] == "Ours."
    assert sorted(incident.names()) == ["API", "Web"]
    fell(watched("Chat"), after(seconds=150))
    assert Incident.objects.count() == 2


@pytest.mark.parametrize(
    ("first", "second", "incidents", "public"),
    [
        ("publish", "suggest", 1, 1), ("suggest", "publish", 1, 1), ("suggest", "suggest", 1, 0),
        ("delay", "publish", 1, 1), ("publish", "off", 1, 1), ("off", "publish", 1, 1),
    ],
)  # fmt: skip
def test_one_that_publishes_makes_the_story_public_and_off_never_joins(db, first, second, incidents, public):
    fell(watched("Web", auto=first))
    fell(watched("API", auto=second), after(seconds=30))
    assert Incident.objects.count() == incidents
    assert Incident.objects.public().count() == public
    assert only().affected.count() == (1 if "off" in (first, second) else 2)


def test_a_suggestion_that_one_joins_which_publishes_by_itself_counts_down(db):
    fell(watched("Web", auto="suggest"))
    fell(watched("API", auto="delay"), after(seconds=30))
    assert only().publish_at is not None


def test_a_hidden_component_never_speaks_in_the_incident_it_joins(db):
    fell(watched("Web"))
    fell(watched("db-7", shown=False), after(seconds=30))
    fell(watched("API"), after(seconds=60))
    incident = only()
    public = [u.body + str(u.changes) for u in incident.updates.filter(kind__in=("post", "fact"))]
    assert "db-7" not in incident.title + "".join(public)


def test_by_group_what_is_in_no_group_stays_alone(db):
    joining("group")
    fell(watched("Web"))
    fell(watched("API"), after(seconds=30))
    assert Incident.objects.count() == 2
