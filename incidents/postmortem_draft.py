"""The first draft of a postmortem, from everything recorded about the incident.

Only what may be public: hidden components, addresses and the texts of raw checks
are left out.
"""

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from components.models import Flip, Page, StatusSpan
from components.outcomes import Outcome
from components.status import Status
from components.unsteady import ON_AND_OFF
from incidents.generated_text import duration, names, title
from incidents.lifecycle import Kind, Phase
from incidents.markdown import to_text
from incidents.models import Incident, Postmortem
from incidents.times import clock

MAX_LINES = 60
MAX_LINE_LENGTH = 300
BAD = (Outcome.DOWN, Outcome.DEGRADED)
TAGS = {Phase.IDENTIFIED: "Cause found", Phase.RESOLVED: "End"}


def create(incident: Incident, *, author: Any, now: datetime) -> Postmortem:
    """The incident's postmortem; a new draft if there is none yet.

    Raises ValidationError while the incident is open.
    """
    if incident.resolved_at is None:
        raise ValidationError("A postmortem is written once the incident is over: resolve it first.")
    with transaction.atomic():
        Page.objects.lock()
        postmortem = Postmortem.objects.filter(incident=incident).first()
        if postmortem is None:
            postmortem = Postmortem(incident=incident, author=author, saved_at=now, **draft(incident))
            postmortem.draw()
            postmortem.save()
    return postmortem


def draft(incident: Incident) -> dict[str, Any]:
    """The fields of a postmortem, filled in as far as the records go."""
    ended_at = incident.ended_at or incident.updated_at
    flips = _flips(incident, ended_at)
    first = next((flip for flip in flips if flip.new in BAD), None)
    told_at = first_word_at(incident)
    impact = _impact(incident, ended_at)
    return {
        "title": incident.title,
        "started_at": incident.started_at,
        "ended_at": ended_at,
        "detected_at": first.noticed_at if first else told_at,
        "told_at": told_at,
        "impact": "\n".join(f"- {line}" for line in impact.values()),
        "detection": _detection(first),
        "summary": _summary(incident, list(impact), ended_at),
        "timeline": timeline(incident, flips),
    }


def first_word_at(incident: Incident) -> datetime | None:
    """When the public first read of it; None if it never did."""
    first = incident.updates.filter(kind=Kind.POST).order_by("at").first()
    return max(first.at, incident.published_at) if first and incident.published_at else None


def _flips(incident: Incident, ended_at: datetime) -> list[Flip]:
    """The flips of its shown components' probes while it lasted, oldest first."""
    flips = Flip.objects.filter(
        probe__component__in=incident.affected.values("component"),
        probe__component__is_shown=True,
        at__gte=incident.started_at,
        at__lte=ended_at,
    )
    return list(flips.select_related("probe__component").order_by("at", "id")[:MAX_LINES])


def _impact(incident: Incident, ended_at: datetime) -> dict[str, str]:
    """By component: "Chat: major outage for 1 h 51 min", without the length if its log has none."""
    rows = incident.affected.filter(component__is_shown=True).select_related("component")
    spans: dict[int, list[StatusSpan]] = defaultdict(list)
    touching = StatusSpan.objects.filter(
        component__in=[row.component_id for row in rows], started_at__lt=ended_at
    )
    for span in touching.exclude(ended_at__lte=incident.started_at):
        spans[span.component_id].append(span)
    lines = {}
    for row in rows:
        status = Status(row.worst_status)
        length = _seconds(spans[row.component_id], status, incident.started_at, ended_at)
        line = f"{row.component.name}: {status.label.lower()}"
        lines[row.component.name] = f"{line} for {duration(length)}" if length else line
    return lines


def _seconds(spans: list[StatusSpan], status: Status, start: datetime, end: datetime) -> float:
    """How long it was in this state between two moments."""
    return sum(
        (min(span.ended_at or end, end) - max(span.started_at, start)).total_seconds()
        for span in spans
        if span.status == status
    )


def _detection(first: Flip | None) -> str:
    if first is None:
        return "Our team: noticed by people; no probe detected it."
    length = duration((first.noticed_at - first.at).total_seconds())
    return (
        f"Monitoring: the probe of {first.probe.component.name} from {first.probe.region} detected it first, "
        f"at {clock(first.at, first.at, seconds=True)}, and confirmed it {length} after its first failure."
    )


def _summary(incident: Incident, of: list[str], ended_at: datetime) -> str:
    length = duration((ended_at - incident.counts_from).total_seconds())
    since, until = (clock(at, incident.started_at) for at in (incident.started_at, ended_at))
    what = names(of) or incident.title
    return f"{what} was not working normally from {since} to {until} ({length})."


def timeline(incident: Incident, flips: list[Flip]) -> list[list[str]]:
    """[at, tag, text] of flips, updates and staff's notes, oldest first; times in ISO 8601, UTC."""
    rows = sorted((*_flip_rows(flips), *_update_rows(incident)), key=lambda row: row[0])[:MAX_LINES]
    return [[at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), tag, text] for at, tag, text in rows]


Row = tuple[datetime, str, str]


def _flip_rows(flips: list[Flip]) -> list[Row]:
    """A row per flip. The first failure has two: when it failed, and when that was confirmed."""
    rows: list[Row] = []
    for flip in flips:
        region = flip.probe.region
        if flip.new in BAD and not rows:
            rows.append((flip.at, "Start", f"{_symptom(flip)}: first failed check, from {region}."))
            rows.append((flip.noticed_at, "Detected", f"Confirmed by the probe from {region}."))
        else:
            rows.append((flip.at, "", f"{_symptom(flip)}, as seen from {region}."))
    return rows


def _symptom(flip: Flip) -> str:
    """What customers notice of a flip."""
    name = flip.probe.component.name
    if flip.new == Outcome.UP:
        return f"{name} works"
    if flip.failure == ON_AND_OFF:
        return title([name], flip.failure)
    if flip.new == Outcome.DEGRADED:
        return f"{name} is slow or about to fail"
    return title([name], flip.failure) if flip.new == Outcome.DOWN else f"{name} has no data"


def _update_rows(incident: Incident) -> list[Row]:
    """A row per post and per note by a person."""
    rows: list[Row] = []
    posts = incident.updates.filter(kind=Kind.POST)
    notes = incident.updates.filter(kind=Kind.NOTE, is_by_machine=False)
    for update in (posts | notes).order_by("at", "number"):
        tag = TAGS.get(Phase(update.phase), "") if update.kind == Kind.POST else "Note"
        if tag == TAGS[Phase.RESOLVED]:  # after a relapse the last one was the end
            rows = [(at, "" if old_tag == tag else old_tag, text) for at, old_tag, text in rows]
        is_used = tag in TAGS.values() and any(row[1] == tag for row in rows)
        rows.append(
            (update.at, "" if is_used else tag, to_text(update.body)[:MAX_LINE_LENGTH] or "(no text)")
        )
    return rows
