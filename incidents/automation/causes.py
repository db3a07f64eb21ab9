"""What fails because of something else: a component, and those that need it, are one incident.

Only opening is held back, never a check, a result or a recovery:

- a failure waits until what it needs (`Component.needs`) was checked, and joins its incident if it fails too;
- what fails gathers those that need it, and had failed before it;
- once it has recovered, those that still fail get an incident of their own (`held`).
"""

from datetime import datetime, timedelta
from functools import partial

from django.db import transaction

from components.dependencies import dependents, edges, reached
from components.models import AutoIncidents, Component, Probe
from components.status import Status
from incidents.automation.failures import Failed, is_worked_on, last_fall, open_places, shown_before
from incidents.automation.flips import join, publish_as_asked
from incidents.automation.merging import merge
from incidents.automation.updates import note_fact
from incidents.models import Affected, Incident

MAX_HOLD = timedelta(minutes=5)
SPARE_S = 5  # for the queue, and for writing the results


def cause_of(component: Component) -> Incident | None:
    """The open incident of a component that this one needs, directly or through others."""
    for parent in Component.objects.filter(pk__in=reached([component.pk], edges())):
        for place in open_places(parent):
            if Status(place.status).is_trouble or Status(parent.status).is_trouble:
                return place.incident
    return None


def join_cause(incident: Incident, failed: Failed, now: datetime) -> None:
    """Add what fails because of it to this incident."""
    failed.component.hold(None)
    join(incident, failed, now)
    note_fact(
        incident,
        f"{failed.component.name} needs a component that fails here, so it has no incident of its own.",
        now,
    )
    if failed.component.is_shown:
        publish_as_asked(
            incident, {AutoIncidents(failed.component.auto_incidents)} - {AutoIncidents.OFF}, now
        )


def is_held(failed: Failed, now: datetime) -> bool:
    """Whether its incident waits until what it needs was checked; asks for these checks at once."""
    component = failed.component
    if component.held_until is not None:
        return now < component.held_until
    parents = [parent for parent in component.needs.all() if not parent.manual_status]
    waits = [patience(parent) for parent in parents]
    if not any(waits):
        return False
    component.hold(now + max(waits))
    for parent in parents:
        transaction.on_commit(partial(look_now, parent, now))
    return True


def gather(component: Component, now: datetime) -> None:
    """Those that need this failing component, and failed before it, join its incident."""
    place = open_places(component).first()
    if place is None:
        return
    needing = dependents(component)
    ids = {component.pk, *(child.pk for child in needing)}
    for child in needing:
        if not _may_join(child):
            continue
        own = open_places(child).first()
        if own is None and (fall := last_fall(child)) is not None:
            join_cause(place.incident, Failed(child, fall, shown_before(child)), now)
        elif own is not None and _is_only_of(own.incident, ids) and not place.incident.is_owned:
            merge(own.incident, place.incident, now)
            place.incident.refresh_from_db()


def wait_for_children(place: Affected, now: datetime) -> None:
    """It has recovered: those that need it, and are in the same incident, are checked at once."""
    incident = place.incident
    if incident.is_owned:
        return
    ids = {child.pk for child in dependents(place.component)}
    rows = incident.affected.filter(component__in=ids, continued_in=None).select_related("component")
    for row in rows:
        if Status(row.component.status).is_trouble and not row.component.manual_status:
            row.component.hold(now + patience(row.component))
            transaction.on_commit(partial(look_now, row.component, now))


def outlasts_cause(place: Affected) -> bool:
    """Whether it still fails although all that it needs, and that failed with it, works again."""
    if place.incident.is_owned or not Status(place.component.status).is_trouble:
        return False
    needed = reached([place.component_id], edges())
    causes = list(place.incident.affected.filter(component__in=needed).select_related("component"))
    return bool(causes) and not any(Status(row.component.status).is_trouble for row in causes)


def patience(
    component: Component, most: timedelta = MAX_HOLD, *, includes_recovery: bool = False
) -> timedelta:
    """How long its probes take to confirm a failure if they are asked now; zero without any.

    `includes_recovery`: or to confirm that it has recovered, whichever takes longer.
    """
    waits = [
        max(probe.confirm_down, probe.confirm_up if includes_recovery else 0)
        * (probe.timeout_s + max(1, probe.retry_s))
        + SPARE_S
        for probe in component.probes.all()
        if not probe.is_paused
    ]
    return min(timedelta(seconds=max(waits, default=0)), most)


def look_now(component: Component, now: datetime) -> None:
    """Have all its probes checked at once."""
    for probe in Probe.objects.filter(component=component, is_paused=False):
        probe.look_now(int(now.timestamp()))


def _may_join(child: Component) -> bool:
    return (
        Status(child.status).is_trouble
        and not child.manual_status
        and child.auto_incidents != AutoIncidents.OFF
        and not is_worked_on(child)
    )


def _is_only_of(incident: Incident, ids: set[int]) -> bool:
    """Whether it was opened automatically, nobody took it, and it concerns these components alone."""
    is_free = incident.is_by_machine and not incident.is_owned
    return is_free and set(incident.affected.values_list("component_id", flat=True)) <= ids
