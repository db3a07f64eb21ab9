"""Atom and RSS of the 25 newest incidents, maintenances and postmortems: one entry each, rewritten in place.

Ids never change when an incident is edited, so readers tell nobody twice. The
bodies have the shape of Statuspage's feeds, which readers and bots parse.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape
from io import StringIO
from urllib.parse import urlsplit
from xml.sax.saxutils import XMLGenerator
from xml.sax.xmlreader import AttributesImpl

from django.conf import settings

from incidents.lifecycle import Kind, Phase
from incidents.markdown import to_html
from incidents.models import Incident, Maintenance, MaintenanceState, Postmortem
from statuspage import cards, postmortems, works
from statuspage.gather import World

NEWEST = 25
MOST_PLANNED = 5
ATOM = "http://www.w3.org/2005/Atom"


def title() -> str:
    """ "Tern Status - Incident History"; "Status" is not said twice."""
    name = settings.PAGE_NAME
    return f"{name if name.endswith('Status') else f'{name} Status'} - Incident History"


def atom(world: World, reports: Sequence[Postmortem] = ()) -> bytes:
    """The Atom feed (RFC 4287)."""
    host, url = urlsplit(settings.PUBLIC_URL).hostname or "localhost", settings.PUBLIC_URL
    out, xml = _document()
    _open(xml, "feed", {"xml:lang": "en-US", "xmlns": ATOM})
    _text(xml, "id", f"tag:{host},2005:/history")
    xml_link(xml, "alternate", "text/html", url)
    xml_link(xml, "self", "application/atom+xml", f"{url}/history.atom")
    _text(xml, "title", title())
    _text(xml, "updated", _second(world.updated_at))
    _open(xml, "author")
    _text(xml, "name", settings.PAGE_NAME)
    xml.endElement("author")
    for entry in _newest(world, reports):
        _open(xml, "entry")
        _text(xml, "id", f"tag:{host},2005:{entry.tag}")
        _text(xml, "published", _second(entry.told_at))
        _text(xml, "updated", _second(max(entry.updated_at, entry.told_at)))
        xml_link(xml, "alternate", "text/html", entry.address)
        _text(xml, "title", entry.title)
        _text(xml, "content", entry.body, type="html")
        xml.endElement("entry")
    xml.endElement("feed")
    return _bytes(out, xml)


def rss(world: World, reports: Sequence[Postmortem] = ()) -> bytes:
    """The RSS 2.0 feed."""
    out, xml = _document()
    _open(
        xml,
        "rss",
        {
            "version": "2.0",
            "xmlns:dc": "http://purl.org/dc/elements/1.1/",
            "xmlns:atom": ATOM,
        },
    )
    _open(xml, "channel")
    _text(xml, "title", title())
    _text(xml, "link", settings.PUBLIC_URL)
    _open(
        xml,
        "atom:link",
        {
            "rel": "self",
            "type": "application/rss+xml",
            "href": f"{settings.PUBLIC_URL}/history.rss",
        },
    )
    xml.endElement("atom:link")
    _text(xml, "description", "Statuspage")
    _text(xml, "pubDate", format_datetime(world.updated_at.astimezone(UTC)))
    for entry in _newest(world, reports):
        _open(xml, "item")
        _text(xml, "title", entry.title)
        _text(xml, "description", entry.body)
        _text(xml, "pubDate", format_datetime(entry.told_at.astimezone(UTC)))
        _text(xml, "link", entry.address)
        _text(xml, "guid", entry.address)
        xml.endElement("item")
    xml.endElement("channel")
    xml.endElement("rss")
    return _bytes(out, xml)


def _document() -> tuple[StringIO, XMLGenerator]:
    out = StringIO()
    xml = XMLGenerator(out, "utf-8", short_empty_elements=True)
    xml.startDocument()
    return out, xml


def _bytes(out: StringIO, xml: XMLGenerator) -> bytes:
    xml.endDocument()
    return out.getvalue().encode()


def _open(xml: XMLGenerator, tag: str, attributes: dict[str, str] | None = None) -> None:
    xml.startElement(tag, AttributesImpl(attributes or {}))


def _text(xml: XMLGenerator, tag: str, text: str, **attributes: str) -> None:
    _open(xml, tag, attributes)
    # XML 1.0 has no words for control characters: one of them would spoil the whole feed
    xml.characters("".join(c for c in text if c in "\t\n\r" or c >= " "))
    xml.endElement(tag)


def xml_link(xml: XMLGenerator, rel: str, kind: str, href: str) -> None:
    """An Atom link."""
    _open(xml, "link", {"rel": rel, "type": kind, "href": href})
    xml.endElement("link")


@dataclass(frozen=True, slots=True)
class Entry:
    """An incident, a maintenance or a postmortem, as feeds tell it. `at` is its place in the feed."""

    tag: str
    at: datetime
    told_at: datetime
    updated_at: datetime
    address: str
    title: str
    body: str


def _newest(world: World, reports: Sequence[Postmortem]) -> list[Entry]:
    """Newest first; what is to come stands above, by its time. A long series fills no feed."""
    planned = works.planned(world)[:MOST_PLANNED]
    others = (*works.active(world), *works.past(world))
    told = map(_incident, world.incidents)
    found = [*told, *map(_maintenance, (*planned, *others)), *map(_postmortem, reports)]
    return sorted(found, key=lambda entry: (entry.at, entry.tag), reverse=True)[:NEWEST]


def _incident(incident: Incident) -> Entry:
    posts = [update for update in cards.updates(incident) if update.kind == Kind.POST]
    told = [(Phase(update.phase).label, update.at, update.body) for update in posts]
    return Entry(
        tag=f"Incident/{incident.pk}",
        at=incident.created_at,
        told_at=max((update.at for update in posts), default=incident.created_at),
        updated_at=incident.updated_at,
        address=f"{settings.PUBLIC_URL}/incidents/{incident.public_id}",
        title=incident.title,
        body=_body(told),
    )


def _maintenance(one: Maintenance) -> Entry:
    """Its ids are other than an incident's: both count from 1."""
    updates = works.updates(one)
    told = [(MaintenanceState(update.state).label, update.at, update.body) for update in updates]
    is_ahead = one.state == MaintenanceState.SCHEDULED
    return Entry(
        tag=f"Maintenance/{one.pk}",
        at=one.starts_at if is_ahead else one.began_at or one.created_at,
        told_at=max((update.at for update in updates), default=one.created_at),
        updated_at=one.updated_at,
        address=f"{settings.PUBLIC_URL}{one.get_absolute_url()}",
        title=one.title,
        body=(_ahead(one) if is_ahead else "") + _body(told),
    )


def _postmortem(found: Postmortem) -> Entry:
    published_at = found.published_at or found.saved_at
    return Entry(
        tag=f"Postmortem/{found.pk}",
        at=published_at,
        told_at=published_at,
        updated_at=found.edited_at or published_at,
        address=f"{settings.PUBLIC_URL}{found.get_absolute_url()}",
        title=f"Postmortem: {found.title}",
        body=postmortems.in_short(found),
    )


def _ahead(one: Maintenance) -> str:
    """The line by which readers and bots tell what is to come."""
    start, end = one.starts_at.astimezone(UTC), one.ends_at.astimezone(UTC)
    until = f"<var data-var='time'>{end:%H:%M}</var>"
    if end.date() != start.date():
        until = f"{end:%b} <var data-var='date'>{end.day:>2}</var>, {until}"
    return (
        f"<p><strong>THIS IS A SCHEDULED EVENT {start:%b} <var data-var='date'>{start.day:>2}</var>, "
        f"<var data-var='time'>{start:%H:%M}</var> - {until} UTC</strong></p>"
    )


def _second(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _body(told: list[tuple[str, datetime, str]]) -> str:
    """All words (label, when, text), newest first. The label is `Update` where it stayed the same."""
    parts = []
    for newer, (label, when, words) in enumerate(told):
        before = told[newer + 1][0] if newer + 1 < len(told) else None
        at = when.astimezone(UTC)
        text = to_html(words).removeprefix("<p>").removesuffix("</p>")
        parts.append(
            f"<p><small>{at:%b} <var data-var='date'>{at.day:>2}</var>, "
            f"<var data-var='time'>{at:%H:%M}</var> UTC</small><br>"
            f"<strong>{escape('Update' if label == before else label)}</strong> - {text}</p>"
        )
    return "".join(parts)
