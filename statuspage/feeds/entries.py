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
    """An incident, maintenance or postmortem. `at` is its place in the feed, `told_at` its newest word."""

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
        """Where it is read."""
        return f"{settings.PUBLIC_URL}{self.path}"


@dataclass(frozen=True, slots=True)
class Channel:
    """A feed, before it is written down in one form or another.

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
    """ "Tern Status - Incident History", "Tern Status: API - …"; "Status" is not said twice."""
    page = identity.current().name
    page = page if page.endswith("Status") else f"{page} Status"
    return f"{page}: {name} - Incident History" if name else f"{page} - Incident History"


def _newest(scope: Scope) -> list[Entry]:
    """Newest first; what is to come stands above, by its time. A long series fills no feed."""
    told = Max("updates__at", filter=Q(updates__kind=Kind.POST))
    by_word = scope.incidents().annotate(told=told).order_by(Coalesce("told", "created_at").desc(), "-pk")
    newest = by_word.values_list("pk", flat=True)[:NEWEST]
    found = [
        *map(_incident, world.public_incidents(Q(pk__in=list(newest)))),
        *map(_maintenance, world.these_maintenances(Q(pk__in=[*_works(scope)]))),
        *map(_postmortem, scope.reports()[:NEWEST]),
    ]
    return sorted(found, key=lambda entry: (entry.at, entry.tag), reverse=True)[:NEWEST]


def _works(scope: Scope) -> Iterator[int]:
    """The next ones to come, and the newest of those that came or will not. The latter are asked for by
    when that was: the far end of a series is announced later than what it has come to today.
    """
    keys = scope.works().values_list("pk", flat=True)
    yield from keys.filter(world.PLANNED).order_by("starts_at", "pk")[:MAX_PLANNED]
    yield from keys.exclude(world.PLANNED).order_by(Coalesce("began_at", "updated_at").desc(), "-pk")[:NEWEST]


def _incident(incident: Incident) -> Entry:
    posts = [update for update in incident_cards.updates(incident) if update.kind == Kind.POST]
    told = [(Phase(update.phase).label, update.at, update.body) for update in posts]
    told_at = max((update.at for update in posts), default=incident.created_at)
    return Entry(
        tag=f"Incident/{incident.pk}",
        at=told_at,
        first_at=incident.published_at or incident.created_at,
        told_at=told_at,
        updated_at=max(incident.updated_at, told_at),
        path=incident.get_absolute_url(),
        title=incident.title,
        body=_body(told, incident.shown_workaround),
        components=tuple(place.component.name for place in incident_cards.affected(incident)),
        impact=incident.shown_impact.value,
    )


def _maintenance(one: Maintenance) -> Entry:
    """Its ids are other than an incident's: both count from 1. A cancelled one is as new as its end."""
    updates = maintenance_cards.updates(one)
    told = [(MaintenanceState(update.state).label, update.at, update.body) for update in updates]
    told_at = max((update.at for update in updates), default=one.created_at)
    is_ahead = one.state == MaintenanceState.SCHEDULED
    return Entry(
        tag=f"Maintenance/{one.pk}",
        at=one.starts_at if is_ahead else told_at,
        first_at=min((update.at for update in updates), default=one.created_at),
        told_at=told_at,
        updated_at=max(one.updated_at, told_at),
        path=one.get_absolute_url(),
        title=one.title,
        body=_window(one) + _body(told),
        components=tuple(component.name for component in maintenance_cards.components(one)),
    )


def _postmortem(found: Postmortem) -> Entry:
    published_at = found.published_at or found.saved_at
    return Entry(
        tag=f"Postmortem/{found.pk}",
        at=published_at,
        first_at=published_at,
        told_at=published_at,
        updated_at=max(found.edited_at or published_at, published_at),
        path=found.get_absolute_url(),
        title=f"Postmortem: {found.title}",
        body=_with_whole_links(postmortems.in_short(found)),
        components=tuple(place.component.name for place in incident_cards.affected(found.incident)),
    )


def _window(one: Maintenance) -> str:
    """The line by which readers and bots tell what is to come, or how long what goes on is to take.

    Its days are not padded. Of what is over, the words tell enough.
    """
    if one.state == MaintenanceState.SCHEDULED:
        what = "THIS IS A SCHEDULED EVENT"
    elif one.state in (MaintenanceState.IN_PROGRESS, MaintenanceState.VERIFYING):
        what = "Planned for"
    else:
        return ""
    start, end = one.starts_at.astimezone(UTC), one.ends_at.astimezone(UTC)
    until = f"<var data-var='time'>{end:%H:%M}</var>"
    if end.date() != start.date():
        until = f"{end:%b} <var data-var='date'>{end.day}</var>, {until}"
    return (
        f"<p><strong>{what} {start:%b} <var data-var='date'>{start.day}</var>, "
        f"<var data-var='time'>{start:%H:%M}</var> - {until} UTC</strong></p>"
    )


def _body(told: list[tuple[str, datetime, str]], workaround: str = "") -> str:
    """All words (label, when, text), newest first. The label is `Update` where it stayed the same.

    What customers can do stands behind the newest.
    """
    parts = []
    for newer, (label, when, words) in enumerate(told):
        before = told[newer + 1][0] if newer + 1 < len(told) else None
        at = when.astimezone(UTC)
        parts.append(
            f"<p><small>{at:%b} <var data-var='date'>{at.day:>2}</var>, "
            f"<var data-var='time'>{at:%H:%M}</var> UTC</small><br>"
            f"<strong>{escape('Update' if label == before else label)}</strong> - {_text(words, when)}"
        )
    if workaround:
        parts.insert(
            1, f"<p><strong>What you can do</strong> - {_text(workaround, told[0][1] if told else None)}"
        )
    return "".join(parts)


def _text(words: str, said_at: datetime | None = None) -> str:
    """The rest of a paragraph that is open already, and what follows. Lines end as Statuspage ends them."""
    html = (
        _with_whole_links(to_html(words, said_at)).replace("<br>\n", "<br>").replace("</p>\n<p>", "<br><br>")
    )
    html = html.replace("<br>", "<br />")
    return html.removeprefix("<p>") if html.startswith("<p>") else f"</p>{html}"


def _with_whole_links(html: str) -> str:
    """A reader shows it elsewhere: there, “/history” leads nowhere."""

    def whole(found: re.Match[str]) -> str:
        return f'href="{escape(urljoin(f"{settings.PUBLIC_URL}/", unescape(found[1])))}"'

    return LINK.sub(whole, html)
