"""Past incidents on the front page: quiet only where somebody was looking."""

from datetime import timedelta

from components.models import Component
from incidents.models import Incident
from tests.making import NOW, after, fell, found, watched
from tests.statuspage.public.test_page_model import html, overview


def backfilled(days_ago):
    at = NOW - timedelta(days=days_ago)
    Incident.objects.record(
        f"Slow {days_ago} days ago", "Over.", started_at=at, ended_at=at + timedelta(hours=1), now=NOW,
        statuses={},
    )  # fmt: skip


def told(at, **judged):
    return [(day.label, day.note or "incident") for day in overview(at, **judged).past]


def watched_since(days_ago):
    found(watched(), "up", NOW)
    Component.objects.update(created_at=NOW - timedelta(days=days_ago))


def test_of_days_before_anything_was_watched_nothing_is_said(db):
    watched_since(3)
    for days_ago in (1, 10, 20):
        backfilled(days_ago)
    assert told(after(seconds=1)) == [
        ("12 Nov", "No incidents."),
        ("Wed 11 Nov", "incident"),
        ("9 – 10 Nov", "No incidents."),
        ("Mon 2 Nov", "incident"),
        ("Fri 23 Oct", "incident"),
    ]


def test_a_page_that_is_new_tells_of_today_alone(db):
    watched_since(0)
    assert told(after(seconds=1)) == [("12 Nov", "No incidents.")]


def test_an_incident_told_of_later_makes_no_day_quiet_that_nobody_saw(db):
    watched_since(0)
    backfilled(5)
    assert told(after(seconds=1)) == [("12 Nov", "No incidents."), ("Sat 7 Nov", "incident")]


def test_while_one_is_open_today_is_not_quiet(db):
    fell(watched("Search", position=2))
    watched_since(2)
    assert told(after(minutes=1))[0] == ("10 – 11 Nov", "No incidents.")


def test_while_monitoring_is_stale_quiet_days_say_since_when_nobody_looked(db):
    watched_since(3)
    at = after(minutes=6)
    assert told(at) == [("9 – 12 Nov", "No incidents posted.")]
    assert "Not monitored since" in html(at)
    assert told(after(minutes=4)) == [("9 – 12 Nov", "No incidents.")]
