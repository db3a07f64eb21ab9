"""A webhook's first test is its yes; and two who give the same address at once are one."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from standardwebhooks import Webhook

from components.egress import Egress
from incidents.models import Incident
from subscribers import channels
from subscribers.delivery import fan_out
from subscribers.delivery.dispatcher import Dispatcher
from subscribers.models import Delivery, Purpose, State, Subscriber
from tests.making import component
from tests.subscribers.receivers import Sink
from tests.whole import wait_for


@pytest.fixture
def postman(transactional_db):
    made = Dispatcher(channels.senders(), egress=Egress(("127.0.0.0/8",)))
    yield made
    made.drain(25)


def deliver(postman):
    fan_out.sort(timezone.now())
    postman.wake()
    wait_for(lambda: not Subscriber.objects.filter(next_at__lte=timezone.now()).exists(), 25, 0.05)


def say(title="Chat is down"):
    Incident.objects.open(title, "We look.", now=timezone.now(), components=[component()])


def test_an_endpoint_that_takes_the_test_is_told_from_then_on(postman):
    with Sink() as sink:
        sink.answers["/in"] = 500
        page = Client().post(
            "/subscribe/webhook", {"address": f"{sink.url}/in", "contact": "owner@example.org"}
        )
        secret = re.search(r"whsec_[\w+/=]+", page.content.decode())[0]
        say("Before")
        deliver(postman)
        one = Subscriber.objects.get(channel="webhook")
        assert (one.state, len(sink.got)) == (State.UNCONFIRMED, 1)
        sink.answers["/in"] = 204
        Delivery.objects.update(due_at=timezone.now())
        Subscriber.objects.filter(pk=one.pk).update(next_at=timezone.now())
        deliver(postman)
        one.refresh_from_db()
        assert one.state == State.ACTIVE
        say("After")
        deliver(postman)
        first, again, news = sink.got
    assert first.id == again.id
    assert Webhook(secret).verify(again.body, again.headers)["test"]["purpose"] == Purpose.CONFIRM
    assert Webhook(secret).verify(news.body, news.headers)["incident"]["name"] == "After"


def test_two_at_once_are_one_subscriber_and_one_letter(transactional_db):
    def send(number):
        try:
            client = Client(REMOTE_ADDR=f"192.0.2.{number}")
            return client.post("/subscribe/email", {"address": "reader@example.org"}).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(send, range(12)))
    assert answers == [302] * 12
    assert (Subscriber.objects.count(), Delivery.objects.count()) == (1, 1)


def test_one_place_gets_no_more_by_asking_at_once(transactional_db):
    def send(number):
        try:
            return Client().post("/subscribe/email", {"address": f"r{number}@example.org"}).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(send, range(16)))
    assert answers.count(302) == Subscriber.objects.count() <= 10
