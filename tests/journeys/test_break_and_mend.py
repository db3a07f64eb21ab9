"""The first evening of a newcomer: watch something, break it, see it told, mend it, see it closed."""

import time

import httpx

from tests.targets import Target
from tests.whole import wait_for

# the next slot, one confirming look, its time-out, and 5 s for ourselves
AT_MOST_S = 5 + 5 + 2 + 5


def test_break_it_and_the_page_says_so_mend_it_and_it_closes(whole, browser):
    whole.start()
    page = browser.open(whole.url)
    wait_for(lambda: "All systems are operational" in page.inner_text("h1"), 40)
    with Target() as target:
        saved = whole.manage("probe", target.url, "--save", "--name", "Web app", "--interval", "5")
        assert "Saved as “Web app”; it is checked every 5 s." in saved.stdout
        assert "✓ First byte" in saved.stdout
        row = page.locator(".row", has_text="Web app")
        row.locator(".state", has_text="Operational").wait_for(timeout=30_000)
        target.answers = 503
        page.get_by_role("heading", level=1, name="Web app is down").wait_for(timeout=25_000)
        card = page.locator(".incident")
        assert "Web app is returning errors (since" in card.inner_text()
        assert "automatic update" in card.inner_text()
        feed = httpx.get(f"{whole.url}/history.atom").text
        assert "Web app is returning errors" in feed
        card.get_by_role("link", name="Full timeline and evidence").click()
        assert "503 Service Unavailable" in page.inner_text("#evidence")
        page.go_back()
        target.answers = 200
        page.get_by_role("heading", level=1, name="All systems are operational").wait_for(timeout=40_000)
        (incident,) = whole.incidents()
        wait_for(lambda: whole.incidents()[0]["status"] == "resolved", 20)
        assert [u["status"] for u in whole.incidents()[0]["incident_updates"]] == [
            "resolved", "monitoring", "investigating"]  # fmt: skip
        assert incident["impact"] == "critical"
        link = page.locator("#past").get_by_role("link", name="Web app is returning errors")
        link.wait_for(timeout=20_000)
        staff_take_over_from_the_shell(whole)
    took = whole.stop()
    assert took < 10
    assert whole.left() == []


def staff_take_over_from_the_shell(whole):
    with Target() as target:
        whole.watch(target.url, "API")
        wait_for(lambda: whole.status_of("API") == "operational", 40)
        target.answers, began = 500, time.monotonic()
        wait_for(lambda: whole.status_of("API") == "major_outage", 40)
        opened_s = time.monotonic() - began
        told = whole.manage("post", "last", "--phase", "identified", "--body", "We found it.", "--next", "20")
        assert "Posted to “API is returning errors”" in told.stdout
        wait_for(lambda: whole.incidents()[0]["status"] == "identified", 10)
        target.answers, began = 200, time.monotonic()
        wait_for(lambda: whole.status_of("API") == "operational", 40)
        closed_s = time.monotonic() - began
        incident = next(one for one in whole.incidents() if one["name"] == "API is returning errors")
        assert (incident["status"], len(incident["incident_updates"])) == ("identified", 2)
    # check 10, over many rounds: tests/faults/test_probes_and_incidents.py
    assert max(opened_s, closed_s) <= AT_MOST_S
