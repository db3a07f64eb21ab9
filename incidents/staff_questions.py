"""Questions that staff have to answer now: one list, for the console and for alerts.

A question has a `key` that stays the same for as long as it is the same question, so that no one
is asked twice.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from components.models import Component, Probe
from components.outcomes import Outcome
from components.status import Status
from incidents.models import Incident, recovery

NEVER_PASSED = "never-passed"
UNWATCHED = "unwatched"
SUGGESTED = "suggested"
OVERDUE = "overdue"
DISPUTED = "disputed"


@dataclass(frozen=True, slots=True)
class Question:
    """`probe` or `incident`: what it is about."""

    key: str
    kind: str
    text: str
    since: datetime | None
    probe: Probe | None = None
    incident: Incident | None = None


def questions(now: datetime) -> list[Question]:
    """All of them: probes that never passed, suggestions, overdue promises, incidents that need a person."""
    opened = Incident.objects.live().filter(resolved_at=None).order_by("id")
    asked = [never_passed(probe) for probe in unproven()]
    asked += [_suggested(incident) for incident in opened.filter(published_at=None)]
    public = opened.exclude(published_at=None)
    asked += [_overdue(incident) for incident in public.filter(is_owned=True, next_update_at__lt=now)]
    asked += [unwatched(incident) for incident in unwatched_incidents()]
    return asked + [disputed(incident) for incident in disputed_incidents()]


def unproven() -> list[Probe]:
    """Probes that fail and have never passed a check."""
    return list(never_passing().select_related("component"))


def never_passing() -> QuerySet[Probe]:
    """The same as a query, oldest first."""
    return Probe.objects.filter(is_paused=False, outcome=Outcome.DOWN, passed_at=None).order_by("id")


def has_never_passed(probe: Probe) -> bool:
    """The same of a probe that was read."""
    return not probe.is_paused and probe.outcome == Outcome.DOWN and probe.passed_at is None


def unwatched_incidents() -> list[Incident]:
    """Open automatic incidents that no probe checks any more."""
    opened = Incident.objects.live().filter(resolved_at=None, is_owned=False)
    return list(opened.exclude(unwatched_at=None).order_by("id"))


def disputed_incidents() -> list[Incident]:
    """Open automatic incidents where staff have set another status than the probes see."""
    opened = Incident.objects.live().filter(resolved_at=None, is_owned=False)
    by_hand = opened.filter(affected__component__manual_status__gt="")
    return [incident for incident in by_hand.order_by("id").distinct() if recovery.disputed(incident)]


def never_passed(probe: Probe) -> Question:
    """The question whether the probe's address is right."""
    text = f"{probe.component} has never passed a check: is the address right?"
    return Question(
        f"{NEVER_PASSED}:{probe.public_id}:{probe.target_mark}", NEVER_PASSED, text, probe.since, probe
    )


def _suggested(incident: Incident) -> Question:
    key, text = f"{SUGGESTED}:{incident.public_id}", f"Suggested incident: {incident.title}"
    return Question(key, SUGGESTED, text, incident.created_at, incident=incident)


def _overdue(incident: Incident) -> Question:
    due = incident.next_update_at
    key, text = f"{OVERDUE}:{incident.public_id}:{due}", f"The promised update is overdue: {incident.title}"
    return Question(key, OVERDUE, text, due, incident=incident)


def unwatched(incident: Incident) -> Question:
    """The question about an incident that no probe checks."""
    key = f"{UNWATCHED}:{incident.public_id}:{incident.unwatched_at}"
    text = f"No probe checks this incident anymore: {incident.title}"
    return Question(key, UNWATCHED, text, incident.unwatched_at, incident=incident)


def disputed(incident: Incident) -> Question:
    """The question about statuses that contradict the probes; until then the incident stays open."""
    disputes = "; ".join(_dispute(row.component) for row in recovery.disputed(incident))
    key, text = f"{DISPUTED}:{incident.public_id}", f"{disputes}: {incident.title}"
    return Question(key, DISPUTED, text, None, incident=incident)


def _dispute(component: Component) -> str:
    by_hand = f"{component} is set to {Status(component.manual_status).label}"
    probed = component.probed()
    if probed is None:
        return f"{by_hand} and no probe checks it"
    if probed is Status.UNKNOWN:
        return f"{by_hand}, but its checks return no result"
    return f"{by_hand}, but its checks {'fail' if probed.is_trouble else 'pass'}"
