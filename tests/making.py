"""Short words for tests: a component with a probe, and what a check of it found."""

import math
from datetime import UTC, datetime, timedelta

from components.checking import Finding
from components.models import Component, Group, Page, Probe
from components.outcomes import Failure, Outcome, Reading
from incidents.tasks import settle

NOW = datetime(2026, 11, 12, 8, 0, tzinfo=UTC)


def after(**length) -> datetime:
    return NOW + timedelta(**length)


def group(name="Widgetify") -> Group:
    return Group.objects.create(name=name)


def joining(scope: str) -> None:
    """Which failures share an incident."""
    Page.objects.this()
    Page.objects.update(joining=scope)


def component(name="API", **more) -> Component:
    return Component.objects.create(name=name, status="operational", **more)


def watched(name="API", *, group=None, auto="publish", position=1, shown=True, **probe) -> Probe:
    """A component's probe, due every minute."""
    component = Component.objects.create(
        name=name, group=group, auto_incidents=auto, position=position, is_shown=shown
    )
    long_ago = NOW - timedelta(days=400)
    Component.objects.filter(pk=component.pk).update(created_at=long_ago)
    component.created_at = long_ago
    settings = {"interval_s": 60, "timeout_s": 10, "target": "http://127.0.0.1:9/", **probe}
    return Probe.objects.create(component=component, **settings)


def reading(outcome: Outcome | str, failure=Failure.STATUS, ms=20.0) -> Reading:
    if outcome == Outcome.DOWN:
        return Reading(ms, failure, "Responded with 503, which is not expected.", status_code=503)
    if outcome == Outcome.UNKNOWN:
        return Reading(ms, Failure.OWN_FAULT, "Our DNS resolver is not responding.")
    return Reading(ms, status_code=200)


def found(probe: Probe, outcome: Outcome | str | Reading, at: datetime, *, gap: bool = False, **more) -> None:
    """One check of this probe, claimed, begun and settled at this moment as a worker does it.

    Without `gap` the checks since the last one told here went on as before.
    """
    read = outcome if isinstance(outcome, Reading) else reading(outcome, **more)
    second = math.floor(at.timestamp())
    if not gap and outcome != Outcome.UNKNOWN:
        Probe.objects.filter(pk=probe.pk, heard_s__lt=second - 1).update(heard_s=second - 1)
    Probe.objects.filter(pk=probe.pk).update(next_slot=second, claimed_slot=None)
    claims = [one for one in Probe.objects.claim_due(second) if one.probe_id == probe.pk]
    assert len(claims) == 1
    Probe.objects.begin(claims)
    settle([Finding(claims[0], read, at, 0)], at)


def fell(probe: Probe, at: datetime = NOW, **more) -> None:
    """It was well, and fails now for sure: twice, 10 s apart."""
    if probe.outcome == Outcome.UNKNOWN:
        found(probe, "up", at - timedelta(seconds=60))
    found(probe, "down", at, **more)
    found(probe, "down", at + timedelta(seconds=10), **more)
    probe.refresh_from_db()


def rose(probe: Probe, at: datetime) -> None:
    """It is well again for sure."""
    found(probe, "up", at)
    found(probe, "up", at + timedelta(seconds=10))
    probe.refresh_from_db()
