"""An outage ends when a probe that saw it sees it end, not when that probe is taken away."""

import pytest

from components.models import Component, Probe
from components.status import Status
from incidents import automation, staff_questions
from incidents.lifecycle import Kind
from incidents.models import Incident
from tests.incidents.test_who_looks import deleted, moved, paused
from tests.making import NOW, after, fell, found, rose, watched

GONE = (
    "We no longer run the check that failed for API, so we don't know if it has recovered. "
    "Our team will post the next update."
)


def beside(probe) -> Probe:
    """One more probe of the same component, which passes."""
    other = Probe.objects.create(component=probe.component, interval_s=60, timeout_s=10, target=probe.target)
    found(other, "up", after(minutes=-2))
    return other


def posts(incident) -> list[str]:
    return [update.body for update in incident.updates.filter(kind=Kind.POST).order_by("at")]


@pytest.mark.parametrize("ending", [paused, deleted, moved])
def test_without_the_probe_that_failed_nothing_is_said_to_have_recovered(db, ending):
    probe = watched()
    other = beside(probe)
    fell(probe)
    ending(probe)
    for minute in (2, 3, 31, 60, 300):
        found(other, "up", after(minutes=minute))
        automation.advance(after(minutes=minute))
    incident = Incident.objects.get()
    assert posts(incident)[1:] == [GONE]
    assert (incident.next_update_at, incident.resolved_at, incident.recovered_since) == (None, None, None)
    assert incident.affected.get().status == Status.UNKNOWN
    assert staff_questions.UNWATCHED in [
        question.kind for question in staff_questions.questions(after(minutes=5))
    ]


def test_the_other_sees_it_fail_and_recover_and_so_it_ends(db):
    probe = watched()
    other = beside(probe)
    fell(probe)
    probe.pause(after(minutes=1))
    automation.advance(after(minutes=2))
    fell(other, after(minutes=5))
    automation.advance(after(minutes=6))
    rose(other, after(minutes=8))
    found(other, "up", after(minutes=12))
    automation.advance(after(minutes=12))
    assert Incident.objects.get().resolved_at == after(minutes=12)


def test_paused_once_it_had_recovered_it_is_resolved(db):
    probe = watched()
    other = beside(probe)
    fell(probe)
    rose(probe, after(minutes=1))
    probe.pause(after(minutes=1, seconds=30))
    found(other, "up", after(minutes=4))
    automation.advance(after(minutes=4))
    assert Incident.objects.get().resolved_at == after(minutes=4)


def test_of_two_components_one_recovers_and_one_is_no_longer_looked_at_by_who_saw_it(db):
    probe, shop = watched(), watched("Shop", position=2)
    other = beside(probe)
    found(shop, "up", after(minutes=-2))
    fell(probe)
    fell(shop, after(seconds=20))
    probe.pause(after(minutes=1))
    automation.advance(after(minutes=2))
    incident = Incident.objects.get()
    facts = [update.body for update in incident.updates.filter(kind=Kind.FACT)]
    assert "We no longer run the check that failed for API, so we don't know if it has recovered." in facts
    rose(shop, after(minutes=3))
    found(other, "up", after(minutes=10))
    automation.advance(after(minutes=10))
    incident.refresh_from_db()
    assert incident.resolved_at is None
    assert not [text for text in posts(incident) if "API and Shop have recovered" in text]


def test_resumed_it_is_looked_at_again(db):
    probe = watched()
    beside(probe)
    fell(probe)
    probe.pause(after(minutes=1))
    automation.advance(after(minutes=2))
    probe.refresh_from_db()
    probe.resume(after(minutes=5))
    rose(Probe.objects.get(pk=probe.pk), after(minutes=6))
    automation.advance(after(minutes=7))
    automation.advance(after(minutes=10))
    assert Incident.objects.get().resolved_at is not None


# No flip says so


def test_what_a_failing_probe_shows_is_changed_in_its_incident_at_once(db):
    probe = watched()
    fell(probe)
    Probe.objects.filter(pk=probe.pk).update(down_status=Status.DEGRADED_PERFORMANCE)
    Component.objects.get().refresh(after(minutes=1))
    automation.advance(after(minutes=1, seconds=1))
    assert Incident.objects.get().affected.get().status == Status.DEGRADED_PERFORMANCE
    automation.advance(after(minutes=1, seconds=2))
    assert Incident.objects.get().updates.filter(kind=Kind.NOTE).count() == 1


def test_the_worse_of_two_failing_probes_is_taken_away(db):
    probe = watched()
    other = beside(probe)
    Probe.objects.filter(pk=other.pk).update(down_status=Status.PARTIAL_OUTAGE)
    fell(probe)
    fell(Probe.objects.get(pk=other.pk), NOW)
    probe.pause(after(minutes=1))
    automation.advance(after(minutes=1, seconds=1))
    row = Incident.objects.get().affected.get()
    assert (row.status, row.component.status) == (Status.PARTIAL_OUTAGE, Status.PARTIAL_OUTAGE)
    assert Incident.objects.get().next_update_at is not None
