"""Adding a probe that is reported to, in a real browser: its address, first reports, and its page."""

import os

import httpx
import pytest
from django.utils import timezone

from components.models import Component, Probe, Signal
from statuspage.models import Role
from tests.components.inbound.payloads import ALERTMANAGER
from tests.components.passive.judging import judge_now
from tests.looking import faults, sticks_out
from tests.people import session
from tests.whole import wait_for

SHOTS = os.environ.get("SHOTS", "")  # a folder for pictures


@pytest.fixture
def editor(web):
    return session("ed", Role.EDITOR)


@pytest.fixture(autouse=True)
def refused_forms(browser):
    """A form that comes back is answered with 400, which the browser writes down."""
    yield
    browser.faults = [fault for fault in browser.faults if "status of 400" not in fault]


def look(page, name):
    """In both themes and widths: nothing that axe-core holds against it, nothing that sticks out."""
    for scheme, width in (("light", 1280), ("dark", 390), ("light", 390), ("dark", 1280)):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        if SHOTS:
            page.screenshot(path=f"{SHOTS}/{name}-{scheme}-{width}.png", full_page=True)
        assert faults(page) == []
        assert not sticks_out(page)
    page.set_viewport_size({"width": 1280, "height": 900})


def choose(page, kind):
    with page.expect_response(lambda response: response.request.method == "POST"):
        page.locator("#id_kind").select_option(kind)


def test_a_job_is_added_and_reports(web, browser, editor):
    component = Component.objects.create(name="Backup")
    page = browser.open(f"{web.url}/console/components/{component.public_id}/probe", session=editor)
    choose(page, "heartbeat")
    page.locator("#id_heartbeat__grace").wait_for()
    page.get_by_role("button", name="Try it once").wait_for(state="detached")
    look(page, "heartbeat-form")
    page.locator("#id_target").fill("0 3 31 2 *")
    page.locator("#id_heartbeat__schedule").select_option("cron")
    page.locator(".acts--stack button[value=save]").click()
    page.get_by_text("The cron expression is not valid: bad day-of-month.").first.wait_for()
    page.locator("#id_target").fill("30 3 * * *")
    page.locator("#id_name").fill("Nightly backup")
    page.locator(".acts--stack button[value=save]").click()
    page.get_by_text("Send the first report to its address.").wait_for()
    probe = Probe.objects.get()
    assert (probe.target, probe.confirm_down) == ("30 3 * * *", 1)
    address = page.locator("pre.excerpt").first.inner_text()
    assert address == f"{web.url}/ping/{probe.inbox.key}"
    page.locator("#examples").get_by_text("/$?").first.wait_for()
    page.reload()
    look(page, "heartbeat-new")
    httpx.get(f"{address}/start?rid=run-1")
    httpx.post(f"{address}/3?rid=run-1", content="pg_dump: error: <b>no space</b> left on device\n" * 8)
    httpx.get(address)
    httpx.post(f"{address}/1", content="Killed")
    wait_for(lambda: Signal.objects.count() == 4, 20)
    judge_now(probe, timezone.now())
    page.reload()
    page.get_by_text("Exit status 3").wait_for()
    page.get_by_text("The job reported a failure (exit status 1)").first.wait_for()
    look(page, "heartbeat-failed")


def test_alerts_are_added_and_fire(web, browser, editor):
    component = Component.objects.create(name="API")
    page = browser.open(f"{web.url}/console/components/{component.public_id}/probe", session=editor)
    choose(page, "inbound")
    page.locator("#id_inbound__auth").wait_for()
    look(page, "inbound-form")
    page.locator("#id_inbound__auth").select_option("bearer")
    page.locator(".acts--stack button[value=save]").click()
    page.get_by_text("Enter the secret for “bearer”").first.wait_for()
    page.locator("#id_inbound__secret").fill("t0ken")
    page.locator(".acts--stack button[value=save]").click()
    page.get_by_text("Send the first report to its address.").wait_for()
    probe = Probe.objects.get()
    assert "t0ken" not in str(probe.options)
    address = page.locator("pre.excerpt").first.inner_text()
    answer = httpx.post(address, json=ALERTMANAGER, headers={"Authorization": "Bearer t0ken"})
    assert answer.status_code == 200
    wait_for(lambda: Signal.objects.count() == 2, 20)
    judge_now(probe, timezone.now())
    page.reload()
    page.get_by_text("1 alert is firing: HighLatency.").first.wait_for()
    look(page, "inbound-firing")
    page.get_by_role("link", name="Edit").click()
    assert page.locator("#id_inbound__secret").input_value() == ""
    page.locator(".acts--stack button[value=save]").click()  # the secret is kept
    page.get_by_text("Send the first report").wait_for()
    kept = Probe.objects.get()
    assert kept.options == probe.options
    assert kept.outcome == "down"


def test_those_who_may_not_edit_see_no_address_and_no_words_of_the_job(web, browser, editor):
    component = Component.objects.create(name="Backup")
    probe = Probe.objects.create(component=component, kind="heartbeat", target="1 h")
    httpx.post(f"{web.url}/ping/{probe.inbox.key}/fail", content="password=hunter2")
    wait_for(lambda: Signal.objects.count() == 1, 20)
    judge_now(probe, timezone.now())
    page = browser.open(f"{web.url}/console/probes/{probe.public_id}", session=session("vi", Role.VIEWER))
    page.get_by_role("heading", name="Last reports").wait_for()
    assert probe.inbox.key not in page.content()
    assert "hunter2" not in page.content()
    look(page, "heartbeat-viewer")
