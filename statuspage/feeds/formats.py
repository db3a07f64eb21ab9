"""Feed formats: Atom (RFC 4287), RSS 2.0 and JSON Feed 1.1, with ids that never change."""

import json
import re
from datetime import UTC, datetime
from email.utils import format_datetime
from io import StringIO
from typing import Any
from urllib.parse import urlsplit
from xml.sax.saxutils import XMLGenerator
from xml.sax.xmlreader import AttributesImpl

from django.conf import settings

from components import identity
from statuspage.feeds.entries import Channel, Entry

ATOM = "http://www.w3.org/2005/Atom"
UNSPEAKABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def atom(channel: Channel) -> bytes:
    """The Atom feed."""
    out, xml = _document()
    _open(xml, "feed", {"xml:lang": "en-US", "xmlns": ATOM})
    _text(xml, "id", _tag(channel, f"{channel.path}/history"))
    _link(xml, "alternate", "text/html", channel.home)
    _link(xml, "self", "application/atom+xml", f"{settings.PUBLIC_URL}{channel.path}/history.atom")
    _text(xml, "title", channel.title)
    _text(xml, "updated", _second(channel.updated_at))
    _open(xml, "author")
    _text(xml, "name", identity.current().name)
    xml.endElement("author")
    for entry in channel.entries:
        _open(xml, "entry")
        _text(xml, "id", _tag(channel, entry.tag))
        _text(xml, "published", _second(entry.told_at))
        _text(xml, "updated", _second(entry.updated_at))
        _link(xml, "alternate", "text/html", entry.address)
        _text(xml, "title", entry.title)
        for scheme, term in _categories(entry):
            _open(xml, "category", {"scheme": f"{settings.PUBLIC_URL}/#{scheme}", "term": legible(term)})
            xml.endElement("category")
        _text(xml, "content", entry.body, type="html")
        xml.endElement("entry")
    xml.endElement("feed")
    return _bytes(out, xml)


def rss(channel: Channel) -> bytes:
    """The RSS feed. An address is a guid too: readers may open it."""
    out, xml = _document()
    spaces = {"xmlns:dc": "http://purl.org/dc/elements/1.1/", "xmlns:atom": ATOM}
    _open(xml, "rss", {"version": "2.0", **spaces})
    _open(xml, "channel")
    _text(xml, "title", channel.title)
    _text(xml, "link", channel.home)
    self_address = f"{settings.PUBLIC_URL}{channel.path}/history.rss"
    _link(xml, "self", "application/rss+xml", self_address, tag="atom:link")
    _text(xml, "description", "Statuspage")
    _text(xml, "pubDate", _mail_date(channel.updated_at))
    for entry in channel.entries:
        _open(xml, "item")
        _text(xml, "title", entry.title)
        _text(xml, "description", entry.body)
        _text(xml, "pubDate", _mail_date(entry.told_at))
        _text(xml, "link", entry.address)
        if channel.names_from == settings.PUBLIC_URL:
            _text(xml, "guid", entry.address)
        else:  # the page has moved: the old id stays, though it is not an address any more
            _text(xml, "guid", f"{channel.names_from}{entry.path}", isPermaLink="false")
        for scheme, term in _categories(entry):
            _text(xml, "category", term, domain=f"{settings.PUBLIC_URL}/#{scheme}")
        xml.endElement("item")
    xml.endElement("channel")
    xml.endElement("rss")
    return _bytes(out, xml)


def json_feed(channel: Channel) -> bytes:
    """The JSON Feed. An entry is dated to its first update: there is no older format to follow."""
    body = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": channel.title,
        "home_page_url": channel.home,
        "feed_url": f"{settings.PUBLIC_URL}{channel.path}/feed.json",
        "language": "en-US",
        "authors": [{"name": identity.current().name, "url": settings.PUBLIC_URL}],
        "items": [_item(channel, entry) for entry in channel.entries],
    }
    return json.dumps(body, ensure_ascii=False).encode()


def _categories(entry: Entry) -> list[tuple[str, str]]:
    """(scheme, term) of its components and impact, by which readers sort."""
    named = [("component", name) for name in entry.components]
    return [*named, ("impact", entry.impact)] if entry.impact else named


def _item(channel: Channel, entry: Entry) -> dict[str, Any]:
    return {
        "id": _tag(channel, entry.tag),
        "url": entry.address,
        "title": legible(entry.title),
        "content_html": legible(entry.body),
        "date_published": _second(entry.first_at),
        "date_modified": _second(entry.updated_at),
        "tags": [legible(name) for name in entry.components],
    }


def legible(text: str) -> str:
    """The text without characters that XML 1.0 forbids: one would make the whole feed unreadable."""
    return UNSPEAKABLE.sub("", text)


def _tag(channel: Channel, what: str) -> str:
    """A permanent id (RFC 4151), in Statuspage's form."""
    return f"tag:{urlsplit(channel.names_from).hostname},2005:{what}"


def _second(at: datetime) -> str:
    """RFC 3339: `Z` on a UTC page, else the page zone's offset."""
    return _local(at).isoformat(timespec="seconds").replace("+00:00", "Z")


def _mail_date(at: datetime) -> str:
    """RFC 822 as RSS means it, with the zone in figures."""
    return format_datetime(_local(at))


def _local(at: datetime) -> datetime:
    page = identity.current()
    return at.astimezone(UTC if page.is_utc else page.zone)


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
    xml.characters(legible(text))
    xml.endElement(tag)


def _link(xml: XMLGenerator, rel: str, kind: str, href: str, *, tag: str = "link") -> None:
    _open(xml, tag, {"rel": rel, "type": kind, "href": href})
    xml.endElement(tag)
