"""Feed formats: Atom (RFC 4287), RSS 2.0 and JSON Feed 1.1, with the same ids for ever."""

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


def atom(found: Channel) -> bytes:
    """The Atom feed."""
    out, xml = _document()
    _open(xml, "feed", {"xml:lang": "en-US", "xmlns": ATOM})
    _text(xml, "id", _tag(found, f"{found.path}/history"))
    _link(xml, "alternate", "text/html", found.home)
    _link(xml, "self", "application/atom+xml", f"{settings.PUBLIC_URL}{found.path}/history.atom")
    _text(xml, "title", found.title)
    _text(xml, "updated", _second(found.updated_at))
    _open(xml, "author")
    _text(xml, "name", identity.current().name)
    xml.endElement("author")
    for entry in found.entries:
        _open(xml, "entry")
        _text(xml, "id", _tag(found, entry.tag))
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


def rss(found: Channel) -> bytes:
    """The RSS feed. An address is a guid too: readers may open it."""
    out, xml = _document()
    spaces = {"xmlns:dc": "http://purl.org/dc/elements/1.1/", "xmlns:atom": ATOM}
    _open(xml, "rss", {"version": "2.0", **spaces})
    _open(xml, "channel")
    _text(xml, "title", found.title)
    _text(xml, "link", found.home)
    self_address = f"{settings.PUBLIC_URL}{found.path}/history.rss"
    _link(xml, "self", "application/rss+xml", self_address, tag="atom:link")
    _text(xml, "description", "Statuspage")
    _text(xml, "pubDate", _mail_date(found.updated_at))
    for entry in found.entries:
        _open(xml, "item")
        _text(xml, "title", entry.title)
        _text(xml, "description", entry.body)
        _text(xml, "pubDate", _mail_date(entry.told_at))
        _text(xml, "link", entry.address)
        if found.names_from == settings.PUBLIC_URL:
            _text(xml, "guid", entry.address)
        else:  # it has moved: the old name stays, and is no address any more
            _text(xml, "guid", f"{found.names_from}{entry.path}", isPermaLink="false")
        for scheme, term in _categories(entry):
            _text(xml, "category", term, domain=f"{settings.PUBLIC_URL}/#{scheme}")
        xml.endElement("item")
    xml.endElement("channel")
    xml.endElement("rss")
    return _bytes(out, xml)


def json_feed(found: Channel) -> bytes:
    """The JSON Feed. Nothing has to stay as it was elsewhere, so an entry keeps the day of its first word."""
    body = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": found.title,
        "home_page_url": found.home,
        "feed_url": f"{settings.PUBLIC_URL}{found.path}/feed.json",
        "language": "en-US",
        "authors": [{"name": identity.current().name, "url": settings.PUBLIC_URL}],
        "items": [_item(found, entry) for entry in found.entries],
    }
    return json.dumps(body, ensure_ascii=False).encode()


def _categories(entry: Entry) -> list[tuple[str, str]]:
    """What it concerns, and how bad it is: by these a reader sorts."""
    named = [("component", name) for name in entry.components]
    return [*named, ("impact", entry.impact)] if entry.impact else named


def _item(found: Channel, entry: Entry) -> dict[str, Any]:
    return {
        "id": _tag(found, entry.tag),
        "url": entry.address,
        "title": legible(entry.title),
        "content_html": legible(entry.body),
        "date_published": _second(entry.first_at),
        "date_modified": _second(entry.updated_at),
        "tags": [legible(name) for name in entry.components],
    }


def legible(text: str) -> str:
    """The text without what XML 1.0 has no words for: one such character would spoil a whole feed."""
    return UNSPEAKABLE.sub("", text)


def _tag(found: Channel, what: str) -> str:
    """A name for ever (RFC 4151), as Statuspage gives them."""
    return f"tag:{urlsplit(found.names_from).hostname},2005:{what}"


def _second(at: datetime) -> str:
    """RFC 3339: `Z` on a UTC page, else the page zone's offset."""
    return _local(at).isoformat(timespec="seconds").replace("+00:00", "Z")


def _mail_date(at: datetime) -> str:
    """RFC 822 as RSS means it, with the zone in figures."""
    return format_datetime(_local(at))


def _local(at: datetime) -> datetime:
    here = identity.current()
    return at.astimezone(UTC if here.is_utc else here.zone)


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
