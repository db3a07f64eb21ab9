"""Since when monitoring is delayed: the moment of the newest check, readable at any hour."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from statuspage.public import page_model
from statuspage.public.views import overview
from statuspage.public.world import gather_world
from tests.making import found, watched

NOON = datetime(2026, 11, 12, 12, 4, 30, tzinfo=UTC)
EVE = datetime(2026, 11, 12, 23, 56, 30, tzinfo=UTC)  # late before midnight, stale after it
TAG = re.compile(r"<[^>]+>")


def line(at, *, seconds):
    """The line of a page that was rendered a second after its newest check, as it is shown later."""
    draft = overview.gather(at + timedelta(seconds=1))
    html = draft.render(at + timedelta(seconds=seconds)).decode()
    html = re.sub(r'<span class="fresh__last">.*?</span>', "", html)  # hidden by the style sheet
    start = html.index('id="fresh"')
    text = TAG.sub("", html[html.index(">", start) + 1 : html.index("</p>", start)])
    return " ".join(text.split())


@pytest.fixture(params=[NOON, EVE], ids=["noon", "eve"])
def checked_at(request, db):
    found(watched(interval_s=60), "up", request.param)
    return request.param


def test_the_steps_begin_when_the_tests_below_say(checked_at):
    world = gather_world(checked_at)
    fresh = page_model.freshness(world, checked_at)
    assert fresh.late_at - checked_at < timedelta(seconds=150) < fresh.stale_at - checked_at
    assert timedelta(seconds=210) < fresh.stale_at - checked_at <= timedelta(seconds=600)


def test_late_data_is_delayed_since_its_newest_check(db):
    found(watched(interval_s=60), "up", NOON)
    assert line(NOON, seconds=1).startswith("Monitoring data is current: 12:04:30 UTC")
    assert line(NOON, seconds=150).startswith("Monitoring delayed since 12:04:30 UTC")


def test_a_page_that_may_be_read_after_midnight_names_the_day(db):
    found(watched(interval_s=60), "up", EVE)
    assert line(EVE, seconds=1).startswith("Monitoring data is current: 23:56:30 UTC")
    # made before midnight, and shown unchanged after it
    assert line(EVE, seconds=150).startswith("Monitoring delayed since 12 Nov, 23:56:30 UTC")


def test_what_may_be_read_on_any_later_day_names_the_day(checked_at):
    text = line(checked_at, seconds=700)
    assert text.startswith(f"No monitoring data since 12 Nov 2026, {checked_at:%H:%M:%S} UTC")


def test_old_copies_say_of_when_they_are(db):
    now = timezone.now()
    found(watched(interval_s=60), "up", now)
    draft = overview.gather(now + timedelta(seconds=1))
    html = draft.old(now + timedelta(seconds=1)).decode()
    words = re.search(r'data-late="(Mon[^"]*)"\s+data-stale="([^"]*)"', html)
    assert words.groups() == ("Monitoring delayed. Shown as of", "No monitoring data now. Shown as of")
    assert "delayed since" not in html
