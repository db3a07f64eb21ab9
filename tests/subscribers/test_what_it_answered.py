"""Whoever enters an endpoint sees what it answered, and learns nothing of who is known."""

import re
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from subscribers import data_export
from subscribers.models import Delivery, State, Subscriber
from tests.subscribers.making import webhook


@pytest.fixture(autouse=True)
def open_door(settings):
    settings.SUBSCRIBER_EGRESS_ALLOW = ("127.0.0.0/8",)


def enter(client, address, place="192.0.2.1"):
    """Sign up, and the page that the form leads to."""
    answer = client.post(
        "/subscribe/webhook", {"address": address, "contact": "me@example.org"}, REMOTE_ADDR=place
    )
    assert answer.status_code == 200, answer.content.decode()
    return unescape(re.search(r'href="(/subscribe/webhook/asked\?letter=[^"]+)"', answer.content.decode())[1])


def told(page):
    return re.sub(r"<[^>]+>|\s+", " ", page.split('id="answer"')[1].split("</section>")[0])


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (200, "200 : the test was accepted"),
        (302, "Responded with 302: redirects are not followed. We'll keep trying"),
        (308, "Responded with 308: redirects are not followed. We'll keep trying"),
        (500, "500"),
    ],
)
def test_the_form_leads_to_the_answer(client, post, sink, code, says):
    sink.usual = code
    seen_at = enter(client, f"{sink.url}/hook")
    assert "No response yet" in client.get(seen_at).content.decode()
    post.deliver()
    page = client.get(seen_at)
    assert page.headers["cache-control"] == "no-store"
    assert says in re.sub(" +", " ", told(page.content.decode()))
    assert (Subscriber.objects.get(channel="webhook").state == State.ACTIVE) == (code == 200)


def test_an_endpoint_that_is_too_slow_is_told_so(client, post, sink):
    sink.usual = "hang"
    seen_at = enter(client, f"{sink.url}/hook")
    post.deliver()
    assert "No response yet" in told(client.get(seen_at).content.decode())  # how soon it failed says why
    Delivery.objects.update(created_at=timezone.now() - data_export.QUIET)
    answer = re.sub(" +", " ", told(client.get(seen_at).content.decode()))
    assert (
        "can’t reach this address. Check that it is right" in answer
    )  # slow or closed: no port is told apart
    assert "We'll keep trying for up to five days" in answer
    assert Subscriber.objects.get(channel="webhook").state == State.UNCONFIRMED


def test_it_reads_the_same_for_who_is_known(client, post, sink):
    fresh, known = f"{sink.url}/fresh", f"{sink.url}/known"
    webhook(known)
    pages = [enter(client, address) for address in (fresh, known)]
    post.deliver()
    texts = [re.sub(r"letter=[^\"]+", "", client.get(page).content.decode()) for page in pages]
    assert texts[0] == texts[1]
    again = [enter(client, address, "192.0.2.2") for address in (fresh, known)]
    texts = [told(client.get(page).content.decode()) for page in again]
    assert texts[0] == texts[1]
    assert "within the last hour" in texts[0]


@pytest.mark.parametrize("letter", ["", "none", "msg_x:1:2", "\x00", "none:1qX:AAAA", "é" * 3000])
def test_a_forged_sign_shows_nothing(db, letter):
    answer = Client().get("/subscribe/webhook/asked", {"letter": letter})
    assert answer.status_code == 200
    assert 'id="answer"' not in answer.content.decode()
