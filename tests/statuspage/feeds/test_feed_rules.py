"""The rules of a feed validator as tables, on whatever people may write. No database is asked."""

import json
import re
import unicodedata
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit
from xml.etree import ElementTree

import feedparser
import pytest

from statuspage.feeds import entries as feed_entries
from statuspage.feeds import formats as feed_formats
from tests.making import NOW

ATOM = "{http://www.w3.org/2005/Atom}"
HOSTILE = {
    "plain": "The API fails.",
    "control": "a\x00b\x01c\x08d\x0be\x0cf\x1fg\x7fh\x85i",
    "not for XML": "a\ufffeb\uffffc",
    "end of CDATA": "]]> <![CDATA[ x ]]> --> <!-- &amp; &#x0; &nbsp;",
    "markup": "</title></entry><script>alert(1)</script>' \" <b",
    "emoji": "🚨👩‍🚒 🏳️‍🌈",
    "right to left": "\u202eevil\u202c עברית العربية \u200f\u2066x\u2069",
    "line ends": "a\r\nb\rc\u2028d\u2029e\tf",
    "long": "ü🚨<&" * 6_250,
    "nothing": "",
}


def entry(number, text="Words.", *, told_at=NOW):
    told = [("Resolved", told_at, text), ("Investigating", NOW, text)]
    return feed_entries.Entry(
        tag=f"Incident/{number}",
        at=NOW,
        first_at=NOW,
        told_at=told_at,
        updated_at=told_at + timedelta(minutes=1),
        path=f"/incidents/{number}",
        title=text[:255],
        body=feed_entries._body(told),
        components=(text[:120],),
    )


def channel(text, *, path=""):
    entries = (entry(1, text, told_at=NOW + timedelta(hours=1)), entry(2, text))
    home = f"https://status.widgetify.example{path}"
    ours = "https://status.widgetify.example"
    return feed_entries.Channel(
        path, ours, home, feed_entries.title(text[:120]), NOW + timedelta(hours=2), entries
    )


@pytest.fixture(params=HOSTILE.values(), ids=HOSTILE)
def told(request):
    return channel(request.param, path="/components/3gk8")


def texts(of, tag):
    return [child.text for child in of.findall(tag)]


def is_absolute(address):
    return urlsplit(address).scheme == "https" and bool(urlsplit(address).netloc)


def is_rfc3339(text):
    shape = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"
    return bool(re.fullmatch(shape, text)) and datetime.fromisoformat(text).tzinfo is not None


def is_rfc822(text):
    shape = r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}"
    return bool(re.fullmatch(shape, text)) and parsedate_to_datetime(text).tzinfo is not None


def is_well_said(text):
    return not any(unicodedata.category(c) in ("Cs", "Cn") for c in text) and "\x00" not in text


ATOM_RULES = {  # RFC 4287, section 4.1
    "exactly one id": lambda one: len(one.findall(f"{ATOM}id")) == 1,
    "the id is an IRI": lambda one: bool(re.fullmatch(r"tag:[a-z.]+,2005:\S+", one.find(f"{ATOM}id").text)),
    "exactly one title": lambda one: len(one.findall(f"{ATOM}title")) == 1,
    "exactly one updated": lambda one: len(one.findall(f"{ATOM}updated")) == 1,
    "one published at most": lambda one: len(one.findall(f"{ATOM}published")) <= 1,
    "dates are RFC 3339": lambda one: all(
        is_rfc3339(text) for name in ("updated", "published") for text in texts(one, f"{ATOM}{name}")
    ),
    "updated is not before published": lambda one: all(
        text <= one.find(f"{ATOM}updated").text for text in texts(one, f"{ATOM}published")
    ),
    "one alternate of a kind": lambda one: (
        len([link for link in one.findall(f"{ATOM}link") if link.get("rel") == "alternate"]) == 1
    ),
    "links are absolute": lambda one: all(
        is_absolute(link.get("href")) for link in one.findall(f"{ATOM}link")
    ),
    "one content at most, said to be HTML": lambda one: (
        [content.get("type") for content in one.findall(f"{ATOM}content")] in ([], ["html"])
    ),
    "content holds no elements": lambda one: all(not list(part) for part in one.findall(f"{ATOM}content")),
}


def broken(rules, *ones):
    return [rule for rule, holds in rules.items() if not all(map(holds, ones))]


def test_atom_obeys_its_rules(told):
    root = ElementTree.fromstring(feed_formats.atom(told))
    assert broken(ATOM_RULES, root, *root.findall(f"{ATOM}entry")) == []


def test_an_atom_feed_has_an_author_a_self_link_and_unique_ids(told):
    root = ElementTree.fromstring(feed_formats.atom(told))
    assert root.tag == f"{ATOM}feed"
    assert root.find(f"{ATOM}author/{ATOM}name").text == "Widgetify"
    (own,) = (link for link in root.findall(f"{ATOM}link") if link.get("rel") == "self")
    assert own.attrib == {
        "rel": "self", "type": "application/atom+xml",
        "href": "https://status.widgetify.example/components/3gk8/history.atom",
    }  # fmt: skip
    ids = [root.find(f"{ATOM}id").text, *texts(root, f"{ATOM}entry/{ATOM}id")]
    assert len(set(ids)) == len(ids) == 3


def item_of(channel):
    return channel.findall("item")


RSS_RULES = {  # RSS 2.0, and the Best Practices Profile
    "a channel has a title": lambda one: len(texts(one, "title")) == 1,
    "a channel has a link": lambda one: is_absolute(one.find("link").text),
    "a channel has a description": lambda one: texts(one, "description") == ["Statuspage"],
    "dates are RFC 822": lambda one: all(is_rfc822(text) for text in [*texts(one, "pubDate"),
                                                                      *texts(one, "item/pubDate")]),
    "it names its own address": lambda one: (
        [link.get("href") for link in one.findall(f"{ATOM}link") if link.get("rel") == "self"]
        == ["https://status.widgetify.example/components/3gk8/history.rss"]
    ),
    "an item has a title or a description": lambda one: all(
        len(texts(item, "title")) == len(texts(item, "description")) == 1 for item in item_of(one)
    ),
    "an item has one guid": lambda one: all(len(item.findall("guid")) == 1 for item in item_of(one)),
    "guids are unique": lambda one: len(set(texts(one, "item/guid"))) == len(item_of(one)) == 2,
    "a guid that is a link is one": lambda one: all(map(is_absolute, texts(one, "item/guid"))),
    "the guid is the link": lambda one: texts(one, "item/guid") == texts(one, "item/link"),
}  # fmt: skip


def test_rss_obeys_its_rules(told):
    root = ElementTree.fromstring(feed_formats.rss(told))
    assert (root.tag, root.get("version"), len(root)) == ("rss", "2.0", 1)
    assert broken(RSS_RULES, root[0]) == []


JSON_RULES = {  # JSON Feed 1.1
    "it says its version": lambda one: one["version"] == "https://jsonfeed.org/version/1.1",
    "it has a title": lambda one: isinstance(one["title"], str) and bool(one["title"]),
    "addresses are absolute": lambda one: all(
        map(is_absolute, [one["home_page_url"], one["feed_url"], *(item["url"] for item in one["items"])])
    ),
    "it names its own address": lambda one: one["feed_url"].endswith("/components/3gk8/feed.json"),
    "authors are objects with a name": lambda one: all(author["name"] for author in one["authors"]),
    "ids are texts, and unique": lambda one: (
        all(isinstance(item["id"], str) for item in one["items"])
        and len({item["id"] for item in one["items"]}) == len(one["items"]) == 2
    ),
    "an item has content": lambda one: all(isinstance(item["content_html"], str) for item in one["items"]),
    "dates are RFC 3339": lambda one: all(
        is_rfc3339(item[name]) for item in one["items"] for name in ("date_published", "date_modified")
    ),
    "it was changed after it was published": lambda one: all(
        item["date_published"] <= item["date_modified"] for item in one["items"]
    ),
    "tags are texts": lambda one: all(isinstance(tag, str) for item in one["items"] for tag in item["tags"]),
    "it holds no other key": lambda one: (
        set(one) == {"version", "title", "home_page_url", "feed_url", "language", "authors", "items"}
        and {key for item in one["items"] for key in item}
        == {"id", "url", "title", "content_html", "date_published", "date_modified", "tags"}
    ),
}


def test_json_feed_obeys_its_rules(told):
    assert broken(JSON_RULES, json.loads(feed_formats.json_feed(told))) == []


@pytest.mark.parametrize("write", [feed_formats.atom, feed_formats.rss])
def test_readers_find_the_feed_whole_whatever_was_written(told, write):
    parsed = feedparser.parse(write(told))
    assert not parsed.bozo
    assert len(parsed.entries) == 2
    assert "<script" not in str([entry.get("content") or entry.description for entry in parsed.entries])
    raw = write(told).decode()
    assert is_well_said(raw)
    assert raw.count("<script") == 0


def test_all_three_forms_say_the_same(told):
    atom = ElementTree.fromstring(feed_formats.atom(told))
    rss = ElementTree.fromstring(feed_formats.rss(told))[0]
    items = json.loads(feed_formats.json_feed(told))["items"]

    def plain(found):
        return [re.sub(r"\r\n?", "\n", text or "") for text in found]  # XML knows one kind of line end

    assert plain(texts(atom, f"{ATOM}entry/{ATOM}title")) == plain(texts(rss, "item/title"))
    assert plain(texts(atom, f"{ATOM}entry/{ATOM}title")) == plain(item["title"] for item in items)
    assert plain(texts(atom, f"{ATOM}entry/{ATOM}content")) == plain(texts(rss, "item/description"))
    assert plain(texts(rss, "item/description")) == plain(item["content_html"] for item in items)
    assert texts(atom, f"{ATOM}entry/{ATOM}id") == [item["id"] for item in items]
    assert texts(rss, "item/link") == [item["url"] for item in items]


def test_a_date_is_told_with_two_figures_a_day_in_rss():
    at = datetime(2026, 11, 2, 3, 4, 5, tzinfo=UTC)
    raw = feed_formats.rss(
        feed_entries.Channel("", "https://x.example", "https://x.example", "T", at, (entry(1, told_at=at),))
    )
    assert b"<pubDate>Mon, 02 Nov 2026 03:04:05 +0000</pubDate>" in raw


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("[a](/history)", 'href="https://status.widgetify.example/history"'),
        ("[a](incidents/1?b=1&c=2)", 'href="https://status.widgetify.example/incidents/1?b=1&amp;c=2"'),
        ("[a](#top)", 'href="https://status.widgetify.example/#top"'),
        ("[a](//cdn.example/x)", ">a</a></p>"),  # would follow the scheme of whoever shows it: no link
        ("[a](https://else.example/x)", 'href="https://else.example/x"'),
        ("[a](mailto:a@b.example)", 'href="mailto:a@b.example"'),
    ],
)
def test_links_lead_home_from_wherever_they_are_read(written, shown):
    assert shown in feed_entries._text(written)
    assert "cdn.example" not in feed_entries._text(written)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("One", "One</p>"),
        ("One\ntwo", "One<br />two</p>"),
        ("One\n\ntwo", "One<br /><br />two</p>"),
        ("One\n\n- a", "One</p>\n<ul>\n<li>a</li>\n</ul>"),
        ("- a", "</p><ul>\n<li>a</li>\n</ul>"),
        ("`<br>`", "<code>&lt;br&gt;</code></p>"),
        ("", "</p>"),
    ],
)
def test_paragraphs_end_where_they_began(written, shown):
    assert feed_entries._text(written) == shown
