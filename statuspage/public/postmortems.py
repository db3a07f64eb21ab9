"""A published postmortem as its page shows it, and the list of all with their open actions."""

import math
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.db.models import Prefetch, QuerySet
from django.utils.dateparse import parse_datetime

from incidents.generated_text import duration
from incidents.markdown import to_html
from incidents.models import ActionItem, ActionState, Affected, Postmortem, PostmortemVersion
from incidents.models.postmortem import TEXTS
from statuspage.public import incident_cards, page_model
from statuspage.public.availability_chart import curve
from statuspage.public.values.postmortems import (
    ActionRow,
    EditRow,
    OpenAction,
    PostmortemPage,
    PostmortemsPage,
    Report,
    TimelineRow,
)
from statuspage.public.world import World

WORDS_A_MINUTE = 200
MAX_BEGINNING_LENGTH = 40
HEADINGS = {
    "what_happened": "What happened",
    "root_cause": "Root cause",
    "escalation": "Escalation",
    "resolution": "Resolution",
    "lessons": "What we learned",
}


def published() -> QuerySet[Postmortem]:
    """Those that strangers may read, newest first, with all that belongs to them, in four queries."""
    affected = Affected.objects.select_related("component")
    return (
        Postmortem.objects.public()
        .select_related("incident")
        .prefetch_related(
            "actions", "versions", Prefetch("incident__affected", affected, to_attr="all_affected")
        )
        .order_by("-published_at", "-pk")
    )


def postmortem_page(world: World, found: Postmortem, at: datetime) -> PostmortemPage:
    """One postmortem, whole."""
    return PostmortemPage(
        page_model.head_of(world, page_model.freshness(world, at)), report(found, at, world.zone)
    )


def postmortems_page(world: World, found: Iterable[Postmortem], at: datetime) -> PostmortemsPage:
    """All of them, and what is still to do: late first, then by day."""
    reports = tuple(report(one, at, world.zone) for one in found)
    opened = [
        OpenAction(action, one.title, one.url)
        for one in reports
        for action in one.actions
        if action.state != ActionState.DONE
    ]
    opened.sort(key=lambda one: (one.action.state != "late", one.action.due or date.max))
    head = page_model.head_of(world, page_model.freshness(world, at), section="history")
    return PostmortemsPage(head, reports, tuple(opened))


def report(found: Postmortem, at: datetime, zone: ZoneInfo) -> Report:
    """A postmortem, judged at this moment: an action may have become late."""
    incident, published_at = found.incident, found.published_at or at
    beginning, detection = beginning_of(found.detection)
    actions = tuple(
        _action(number, action, at.astimezone(zone).date())
        for number, action in enumerate(found.actions.all(), start=1)
    )
    states = [action.state for action in found.actions.all()]
    places = incident_cards.affected(incident)
    return Report(
        public_id=incident.public_id,
        url=found.get_absolute_url(),
        incident_url=incident.get_absolute_url(),
        title=found.title,
        authors=found.authors,
        published_at=published_at,
        updated_at=found.edited_at or published_at,
        read_min=_read_min(found),
        started_at=found.started_at.astimezone(UTC),
        ended_at=found.ended_at.astimezone(UTC),
        duration=duration(found.lasted.total_seconds()),
        impact=to_html(found.impact, found.started_at),
        users=share(found.users_percent),
        users_how=found.users_how,
        detected_by=beginning,
        detection=to_html(detection, found.started_at),
        detected_after=after(found.started_at, found.detected_at),
        told_after=after(found.started_at, found.told_at),
        components=tuple(place.component.name for place in places),
        sections=tuple(_sections(found)),
        timeline=_timeline(found),
        misled=tuple(
            (to_html(seen, found.started_at), to_html(true, found.started_at)) for seen, true in found.misled
        ),
        actions=actions,
        done=states.count(ActionState.DONE),
        doing=states.count(ActionState.DOING),
        edits=tuple(_edit(version) for version in found.versions.all()),
        curve=curve(found, incident.past_state(places).status),
    )


def share(percent: Decimal | None) -> str:
    """ "75 %", "12.5 %"; empty when not measured."""
    return "" if percent is None else f"{float(percent):g} %"


def after(start: datetime, at: datetime | None) -> str:
    """How long after the start; "at once" within the second, empty when unknown."""
    if at is None:
        return ""
    return duration((at - start).total_seconds()) if at - start >= timedelta(seconds=1) else "at once"


def beginning_of(text: str) -> tuple[str, str]:
    """ "Monitoring: an external check …" as its short beginning and the rest."""
    beginning, colon, rest = text.partition(":")
    is_short = colon and len(beginning) <= MAX_BEGINNING_LENGTH and rest[:1] in (" ", "\n", "\r")
    return (beginning.strip(), rest.strip()) if is_short else ("", text)


def timeline_of(found: Postmortem) -> list[tuple[datetime, str, str]]:
    """Its moments, oldest first; those of one second as they were written."""
    told = [
        (cast(datetime, parse_datetime(at)).astimezone(UTC), tag, text) for at, tag, text in found.timeline
    ]
    return sorted(told, key=lambda row: row[0])


def _read_min(found: Postmortem) -> int:
    cells = [cell for row in (*found.timeline, *found.misled) for cell in row]
    words = sum(len(text.split()) for text in (*(getattr(found, name) for name in TEXTS), *cells))
    return max(1, math.ceil(words / WORDS_A_MINUTE))


def _sections(found: Postmortem) -> Iterable[tuple[str, str, str]]:
    yield "summary", "Summary", to_html(found.summary, found.started_at)
    for name, heading in HEADINGS.items():
        if html := to_html(getattr(found, name), found.started_at):
            yield name, heading, html


def _timeline(found: Postmortem) -> tuple[TimelineRow, ...]:
    """Oldest first. A day is printed where it changes, and at the top if there are several."""
    told = timeline_of(found)
    days = {at.date() for at, _, _ in told}
    before = found.started_at.astimezone(UTC).date() if len(days) == 1 else None
    rows = []
    for at, tag, text in told:
        day = at.date() if at.date() != before else None
        rows.append(TimelineRow(at, tag, to_html(text, at), day))
        before = at.date()
    return tuple(rows)


def _action(number: int, action: ActionItem, today: date) -> ActionRow:
    label = ActionState(action.state).label
    is_late = action.is_late(today)
    return ActionRow(
        number=number,
        text=action.text,
        kind=action.get_kind_display(),
        team=action.team,
        due=action.due,
        state="late" if is_late else action.state,
        label=f"Late, {label.lower()}" if is_late else label,
        link=action.link if action.link.startswith(("http://", "https://")) else "",
        done_at=action.done_at,
    )


def _edit(version: PostmortemVersion) -> EditRow:
    before = tuple(
        (Postmortem.label_of(name).capitalize(), to_html(_words(value), version.at))
        for name, value in version.before.items()
    )
    return EditRow(version.at, version.what, before)


def _words(value: Any) -> str:
    """What stood there, as Markdown."""
    if isinstance(value, list):
        return "\n".join("- " + " – ".join(cell for cell in row if cell) for row in value) or "(empty)"
    return str(value) if value not in (None, "") else "(empty)"


def in_short(found: Postmortem) -> str:
    """Summary and root cause as HTML, for feeds."""
    at = found.started_at
    return f"{to_html(found.summary, at)}<h3>Root cause</h3>{to_html(found.root_cause, at)}"
