"""Feeds: stable ids, valid for readers, every word of every incident; of the page, a group, a component."""

import itertools
import json
import re
from datetime import timedelta
from xml.etree import ElementTree

import feedparser
import httpx
import pytest
from django.db import connection
from django.http import Http404
from django.test.utils import CaptureQueriesContext, override_settings
from django.urls import resolve

from components.models import Component, Page
from incidents import automation, postmortem_draft, undoing
from incidents.models import Incident, Maintenance, Post
from tests.incidents.test_maintenance import plan, turn
from tests.making import NOW, after, component, fell, found, group, rose, watched

ATOM = "{http://www.w3.org/2005/Atom}"
XML = ("atom", "rss")
FORMS = {"atom": "history.atom", "rss": "history.rss", "json": "feed.json"}


def read(path, now):
    """The document at this address, as bytes."""
    match = resolve(path)
    return match.func.gather(now, **match.kwargs).render(now)


def feed(kind, now, of=""):
    return read(f"{of}/{FORMS[kind]}", now)


def items(now, of=""):
    return json.loads(feed("json", now, of))["items"]


def story(count=1):
    probe = watched("API", unsteady_count=0)  # four checks a day are not on and off
    for n in range(count):
        start = after(days=n)
        fell(probe, start)
        rose(probe, start + timedelta(minutes=30))
        automation.advance(start + timedelta(hours=2))
    return after(days=count)


def words_of(entry):
    return entry.content[0].value if "content" in entry else entry.description


def raw_words(now):
    """What an entry holds, before any reader cleans it."""
    return ElementTree.fromstring(feed("atom", now)).find(f"{ATOM}entry/{ATOM}content").text


def published(incident, now):
    report = postmortem_draft.create(incident, author=None, now=now)
    report.keep({"summary": "The pool ran full.", "root_cause": "It was too small."}, now)
    report.publish(now)
    return report


# What an entry says


@pytest.mark.parametrize("kind", XML)
def test_a_reader_finds_every_incident_with_all_its_words(db, kind):
    now = story()
    parsed = feedparser.parse(feed(kind, now))
    assert not parsed.bozo
    assert parsed.feed.title == "Widgetify Status - Incident History"
    (entry,) = parsed.entries
    assert entry.title == "API is returning errors"
    assert entry.link == f"https://status.widgetify.example{Incident.objects.get().get_absolute_url()}"
    words = words_of(entry)
    order = [words.index(label) for label in ("Resolved", "Monitoring", "Investigating")]
    assert order == sorted(order)


def test_what_customers_can_do_stands_behind_the_newest_words(db):
    fell(watched())
    incident = Incident.objects.get()
    advice = "Use [the app](/app).\n\n- or wait"
    incident.post(Post("We look.", phase="identified", workaround=advice), now=after(hours=1))
    words = raw_words(after(hours=2))
    told = (
        "<p><strong>What you can do</strong> - Use "
        '<a href="https://status.widgetify.example/app" rel="noopener nofollow">the app</a>.</p>'
    )
    assert words.index("We look.") < words.index(told) < words.index("Investigating")
    incident.post(Post("Over.", phase="resolved"), now=after(hours=3))
    assert "What you can do" not in raw_words(after(hours=4))


def test_words_stand_as_statuspage_writes_them(db):
    probe = watched()
    fell(probe, after(days=-3))
    incident = Incident.objects.get()
    incident.post(Post("One\ntwo\n\nthree", phase="investigating"), now=after(days=-3, hours=1))
    incident.post(
        Post("See [here](/history?a=1&b=2).\n\n- a\n- b", phase="identified"), now=after(days=-3, hours=2)
    )
    incident.post(Post("# Over", phase="resolved"), now=after(days=1))
    parts = raw_words(after(days=2)).split("<p><small>")
    assert parts[1:4] == [
        "Nov <var data-var='date'>13</var>, <var data-var='time'>08:00</var> UTC</small><br>"
        "<strong>Resolved</strong> - </p><h3>Over</h3>",
        "Nov <var data-var='date'> 9</var>, <var data-var='time'>10:00</var> UTC</small><br>"
        "<strong>Identified</strong> - See <a "
        'href="https://status.widgetify.example/history?a=1&amp;b=2" rel="noopener nofollow">here</a>.</p>\n'
        "<ul>\n<li>a</li>\n<li>b</li>\n</ul>",
        "Nov <var data-var='date'> 9</var>, <var data-var='time'>09:00</var> UTC</small><br>"
        "<strong>Update</strong> - One<br />two<br /><br />three</p>",
    ]
    assert "<strong>Investigating</strong> - " in parts[4]


def test_the_day_of_what_is_to_come_is_not_padded(db):
    plan(starts=after(days=23), ends=after(days=23, hours=2))
    assert raw_words(after()).startswith(
        "<p><strong>THIS IS A SCHEDULED EVENT Dec <var data-var='date'>5</var>, "
        "<var data-var='time'>08:00</var> - <var data-var='time'>10:00</var> UTC</strong></p><p><small>"
    )


def test_a_page_of_another_zone_writes_its_offset(db):
    now = story()
    with override_settings(PAGE_TIME_ZONE="Asia/Kolkata"):
        root = ElementTree.fromstring(feed("atom", now))
        assert root.find(f"{ATOM}entry/{ATOM}published").text.endswith("+05:30")
        assert " +0530</pubDate>" in feed("rss", now).decode()
        assert items(now)[0]["date_published"].endswith("+05:30")
    assert feedparser.parse(feed("atom", now)).entries[0].published.endswith("Z")


def test_only_the_25_newest_and_all_in_a_fixed_number_of_entries(db):
    now = story(27)
    for kind in XML:
        assert len(feedparser.parse(feed(kind, now)).entries) == 25, kind


@pytest.mark.parametrize("kind", XML)
def test_ids_stay_when_words_are_edited(db, kind):
    now = story()
    incident = Incident.objects.get()
    before = feedparser.parse(feed(kind, now)).entries[0]
    incident.edit(incident.updates.last(), "Other words & <tags>.", now)
    edited = feedparser.parse(feed(kind, now)).entries[0]
    assert edited.id == before.id
    assert edited.published == before.published


def test_atom_names_an_incident_by_its_number(db):
    now = story()
    entry = ElementTree.fromstring(feed("atom", now)).find(f"{ATOM}entry")
    assert entry.find(f"{ATOM}id").text == (
        f"tag:status.widgetify.example,2005:Incident/{Incident.objects.get().pk}"
    )
    assert entry.find(f"{ATOM}content").get("type") == "html"


@pytest.mark.parametrize("kind", XML)
def test_control_characters_and_markup_do_not_spoil_the_feed(db, kind):
    now = story()
    incident = Incident.objects.get()
    incident.post(Post("\x00\x0b ]]> <script>x</script> & ü 🚨", phase="resolved"), now=now)
    parsed = feedparser.parse(feed(kind, now))
    assert not parsed.bozo
    assert "<script" not in str(parsed.entries[0])


@pytest.mark.parametrize("kind", XML)
def test_an_empty_feed_is_a_feed(db, kind):
    parsed = feedparser.parse(feed(kind, after()))
    assert not parsed.bozo
    assert parsed.entries == []
    assert items(after()) == []


# A life


def seen(now, of=""):
    """What each form tells, as (id, title); the same of all three, and nothing twice."""
    told = [(one["id"], one["title"]) for one in items(now, of)]
    atom, rss = (feedparser.parse(feed(kind, now, of)).entries for kind in XML)
    assert [(entry.id, entry.title) for entry in atom] == told
    assert [(entry.link, entry.title) for entry in rss] == [
        (one["url"], one["title"]) for one in items(now, of)
    ]
    assert len({key for key, _ in told}) == len(told) == len({entry.id for entry in rss})
    return dict(told)


def test_over_a_life_of_changes_ids_stay_and_nothing_is_told_twice(db):
    probe = watched("API")
    one = plan(probe.component, now=after(minutes=-9), starts=after(days=2), title="New disks")
    fell(probe)
    incident = Incident.objects.get()
    first = seen(after(minutes=1))
    work, trouble = first
    assert list(first.values()) == ["New disks", "API is returning errors"]
    incident.post(Post("A person looks.", phase="identified", title="The API fails"), now=after(minutes=2))
    one.replan(after(minutes=3), starts_at=after(days=3), ends_at=after(days=3, hours=1), title="Newer disks")
    assert seen(after(minutes=4)) == {work: "Newer disks", trouble: "The API fails"}
    wrong = incident.post(Post("Wrong word.", phase="identified", undo_s=20), now=after(minutes=5))
    undoing.undo(incident, wrong, after(minutes=5, seconds=5))
    assert "Wrong word." not in feed("json", after(minutes=6)).decode()
    rose(probe, after(minutes=7))
    incident.post(Post("Over.", phase="resolved"), now=after(minutes=8))
    report = published(incident, after(minutes=9))
    told = seen(after(minutes=10))
    (postmortem,) = set(told) - {work, trouble}
    assert re.fullmatch(r"tag:status\.widgetify\.example,2005:Postmortem/\d+", postmortem)
    report.keep({"summary": "Other words."}, after(minutes=11))
    one.cancel(after(minutes=12))
    edited = items(after(minutes=13))
    assert [item["id"] for item in edited] == [work, postmortem, trouble]
    assert "<strong>Cancelled</strong>" in edited[0]["content_html"]
    assert "SCHEDULED EVENT" not in edited[0]["content_html"]
    assert "Other words." in edited[1]["content_html"]
    report.withdraw()
    assert set(seen(after(minutes=14))) == {work, trouble}
    report.publish(after(minutes=15))
    assert set(seen(after(minutes=16))) == {work, trouble, postmortem}


@pytest.mark.parametrize("gone", ["deleted", "merged"])
def test_what_is_deleted_or_merged_vanishes_with_its_postmortem(db, gone):
    story(2)
    kept, lost = Incident.objects.order_by("pk")
    published(lost, after(days=3))
    assert len(seen(after(days=4))) == 3
    if gone == "deleted":
        lost.delete_softly(after(days=4))
    else:
        automation.merge(lost, kept, after(days=4))
    assert [key.split(":")[-1] for key in seen(after(days=5))] == [f"Incident/{kept.pk}"]


def test_an_entry_of_the_json_feed_keeps_the_day_of_its_first_word(db):
    now = story()
    (before,) = items(now)
    incident = Incident.objects.get()
    incident.post(Post("One more word.", phase="resolved"), now=now)
    (later,) = items(now)
    assert later["date_published"] == before["date_published"] == "2026-11-12T08:00:10Z"
    assert later["date_modified"] > before["date_published"]
    assert later["tags"] == ["API"]


def test_what_a_daily_series_has_come_to_stays_in_the_feed(db):
    one = plan(watched().component, rule="FREQ=DAILY")
    turn(one, after(days=1))
    turn(one, after(days=1, hours=2))
    turn(one, after(days=1, hours=2, minutes=16))
    assert one.state == "completed"
    assert Maintenance.objects.filter(state="scheduled").count() > 25
    told = items(after(days=1, hours=3))
    assert [item["id"].split(":")[-1] for item in told].count(f"Maintenance/{one.pk}") == 1


# Of a group, of a component


def several():
    """A story of two groups and one hidden component."""
    ours, theirs = group("Ours"), group("Theirs")
    api, web = watched("API", group=ours), watched("Web", group=ours, position=2)
    mail, secret = watched("Mail", group=theirs), watched("Secret", group=theirs, shown=False)
    for n, probe in enumerate((api, mail, secret)):
        found(probe, "up", after(days=n, minutes=-5))
        fell(probe, after(days=n))
    plan(web.component, starts=after(days=9), title="Web moves")
    plan(secret.component, api.component, starts=after(days=8), title="Secret move")
    published_of = Incident.objects.get(affected__component=api.component)
    rose(api, after(days=3))
    published_of.post(Post("Over.", phase="resolved"), now=after(days=3))
    published(published_of, after(days=4))
    return {one.name: f"/components/{one.public_id}" for one in Component.objects.all()} | {
        one.name: f"/groups/{one.public_id}" for one in (ours, theirs)
    }


def test_a_component_or_a_group_can_be_followed_alone(db):
    of = several()
    now = after(days=5)
    titles = {name: list(seen(now, path).values()) for name, path in of.items() if name != "Secret"}
    errors, report = "API is returning errors", "Postmortem: API is returning errors"
    assert titles == {
        "API": ["Secret move", report, errors],
        "Web": ["Web moves"],
        "Mail": ["Mail is returning errors"],
        "Ours": ["Web moves", "Secret move", report, errors],
        "Theirs": ["Mail is returning errors"],
    }
    whole = seen(now)
    for name in titles:
        assert set(seen(now, of[name])) <= set(whole), "an entry has the same id everywhere"


def test_each_feed_has_a_name_and_an_address_of_its_own(db):
    of = several()
    read_ones = {}
    for name in ("", "API", "Ours"):
        path = of.get(name, "")
        body = json.loads(feed("json", after(days=5), path))
        atom, rss = (feedparser.parse(feed(kind, after(days=5), path)).feed for kind in XML)
        assert body["title"] == atom.title == rss.title
        assert body["home_page_url"] == atom.link == rss.link
        assert body["feed_url"] == f"https://status.widgetify.example{path}/feed.json"
        read_ones[atom.id] = (body["title"], body["home_page_url"].rpartition("example")[2])
    assert read_ones == {
        "tag:status.widgetify.example,2005:/history": ("Widgetify Status - Incident History", ""),
        f"tag:status.widgetify.example,2005:{of['API']}/history": (
            "Widgetify Status: API - Incident History", of["API"],
        ),
        f"tag:status.widgetify.example,2005:{of['Ours']}/history": (
            "Widgetify Status: Ours - Incident History", of["Ours"].replace("/groups/", "/#group-"),
        ),
    }  # fmt: skip


@pytest.mark.parametrize("file", [*FORMS.values(), "maintenance.ics"])
def test_what_is_hidden_or_not_there_has_no_feed_and_no_calendar(db, file):
    hidden = watched("Secret", group=group("Hidden"), shown=False).component
    empty = group("Empty")
    for path in (
        f"/components/{hidden.public_id}", f"/groups/{hidden.group.public_id}",
        f"/groups/{empty.public_id}", "/components/none", "/groups/none",
    ):  # fmt: skip
        with pytest.raises(Http404):
            read(f"{path}/{file}", after())


def test_hidden_components_are_not_named_in_any_feed(db):
    of = several()
    for path in ("", of["API"], of["Ours"], of["Theirs"]):
        for kind in FORMS:
            text = feed(kind, after(days=5), path).decode().replace("Secret move", "")
            assert "Secret" not in text, (path, kind)


def test_the_number_of_queries_does_not_grow(db):
    probe = watched("API", group=group())
    counts = {}
    for size in (1, 4):
        for n in range(size):
            start = after(days=n + 10 * size)
            one = plan(probe.component, starts=start + timedelta(hours=5), now=start, title=f"Work {n}")
            plan(probe.component, starts=start + timedelta(days=90), now=start, title=f"Later {n}")
            fell(probe, start)
            rose(probe, start + timedelta(minutes=30))
            automation.advance(start + timedelta(hours=2))
            published(Incident.objects.latest("pk"), start + timedelta(hours=3))
            turn(one, start + timedelta(hours=5))
            turn(one, start + timedelta(hours=7))
            watched(f"Component {size} {n}", group=probe.component.group)
        places = ("", probe.component.get_absolute_url(), f"/groups/{probe.component.group.public_id}")
        for of, file in itertools.product(places, ("history.atom", "maintenance.ics")):
            with CaptureQueriesContext(connection) as asked:
                read(f"{of}/{file}", after(days=60))
            counts.setdefault(f"{of}/{file}", []).append(len(asked))
    for few, many in counts.values():
        assert few == many <= 16


# Where they are found

ALTERNATE = re.compile(r'<link rel="alternate" type="([^"]+)"\s+title="([^"]+)"\s+href="([^"]+)">')


def test_a_reader_finds_the_feeds_by_the_address_of_a_page(db):
    of = several()
    kinds = ["application/atom+xml", "application/rss+xml", "application/feed+json", "text/calendar"]
    whole = [("Widgetify incidents", f"/{file}") for file in FORMS.values()]
    whole.append(("Widgetify maintenance", "/maintenance.ics"))
    own = [("Widgetify: API", f"{of['API']}/{file}") for file in FORMS.values()]
    own.append(("Widgetify: API maintenance", f"{of['API']}/maintenance.ics"))
    for path, told in (("/", whole), (of["API"], own + whole)):
        links = ALTERNATE.findall(read(path, after(days=5)).decode())
        assert [(title, href) for _, title, href in links] == told
        assert [kind for kind, _, _ in links] == kinds * (len(told) // 4)
        for kind, _, href in links:
            match = resolve(href)
            assert match.func.gather(after(days=5), **match.kwargs).content_type == f"{kind}; charset=utf-8"
    page = read(of["API"], after(days=5)).decode()
    assert all(f'href="{of["Ours"]}/{file}"' in page for file in (*FORMS.values(), "maintenance.ics"))


# Over the wire


def test_a_reader_that_asks_again_is_told_when_nothing_changed(web):
    probe = watched()
    fell(probe)
    one = f"/components/{probe.component.public_id}"
    web.catch_up()
    for path in ("/history.atom", "/history.rss", f"{one}/history.atom", f"{one}/history.rss"):
        first = feedparser.parse(web.url + path)
        assert (first.status, first.bozo, len(first.entries)) == (200, False, 1)
        again = feedparser.parse(web.url + path, etag=first.etag)
        assert (again.status, again.entries) == (304, []), path
        assert first.headers["content-type"] == (
            f"application/{'rss' if path.endswith('rss') else 'atom'}+xml; charset=utf-8"
        )
        read_before = first
    kinds = {f"{one}/feed.json": "application/feed+json", f"{one}/maintenance.ics": "text/calendar"}
    for path, kind in kinds.items():
        first = httpx.get(web.url + path)
        assert first.headers["content-type"] == f"{kind}; charset=utf-8"
        again = httpx.get(web.url + path, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    incident = Incident.objects.get()
    incident.post(Post("News.", phase="identified"), now=incident.created_at + timedelta(minutes=1))
    web.catch_up()
    news = feedparser.parse(f"{web.url}{one}/history.rss", etag=read_before.etag)
    assert (news.status, news.entries[0].id) == (200, read_before.entries[0].id)
    Component.objects.update(is_shown=False)
    Page.objects.bump_version()
    web.catch_up()
    assert httpx.get(f"{web.url}{one}/history.rss").status_code == 404


def test_an_entry_names_its_components_and_its_impact(db):
    chat, files = component("Chat & more"), component("Files")
    Incident.objects.open("Slow", "We look.", now=NOW, statuses={chat: "major_outage", files: "major_outage"})
    atom = ElementTree.fromstring(feed("atom", after(minutes=1)))
    named = [(one.get("scheme"), one.get("term")) for one in atom.iter(f"{ATOM}category")]
    rss = ElementTree.fromstring(feed("rss", after(minutes=1)))
    assert [(one.get("domain"), one.text) for one in rss.iter("category")] == named
    told = [(scheme.rpartition("#")[2], term) for scheme, term in named]
    assert set(told[:2]) == {("component", "Chat & more"), ("component", "Files")}
    assert told[2:] == [("impact", Incident.objects.get().shown_impact)]


def test_work_under_way_tells_its_window(db):
    work = plan(component("API"), starts=NOW, ends=after(hours=2), now=after(hours=-2))
    turn(work, NOW)
    (entry,) = items(NOW)
    assert entry["content_html"].startswith("<p><strong>Planned for Nov <var data-var='date'>12</var>, ")
    automation.complete_maintenance(work, after(hours=1))
    (entry,) = items(after(hours=1))
    assert "Planned for" not in entry["content_html"]


def ids(now):
    atom = ElementTree.fromstring(feed("atom", now))
    rss = ElementTree.fromstring(feed("rss", now))
    calendar = read("/maintenance.ics", now).decode()
    return (
        [one.text for one in atom.iter(f"{ATOM}id")],
        [one.text for one in rss.iter("guid")],
        [one["id"] for one in items(now)],
        re.findall(r"UID:(.*)", calendar),
    )


def test_what_readers_know_outlives_a_change_of_host(db, settings):
    story()
    plan(component("Docs"))
    first = ids(after(minutes=9))
    assert all(first)
    settings.PUBLIC_URL, settings.PUBLIC_HOST = "https://status.elsewhere.example", "status.elsewhere.example"
    Page.objects.bump_version()
    assert ids(after(minutes=9)) == first
    rss = ElementTree.fromstring(feed("rss", after(minutes=9)))
    assert {one.get("isPermaLink") for one in rss.iter("guid")} == {"false"}
    assert all(one.text.startswith("https://status.elsewhere.example") for one in rss.iter("link"))


def test_an_address_of_one_machine_alone_is_no_name_for_ever(db, settings):
    settings.PUBLIC_URL, settings.PUBLIC_HOST = "http://localhost:8000", "localhost"
    Page.objects.update(known_as="")
    story()
    assert ids(after(minutes=9))[0][0].startswith("tag:localhost,")
    settings.PUBLIC_URL, settings.PUBLIC_HOST = "https://status.example.org", "status.example.org"
    Page.objects.bump_version()
    assert ids(after(minutes=9))[0][0].startswith("tag:status.example.org,")
    assert Page.objects.get().known_as == "https://status.example.org"
