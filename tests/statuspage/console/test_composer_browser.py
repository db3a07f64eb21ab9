"""The composer in a real browser: what is published does not come back, and the promise is followed."""

import os
import time
from datetime import timedelta

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.models import Session
from django.utils import timezone

from incidents.models import Draft, Incident
from statuspage.models import Member, Role
from tests.making import fell, watched
from tests.people import cookie, person, session


@pytest.fixture
def incident(transactional_db):
    fell(watched("Chat", auto="suggest"), timezone.now() - timedelta(minutes=5))
    return Incident.objects.get()


@pytest.fixture
def ada(transactional_db):
    """Whose password the web process knows how to check."""
    one = person("ada")
    one.password = make_password("of ada", hasher="pbkdf2_sha256")
    one.save()
    return one


def log_in_beside(page, url):
    other = page.context.new_page()
    other.goto(url)
    other.locator("[name=login]").fill("ada")
    other.locator("[name=password]").fill("of ada")
    other.get_by_role("button", name="Log in", exact=True).click()
    other.wait_for_url("**/console/**")


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


def test_a_session_that_ends_while_one_writes_costs_no_words(web, browser, incident, ada):
    address = f"{web.url}/console/incidents/{incident.public_id}/compose"
    page = browser.open(address, session=cookie(ada))
    Session.objects.all().delete()
    page.locator("#body").fill("We found the cause.")
    way = page.locator("#saved a", has_text="Log in in another tab")
    way.wait_for()
    assert page.url == address
    assert not Draft.objects.exists()
    # the login in another tab brings a session and a token of its own
    log_in_beside(page, f"{web.url}{way.get_attribute('href')}")
    page.wait_for_selector("#saved:has-text('Draft saved')")
    assert Draft.objects.get().data["body"] == "We found the cause."
    page.locator("[data-publish]").click()
    page.wait_for_url(f"**/console/incidents/{incident.public_id}")
    assert incident.updates.filter(body="We found the cause.").count() == 1
    assert not [one for one in browser.faults if "401" not in one]
    browser.faults.clear()


def test_a_role_taken_away_while_one_writes_is_named_and_costs_no_words(web, browser, incident, ada):
    page = browser.open(f"{web.url}/console/incidents/{incident.public_id}/compose", session=cookie(ada))
    Member.objects.filter(user=ada).update(role=Role.VIEWER)
    page.locator("#body").fill("We found the cause.")
    page.wait_for_selector("#saved:has-text('you no longer have the role Responder')")
    assert page.locator("#body").input_value() == "We found the cause."
    Member.objects.filter(user=ada).update(role=Role.RESPONDER)  # an admin was asked
    page.wait_for_selector("#saved:has-text('Draft saved')")
    assert Draft.objects.get().data["body"] == "We found the cause."
    assert not [one for one in browser.faults if "403" not in one]
    browser.faults.clear()


def test_what_is_published_without_a_session_is_sent_from_the_page_it_stands_on(web, browser, incident, ada):
    page = browser.open(f"{web.url}/console/incidents/{incident.public_id}/compose", session=cookie(ada))
    page.locator("#body").fill("We found the cause.\n\nIt is “Chat”.")
    Session.objects.all().delete()
    page.locator("[data-publish]").click()
    page.get_by_role("heading", name="Not sent yet").wait_for()
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=f"{folder}/kept.png", full_page=True)
        page.set_viewport_size({"width": 390, "height": 844})
        page.emulate_media(color_scheme="dark")
        page.screenshot(path=f"{folder}/kept-dark-390.png", full_page=True)
    assert page.locator("[name=body]").input_value() == "We found the cause.\n\nIt is “Chat”."
    log_in_beside(page, f"{web.url}/accounts/login/")
    page.get_by_role("button", name="Send it now").click()
    page.get_by_text("You have logged in again").wait_for()
    page.get_by_role("button", name="Send it now").click()
    page.wait_for_url(f"**/console/incidents/{incident.public_id}")
    assert incident.updates.filter(body="We found the cause.\n\nIt is “Chat”.").count() == 1
    assert not [one for one in browser.faults if "403" not in one and "401" not in one]
    browser.faults.clear()
