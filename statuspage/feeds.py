"""Atom and RSS of the 25 newest incidents and postmortems: one entry each, rewritten in place.

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
from incidents.models import Incident, Postmortem, Update
from statuspage import cards, postmortems
from statuspage.gather import World

NEWEST = 25
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
    for entry in _entries(world, reports):
        _open(xml, "entry")
        _text(xml, "id", f"tag:{host},2005:{entry.name}")
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
    for entry in _entries(world, reports):
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
    """One entry. `name` is its part of the id, and never changes."""

    created_at: datetime
    name: str
    title: str
    address: str
    told_at: datetime
    updated_at: datetime
    body: str


def _entries(world: World, reports: Sequence[Postmortem]) -> list[Entry]:
    """The newest, incidents by when they were opened, postmortems by when they were published."""
    newest = sorted(world.incidents, key=lambda one: (one.created_at, one.pk), reverse=True)[:NEWEST]
    found = [*map(_of_incident, newest), *map(_of_postmortem, reports)]
    return sorted(found, key=lambda one: one.created_at, reverse=True)[:NEWEST]


def _of_incident(incident: Incident) -> Entry:
    return Entry(
        created_at=incident.created_at,
        name=f"Incident/{incident.pk}",
        title=incident.title,
        address=_address(incident),
        told_at=_told_at(incident),
        updated_at=incident.updated_at,
        body=_body(incident),
    )


def _of_postmortem(found: Postmortem) -> Entry:
    published_at = found.published_at or found.saved_at
    return Entry(
        created_at=published_at,
        name=f"Postmortem/{found.pk}",
        title=f"Postmortem: {found.title}",
        address=f"{settings.PUBLIC_URL}{found.get_absolute_url()}",
        told_at=published_at,
        updated_at=found.edited_at or published_at,
        body=postmortems.in_short(found),
    )


def _posts(incident: Incident) -> list[Update]:
    return [update for update in cards.updates(incident) if update.kind == Kind.POST]


def _told_at(incident: Incident) -> datetime:
    """When the newest word was posted."""
    return max((update.at for update in _posts(incident)), default=incident.created_at)


def _address(incident: Incident) -> str:
    return f"{settings.PUBLIC_URL}/incidents/{incident.public_id}"


def _second(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _body(incident: Incident) -> str:
    """All words, newest first, without separators. The label is `Update` where the phase stayed."""
    posts = _posts(incident)
    parts = []
    for newer, update in enumerate(posts):
        before = posts[newer + 1].phase if newer + 1 < len(posts) else None
        label = "Update" if update.phase == before else Phase(update.phase).label
        at = update.at.astimezone(UTC)
        text = to_html(update.body).removeprefix("<p>").removesuffix("</p>")
        parts.append(
            f"<p><small>{at:%b} <var data-var='date'>{at.day:>2}</var>, "
            f"<var data-var='time'>{at:%H:%M}</var> UTC</small><br>"
            f"<strong>{escape(label)}</strong> - {text}</p>"
        )
    return "".join(parts)
