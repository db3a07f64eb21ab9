"""Whether all components of an incident are healthy, and since when.

`recovered_since`, `settle_at` and `well_s` follow from that and are set only here and in `Incident.say`.
Plain functions that take an incident, used by staff's updates and by the automation.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q, QuerySet

from components.models import Component, Flip, Probe
from components.models.component import StatusSpan
from components.outcomes import Outcome
from components.status import Status
from incidents import span
from incidents.lifecycle import Phase
from incidents.state import RECOVERED

if TYPE_CHECKING:
    from incidents.models.affected import Affected
    from incidents.models.incident import Incident


def settling() -> timedelta:
    """How long all components must be healthy before an automatic incident is resolved."""
    return timedelta(seconds=settings.SETTLE_S)


def is_well(incident: "Incident") -> bool:
    """Whether every named component is healthy; in an automatic incident, also by what staff set.

    An automatic incident that no probe checks any more does not count as healthy.
    Hidden components do not keep a public incident open, as nothing in it would say why.
    """
    rows = incident.spoken_of()
    is_seen_well = bool(rows) and all(row.seen_status in RECOVERED for row in rows)
    if incident.is_owned or not is_seen_well:
        return is_seen_well
    is_disputed = any(row.component.is_set_to_trouble for row in rows)
    return is_looked_at(incident) and not is_disputed and not overlooked(incident, rows)


def watch(incident: "Incident", at: datetime, now: datetime) -> None:
    """Note since when all is healthy (`at`); if automatic, start the settling time. The caller saves."""
    if not is_well(incident):
        fail_again(incident, at)
        incident.proposed_at = None
        return
    incident.recovered_since = incident.recovered_since or at
    if not incident.is_owned:
        incident.unwatched_at = None
        incident.settle_at = incident.settle_at or now + settling()


def fail_again(incident: "Incident", at: datetime) -> None:
    """A relapse at `at`: the healthy time before it does not count as outage. The caller saves."""
    if incident.ended_at is not None:
        incident.well_s += max(int((at - max(incident.ended_at, incident.started_at)).total_seconds()), 0)
    incident.recovered_since = incident.settle_at = None


def recovered_at(incident: "Incident") -> datetime | None:
    """Since when all is healthy: by its probes, else since Monitoring began if no probe disagrees."""
    is_seen_well = all(row.seen_status in RECOVERED for row in incident.spoken_of())
    said_at = incident.monitoring_at if incident.phase == Phase.MONITORING else None
    return span.well_by_people(
        recovered_since=incident.recovered_since, monitoring_at=said_at, is_seen_well=is_seen_well
    )


def shown_since(incident: "Incident", now: datetime) -> datetime:
    """The newest change of a status or probe among its components; not before it started."""
    ids = [row.component_id for row in incident.spoken_of()]
    spans = StatusSpan.objects.filter(component__in=ids, ended_at=None)
    flips = Flip.objects.filter(probe__component__in=ids)
    shown = spans.aggregate(newest=models.Max("started_at"))["newest"] or now
    flipped = flips.aggregate(newest=models.Max("at"))["newest"] or shown
    return max(shown, flipped, incident.started_at)


def is_looked_at(incident: "Incident") -> bool:
    """Whether a probe checks any of its components."""
    rows = list(incident.affected.filter(continued_in=None))
    unseen = {row.component_id for row in overlooked(incident, rows)}
    return bool(looked_at(rows) - unseen)


def overlooked(incident: "Incident", rows: "Sequence[Affected]") -> "list[Affected]":
    """Failing rows still checked by other probes, but no longer by those that saw the failure."""
    failing = [row for row in rows if row.is_auto_open and Status(row.status) is not Status.OPERATIONAL]
    if not failing:
        return []
    probes = _probes(failing)
    witnesses = probes.filter(~Q(outcome=Outcome.UP) | Q(flips__noticed_at__gte=incident.started_at))
    witness_ids = set(witnesses.values_list("component_id", flat=True))
    checked_ids = set(probes.values_list("component_id", flat=True))
    return [row for row in failing if row.component_id in checked_ids - witness_ids]


def looked_at(rows: "Iterable[Affected]") -> set[int]:
    """The ids of those components that a probe checks."""
    return set(_probes(rows).values_list("component_id", flat=True))


def _probes(rows: "Iterable[Affected]") -> "QuerySet[Probe]":
    """The probes that check them, without paused ones and those that never passed."""
    probes = Probe.objects.filter(component__in=[row.component_id for row in rows], is_paused=False)
    return probes.exclude(Q(outcome=Outcome.DOWN) & Q(passed_at=None))


def disputed(incident: "Incident") -> "list[Affected]":
    """Rows whose status was set by staff and is not confirmed by a probe: they keep the incident open."""
    rows, is_checked = incident.spoken_of(), is_looked_at(incident)
    return [row for row in rows if _is_disputed(row.component, is_looked_at=is_checked)]


def _is_disputed(component: Component, *, is_looked_at: bool) -> bool:
    """`is_looked_at`: a probe checks any of the incident, so one that staff set to working needs none."""
    probed = component.probed()
    if not component.manual_status:
        return False
    if probed is None:
        return component.is_set_to_trouble or not is_looked_at
    return (probed in RECOVERED) is component.is_set_to_trouble
