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
    """Published postmortems, newest first, with everything that belongs to them, in four queries."""
    affected = Affected.objects.select_related("component")
    return (
        Postmortem.objects.public()
        .select_related("incident")
        .prefetch_related(
            "actions", "versions", Prefetch("incident__affected", affected, to_attr="all_affected")
        )
        .order_by("-published_at", "-pk")
    )


def postmortem_page(world: World, postmortem: Postmortem, at: datetime) -> PostmortemPage:
    """One postmortem, whole."""
    return PostmortemPage(
        page_model.head_of(world, page_model.freshness(world, at)), report(postmortem, at, world.zone)
    )


def postmortems_page(world: World, postmortems: Iterable[Postmortem], at: datetime) -> PostmortemsPage:
    """All postmortems, and their open actions: late ones first, then by due day."""
    reports = tuple(report(postmortem, at, world.zone) for postmortem in postmortems)
    opened = [
        OpenAction(action, shown.title, shown.url)
        for shown in reports
        for action in shown.actions
        if action.state != ActionState.DONE
    ]
    opened.sort(key=lambda row: (row.action.state != "late", row.action.due or date.max))
    head = page_model.head_of(world, page_model.freshness(world, at), section="history")
    return PostmortemsPage(head, reports, tuple(opened))


def report(postmortem: Postmortem, at: datetime, zone: ZoneInfo) -> Report:
    """A postmortem, judged at this moment: an action may have become late."""
    incident, published_at = postmortem.incident, postmortem.published_at or at
    beginning, detection = beginning_of(postmortem.detection)
    actions = tuple(
        _action(number, action, at.astimezone(zone).date())
        for number, action in enumerate(postmortem.actions.all(), start=1)
    )
    states = [action.state for action in postmortem.actions.all()]
    places = incident_cards.affected(incident)
    return Report(
        public_id=incident.public_id,
        url=postmortem.get_absolute_url(),
        incident_url=incident.get_absolute_url(),
        title=postmortem.title,
        authors=postmortem.authors,
        published_at=published_at,
        updated_at=postmortem.edited_at or published_at,
        read_min=_read_min(postmortem),
        started_at=postmortem.started_at.astimezone(UTC),
        ended_at=postmortem.ended_at.astimezone(UTC),
        duration=duration(postmortem.lasted.total_seconds()),
        impact=to_html(postmortem.impact, postmortem.started_at),
        users=share(postmortem.users_percent),
        users_how=postmortem.users_how,
        detected_by=beginning,
        detection=to_html(detection, postmortem.started_at),
        detected_after=after(postmortem.started_at, postmortem.detected_at),
        told_after=after(postmortem.started_at, postmortem.told_at),
        components=tuple(place.component.name for place in places),
        sections=tuple(_sections(postmortem)),
        timeline=_timeline(postmortem),
        misled=tuple(
            (to_html(saw, postmortem.started_at), to_html(true, postmortem.started_at))
            for saw, true in postmortem.misled
        ),
        actions=actions,
        done=states.count(ActionState.DONE),
        doing=states.count(ActionState.DOING),
        edits=tuple(_edit(version) for version in postmortem.versions.all()),
        curve=curve(postmortem, incident.past_state(places).status),
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


def timeline_of(postmortem: Postmortem) -> list[tuple[datetime, str, str]]:
    """Its moments, oldest first; those of the same second in their written order."""
    moments = [
        (cast(datetime, parse_datetime(at)).astimezone(UTC), tag, text)
        for at, tag, text in postmortem.timeline
    ]
    return sorted(moments, key=lambda row: row[0])


def _read_min(postmortem: Postmortem) -> int:
    cells = [cell for row in (*postmortem.timeline, *postmortem.misled) for cell in row]
    words = sum(len(text.split()) for text in (*(getattr(postmortem, name) for name in TEXTS), *cells))
    return max(1, math.ceil(words / WORDS_A_MINUTE))


def _sections(postmortem: Postmortem) -> Iterable[tuple[str, str, str]]:
    yield "summary", "Summary", to_html(postmortem.summary, postmortem.started_at)
    for name, heading in HEADINGS.items():
        if html := to_html(getattr(postmortem, name), postmortem.started_at):
            yield name, heading, html


def _timeline(postmortem: Postmortem) -> tuple[TimelineRow, ...]:
    """Oldest first. A day is printed where it changes, and at the top if there are several."""
    moments = timeline_of(postmortem)
    days = {at.date() for at, _, _ in moments}
    before = postmortem.started_at.astimezone(UTC).date() if len(days) == 1 else None
    rows = []
    for at, tag, text in moments:
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
    """The earlier value, as Markdown."""
    if isinstance(value, list):
        return "\n".join("- " + " – ".join(cell for cell in row if cell) for row in value) or "(empty)"
    return str(value) if value not in (None, "") else "(empty)"


def in_short(postmortem: Postmortem) -> str:
    """Summary and root cause as HTML, for feeds."""
    at = postmortem.started_at
    return f"{to_html(postmortem.summary, at)}<h3>Root cause</h3>{to_html(postmortem.root_cause, at)}"
