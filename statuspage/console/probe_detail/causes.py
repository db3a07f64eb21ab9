"""Likely causes of a probe's failure, and the incidents it detected before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max, Q

from components.diagnosis import Cause, diagnose, reasons
from components.models import Check, Flip, Probe
from components.outcomes import Outcome
from components.status import Status
from incidents import probe_facts
from incidents.generated_text import duration
from incidents.models import Incident
from statuspage.console.probe_detail.words import length

HOUR = timedelta(hours=1)
MAX_BEFORE = 10


@dataclass(frozen=True, slots=True)
class Before:
    """An earlier incident that this probe detected."""

    incident: Incident
    status: Status
    length: str
    detected: str


@dataclass(frozen=True, slots=True)
class Found:
    """Likely causes, the reasons for them, and a similar incident."""

    causes: tuple[Cause, ...]
    reasons: tuple[tuple[str, str], ...]
    seen: Incident | None  # the last incident of its component that is over

    @property
    def cause_query(self) -> str:
        """What a link to the composer adds, so that its text begins with the surest cause."""
        return f"&cause={self.causes[0].kind}" if self.causes else ""


def find(probe: Probe, bad: Check, good: Sequence[int], checks: Sequence[Check], *, may_quote: bool) -> Found:
    """The likely causes of its newest failure. `good`: times (ms) before it; `checks`: newest first.

    `may_quote`: whether the reader may read what the target answers.
    """
    facts = probe_facts.of(probe, bad, good=good, checks=checks, may_quote=may_quote)
    return Found(diagnose(facts), reasons(facts), _last_incident(probe))


def _last_incident(probe: Probe) -> Incident | None:
    incidents = Incident.objects.live().filter(affected__component=probe.component_id)
    return incidents.exclude(resolved_at=None).first()


def before(probe: Probe, now: datetime) -> list[Before]:
    """Resolved incidents of its component that began near a flip of this probe for the worse."""
    incidents = list(
        Incident.objects.live()
        .filter(affected__component=probe.component_id)
        .exclude(resolved_at=None)
        .annotate(worst=Max("affected__worst_status", filter=Q(affected__component=probe.component_id)))[
            :MAX_BEFORE
        ]
    )
    if not incidents:
        return []
    first = min(incident.started_at for incident in incidents) - HOUR
    bad = (Outcome.DOWN, Outcome.DEGRADED)
    flips = list(Flip.objects.filter(probe=probe, new__in=bad, at__gte=first).order_by("at")[:1_000])
    rows = []
    for incident in incidents:
        end = incident.resolved_at or now
        hit = next((f for f in flips if incident.started_at - timedelta(minutes=10) <= f.at <= end), None)
        if hit is None:
            continue
        rows.append(
            Before(
                incident,
                Status(incident.worst or Status.UNKNOWN),
                duration(incident.lasted(now).total_seconds()),
                f"{length((hit.noticed_at - hit.at).total_seconds())} to detect",
            )
        )
    return rows
