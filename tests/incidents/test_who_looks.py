"""An automatic incident that no probe looks at any more, and failures that something staff did hid."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from components.models import Component, Probe
from components.status import Status
from incidents import automation, staff_questions, undoing
from incidents.lifecycle import Kind
from incidents.models import Incident, Post
from statuspage.models import Role
from tests.making import after, fell, found, rose, watched
from tests.people import person

GONE = (
    "We no longer check API automatically, so we don't currently know its status. "
    "Our team will post the next update."
)


def only() -> Incident:
    return Incident.objects.get()


def posts(incident) -> list[str]:
    return [update.body for update in incident.updates.filter(kind=Kind.POST)]


# Nobody looks


def paused(probe):
    probe.pause(after(minutes=1))


def deleted(probe):
    Probe.objects.get(pk=probe.pk).delete()
    probe.component.refresh(after(minutes=1))


def pointed_elsewhere(probe):
    probe = Probe.objects.get(pk=probe.pk)
    probe.target = "http://127.0.0.1:9/typo"
    probe.save()
    probe.component.refresh(after(minutes=1))
    for second in (61, 71):
        found(probe, "down", after(seconds=second))


def moved(probe):
    Probe.objects.filter(pk=probe.pk).update(component=Component.objects.create(name="Other"))
    probe.component.refresh(after(minutes=1))


@pytest.mark.parametrize("ending", [paused, deleted, pointed_elsewhere, moved])
def test_it_says_once_that_nobody_looks_and_promises_nothing(db, ending):
    probe = watched()
    fell(probe)
    ending(probe)
    for minute in (2, 3, 60, 300, 600):
        automation.advance(after(minutes=minute))
    incident = Incident.objects.get(title__startswith="API")
    assert posts(incident)[1:] == [GONE]
    assert (incident.next_update_at, incident.resolved_at) == (None, None)
    assert incident.affected.get().status == Status.UNKNOWN
    assert incident.updates.filter(kind=Kind.PROPOSAL).count() == 1
    assert staff_questions.UNWATCHED in [
        question.kind for question in staff_questions.questions(after(minutes=5))
    ]


def test_paused_while_it_recovers_it_is_not_called_resolved(db):
    probe = watched()
    fell(probe)
    rose(probe, after(minutes=1))
    probe.pause(after(minutes=1, seconds=30))
    for minute in (2, 4, 10):
        automation.advance(after(minutes=minute))
    assert only().resolved_at is None
    assert posts(only())[-1] == GONE


def test_looked_at_again_it_goes_on_by_itself(db):
    probe = watched()
    fell(probe)
    probe.pause(after(minutes=1))
    automation.advance(after(minutes=2))
    probe.resume(after(minutes=3))
    probe.refresh_from_db()
    found(probe, "up", after(minutes=4))
    automation.advance(after(minutes=10))
    assert only().resolved_at is not None


def test_while_others_are_looked_at_it_is_a_fact_and_the_incident_goes_on(db):
    api, web = watched(), watched("Web")
    fell(api)
    fell(web)
    api.pause(after(minutes=1))
    for minute in (2, 3):
        automation.advance(after(minutes=minute))
    facts = [one.body for one in only().updates.filter(kind=Kind.FACT)]
    assert facts[-1] == "We no longer check API automatically, so we don't currently know its status."
    assert only().next_update_at is not None
    rose(web, after(minutes=5))
    automation.advance(after(minutes=6))
    assert only().unwatched_at is not None


def test_a_hidden_component_is_not_named_when_the_public_is_told(db):
    probe = watched()
    fell(probe)
    Component.objects.update(is_shown=False)
    for minute in (1, 2, 40):
        automation.advance(after(minutes=minute))
    assert posts(only())[1:] == ["We no longer check this automatically. Our team will post the next update."]


def test_a_deleted_component_leaves_no_incident_that_goes_on_for_ever(db):
    probe = watched()
    fell(probe)
    probe.component.delete()
    for minute in (1, 2, 40):
        automation.advance(after(minutes=minute))
    assert len(posts(only())) == 2
    assert only().next_update_at is None


# A failure that something hid


@pytest.fixture
def editor(db):
    client = Client()
    client.force_login(person("ed", Role.EDITOR))
    return client


def form(component, **changes):
    fields = {"name": component.name, "auto_incidents": component.auto_incidents, "is_shown": "on",
              "manual_status": component.manual_status, "shows_evidence": "on"}  # fmt: skip
    return {name: value for name, value in {**fields, **changes}.items() if value}


@pytest.mark.parametrize(
    ("before", "change"),
    [
        ({"manual_status": "degraded_performance"}, {"manual_status": ""}),
        ({"auto_incidents": "off"}, {"auto_incidents": "publish"}),
    ],
)
def test_what_staff_change_lets_a_failure_be_an_incident(editor, before, change):
    probe = watched()
    found(probe, "up", after(minutes=-5))
    Component.objects.update(**before)
    fell(Probe.objects.select_related("component").get(), after())
    assert not Incident.objects.exists()
    component = Component.objects.get()
    assert (
        editor.post(f"/console/components/{component.public_id}/edit", form(component, **change)).status_code
        == 302
    )
    automation.advance(timezone.now())
    assert Component.objects.get().status == Status.MAJOR_OUTAGE
    assert Incident.objects.public().count() == 1
    assert "planned maintenance" not in "".join(update.body for update in only().updates.all())
    automation.advance(timezone.now())
    assert Incident.objects.count() == 1


def test_a_component_that_is_shown_again_while_it_is_down_is_an_incident(editor):
    probe = watched(auto="off", shown=False)
    fell(probe)
    Component.objects.update(auto_incidents="publish")
    editor.post(f"/console/components/{probe.component.public_id}/show", {"is_shown": "yes"})
    automation.advance(timezone.now())
    assert Incident.objects.public().count() == 1


def test_resolved_by_hand_while_it_is_down_it_begins_again_once_nobody_can_undo(db):
    probe = watched()
    fell(probe)
    statuses = {probe.component: "operational"}
    only().post(Post("Over.", phase="resolved", statuses=statuses, undo_s=20), now=after(minutes=2))
    automation.advance(after(minutes=2, seconds=19))
    assert Incident.objects.count() == 1
    automation.advance(after(minutes=2, seconds=20))
    assert Incident.objects.count() == 2


def test_undone_nothing_begins(db):
    probe = watched()
    fell(probe)
    statuses = {probe.component: "operational"}
    update = only().post(Post("Over.", phase="resolved", statuses=statuses, undo_s=20), now=after(minutes=2))
    undoing.undo(only(), update, after(minutes=2, seconds=5))
    automation.advance(after(minutes=3))
    assert Incident.objects.count() == 1


def test_a_probe_that_looks_again_while_the_target_is_down_opens_one(db):
    probe = watched()
    found(probe, "up", after(minutes=-5))
    probe.pause(after(minutes=-4))
    probe.resume(after(minutes=1))
    probe.refresh_from_db()
    for second in (70, 80):
        found(probe, "down", after(seconds=second))
    assert Incident.objects.public().count() == 1


def test_not_an_incident_stays_so(db):
    probe = watched(auto="suggest")
    fell(probe)
    only().delete_softly(after(minutes=1))
    automation.advance(after(minutes=2))
    assert Incident.objects.count() == 1


def test_what_joins_an_incident_that_nobody_looks_at_is_looked_at(db):
    probe, other = watched(auto="suggest"), watched("Chat", auto="suggest")
    found(other, "up", after(minutes=-1))
    fell(probe)
    probe.pause(after(seconds=20))
    automation.advance(after(seconds=21))
    assert only().unwatched_at is not None
    fell(other, after(seconds=30))
    assert (only().unwatched_at, only().names()) == (None, ["API", "Chat"])
    assert "Chat" in automation.draft(only(), after(minutes=1)).split("(since")[0]


def test_a_second_asks_no_more_of_an_incident_of_many_components(db):
    counts = []
    for number in range(1, 7):
        fell(watched(f"Part {number}"))
        if number in (2, 6):
            assert Incident.objects.get().affected.count() == number
            with CaptureQueriesContext(connection) as asked:
                automation.advance(after(seconds=30))
            counts.append(len(asked))
    assert counts[0] == counts[1]
