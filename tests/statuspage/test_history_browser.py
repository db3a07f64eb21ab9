"""The history in a real browser: followed without script, open to all, nothing sticks out."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from django.utils import timezone

from components.models import Check, Page, Probe, StatusSpan
from tests.filling import fill, past_outage
from tests.looking import faults, sticks_out
from tests.whole import wait_for

# more to see on them than in test_everywhere_browser
RICHER = ("history", "bad day", "hour", "found", "not found", "component")
TITLE = "Chat <script>alert(1)</script> refused new connections"


@pytest.fixture
def looking_back(web):
    """Seven components, an outage four days ago told to the minute, and a long one in another month."""
    now = timezone.now()
    parts, _ = fill(components=7, days=130, incidents=3, hours=30, now=now)
    down = datetime(now.year, now.month, now.day, 8, tzinfo=UTC) - timedelta(days=4)
    past_outage(7, parts[0], down, now, title=TITLE, cause="database")
    past_outage(8, parts[4], down - timedelta(days=36), now, hours=60, status="partial_outage")
    StatusSpan.objects.filter(component=parts[0]).update(ended_at=down)
    up = down + timedelta(hours=1)
    StatusSpan.objects.create(component=parts[0], status="major_outage", started_at=down, ended_at=up)
    StatusSpan.objects.create(component=parts[0], status="operational", started_at=up)
    probe = Probe.objects.get(component=parts[0])
    Check.objects.bulk_create(
        Check(probe=probe, slot=int(down.timestamp()) + 60 * n, region="fra", outcome="down", total_ms=84,
              status_code=503, failure="status")
        for n in range(20)
    )  # fmt: skip
    Page.objects.bump_version()
    web.catch_up()
    return parts[0].public_id, down.date(), now.date()


def addresses(public_id, bad, today):
    return {
        "history": "/history",
        "one component": f"/history/component/{public_id}",
        "bad day": f"/components/{public_id}/days/{bad}",
        "today": f"/components/{public_id}/days/{today}",
        "hour": f"/components/{public_id}/days/{bad}/08",
        "found": "/history/search?q=chat+outage",
        "not found": "/history/search?q=zeppelin",
        "figures": "/history/figures",
        "component": f"/components/{public_id}",
    }


def test_nobody_is_shut_out_of_the_past_and_nothing_of_it_scrolls_sideways(web, browser, looking_back):
    page, wrong = browser.open(web.url, scheme="dark"), []
    for name, path in addresses(*looking_back).items():
        page.goto(web.url + path)
        for width in (1280, 320, 390):
            page.set_viewport_size({"width": width, "height": 900})
            if sticks_out(page):
                wrong.append(f"{name} {width} scrolls sideways")
        if name in RICHER:
            wrong += [f"{name}: {fault}" for fault in faults(page)]
    assert wrong == [], "\n".join(wrong)


def test_without_script_a_reader_comes_from_the_year_to_the_minute(web, browser, looking_back):
    public_id, bad, _ = looking_back
    month, part = f"/history/{bad:%Y-%m}", f"/components/{public_id}"
    for path in (month, part, f"{part}/days/{bad}"):  # a busy machine asks the first readers to wait
        wait_for(lambda path=path: httpx.get(web.url + path).status_code == 200, 60)
    page = browser.open(web.url + month, script=False)
    page.locator(".menu summary").click()
    page.get_by_role("link", name="Part 0").first.click()
    assert "of Part 0" in page.inner_text("h1")
    page.locator(".calendar").get_by_role("link", name=f"{bad.day} {bad:%B}: major outage").click()
    assert page.url.endswith(f"/components/{public_id}/days/{bad}")
    assert TITLE in page.inner_text("#incidents")


def test_without_script_a_reader_searches(web, browser, looking_back):
    page = browser.open(f"{web.url}/history", script=False)
    page.get_by_label("Search all incidents").fill("refused SCRIPT")
    page.get_by_role("button", name="Search").click()
    assert "1 incident found." in page.inner_text("main")
    assert [mark.inner_text() for mark in page.locator("a mark").all()] == ["script", "script", "refused"]
    page.get_by_role("link", name=TITLE).click()
    assert TITLE in page.inner_text("h1")
