"""Feeds: stable ids, valid for readers, every word of every incident."""

from datetime import timedelta
from xml.etree import ElementTree

import feedparser
import pytest

from incidents.models import Incident
from statuspage import views
from tests.making import after, fell, rose, watched

ATOM = "{http://www.w3.org/2005/Atom}"


def feed(kind, now):
    return getattr(views, f"history_{kind}").gather(now).render(now)


def story(count=1):
    probe = watched("API")
    for n in range(count):
        start = after(days=n)
        fell(probe, start)
        rose(probe, start + timedelta(minutes=30))
        Incident.objects.turn(start + timedelta(hours=2))
    return after(days=count)


@pytest.mark.parametrize("kind", ["atom", "rss"])
def test_a_reader_finds_every_incident_with_all_its_words(db, kind):
    now = story()
    parsed = feedparser.parse(feed(kind, now))
    assert not parsed.bozo
    assert parsed.feed.title == "Widgetify Status - Incident History"
    (entry,) = parsed.entries
    assert entry.title == "API answers with errors"
    assert entry.link == Incident.objects.get().get_absolute_url().join(
        ["https://status.widgetify.example", ""]
    )
    words = entry.content[0].value if kind == "atom" else entry.description
    order = [words.index(label) for label in ("Resolved", "Monitoring", "Investigating")]
    assert order == sorted(order)


@pytest.mark.parametrize("kind", ["atom", "rss"])
def test_only_the_25_newest_and_all_in_a_fixed_number_of_entries(db, kind):
    now = story(27)
    assert len(feedparser.parse(feed(kind, now)).entries) == 25


@pytest.mark.parametrize("kind", ["atom", "rss"])
def test_ids_stay_when_words_are_edited(db, kind):
    now = story()
    incident = Incident.objects.get()
    before = feedparser.parse(feed(kind, now)).entries[0]
    incident.edit(incident.updates.last(), "Other words & <tags>.", now)
    edited = feedparser.parse(feed(kind, now)).entries[0]
    assert edited.id == before.id
    assert edited.published == before.published


def test_atom_has_what_its_rfc_demands(db):
    now = story()
    root = ElementTree.fromstring(feed("atom", now))
    assert root.tag == f"{ATOM}feed"
    for name in ("id", "title", "updated", "author"):
        assert root.find(f"{ATOM}{name}") is not None
    entry = root.find(f"{ATOM}entry")
    for name in ("id", "title", "updated", "link", "content"):
        assert entry.find(f"{ATOM}{name}") is not None
    assert entry.find(f"{ATOM}id").text == (
        f"tag:status.widgetify.example,2005:Incident/{Incident.objects.get().pk}"
    )
    assert entry.find(f"{ATOM}updated").text >= entry.find(f"{ATOM}published").text
    assert entry.find(f"{ATOM}content").get("type") == "html"


def test_rss_has_what_its_readers_demand(db):
    now = story()
    channel = ElementTree.fromstring(feed("rss", now)).find("channel")
    assert {child.tag for child in channel} >= {"title", "link", "description", "pubDate", "item"}
    item = channel.find("item")
    assert item.find("guid").text == item.find("link").text


@pytest.mark.parametrize("kind", ["atom", "rss"])
def test_control_characters_and_markup_do_not_spoil_the_feed(db, kind):
    now = story()
    incident = Incident.objects.get()
    incident.post("\x00\x0b ]]> <script>x</script> & ü 🚨", phase="resolved", now=now)
    parsed = feedparser.parse(feed(kind, now))
    assert not parsed.bozo
    assert "<script" not in str(parsed.entries[0])


@pytest.mark.parametrize("kind", ["atom", "rss"])
def test_an_empty_feed_is_a_feed(db, kind):
    parsed = feedparser.parse(feed(kind, after()))
    assert not parsed.bozo
    assert parsed.entries == []
