"""The chart of a number, open alerts and the forms beside them in a real browser: both themes and widths."""

import os
from datetime import timedelta

import pytest
from django.utils import timezone

from components.models import DeployMarker, Inbox, NumberTally
from components.outcomes import Reading
from components.passive.alerts import Alert, AlertState
from statuspage.models import Role
from tests.looking import faults, sticks_out
from tests.making import found, watched
from tests.people import session

SHOTS = os.environ.get("SHOTS", "")  # a folder for pictures
OPTIONS = {
    "value": "connections_used{pool=\"main\"}", "divided_by": "connections_max{pool=\"main\"}",
    "limits": "degraded above 0.8\ndown above 0.98", "full_at": "1",
}  # fmt: skip


@pytest.fixture
def editor(web):
    return session("ed", Role.EDITOR)


def look(page, name):
    for scheme, width in (("light", 1280), ("dark", 390), ("light", 390), ("dark", 1280)):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        if SHOTS:
            page.screenshot(path=f"{SHOTS}/{name}-{scheme}-{width}.png", full_page=True)
        assert faults(page) == []
        assert not sticks_out(page)
    page.set_viewport_size({"width": 1280, "height": 900})


def inside(page):
    """Whether every word of the chart is within the page."""
    return page.evaluate(
        "[...document.querySelectorAll('.plot text')].map(word => word.getBoundingClientRect())"
        ".every(box => box.left >= 0 && box.right <= innerWidth)"
    )


def test_the_chart_of_a_number(web, browser, editor):
    probe, now = watched("Chat", kind="numbers", options=OPTIONS), timezone.now().replace(microsecond=0)
    for minute in range(55, 0, -1):
        if not 20 <= minute < 28:
            value = {"value": f"{0.99 - 0.004 * minute:.3f}"}
            found(
                probe, Reading(20.0, status_code=200, facts=value), now - timedelta(minutes=minute), gap=True
            )
    hour = now.replace(minute=0, second=0)
    for back in range(1, 160):
        if not 40 < back < 60:
            NumberTally.objects.create(
                probe=probe, hour=hour - timedelta(hours=back), count=60, mean=0.5 + back % 24 / 100,
                least=0.4, most=0.6 + back % 24 / 60,
            )  # fmt: skip
    DeployMarker.objects.create(at=now - timedelta(minutes=15), text="v2", component=probe.component)
    page = browser.open(f"{web.url}/console/probes/{probe.public_id}", session=editor)
    chart = page.get_by_role("img", name="last hour: between")
    chart.first.wait_for()
    look(page, "numbers-1h")
    page.set_viewport_size({"width": 390, "height": 900})
    assert inside(page)
    page.locator("#measured > summary").click()
    page.get_by_role("region", name="Measured numbers").wait_for()
    look(page, "numbers-table")
    page.goto(f"{web.url}/console/probes/{probe.public_id}?span=7d")
    page.get_by_role("img", name="last 7 days: between").first.wait_for()
    look(page, "numbers-7d")


def test_open_alerts_and_a_new_address(web, browser, editor):
    probe = watched("Disk", kind="inbound", target="alertmanager")
    now = timezone.now().timestamp()
    names = (
        "DiskFull",
        "A rule with a name that is long enough to need more than one line on a telephone, twice",
    )
    alerts = {str(n): Alert("firing", now - 600, now, name, "") for n, name in enumerate(names)}
    alerts["q"] = Alert("no_data", now - 900, now, "DatasourceNoData", "")
    Inbox.objects.filter(probe=probe).update(state=AlertState(now, alerts).as_json)
    page = browser.open(f"{web.url}/console/probes/{probe.public_id}", session=editor)
    page.locator("#forget-1 > summary").click()
    page.locator("#renew > summary").click()
    look(page, "alerts")
    page.locator("#forget-1").get_by_role("button", name="Forget this alert").click()
    page.get_by_text("was forgotten. It opens again if it is reported again.").wait_for()
    assert page.locator("[id^=forget-]").count() == 2
    old = Inbox.objects.get().key
    page.locator("#renew > summary").click()
    page.get_by_role("button", name="Make a new address").click()
    page.get_by_text("This is the new address.").wait_for()
    assert Inbox.objects.get().key != old
