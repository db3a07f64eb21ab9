"""One zone on a page: times in words and beside them follow the reader together."""

import re
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from incidents import postmortem_draft
from incidents.models import Incident, Post
from tests.looking import until
from tests.making import fell, found, rose, watched
from tests.people import session

UTC_CLOCK = re.compile(r"\d\d:\d\d(?::\d\d)? UTC")
LOCAL = 9  # hours that Tokyo is ahead


@pytest.fixture
def outage(transactional_db):
    """An outage of five minutes, told by the machine, over, with its postmortem published."""
    now = timezone.now().replace(microsecond=0)
    probe = watched("API")
    fell(probe, now - timedelta(minutes=20))
    rose(probe, now - timedelta(minutes=15))
    incident = Incident.objects.get()
    incident.post(
        Post(
            f"We found it at {now - timedelta(minutes=16):%H:%M} UTC, run `date 08:00 UTC`.",
            phase="monitoring",
        ),
        now=now - timedelta(minutes=10),
    )
    found(probe, "up", now)
    return incident


def texts(page):
    """What a reader sees of the page, code aside."""
    page.wait_for_selector("[data-zone]:text-is('Asia/Tokyo')")
    return page.evaluate(
        "(() => { document.querySelectorAll('code').forEach((e) => e.remove()); "
        "document.querySelectorAll('details').forEach((e) => { e.open = true }); "
        "return document.querySelector('main').innerText })()"
    )


def test_no_page_shows_two_clocks(web, browser, outage):
    web.catch_up()
    for path in ("/", outage.get_absolute_url()):
        page = browser.open(f"{web.url}{path}", zone="Asia/Tokyo")
        assert UTC_CLOCK.findall(texts(page)) == [], path
        inside = page.locator(".words time", has_text=re.compile(r"^\d\d:\d\d$")).first
        local = datetime.fromisoformat(inside.get_attribute("datetime")) + timedelta(hours=LOCAL)
        assert inside.inner_text() == f"{local:%H:%M}"
        page.locator("[data-zone-switch]").click()
        page.wait_for_selector("[data-zone]:text-is('UTC')")
        assert UTC_CLOCK.search(page.inner_text(".words"))


def test_an_old_incident_and_its_postmortem_keep_one_zone(web, browser, outage, django_user_model):
    now = timezone.now()
    outage.post(Post("Over.", phase="resolved"), now=now)
    report = postmortem_draft.create(outage, author=None, now=now)
    report.what_happened = "At 08:00 UTC, before 08:10 to 08:20 UTC, it broke."
    report.root_cause = "A pool."
    report.save()
    report.publish(now)
    web.catch_up()
    for path in ("/", "/history/search?q=API", outage.get_absolute_url(), report.get_absolute_url()):
        page = browser.open(f"{web.url}{path}", zone="Asia/Tokyo")
        assert UTC_CLOCK.findall(texts(page)) == [], path


def test_a_clock_beside_the_page_s_day_names_the_reader_s_when_it_is_another(web, browser, transactional_db):
    noon = timezone.now().replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)
    for at in (noon, noon + timedelta(hours=6)):
        ended = at + timedelta(minutes=5)
        Incident.objects.record(
            f"Slow at {at:%H}", "Over.", started_at=at, ended_at=ended, now=ended, statuses={}
        )
    web.catch_up()
    page = browser.open(web.url, zone="Asia/Tokyo")
    page.wait_for_selector("[data-zone]:text-is('Asia/Tokyo')")
    after = noon + timedelta(days=1)
    early, late = (
        " ".join(page.locator(".past article", has_text=f"Slow at {hour}").inner_text().split())
        for hour in (12, 18)
    )
    assert "· 21:00 – 21:05" in early
    assert f"· {after.day} {after:%b}, 03:00 – 03:05" in late


def test_without_script_the_words_are_whole(web, browser, outage):
    web.catch_up()
    page = browser.open(f"{web.url}{outage.get_absolute_url()}", script=False, zone="Asia/Tokyo")
    assert UTC_CLOCK.search(page.inner_text(".words"))


def test_staff_see_when_it_was_for_them(web, browser, outage):
    page = browser.open(
        f"{web.url}/console/incidents/{outage.public_id}", zone="Asia/Tokyo", session=session("ada")
    )
    inside = page.locator(".words time").first
    assert inside.get_attribute("datetime").endswith("Z")
    page.wait_for_selector(".words time[title]")


def test_a_promise_that_has_passed_says_so(web, browser, transactional_db):
    now = timezone.now()
    incident = Incident.objects.open(
        "It fails", "We look.", now=now, next_update_at=now + timedelta(seconds=6)
    )
    web.catch_up()
    page = browser.open(f"{web.url}{incident.get_absolute_url()}")
    assert "Next update by" in page.inner_text("#banner")
    page.wait_for_selector("#banner:has-text('Next update was due')")
    assert "Next update was due" in page.inner_text("#facts")


def test_how_long_it_lasts_goes_on_as_its_age_does(web, browser, transactional_db):
    fell(watched("API", interval_s=5), timezone.now() - timedelta(seconds=25))
    web.catch_up()
    page = browser.open(f"{web.url}{Incident.objects.get().get_absolute_url()}")
    lasts = page.locator("#facts [data-length]")
    first = lasts.inner_text()
    until(page, "(was) => document.querySelector('#facts [data-length]').textContent !== was", arg=first)
    assert re.fullmatch(r"\d+ s|1 min", lasts.inner_text())
    page.evaluate(
        "document.querySelector('#facts [data-length]').dataset.length = new Date(Date.now() - 36e5)"
    )
    until(page, "() => document.querySelector('#facts [data-length]').textContent === '1 h'")


def test_the_console_counts_how_long_something_is_down(web, browser, transactional_db):
    fell(watched("API", interval_s=5), timezone.now() - timedelta(seconds=25))
    page = browser.open(f"{web.url}/console/", session=session("ada"))
    runs = page.locator("[data-running]").first
    first = runs.inner_text()
    assert re.fullmatch(r"[01]:\d\d", first)
    until(page, "(was) => document.querySelector('[data-running]').textContent !== was", arg=first)
    # set anew with each look: news replaces this part of the page
    longer = (
        "([seconds, shown]) => { const e = document.querySelector('[data-running]'); "
        "e.dataset.running = new Date(Date.now() - seconds * 1000).toISOString(); "
        "return e.textContent === shown }"
    )
    for seconds, shown in ((3500.5, "58:20"), (7500, "2 h 5 min"), (90000, "1 d 1 h")):
        until(page, longer, arg=[seconds, shown])
