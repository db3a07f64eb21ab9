"""An incident as pages show it: its card, its updates, and which components work."""

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, cast

from django.urls import reverse

from components.status import State, Status
from incidents.generated_text import duration
from incidents.lifecycle import Kind, Phase
from incidents.markdown import to_html, to_text
from incidents.models import Affected, Incident, Update
from incidents.span import lasted
from statuspage.public.values.components import ComponentRow
from statuspage.public.values.incidents import Change, IncidentCard, UpdateRow

if TYPE_CHECKING:
    from statuspage.public.world import World

SUMMARY_CHARACTERS = 280
UNWATCHED = "No longer checked automatically"  # no probe checks what it affects any more


def affected(incident: Incident) -> list[Affected]:
    """Its public components, as gathered."""
    rows = cast("list[Affected]", incident.all_affected)  # type: ignore[attr-defined]
    return [row for row in rows if row.component.is_shown]


def changes(update: Update, incident: Incident) -> list[list[str]]:
    """[public id, name, old, new] of the public components of an update."""
    rows = cast("list[Affected]", incident.all_affected)  # type: ignore[attr-defined]
    hidden = {row.component.public_id for row in rows if not row.component.is_shown}
    return [row for row in update.changes if row[0] not in hidden]


def updates(incident: Incident) -> list[Update]:
    """Its public updates, newest first, as gathered."""
    return cast("list[Update]", incident.public_updates)  # type: ignore[attr-defined]


def postmortem_path(incident: Incident) -> str:
    """The address of its postmortem, as gathered; empty until one is published."""
    if not incident.has_postmortem:  # type: ignore[attr-defined]
        return ""
    return reverse("postmortem", args=[incident.public_id])


def incident(incident: Incident, world: "World", at: datetime) -> IncidentCard:
    """The card of an incident, judged at this moment."""
    phase, places, shown_updates = Phase(incident.phase), affected(incident), updates(incident)
    past, state = incident.past_state(places), state_of(incident)
    end = incident.ended_at or (incident.monitoring_at if state.is_watching else None)
    posts = [update for update in shown_updates if update.kind == Kind.POST]
    first = min((update.at for update in posts), default=None)
    return IncidentCard(
        public_id=incident.public_id,
        url=reverse("incident", args=[incident.public_id]),
        title=incident.title,
        phase=phase,
        phase_label=phase.label,
        state=state,
        worst=past.status,
        now=UNWATCHED if incident.unwatched_at and not incident.is_owned else phase.now,
        started_at=incident.started_at,
        resolved_at=incident.resolved_at,
        ended_at=end,
        counts_from=incident.counts_from,
        duration=duration(lasted(incident.counts_from, end, at).total_seconds()),
        next_update_at=incident.next_update_at if incident.resolved_at is None else None,
        is_overdue=bool(incident.next_update_at and incident.next_update_at < at),
        updates=tuple(update_row(update, changes(update, incident)) for update in shown_updates),
        components=tuple(place.component.name for place in places),
        component_ids=tuple(place.component.public_id for place in places),
        noticed_by="Monitoring" if incident.is_by_machine else "Our team",
        noticed_after=(
            duration((first - incident.started_at).total_seconds())
            if first and first > incident.started_at
            else ""
        ),
        summary=to_text(posts[0].body)[:SUMMARY_CHARACTERS] if posts else "",
        said_at=posts[0].at if posts else None,
        postmortem_url=postmortem_path(incident),
        workaround_html=to_html(advice, incident.updated_at) if (advice := incident.shown_workaround) else "",
    )


def state_of(incident: Incident) -> State:
    """The state that every page and message shows: the current one, or the worst once it is over."""
    places = affected(incident)
    return incident.past_state(places) if incident.resolved_at else incident.state(places)


def update_row(update: Update, changed: list[list[str]]) -> UpdateRow:
    """One update as shown."""
    return UpdateRow(
        anchor=f"u-{update.number}",
        phase=update.phase,
        phase_label=Phase(update.phase).label,
        at=update.at,
        html=to_html(update.body, update.at),
        is_fact=update.kind == Kind.FACT,
        by_machine=update.is_by_machine,
        edited_at=update.edited_at,
        first_html=to_html(update.first_body, update.at) if update.first_body else "",
        changes=tuple(Change(name, Status(old), Status(new)) for _, name, old, new in changed),
    )


def with_columns(card: IncidentCard, near: list[ComponentRow]) -> IncidentCard:
    """The card with three lists: its components that are down, those that partly work, and others that work.

    Other components that fail have an incident card of their own.
    """
    partly = (Status.PARTIAL_OUTAGE, Status.DEGRADED_PERFORMANCE)
    own = [row for row in near if row.public_id in card.component_ids]
    return replace(
        card,
        not_working=tuple(row.name for row in own if row.status is Status.MAJOR_OUTAGE),
        partly=tuple(row.name for row in own if row.status in partly),
        working=tuple(row.name for row in near if row.status is Status.OPERATIONAL),
    )
