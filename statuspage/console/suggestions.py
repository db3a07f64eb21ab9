"""Suggestions on the console's overview: incidents that staff have not published yet, with reasons."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from components.models import Flip
from components.status import Status
from components.unsteady import ON_AND_OFF
from incidents import automation, times
from incidents.generated_text import names
from incidents.lifecycle import Phase
from incidents.models import Affected, Incident

if TYPE_CHECKING:
    from statuspage.console.agenda import Agenda
    from statuspage.console.failing import Probes


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason for a suggestion, in words; `url` leads to the evidence."""

    status: Status | None
    text: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An incident that is not published yet. `clocks`: how its times read today."""

    public_id: str
    title: str
    phase: str
    created_at: datetime
    recovered_since: datetime | None
    publish_at: datetime | None
    draft: str
    draft_html: SafeString
    reasons: tuple[Reason, ...]
    clocks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Beside:
    """An operational component of a group."""

    pk: int
    name: str
    is_shown: bool


@dataclass(frozen=True, slots=True)
class Earlier:
    """The last resolved public incident of a component."""

    public_id: str
    title: str
    started_at: datetime


def places(incident: Incident) -> list[Affected]:
    """Its rows, which were read with it as `all_affected`."""
    rows: list[Affected] = incident.all_affected  # type: ignore[attr-defined]
    return rows


def suggestions(
    suggested: Sequence[Incident], agenda: "Agenda", probes: "Probes", now: datetime
) -> list[Suggestion]:
    """Each with its reasons and the draft of its first update."""
    rows = {
        incident.pk: [place for place in places(incident) if place.continued_in_id is None]
        for incident in suggested
    }
    working = {
        group_id: [each.name for each in working if each.is_shown]
        for group_id, working in agenda.beside.items()
    }
    drafts = automation.drafts_of(suggested, rows, working, now)
    return [
        _suggestion(incident, drafts[incident.pk], _reasons(incident, agenda, probes), now)
        for incident in suggested
    ]


def _suggestion(incident: Incident, draft: str, reasons: Sequence[Reason], now: datetime) -> Suggestion:
    shown = [at for at in (incident.created_at, incident.recovered_since) if at]
    return Suggestion(
        public_id=incident.public_id,
        title=incident.title,
        phase=Phase(incident.phase).label,
        created_at=incident.created_at,
        recovered_since=incident.recovered_since,
        publish_at=incident.publish_at,
        draft=draft,
        draft_html=mark_safe(times.marked(draft, now)),  # noqa: S308 - escaped there
        reasons=tuple(reasons),
        clocks=tuple(times.clock(at, now, seconds=True) for at in shown),
    )


def _reasons(incident: Incident, agenda: "Agenda", probes: "Probes") -> list[Reason]:
    by_pk = {place.component_id: place.component.name for place in places(incident)}
    reasons = [_of_flip(probes.falls[pk], name) for pk, name in by_pk.items() if pk in probes.falls]
    siblings = agenda.beside.get(incident.group_id or 0, ())
    beside = [other.name for other in siblings if other.pk not in by_pk]
    if beside:
        verb = "answers" if len(beside) == 1 else "answer"
        reasons.append(Reason(Status.OPERATIONAL, f"{names(beside)} in the same group {verb} normally"))
    before = next((agenda.earlier[pk] for pk in by_pk if pk in agenda.earlier), None)
    if before is not None:
        text = f"Same component as on {before.started_at.day} {before.started_at:%b}: {before.title}"
        reasons.append(Reason(None, text, reverse("console_incident", args=[before.public_id])))
    works = agenda.works or "Not explained by planned maintenance in the last 60 minutes"
    return [*reasons, Reason(None, works)]


def _of_flip(flip: Flip, name: str) -> Reason:
    rule = flip.probe.rule
    times = "" if flip.failure == ON_AND_OFF else f"{rule.confirm_down} checks in a row "
    text = f"{name}: {flip.why or flip.failure} {times}from {flip.probe.region}."
    return Reason(flip.probe.status, text, reverse("console_probe", args=[flip.probe.public_id]))
