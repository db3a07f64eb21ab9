"""A reader in a real browser: from the box on the page to the first choice, and out again."""

from datetime import timedelta

import pytest
from django.utils import timezone

from components.models import Component
from incidents.models import Incident, Post
from subscribers.delivery import message_builder
from subscribers.models import Delivery, DeliveryState, Purpose, State, Subscriber
from tests.looking import faults, sticks_out
from tests.making import found, group, watched
from tests.subscribers.making import mail, webhook


@pytest.fixture
def chat(transactional_db):
    ours, now = group("Messaging"), timezone.now()
    for position, name in enumerate(("Chat", "Files"), start=1):
        found(watched(name, group=ours, position=position), "up", now - timedelta(seconds=40))
    return Component.objects.get(name="Chat")


def opened(chat):
    return Incident.objects.open(
        "Chat refuses connections", "We look.", now=timezone.now(), components=[chat],
        statuses={chat: "major_outage"},
    )  # fmt: skip


def confirmation():
    """The path of the link in the newest confirmation."""
    letter = Delivery.objects.filter(purpose=Purpose.CONFIRM).latest("pk")
    return message_builder.links(letter.subscriber).confirm.removeprefix("https://status.widgetify.example")


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_from_the_box_to_a_choice_and_out(web, browser, chat, script):
    web.catch_up()
    page = browser.open(web.url, script=script)
    page.get_by_label("Email", exact=True).fill("reader@example.org")
    page.get_by_role("button", name="Subscribe").click()
    page.get_by_role("heading", level=1, name="Check your email").wait_for()
    page.goto(web.url + confirmation())
    assert Subscriber.objects.get().state == State.UNCONFIRMED
    page.get_by_role("button", name="Yes, send me updates").click()
    page.get_by_role("heading", level=1, name="Your updates").wait_for()
    assert Subscriber.objects.get().state == State.ACTIVE
    page.get_by_label("Chat").check()
    if not script:
        page.get_by_label("Only these").check()  # with script the tick means it
    page.get_by_label("One email a day").check()
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Your choices are saved.").wait_for()
    one = Subscriber.objects.get()
    assert (one.is_all, list(one.components.all()), one.is_digest) == (False, [chat], True)
    page.get_by_role("button", name="Unsubscribe").click()
    page.get_by_role("heading", level=1, name="You're unsubscribed").wait_for()
    assert Subscriber.objects.get().state == State.LEFT
    assert page.context.cookies() == []


def test_tell_me_when_this_is_fixed(web, browser, chat):
    incident = opened(chat)
    web.catch_up()
    page = browser.open(web.url, width=390)
    for address, path in (("a@example.org", "/"), ("b@example.org", incident.get_absolute_url())):
        page.goto(web.url + path)
        page.get_by_label("Get notified when this is fixed").fill(address)
        page.get_by_role("button", name="Notify me").click()
        page.get_by_role("heading", level=1, name="Check your email").wait_for()
        one = Subscriber.objects.get(shown=address)
        assert (one.is_all, list(one.follows.all())) == (False, [incident])


def test_a_mistake_is_told_where_it_is_and_costs_nothing(web, browser, chat):
    page = browser.open(f"{web.url}/subscribe/webhook")
    page.get_by_label("Address of your endpoint").fill("ftp://example.org/x")
    page.get_by_label("Planned maintenance").uncheck()
    page.get_by_role("button", name="Subscribe").click()
    page.get_by_role("alert").wait_for()
    assert page.get_by_label("Address of your endpoint").input_value() == "ftp://example.org/x"
    assert not page.get_by_label("Planned maintenance").is_checked()
    assert page.get_by_label("Every component status change").is_checked()
    browser.faults = [fault for fault in browser.faults if "422" not in fault]


def test_the_work_is_done_by_the_browser(tmp_path, transactional_db, browser, monkeypatch):
    monkeypatch.setenv("SUBSCRIBE_PROOF_BITS", "8")
    from tests.web import Web

    web = Web(tmp_path)
    try:
        page = browser.open(web.url)
        page.get_by_label("Email", exact=True).fill("reader@example.org")
        page.get_by_role("button", name="Subscribe").click()  # the page itself holds no challenge
        page.get_by_text("Your browser has to do a short computation").wait_for()
        page.get_by_role("button", name="Subscribe").click()
        page.get_by_role("heading", level=1, name="Check your email").wait_for()
    finally:
        web.stop()
    assert Subscriber.objects.get().shown == "reader@example.org"
    browser.faults = [fault for fault in browser.faults if "422" not in fault]


def test_nobody_is_shut_out_of_subscribing(web, browser, chat):
    incident, now = opened(chat), timezone.now()
    reader, hook = mail(components=[chat]), webhook("https://hooks.example.org/status", confirmed_at=now)
    hook.owe(Purpose.TEST, now)
    Delivery.objects.update(state=DeliveryState.SENT, answer=200, finished_at=now, attempts=1)
    page = browser.open("about:blank", width=390, scheme="dark")
    for path in (
        f"{reader.get_absolute_url()}?only={incident.public_id}&said=saved",
        hook.get_absolute_url(),
    ):
        page.goto(web.url + path)  # the rest is in test_everywhere_browser and test_states_browser
        assert not sticks_out(page), path
        assert faults(page) == [], path


def test_an_address_half_typed_outlives_the_news(web, browser, chat):
    """Nothing typed is lost: the card waits until the field is empty again."""
    incident = opened(chat)
    web.catch_up()
    page = browser.open(web.url)
    field = page.get_by_label("Get notified when this is fixed")
    field.fill("reader@exam")
    page.locator("h1").first.click()
    incident.post(Post("More is known.", phase="identified"), now=timezone.now())
    page.locator("#banner").get_by_text("Identified").wait_for(timeout=12_000)  # the banner is free
    assert field.input_value() == "reader@exam"
