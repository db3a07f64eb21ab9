"""Staff and the machine in one incident: neither contradicts the other, and none goes on for ever."""

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from components.models import Component
from components.status import Status
from incidents import automation, handover, staff_questions
from incidents.lifecycle import Kind, Phase
from incidents.models import Incident, Post
from incidents.tasks import fall_silent
from statuspage.models import Role
from tests.making import after, component, fell, found, joining, rose, watched
from tests.people import person

STILL_FAILS = (
    "API is returning errors (since 08:00 UTC). "
    "We're investigating and will post the next update by 08:33 UTC."
)


@pytest.fixture(autouse=True)
def settled_in_a_minute(settings):
    settings.SETTLE_S = 60


@pytest.fixture
def ada(db):
    return person("ada", Role.RESPONDER)


def only() -> Incident:
    return Incident.objects.get()


def posts(incident) -> list[str]:
    return [update.body for update in incident.updates.filter(kind=Kind.POST)]


def notes(incident) -> list[str]:
    return [update.body for update in incident.updates.filter(kind=Kind.NOTE)]


def minutes(first, last):
    """Time passes, minute by minute."""
    for minute in range(first, last + 1):
        automation.advance(after(minutes=minute))


def say_by_hand(component, status, at):
    """Staff set the status of a component, outside of any incident, as the form does."""
    component = Component.objects.get(pk=component.pk)
    component.manual_status = status
    component.save(update_fields=["manual_status"])
    component.refresh(at)
    component.judge_again(at)


def dispute() -> list[str]:
    found = staff_questions.questions(after(hours=1))
    return [question.text for question in found if question.kind == staff_questions.DISPUTED]


# Handed back


def said_to_work(ada):
    """A person posts that it works, while its probe fails."""
    probe = watched()
    fell(probe)
    statuses = {probe.component: "operational"}
    only().post(Post("Fixed.", phase="monitoring", statuses=statuses), now=after(minutes=2), author=ada)
    return probe


def test_handed_back_while_it_is_down_it_says_so_and_ends_when_it_recovers(ada):
    probe = said_to_work(ada)
    handover.hand_back(only(), after(minutes=3), author=ada)
    assert (only().phase, posts(only())[-1]) == (Phase.INVESTIGATING, STILL_FAILS)
    minutes(4, 33)
    assert posts(only())[-1].startswith("API is still not working normally.")
    assert only().phase == Phase.INVESTIGATING
    rose(probe, after(minutes=41))
    assert posts(only())[-1] == (
        "API has recovered (08:41 UTC). We'll monitor it until 08:42 UTC before resolving this incident."
    )
    minutes(42, 43)
    assert only().phase == Phase.RESOLVED


def test_handed_back_once_it_works_that_is_told_before_it_is_resolved(ada):
    probe = watched()
    fell(probe)
    only().post(Post("Ours.", phase="identified"), now=after(minutes=2), author=ada)
    rose(probe, after(minutes=5))
    handover.hand_back(only(), after(minutes=6), author=ada)
    assert posts(only())[-1] == (
        "API has recovered (08:05 UTC). We'll monitor it until 08:07 UTC before resolving this incident."
    )
    assert (only().phase, only().next_update_at) == (Phase.MONITORING, only().settle_at)
    minutes(7, 7)
    assert only().phase == Phase.RESOLVED


def test_handed_back_twice_is_once(ada):
    said_to_work(ada)
    handover.hand_back(only(), after(minutes=3), author=ada)
    before = only().updates.count()
    say_by_hand(Component.objects.get(), "partial_outage", after(minutes=4))
    handover.hand_back(only(), after(minutes=5), author=ada)
    assert only().updates.count() == before
    assert Component.objects.get().manual_status == "partial_outage"


@pytest.mark.parametrize("gone", ["deleted", "merged"])
def test_what_is_deleted_or_merged_is_not_handed_back(ada, gone):
    said_to_work(ada)
    if gone == "deleted":
        only().delete_softly(after(minutes=3), author=ada)
        incident = only()
    else:
        other = Incident.objects.open("Other", "We look.", now=after(minutes=3), author=ada)
        incident = Incident.objects.exclude(pk=other.pk).get()
        automation.merge(incident, other, after(minutes=3), author=ada)
    with pytest.raises(ValidationError, match="deleted or merged"):
        handover.hand_back(incident, after(minutes=4), author=ada)


def test_what_a_person_opened_is_told_to_its_end_once_it_is_handed_back(ada):
    probe = watched()
    found(probe, "up", after())
    Incident.objects.open("API is down", "We look.", now=after(minutes=1), author=ada,
                          statuses={probe.component: "major_outage"})  # fmt: skip
    found(probe, "down", after(minutes=2))
    found(probe, "down", after(minutes=2, seconds=10))
    handover.hand_back(only(), after(minutes=3), author=ada)
    assert only().next_update_at == after(minutes=33)
    minutes(33, 33)
    assert posts(only())[-1].startswith("API is still not working normally.")
    rose(probe, after(minutes=40))
    minutes(41, 42)
    assert only().phase == Phase.RESOLVED


@pytest.mark.parametrize("named", [True, False])
def test_what_no_probe_checks_stays_with_staff(ada, client, named):
    statuses = {component("Docs"): "major_outage"} if named else {}
    Incident.objects.open("Docs are gone", "We look.", now=after(), author=ada, statuses=statuses)
    with pytest.raises(ValidationError, match="No probe checks any of its components"):
        handover.hand_back(only(), after(minutes=1), author=ada)
    assert only().is_owned
    client.force_login(ada)
    assert "Hand back" not in client.get(f"/console/incidents/{only().public_id}").content.decode()


def test_handed_back_what_no_probe_checks_stays_as_staff_set_it(ada):
    probe, docs = watched(), component("Docs")
    fell(probe)
    only().post(
        Post("Docs too.", phase="identified", statuses={docs: "major_outage"}),
        now=after(minutes=1),
        author=ada,
    )
    handover.hand_back(only(), after(minutes=2), author=ada)
    rose(probe, after(minutes=5))
    minutes(6, 20)
    docs.refresh_from_db()
    assert (docs.status, only().resolved_at) == (Status.MAJOR_OUTAGE, None)
    assert dispute() == [f"Docs is set to Major outage and no probe checks it: {only().title}"]


# Restored


def test_restored_after_it_recovered_staff_are_asked_and_handed_back_it_ends(ada):
    probe = watched()
    fell(probe)
    only().delete_softly(after(minutes=1), author=ada)
    rose(probe, after(minutes=3))
    handover.restore(only(), after(minutes=5), author=ada)
    assert (only().recovered_since, only().affected.get().status) == (after(minutes=3), "operational")
    minutes(13, 14)
    assert only().updates.filter(kind=Kind.PROPOSAL).count() == 1
    handover.hand_back(only(), after(minutes=31), author=ada)
    minutes(32, 32)
    assert only().phase == Phase.RESOLVED


def test_restored_beside_a_new_one_both_hear_of_the_recovery(ada):
    probe = watched()
    fell(probe)
    first = only()
    first.delete_softly(after(minutes=1), author=ada)
    rose(probe, after(minutes=2))
    fell(probe, after(minutes=4))
    handover.restore(first, after(minutes=5), author=ada)
    handover.hand_back(first, after(minutes=6), author=ada)
    rose(probe, after(minutes=8))
    minutes(9, 10)
    assert not Incident.objects.filter(resolved_at=None).exists()


# Set by hand


def test_what_staff_call_working_is_not_called_down_by_the_machine(ada):
    probe = watched()
    fell(probe)
    say_by_hand(probe.component, "operational", after(minutes=2))
    minutes(2, 60)
    assert posts(only())[1:] == [
        "Our team reports that API is working. We'll resolve this incident once that is confirmed."
    ]
    assert (only().next_update_at, only().resolved_at) == (None, None)
    assert dispute() == [f"API is set to Operational, but its checks fail: {only().title}"]
    rose(probe, after(minutes=61))
    minutes(62, 63)
    assert only().phase == Phase.RESOLVED
    assert dispute() == []


def test_a_hand_that_is_taken_away_while_it_is_down_is_told_and_promised_anew(ada):
    probe = watched()
    fell(probe)
    say_by_hand(probe.component, "operational", after(minutes=2))
    minutes(2, 40)
    say_by_hand(probe.component, "", after(minutes=41))
    minutes(41, 42)
    assert posts(only())[-1].startswith("API is returning errors (since 08:00 UTC).")
    assert only().next_update_at == after(minutes=71)


def test_what_staff_call_down_is_not_resolved_by_the_machine(ada, client):
    probe = watched()
    fell(probe)
    say_by_hand(probe.component, "major_outage", after(minutes=2))
    rose(probe, after(minutes=5))
    minutes(5, 20)
    assert (only().resolved_at, only().recovered_since) == (None, None)
    assert posts(only())[1:] == []
    text = f"API is set to Major outage, but its checks pass: {only().title}"
    assert dispute() == [text]
    client.force_login(ada)
    assert text in client.get(f"/console/incidents/{only().public_id}").content.decode()
    say_by_hand(probe.component, "", after(minutes=21))
    minutes(21, 21)
    assert posts(only())[-1] == (
        "API has recovered (08:21 UTC). We'll monitor it until 08:22 UTC before resolving this incident."
    )
    minutes(22, 22)
    assert only().phase == Phase.RESOLVED


@pytest.mark.parametrize("is_looked_at", [True, False])
def test_set_to_trouble_while_it_settles_it_is_not_resolved(db, is_looked_at):
    probe = watched()
    fell(probe)
    rose(probe, after(minutes=5))
    say_by_hand(probe.component, "partial_outage", after(minutes=5, seconds=30))
    if not is_looked_at:  # as somebody who posts of the same component in another incident
        Component.objects.update(judge_at=None)
    minutes(6, 8)
    assert (only().resolved_at, only().phase) == (None, Phase.INVESTIGATING)
    assert posts(only())[-1].startswith("API is still not working normally.")


def test_it_relapses_beneath_a_hand_and_the_promise_to_monitor_is_not_broken_silently(db):
    probe = watched()
    fell(probe)
    say_by_hand(probe.component, "operational", after(minutes=1))
    rose(probe, after(minutes=5))
    fell(probe, after(minutes=5, seconds=30))
    minutes(6, 10)
    assert only().resolved_at is None
    assert posts(only())[-1].startswith("Our team reports that API is working.")


def test_taken_over_after_it_recovered_beneath_a_hand_staff_are_asked(ada):
    probe = watched()
    fell(probe)
    say_by_hand(probe.component, "major_outage", after(minutes=2))
    rose(probe, after(minutes=5))
    handover.take_over(only(), after(minutes=6), author=ada)
    minutes(6, 16)
    assert only().updates.filter(kind=Kind.PROPOSAL).count() == 1


def test_a_first_word_after_it_recovered_beneath_a_hand_leads_to_the_question_too(ada):
    probe = watched()
    fell(probe)
    say_by_hand(probe.component, "major_outage", after(minutes=2))
    rose(probe, after(minutes=5))
    only().post(Post("We look.", phase="identified"), now=after(minutes=6), author=ada)
    minutes(6, 16)
    assert only().updates.filter(kind=Kind.PROPOSAL).count() == 1


def test_what_others_say_in_their_incident_is_taken_in_before_the_machine_speaks(ada):
    joining("never")
    api, chat = watched(), watched("Chat")
    fell(api)
    fell(chat)
    first = Incident.objects.order_by("pk").first()
    other = Incident.objects.open("Ours", "We look.", now=after(minutes=1), author=ada)
    other.post(
        Post("API works.", phase="identified", statuses={api.component: "operational"}),
        now=after(minutes=2),
        author=ada,
    )
    minutes(30, 31)
    assert posts(first)[-1].startswith("Our team reports that API is working.")


# What staff read


def test_a_note_promises_nothing_that_nobody_does(ada):
    probe = watched()
    fell(probe)
    only().post(Post("Ours.", phase="identified"), now=after(minutes=1), author=ada)
    rose(probe, after(minutes=5))
    assert notes(only())[-1] == "API has recovered (08:05 UTC)."


def test_the_form_that_clears_a_status_is_heard(client, db):
    client.force_login(person("ed", Role.EDITOR))
    probe = watched()
    fell(probe)
    say_by_hand(probe.component, "major_outage", after(minutes=2))
    rose(probe, after(minutes=5))
    fields = {"name": "API", "auto_incidents": "publish", "is_shown": "on", "shows_evidence": "on"}
    client.post(f"/console/components/{probe.component.public_id}/edit", fields)
    automation.advance(timezone.now())
    assert only().phase == Phase.MONITORING


def test_what_staff_call_working_and_no_probe_checks_is_not_resolved_by_the_machine(db):
    probe = watched()
    fell(probe)
    probe.pause(after(minutes=1))
    minutes(2, 2)
    say_by_hand(probe.component, "operational", after(minutes=3))
    minutes(3, 20)
    assert only().resolved_at is None
    assert not [body for body in posts(only()) if "All checks have passed" in body]


@pytest.mark.parametrize(
    ("go_blind", "why"),
    [
        (lambda probe: fall_silent(after(minutes=20)), ", but its checks return no result"),
        (lambda probe: probe.pause(after(minutes=20)), " and no probe checks it"),
    ],
)
def test_what_staff_call_working_is_not_called_unknown_by_the_machine(db, go_blind, why):
    probe = watched()
    fell(probe)
    say_by_hand(probe.component, "operational", after(minutes=2))
    minutes(2, 10)
    go_blind(probe)
    minutes(21, 90)
    assert [body for body in posts(only())[1:] if "Our team reports that API is working" not in body] == []
    assert dispute() == [f"API is set to Operational{why}: {only().title}"]


def test_where_no_probe_looks_any_more_a_status_of_staff_makes_no_promise(db):
    probe = watched()
    fell(probe)
    probe.pause(after(minutes=1))
    minutes(2, 2)
    before = posts(only())
    say_by_hand(probe.component, "major_outage", after(minutes=3))
    minutes(3, 40)
    assert (posts(only()), only().next_update_at) == (before, None)


def test_what_staff_say_in_another_incident_stops_a_recovery(ada):
    probe = watched()
    fell(probe)
    rose(probe, after(minutes=5))
    Incident.objects.open("Ours", "It is slow.", now=after(minutes=5, seconds=20), author=ada, undo_s=20,
                          statuses={probe.component: "partial_outage"})  # fmt: skip
    first = Incident.objects.order_by("pk").first()
    automation.advance(after(minutes=5, seconds=39))
    first.refresh_from_db()
    assert first.settle_at is not None  # they may still undo it
    automation.advance(after(minutes=5, seconds=40))
    first.refresh_from_db()
    assert (first.settle_at, first.phase) == (None, Phase.INVESTIGATING)


def test_staff_are_not_asked_whether_what_no_probe_saw_is_over(ada):
    probe = watched()
    found(probe, "up", after())
    Incident.objects.open("Wrong totals", "We look.", now=after(minutes=1), author=ada,
                          statuses={probe.component: "degraded_performance"})  # fmt: skip
    minutes(1, 30)
    assert not only().updates.filter(kind=Kind.PROPOSAL).exists()
