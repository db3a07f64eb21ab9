"""The composer in a real browser: what is published does not come back, and the promise is followed."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from incidents.models import Draft, Incident
from tests.making import fell, watched
from tests.people import session


@pytest.fixture
def incident(transactional_db):
    fell(watched("Chat", auto="suggest"), timezone.now() - timedelta(minutes=5))
    return Incident.objects.get()


def publish(page, way):
    button = page.locator("[data-publish]")
    if way == "keys":
        page.keyboard.press("Control+Enter")
    elif way == "tap":
        button.tap()
    else:
        button.click()


@pytest.mark.parametrize("way", ["mouse", "tap", "keys"])
def test_published_words_do_not_come_back_as_a_draft(web, browser, incident, way):
    ada = session("ada")
    address = f"{web.url}/console/incidents/{incident.public_id}/compose"
    for number in range(3):
        page = browser.open(address, session=ada, touch=way == "tap", width=390 if way == "tap" else 1280)
        page.locator("#body").fill("")
        page.locator("#body").press_sequentially(f"It does not work, number {number}.", delay=5)
        time.sleep((0, 0.4, 1.6)[number])  # before, around and after the first saving
        publish(page, way)
        page.wait_for_url(f"**/console/incidents/{incident.public_id}")
        time.sleep(0.5)  # a saving that was under way has come by now
        assert not Draft.objects.exists()
        page.goto(address)
        assert page.input_value("#body") == ""
        page.context.close()
    assert incident.updates.filter(kind="post", is_by_machine=False).count() == 3


def test_the_words_follow_the_promise_while_one_looks(web, browser, incident):
    address = f"{web.url}/console/incidents/{incident.public_id}/compose"
    page = browser.open(address, session=session("ada"))
    label = page.locator(".promise label", has=page.locator("[value='60']"))
    before, hour = page.input_value("#body"), label.inner_text().split("by ")[1].strip()
    assert hour not in before
    label.click()
    page.wait_for_selector(f"#beside :text('{hour}')")
    after = page.input_value("#body")
    assert hour in after
    assert page.input_value("[name=told]") == hour
    page.locator("#body").fill(f"{after} Thank you.")
    page.locator(".promise label", has=page.locator("[value='none']")).click()
    time.sleep(1)
    assert hour not in page.input_value("#body")
    assert "Thank you." in page.input_value("#body")
