"""Postmortems in public: the page, the list, the files, the feeds; and nothing in them that runs."""

import csv
import io
import json
import re
from datetime import timedelta

import feedparser
import httpx
import pytest
from django.db import connection
from django.http import Http404
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from components.models import Check, Component, Group
from incidents import postmortem_draft
from incidents.models import Incident, Post, Postmortem
from statuspage.api import views as api_views
from statuspage.ops.demo import examples
from statuspage.public import views
from tests.looking import faults, sticks_out
from tests.making import NOW, after, fell, rose, watched
from tests.statuspage.test_feeds import feed

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>[a](javascript:alert(3)) \"'&"
TEXTS = (
    "summary", "impact", "detection", "what_happened", "root_cause", "escalation", "resolution", "lessons",
)  # fmt: skip


def shown(view, now=None, **named):
    moment = now or after(days=1)
    view = getattr(views, view) if isinstance(view, str) else view
    return view.gather(moment, **named).render(moment).decode()


def published(**changes):
    """The postmortem of an outage of 40 minutes that a probe saw, published the same day."""
    probe = watched("Chat")
    for minute in range(-10, 50):
        outcome = "down" if 0 < minute < 40 else "up"
        slot = int(after(minutes=minute).timestamp()) + 30
        Check.objects.create(probe=probe, slot=slot, region="local", outcome=outcome, total_ms=9)
    fell(probe)
    rose(probe, after(minutes=40))
    Incident.objects.get().post(Post("All is well.", phase="resolved"), now=after(minutes=40))
    report = postmortem_draft.create(Incident.objects.get(), author=None, now=after(hours=1))
    words = {"summary": "Chat was **down**.", "root_cause": "A full pool.", **changes}
    report.keep(words, after(hours=1))
    report.publish(after(hours=2))
    return report


def told(report, view="postmortem", now=None):
    return shown(view, now, public_id=report.incident.public_id)


def plain(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_a_draft_is_not_for_strangers(db):
    report = published()
    address = {"public_id": report.incident.public_id}
    report.withdraw()
    for view in ("postmortem", "postmortem_markdown", "postmortem_json", "postmortem_csv"):
        with pytest.raises(Http404):
            getattr(views, view).gather(NOW, **address)
    assert "None yet." in shown("postmortems_page")
    told = [shown(view) for view in (views.overview, views.history_page, api_views.incidents)]
    for text in (*told, *(feed(kind, NOW).decode() for kind in ("atom", "rss", "json"))):
        assert "ostmortem/" not in text
        assert "/postmortems/" not in text


def test_the_page_tells_all_of_it(db):
    report = published(
        authors="Chat team", users_percent="12.50", users_how="of those who were online",
        what_happened="The pool ran full.", escalation="To the database team.", resolution="A larger pool.",
        lessons="Watch the pool.", misled=[["The database was idle.", "Nobody could `connect`."]],
    )  # fmt: skip
    report.actions.create(text="Watch the pool", kind="detect", team="Platform", due="2026-11-20", position=1)
    report.actions.create(text="Limit the pool", kind="prevent", team="API", due="2026-11-10", position=2)
    html = told(report)
    words = plain(html)
    for text in (
        "Published Thu 12 Nov 2026 · by Chat team · 1 min read", "Duration 40 min", "12.5 %",
        "of those who were online", "Detected by Monitoring", "Time to detect 10 s",
        "first public update after 10 s",
        "Chat: major outage for 40 min", "Chat was down .", "The pool ran full.", "A full pool.",
        "To the database team.", "A larger pool.", "Watch the pool.", "The database was idle.",
        "Nobody could connect .",
        "0 of 2 done", "Platform", "Late, not started", "Not started", "Data as CSV",
    ):  # fmt: skip
        assert text in words, text
    for tag in ("Start", "Detected", "End"):
        assert f'<b class="label">{tag}</b>' in html
    assert html.count("<h1>") == 1
    labels = re.findall(r'role="img" aria-label="([^"]+)"', html)
    assert labels == [
        "Share of checks that passed, per minute, from 07:50 to 08:50 UTC: lowest at 08:01 UTC with 0 %, "
        "100 % at the end."
    ]


def test_without_checks_there_is_no_chart_and_no_csv(db):
    report = published()
    Postmortem.objects.update(curve={})
    assert "<figure" not in told(report)
    with pytest.raises(Http404):
        told(report, "postmortem_csv")


def test_what_was_changed_later_is_said_with_the_words_before(db):
    report = published()
    report.actions.create(text="Watch the pool").move("done", after(hours=5))
    assert "Last changed Thu 12 Nov 2026 : action 1: done." in plain(told(report))
    report.refresh_from_db()
    report.keep({"root_cause": "A pool without a limit."}, after(hours=6))
    words = plain(told(report))
    assert "Last changed Thu 12 Nov 2026 : root cause." in words
    assert "See earlier versions" in words
    assert words.index("A pool without a limit.") < words.index("Root cause, before A full pool.")


def test_a_story_of_two_days_says_which_day(db):
    rows = [["2026-11-11T23:59:00Z", "", "Before."], ["2026-11-12T00:01:00Z", "", "After."]]
    words = plain(told(published(timeline=rows)))
    assert "Wed 11 Nov 2026 23:59 UTC Before. Thu 12 Nov 2026 00:01 UTC After." in words


def test_what_happened_in_one_second_stays_in_the_order_written(db):
    rows = [["2026-11-12T08:01:00Z", "", "Third."], ["2026-11-12T08:00:00Z", "Start", "First."],
            ["2026-11-12T09:00:00+01:00", "Detected", "Second."]]  # fmt: skip
    report = published(timeline=rows)
    words = plain(told(report))
    assert words.index("First.") < words.index("Second.") < words.index("Third.")
    assert [row["at"] for row in json.loads(told(report, "postmortem_json"))["timeline"]] == [
        "2026-11-12T08:00:00Z", "2026-11-12T08:00:00Z", "2026-11-12T08:01:00Z",
    ]  # fmt: skip


def test_nothing_that_staff_write_runs(db):
    report = published(
        title=EVIL[:200], authors=EVIL, users_how=EVIL, **dict.fromkeys(TEXTS, EVIL), misled=[[EVIL, EVIL]],
        timeline=[["2026-11-12T08:00:00Z", "<script>", EVIL], ["2026-11-12T08:01:00Z", "Start", EVIL]],
    )  # fmt: skip
    report.actions.create(
        text=EVIL, team="<script>x</script>", link='https://example.org/"><script>', position=1
    )
    report.actions.create(text="Press me", link="javascript:alert(4)", position=2)
    report.keep(dict.fromkeys(TEXTS, EVIL + "2"), after(hours=3))
    Component.objects.update(name="<script>c</script>")
    for view in ("postmortem", "postmortems_page", "history_page", "overview"):
        named = {"public_id": report.incident.public_id} if view == "postmortem" else {}
        html = shown(view, **named)
        assert "<script>" not in html, view
        assert "<img" not in html
        assert 'href="javascript' not in html
    for kind in ("atom", "rss"):
        raw = feed(kind, after(days=1))
        assert b"<script>" not in raw
        parsed = feedparser.parse(raw, sanitize_html=False)
        assert not parsed.bozo
        for entry in parsed.entries:
            words = entry.content[0].value if kind == "atom" else entry.description
            assert "<script" not in words
            assert "<img" not in words
    assert json.loads(told(report, "postmortem_json"))["root_cause"] == EVIL + "2"


def test_the_list_holds_every_postmortem_and_what_is_late_first(db):
    report = published()
    for position, (text, due) in enumerate(
        [("Some day", None), ("Next year", "2027-01-01"), ("Late already", "2026-11-01")], start=1
    ):
        report.actions.create(text=text, due=due, position=position)
    report.actions.create(text="Finished", position=4).move("done", after(hours=3))
    words = plain(shown("postmortems_page"))
    places = [
        words.index(text) for text in (report.title, "Open actions", "Late already", "Next year", "Some day")
    ]
    assert places == sorted(places)
    assert "Finished" not in words
    assert "1 of 4 done" in words


def test_pages_that_tell_of_the_incident_lead_to_it(db):
    report = published()
    link = f'href="/postmortems/{report.incident.public_id}"'
    for view, named in (
        ("overview", {}),
        ("history_page", {}),
        ("incident", {"public_id": report.incident.public_id}),
        ("component", {"public_id": Component.objects.get().public_id}),
    ):
        assert link in shown(view, **named), view


@pytest.mark.parametrize("kind", ["atom", "rss"])
def test_feeds_tell_of_it_once_and_of_its_edits_in_place(db, kind):
    report = published()
    first = feedparser.parse(feed(kind, after(days=1))).entries
    assert [entry.title for entry in first] == [f"Postmortem: {report.title}", report.incident.title]
    words = first[0].content[0].value if kind == "atom" else first[0].description
    assert "<strong>down</strong>" in words
    assert "A full pool." in words
    assert first[0].link == f"https://status.widgetify.example/postmortems/{report.incident.public_id}"
    report.keep({"root_cause": "No limit."}, after(hours=9))
    again = feedparser.parse(feed(kind, after(days=1))).entries[0]
    assert again.id == first[0].id
    assert again.published == first[0].published
    assert "No limit." in str(again)
    if kind == "atom":
        assert first[0].updated == "2026-11-12T10:00:00Z"
        assert again.updated == "2026-11-12T17:00:00Z"


def test_the_api_goes_on_calling_the_incident_resolved(db):
    report = published()
    (incident,) = json.loads(shown(api_views.incidents))["incidents"]
    assert incident["status"] == "resolved"
    assert incident["postmortem_url"] == (
        f"https://status.widgetify.example/postmortems/{report.incident.public_id}"
    )
    report.withdraw()
    assert "postmortem_url" not in json.loads(shown(api_views.incidents))["incidents"][0]


def test_as_json_every_field_and_times_in_utc(db):
    report = published(users_percent="75", misled=[["Idle.", "Empty."]])
    report.actions.create(
        text="Watch", kind="detect", team="API", due="2026-11-10", link="https://example.org/1"
    )
    report.keep({"lessons": "One."}, after(hours=3))
    body = json.loads(told(report, "postmortem_json"))
    assert body["id"] == body["incident"]["id"] == report.incident.public_id
    assert body["started_at"] == "2026-11-12T08:00:00Z"
    assert body["first_public_word_at"] == "2026-11-12T08:00:10Z"
    assert body["duration_s"] == 2400
    assert body["users_affected_percent"] == 75
    assert body["incident"]["components"] == ["Chat"]
    assert body["timeline"][0] == {
        "at": "2026-11-12T08:00:00Z", "tag": "Start",
        "text": "Chat is returning errors: first failed check, from local.",
    }  # fmt: skip
    assert body["misled"] == [{"saw": "Idle.", "true": "Empty."}]
    assert body["actions"] == [
        {"text": "Watch", "kind": "detect", "team": "API", "due": "2026-11-10", "state": "todo",
         "is_late": True, "done_at": None, "link": "https://example.org/1"}
    ]  # fmt: skip
    assert body["edits"] == [{"at": "2026-11-12T11:00:00Z", "what": "lessons"}]
    assert {*TEXTS, "title", "authors", "published_at", "edited_at", "url"} <= set(body)


def test_as_markdown_it_is_whole(db):
    report = published(
        lessons="Watch it.", misled=[["a | b", "two\nlines"]], users_percent="75", users_how="of all"
    )
    report.actions.create(text="Watch", team="API", due="2026-11-10", link="https://example.org/1")
    text = told(report, "postmortem_markdown")
    for words in (
        "# Chat is returning errors", "- **Duration:** 40 min", "- **Users affected:** 75 %, of all",
        "## Summary\n\nChat was **down**.", "## Root cause", "- 2026-11-12T08:00:00Z **Start** ",
        "| a \\| b | two lines |", "## What we learned", "## Corrective actions",
        "| [Watch](<https://example.org/1>) | Prevent | API | 2026-11-10 | Not started, late |",
        f"https://status.widgetify.example/postmortems/{report.incident.public_id}\n",
    ):  # fmt: skip
        assert words in text, words


def test_the_numbers_behind_the_curve(db):
    rows = list(csv.DictReader(io.StringIO(told(published(), "postmortem_csv"))))
    assert len(rows) == 60
    assert rows[0] == {
        "time": "2026-11-12T07:50:00Z", "checks_well": "1", "checks": "1", "percent_well": "100.0",
    }  # fmt: skip
    assert rows[20]["percent_well"] == "0.0"


def test_the_number_of_queries_does_not_grow(db):
    report = published()
    of = {"public_id": report.incident.public_id}
    views_ = {"postmortem": of, "postmortems_page": {}, "postmortem_json": of}
    counts = {}
    for _ in range(2):
        for view, named in views_.items():
            with CaptureQueriesContext(connection) as asked:
                shown(view, **named)
            counts.setdefault(view, []).append(len(asked))
        for n in range(8):
            report.actions.create(text=f"Action {n}", position=n)
            report.keep({"lessons": f"Lesson {n}."}, after(hours=3 + n))
        examples.load(after(days=1))
    for view, (few, many) in counts.items():
        assert few == many <= 16, view


def test_the_examples_of_the_demo_are_whole_and_loaded_once(db):
    for _ in range(2):
        examples.load(after(days=1))
    assert Incident.objects.count() == 3
    assert Postmortem.objects.public().count() == 2
    assert Group.objects.count() == 2
    pool, chat = Postmortem.objects.order_by("-started_at")
    words = plain(told(pool))
    for text in ("2 h 30 min", "75 %", "at once", "DevOps", "3 of 5 done", "Late, in progress", "Data as CSV",
                 "Two releases went out", "We suspect an attack"):  # fmt: skip
        assert text in words, text
    words = plain(told(chat))
    for text in (
        "04:43 Pacific",
        "Wed 11 May 2016",
        "Fri 20 May 2016",
        "5 of 5 done",
        "outside of specified maintenance",
    ):
        assert text in words, text
    assert "Updates" in shown("incident", public_id=pool.incident.public_id)
    assert pool.incident.updates.count() == 6
    assert "Late, in progress" in shown("postmortems_page")


# In a real browser


def served(web):
    examples.load(timezone.now())
    web.catch_up()
    pool = Postmortem.objects.get(title__startswith="Widgetify")
    return f"/postmortems/{pool.incident.public_id}", pool


def test_nobody_is_shut_out_of_a_long_one(web, browser):
    path, _ = served(web)
    page = browser.open(web.url + path, width=390, scheme="dark")
    assert not sticks_out(page)
    assert faults(page) == []
    page.set_viewport_size({"width": 1280, "height": 900})
    assert not sticks_out(page)


def test_without_script_nothing_is_missing_but_the_buttons(web, browser):
    path, _ = served(web)
    page = browser.open(web.url + path, script=False, width=320)
    assert page.get_by_role("button").count() == 0
    assert "The alert on response time fires" in page.inner_text("main")
    page.get_by_text("See earlier versions").click()
    assert page.get_by_text("action 2: done").first.is_visible()
    page = browser.open(web.url + path, zone="Asia/Tokyo")
    assert "17:00" in page.inner_text("#summary")
    assert page.get_by_role("button", name="Print").is_visible()


@pytest.mark.parametrize(("size", "width"), [("A4", 595), ("Letter", 612)])
def test_it_prints_on_paper(web, browser, size, width):
    path, _ = served(web)
    page = browser.open(web.url + path, scheme="dark")
    pdf = page.pdf(format=size, prefer_css_page_size=True).decode("latin-1")
    boxes = set(re.findall(r"/MediaBox\s*\[0 0 (\d+)", pdf))
    assert boxes == {str(width)}
    assert 2 <= len(re.findall(r"/Type\s*/Page\b", pdf)) <= 6
    page.emulate_media(media="print")
    page.set_viewport_size({"width": width + 80, "height": 900})
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    for hidden in (".top", ".foot", ".tools", ".crumbs"):
        assert not page.locator(hidden).first.is_visible()
    assert f"{web.url}{path}" in page.inner_text(".printed")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_a_change_appears_without_a_reload(web, browser):
    path, pool = served(web)
    page = browser.open(web.url + path)
    pool.keep({"lessons": "Another lesson."}, timezone.now())
    page.get_by_text("Another lesson.").wait_for(timeout=12_000)
    assert httpx.get(f"{web.url}{path}.md").headers["content-type"] == "text/markdown; charset=utf-8"
    assert "Another lesson." in httpx.get(f"{web.url}{path}.md").text
    assert timezone.now() - pool.edited_at < timedelta(minutes=1)
