"""An update is taken back: what it did is gone, what probes and other people did meanwhile is not."""

import pytest

from components.models import Component
from incidents import automation, handover, undoing
from incidents.lifecycle import Kind
from incidents.models import Incident, Post
from incidents.undoing import TooLateError
from tests.making import NOW, after, component, fell, found, joining, rose, watched
from tests.people import person

AT = {"minutes": 5}


@pytest.fixture
def ada(db):
    return person("ada")


def only():
    return Incident.objects.live().get()


def said(incident, ada, phase="investigating", **more):
    return incident.post(Post("We look.", phase=phase, undo_s=20, **more), now=after(**AT), author=ada)


def soon(**length):
    """A moment in which the update can be undone still."""
    return after(**AT, **length)


def fails(probe):
    for seconds in (2, 8):
        found(probe, "down", soon(seconds=seconds))
    probe.refresh_from_db()


def recovers(probe):
    for seconds in (2, 8):
        found(probe, "up", soon(seconds=seconds))
    probe.refresh_from_db()


def turned(*minutes):
    for minute in minutes:
        automation.advance(after(minutes=minute))


def undone(update):
    """By whoever opens its incident now."""
    incident = Incident.objects.get(pk=update.incident_id)
    undoing.undo(incident, update, soon(seconds=15))
    incident.refresh_from_db()
    return incident


def posts(incident):
    return [update.body for update in incident.updates.filter(kind=Kind.POST)]


def row(incident, name="API"):
    return incident.affected.get(component__name=name)


# What failed again


def test_a_failure_after_a_resolved_that_is_undone_is_a_relapse_of_the_same_incident(ada):
    probe = watched()
    fell(probe)
    rose(probe, after(minutes=4))
    update = said(only(), ada, "resolved")
    fails(probe)
    assert Incident.objects.count() == 2
    incident = undone(update)
    assert only() == incident
    assert (incident.resolved_at, incident.recovered_since, incident.is_owned) == (None, None, False)
    assert (row(incident).status, row(incident).is_auto_open) == ("major_outage", True)
    assert posts(incident)[-1].startswith("API is failing again (since 08:05 UTC)")


def test_what_failed_beside_it_comes_along_and_is_told(ada):
    probe, other = watched(), watched("Chat")
    found(other, "up", after(minutes=-1))
    fell(probe)
    rose(probe, after(minutes=4))
    update = said(only(), ada, "resolved")
    fails(probe)
    fails(other)
    incident = undone(update)
    assert sorted(incident.names()) == ["API", "Chat"]
    assert incident.affected.filter(is_auto_open=True, status="major_outage").count() == 2
    assert "Chat" in posts(incident)[-1]
    turned(6, 7)
    assert only() == incident


def test_what_failed_beside_what_was_resolved_too_early_joins_it(ada):
    probe, other = watched(), watched("Chat")
    found(other, "up", after(minutes=-1))
    fell(probe, after(minutes=4, seconds=40))
    update = said(only(), ada, "resolved")
    fails(other)
    assert Incident.objects.count() == 2
    incident = undone(update)
    assert only() == incident
    assert (row(incident, "Chat").status, row(incident, "Chat").is_auto_open) == ("major_outage", True)
    assert "Chat" in posts(incident)[-1]


def test_a_failure_that_somebody_has_taken_over_meanwhile_refuses_the_undoing(ada):
    probe = watched()
    fell(probe)
    rose(probe, after(minutes=4))
    update = said(only(), ada, "resolved")
    fails(probe)
    opened = Incident.objects.exclude(pk=update.incident_id).get()
    handover.take_over(opened, soon(seconds=10), author=ada)
    with pytest.raises(TooLateError, match="was opened for it"):
        undone(update)
    assert Incident.objects.get(pk=update.incident_id).phase == "resolved"
    assert update.incident.updates.filter(kind=Kind.POST).last() == update


def test_after_an_undone_reopening_a_failure_begins_an_incident(ada):
    probe = watched()
    fell(probe)
    rose(probe, after(minutes=1))
    incident = only()
    incident.post(Post("Over.", phase="resolved"), now=after(minutes=2), author=ada)
    ended_at = incident.ended_at
    update = said(incident, ada, reopens=True)
    fails(probe)
    incident = undone(update)
    assert (incident.phase, incident.resolved_at, incident.ended_at) == (
        "resolved", after(minutes=2), ended_at,
    )  # fmt: skip
    assert (row(incident).status, row(incident).is_auto_open) == ("operational", False)
    turned(6)
    assert Incident.objects.live().filter(resolved_at=None).get().names() == ["API"]


# What the probes saw meanwhile


def test_a_recovery_meanwhile_is_told_and_ends_it(ada):
    probe = watched()
    fell(probe)
    update = said(only(), ada)
    recovers(probe)
    incident = undone(update)
    assert (row(incident).status, incident.recovered_since) == ("operational", soon(seconds=2))
    assert "API has recovered" in posts(incident)[-1]
    turned(6, 7, 8, 9, 10)
    incident.refresh_from_db()
    assert incident.phase == "resolved"


def test_the_draft_of_an_undone_suggestion_knows_of_the_recovery(ada):
    probe = watched(auto="suggest")
    fell(probe)
    update = said(only(), ada)
    recovers(probe)
    incident = undone(update)
    assert incident.is_suggestion
    assert "API was not working normally from 08:00" in automation.draft(incident, after(minutes=6))


def test_what_joined_meanwhile_stays_and_is_told(ada):
    probe, other = watched(), watched("Chat")
    found(other, "up", after(minutes=-1))
    fell(probe, after(minutes=4, seconds=30))
    update = said(only(), ada)
    fails(other)
    incident = undone(update)
    assert (row(incident, "Chat").status, row(incident, "Chat").is_auto_open) == ("major_outage", True)
    assert "Chat" in "".join(posts(incident))
    turned(6, 7)
    assert only() == incident


def test_in_an_incident_of_staff_it_stays_as_the_probes_see_it(ada):
    probe = watched()
    fell(probe)
    only().post(Post("Ours.", phase="identified"), now=after(minutes=2), author=ada)
    update = said(only(), ada, "monitoring")
    recovers(probe)
    incident = undone(update)
    assert (incident.phase, incident.is_owned, incident.settle_at) == ("identified", True, None)
    assert (row(incident).status, incident.recovered_since) == ("operational", soon(seconds=2))
    assert posts(incident)[-1] == "Ours."


def test_worse_than_the_update_said_stays_the_worst(ada):
    probe = watched()
    fell(probe)
    rose(probe, after(minutes=4))
    update = said(only(), ada)
    incident = undone(update)
    assert (row(incident).worst_status, incident.impact) == ("major_outage", "critical")
    other = watched("Chat", interval_s=5)
    found(other, "up", NOW)
    incident = Incident.objects.open(
        "Slow", "x", now=after(minutes=1), author=ada, components=[other.component]
    )
    update = said(incident, ada, statuses={other.component: "degraded_performance"})
    fails(other)
    incident = undone(update)
    assert (row(incident, "Chat").worst_status, incident.impact) == ("major_outage", "critical")


def test_what_came_with_the_update_and_fails_now_begins_anew(ada):
    joining("never")
    probe = watched()
    found(probe, "up", after(minutes=1))
    incident = Incident.objects.open("Slow", "x", now=after(minutes=1), author=ada)
    update = said(incident, ada, statuses={probe.component: "degraded_performance"})
    fails(probe)
    incident = undone(update)
    assert not incident.affected.exists()
    turned(6)
    assert Incident.objects.live().exclude(pk=incident.pk).get().names() == ["API"]


def test_a_new_incident_that_is_undone_leaves_what_fails_to_the_machine(ada):
    probe = watched()
    found(probe, "up", after(minutes=1))
    statuses = {probe.component: "major_outage"}
    incident = Incident.objects.open("Down", "x", now=after(**AT), author=ada, statuses=statuses, undo_s=20)
    fails(probe)
    undone(incident.updates.get(kind=Kind.POST))
    turned(6)
    assert only().is_by_machine


# What staff had set


def test_the_hand_comes_back_also_where_the_update_brought_the_component(ada):
    docs = component("Docs", manual_status="degraded_performance")
    phone = component("Phone", manual_status="operational")
    docs.refresh(NOW)
    phone.refresh(NOW)
    statuses = {docs: "major_outage", phone: "major_outage"}
    incident = Incident.objects.open("X", "x", now=after(**AT), author=ada, statuses=statuses, undo_s=20)
    undone(incident.updates.get())
    assert list(Component.objects.order_by("name").values_list("manual_status", "status")) == [
        ("degraded_performance", "degraded_performance"), ("operational", "operational"),
    ]  # fmt: skip


# What others did meanwhile


def test_corrections_made_meanwhile_stay(ada):
    probe = watched()
    fell(probe)
    update = said(only(), ada, title="API is slow", workaround="Use the app.")
    only().amend(soon(seconds=5), title="Logins are slow", workaround="Use the phone.")
    incident = undone(update)
    assert (incident.title, incident.workaround) == ("Logins are slow", "Use the phone.")
    assert (incident.is_owned, incident.phase) == (False, "investigating")


def test_what_the_update_itself_changed_goes_with_it(ada):
    fell(watched())
    title = only().title
    only().post(
        Post("One.", phase="identified", workaround="Wait.", next_update_at=after(minutes=32)),
        now=after(minutes=2),
        author=ada,
    )
    update = said(only(), ada, title="Other", workaround="", next_update_at=after(minutes=65))
    incident = undone(update)
    assert (incident.title, incident.workaround, incident.next_update_at) == (
        title, "Wait.", after(minutes=32),
    )  # fmt: skip


def test_two_updates_are_undone_one_after_the_other(ada):
    fell(watched())
    title = only().title
    first = said(only(), ada, "identified", title="First")
    second = said(only(), ada, "monitoring", title="Second")
    with pytest.raises(TooLateError, match="posted since"):
        undone(first)
    assert undone(second).title == "First"
    incident = undone(first)
    assert (incident.title, incident.phase, incident.is_owned) == (title, "investigating", False)
    with pytest.raises(TooLateError, match="already undone"):
        undone(first)


def test_handed_back_meanwhile_it_stays_with_the_machine(ada):
    probe = watched()
    fell(probe)
    statuses = {probe.component: "partial_outage"}
    only().post(Post("Ours.", phase="identified", statuses=statuses), now=after(minutes=2), author=ada)
    rose(probe, after(minutes=4))
    update = said(only(), ada, statuses={probe.component: "degraded_performance"})
    handover.hand_back(only(), soon(seconds=5), author=ada)
    with pytest.raises(TooLateError, match="posted since"):  # the machine has told the recovery
        undone(update)
    incident = only()
    assert (incident.is_owned, Component.objects.get().manual_status) == (False, "")
    turned(6, 7, 8, 9, 10)
    incident.refresh_from_db()
    assert incident.phase == "resolved"


def test_deleted_or_merged_meanwhile_there_is_nothing_to_undo(ada):
    joining("never")
    fell(watched())
    fell(watched("Chat"), after(minutes=1))
    first, second = Incident.objects.order_by("id")
    update = said(first, ada)
    automation.merge(first, second, soon(seconds=5), author=ada)
    with pytest.raises(TooLateError, match="deleted or merged since"):
        undone(update)
    update = said(second, ada)
    second.delete_softly(soon(seconds=5), author=ada)
    with pytest.raises(TooLateError, match="deleted or merged since"):
        undone(update)
    handover.restore(second, soon(seconds=6), author=ada)
    assert undone(update).affected.filter(is_auto_open=True).count() == 2


def test_a_new_incident_that_another_was_merged_into_is_not_undone(ada):
    fell(watched())
    found_by_probe = only()
    incident = Incident.objects.open("Down", "x", now=after(**AT), author=ada, undo_s=20)
    automation.merge(found_by_probe, incident, soon(seconds=5), author=ada)
    with pytest.raises(TooLateError, match="merged into this one since"):
        undone(incident.updates.get(kind=Kind.POST))
    assert only() == incident


def test_the_countdown_of_a_suggestion_stood_still_meanwhile(ada, settings):
    settings.PUBLISH_DELAY_S = 300
    fell(watched(auto="delay"))
    assert only().publish_at == after(minutes=5, seconds=10)
    incident = undone(said(only(), ada))
    assert (incident.is_suggestion, incident.publish_at) == (True, after(minutes=5, seconds=25))
