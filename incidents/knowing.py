"""Everything the system knows of an incident, as the first draft of its postmortem."""

from datetime import UTC, datetime
from typing import Any

from components.models import Flip
from components.outcomes import Outcome
from components.status import Status
from incidents.lifecycle import Kind, Phase
from incidents.markdown import to_text
from incidents.models.incident import Incident
from incidents.words import clock, duration, names

MOST_LINES = 60


def draft(incident: Incident) -> dict[str, Any]:
    """The fields of a postmortem, filled in as far as the records go."""
    ended_at = incident.resolved_at or incident.updated_at
    flips = _flips(incident, ended_at)
    first = next((flip for flip in flips if flip.new in (Outcome.DOWN, Outcome.DEGRADED)), None)
    told_at = first_word_at(incident)
    detected_at = first.noticed_at if first else told_at
    return {
        "title": incident.title,
        "started_at": incident.started_at,
        "ended_at": ended_at,
        "detected_at": detected_at,
        "told_at": told_at,
        "impact": _impact(incident),
        "detection": _detection(incident, first),
        "summary": _summary(incident, ended_at),
        "timeline": timeline(incident, flips, ended_at),
    }


def first_word_at(incident: Incident) -> datetime | None:
    """When the public first read of it; None if it never did."""
    first = incident.updates.filter(kind=Kind.POST).order_by("at").first()
    return max(first.at, incident.published_at) if first and incident.published_at else None


def _flips(incident: Incident, ended_at: datetime) -> list[Flip]:
    """The changes of mind of its probes while it lasted, oldest first."""
    components = incident.affected.values("component")
    found = Flip.objects.filter(
        probe__component__in=components, at__gte=incident.started_at, at__lte=ended_at
    )
    return list(found.select_related("probe__component").order_by("at", "id")[:MOST_LINES])


def _impact(incident: Incident) -> str:
    """Components by their worst state."""
    rows = incident.affected.select_related("component").order_by("component__position", "id")
    lines = [
        f"- {row.component.name}: {Status(row.worst_status).label.lower()}"
        for row in rows
        if row.component.is_shown
    ]
    return "\n".join(lines)


def _detection(incident: Incident, first: Flip | None) -> str:
    if first is None:
        return "Noticed by people; no probe saw it."
    length = duration((first.noticed_at - first.at).total_seconds())
    return (
        f"Monitoring: the probe of {first.probe.component.name} from {first.probe.region} saw it first, at "
        f"{first.at.astimezone(UTC):%H:%M:%S} UTC, and was sure {length} after its first failure."
    )


def _summary(incident: Incident, ended_at: datetime) -> str:
    length = duration((ended_at - incident.started_at).total_seconds())
    since, until = (clock(at.astimezone(UTC)) for at in (incident.started_at, ended_at))
    what = names(incident.names()) or incident.title
    return f"{what} did not work as usual from {since} to {until} ({length})."


def timeline(incident: Incident, flips: list[Flip], ended_at: datetime) -> list[list[str]]:
    """[at, tag, text] of flips, updates and notes, oldest first."""
    rows: list[tuple[datetime, str, str]] = []
    for place, flip in enumerate(flips):
        name, is_bad = flip.probe.component.name, flip.new in (Outcome.DOWN, Outcome.DEGRADED)
        if is_bad and not any(tag == "Start" for _, tag, _ in rows):
            rows.append((flip.at, "Start", f"{name}: first failed check. {flip.why}".strip()))
            rows.append((flip.noticed_at, "Detected", f"{name}: confirmed by {flip.probe.region}."))
        elif place or not is_bad:
            rows.append((flip.at, "", f"{name}: {flip.old} → {flip.new}."))
    for update in incident.updates.exclude(kind__in=(Kind.FACT, Kind.RETRACTED, Kind.PROPOSAL)):
        if update.kind == Kind.NOTE and update.is_by_machine:
            continue
        tag = {Phase.IDENTIFIED: "Cause found", Phase.RESOLVED: "End"}.get(Phase(update.phase), "")
        is_post = update.kind == Kind.POST
        rows.append((update.at, tag if is_post else "Note", to_text(update.body)[:300]))
    told = sorted(rows, key=lambda row: row[0])[:MOST_LINES]
    return [[at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), tag, text] for at, tag, text in told]
