"""Feed entries: the 25 newest incidents, maintenances and postmortems, each updated in place.

Ids never change when an incident is edited, so readers show nothing twice. The
bodies have the shape of Statuspage's feeds, which readers and bots parse.
`formats` writes them as Atom, RSS and JSON Feed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape, unescape
from urllib.parse import urljoin

from django.conf import settings
from django.db.models import Max, Q
from django.db.models.functions import Coalesce

from components import identity
from components.models import Page
from incidents.lifecycle import Kind, Phase
from incidents.markdown import to_html
from incidents.models import Incident, Maintenance, MaintenanceState, Postmortem
from statuspage.feeds.scopes import Scope
from statuspage.public import incident_cards, maintenance_cards, postmortems, world

NEWEST = 25
MAX_PLANNED = 5
LINK = re.compile(r'href="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Entry:
    """An incident, maintenance or postmortem. `at` is its place in the feed, `told_at` its newest update."""

    tag: str
    at: datetime
    first_at: datetime
    told_at: datetime
    updated_at: datetime
    path: str
    title: str
    body: str
    components: tuple[str, ...]
    impact: str = ""

    @property
    def address(self) -> str:
        """Its absolute address."""
        return f"{settings.PUBLIC_URL}{self.path}"


@dataclass(frozen=True, slots=True)
class Channel:
    """A feed, before it is written in one of the formats.

    `path` begins its addresses, `names_from` the ids in it.
    """

    path: str
    names_from: str
    home: str
    title: str
    updated_at: datetime
    entries: tuple[Entry, ...]


def channel(scope: Scope) -> Channel:
    """The feed of a page, a group or a component, in a fixed number of queries."""
    page = Page.objects.this()  # read first: a change while we gather makes us stale, never wrong
    identity.learn(page)
    entries = tuple(_newest(scope))
    return Channel(
        path=scope.path,
        names_from=page.names_from,
        home=f"{settings.PUBLIC_URL}{scope.home}",
        title=title(scope.name),
        updated_at=max([page.updated_at, *(entry.updated_at for entry in entries)]),
        entries=entries,
    )


def title(name: str = "") -> str:
    """ "Tern Status - Incident History", "Tern Status: API - …"; "Status" is not repeated."""
    page = identity.current().name
    page = page if page.endswith("Status") else f"{page} Status"
    return f"{page}: {name} - Incident History" if name else f"{page} - Incident History"


def _newest(scope: Scope) -> list[Entry]:
    """Newest first, planned maintenance above by its time; limited, so that a series does not fill it."""
    newest_update = Max("updates__at", filter=Q(updates__kind=Kind.POST))
    by_update = (
        scope.incidents().annotate(told=newest_update).order_by(Coalesce("told", "created_at").desc(), "-pk")
    )
    newest = by_update.values_list("pk", flat=True)[:NEWEST]
    entries = [
        *map(_incident, world.public_incidents(Q(pk__in=list(newest)))),
        *map(_maintenance, world.these_maintenances(Q(pk__in=[*_works(scope)]))),
        *map(_postmortem, scope.reports()[:NEWEST]),
    ]
    return sorted(entries, key=lambda entry: (entry.at, entry.tag), reverse=True)[:NEWEST]


def _works(scope: Scope) -> Iterator[int]:
    """Ids of the next planned maintenances, and of the newest that began or were cancelled. The latter are
    ordered by when that was, as the far end of a series is announced later than what happens today.
    """
    keys = scope.works().values_list("pk", flat=True)
    yield from keys.filter(world.PLANNED).order_by("starts_at", "pk")[:MAX_PLANNED]
    yield from keys.exclude(world.PLANNED).order_by(Coalesce("began_at", "updated_at").desc(), "-pk")[:NEWEST]


def _incident(incident: Incident) -> Entry:
    posts = [update for update in incident_cards.updates(incident) if update.kind == Kind.POST]
    lines = [(Phase(update.phase).label, update.at, update.body) for update in posts]
    told_at = max((update.at for update in posts), default=incident.created_at)
    return Entry(
        tag=f"Incident/{incident.pk}",
        at=told_at,
        first_at=incident.published_at or incident.created_at,
        told_at=told_at,
        updated_at=max(incident.updated_at, told_at),
        path=incident.get_absolute_url(),
        title=incident.title,
        body=_body(lines, incident.shown_workaround),
        components=tuple(place.component.name for place in incident_cards.affected(incident)),
        impact=incident.shown_impact.value,
    )


def _maintenance(maintenance: Maintenance) -> Entry:
    """Its tag differs from an incident's, as both ids count from 1. A cancelled one is dated to its end."""
    updates = maintenance_cards.updates(maintenance)
    lines = [(MaintenanceState(update.state).label, update.at, update.body) for update in updates]
    told_at = max((update.at for update in updates), default=maintenance.created_at)
    is_ahead = maintenance.state == MaintenanceState.SCHEDULED
    return Entry(
        tag=f"Maintenance/{maintenance.pk}",
        at=maintenance.starts_at if is_ahead else told_at,
        first_at=min((update.at for update in updates), default=maintenance.created_at),
        told_at=told_at,
        updated_at=max(maintenance.updated_at, told_at),
        path=maintenance.get_absolute_url(),
        title=maintenance.title,
        body=_window(maintenance) + _body(lines),
        components=tuple(component.name for component in maintenance_cards.components(maintenance)),
    )


def _postmortem(postmortem: Postmortem) -> Entry:
    published_at = postmortem.published_at or postmortem.saved_at
    return Entry(
        tag=f"Postmortem/{postmortem.pk}",
        at=published_at,
        first_at=published_at,
        told_at=published_at,
        updated_at=max(postmortem.edited_at or published_at, published_at),
        path=postmortem.get_absolute_url(),
        title=f"Postmortem: {postmortem.title}",
        body=_with_whole_links(postmortems.in_short(postmortem)),
        components=tuple(place.component.name for place in incident_cards.affected(postmortem.incident)),
    )


def _window(maintenance: Maintenance) -> str:
    """The line with the planned time, by which readers and bots recognise maintenance. Empty once it is over.

    Days are not padded with a zero.
    """
    if maintenance.state == MaintenanceState.SCHEDULED:
        what = "THIS IS A SCHEDULED EVENT"
    elif maintenance.state in (MaintenanceState.IN_PROGRESS, MaintenanceState.VERIFYING):
        what = "Planned for"
    else:
        return ""
    start, end = maintenance.starts_at.astimezone(UTC), maintenance.ends_at.astimezone(UTC)
    until = f"<var data-var='time'>{end:%H:%M}</var>"
    if end.date() != start.date():
        until = f"{end:%b} <var data-var='date'>{end.day}</var>, {until}"
    return (
        f"<p><strong>{what} {start:%b} <var data-var='date'>{start.day}</var>, "
        f"<var data-var='time'>{start:%H:%M}</var> - {until} UTC</strong></p>"
    )


def _body(lines: list[tuple[str, datetime, str]], workaround: str = "") -> str:
    """All updates (label, when, text), newest first. The label is `Update` where it stayed the same.

    The workaround follows the newest update.
    """
    parts = []
    for newer, (label, when, words) in enumerate(lines):
        before = lines[newer + 1][0] if newer + 1 < len(lines) else None
        at = when.astimezone(UTC)
        parts.append(
            f"<p><small>{at:%b} <var data-var='date'>{at.day:>2}</var>, "
            f"<var data-var='time'>{at:%H:%M}</var> UTC</small><br>"
            f"<strong>{escape('Update' if label == before else label)}</strong> - {_text(words, when)}"
        )
    if workaround:
        parts.insert(
            1, f"<p><strong>What you can do</strong> - {_text(workaround, lines[0][1] if lines else None)}"
        )
    return "".join(parts)


def _text(words: str, said_at: datetime | None = None) -> str:
    """HTML that continues an open paragraph, with line breaks as Statuspage writes them."""
    html = (
        _with_whole_links(to_html(words, said_at)).replace("<br>\n", "<br>").replace("</p>\n<p>", "<br><br>")
    )
    html = html.replace("<br>", "<br />")
    return html.removeprefix("<p>") if html.startswith("<p>") else f"</p>{html}"


def _with_whole_links(html: str) -> str:
    """Make links absolute, since feed readers show the text elsewhere."""

    def whole(match: re.Match[str]) -> str:
        return f'href="{escape(urljoin(f"{settings.PUBLIC_URL}/", unescape(match[1])))}"'

    return LINK.sub(whole, html)
