"""Nobody's mailbox is filled by us: one confirmation an hour, ten addresses an hour from one place."""

import os
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from incidents.models import Incident
from statuspage.models import Throttle
from subscribers import limits
from subscribers.delivery import fan_out
from subscribers.models import Delivery, Purpose, Subscriber
from tests.making import component
from tests.subscribers.making import mail

pytestmark = pytest.mark.django_db
IS_LONG = os.environ.get("FAULTS") == "long"
TIMES = 10 if IS_LONG else 2  # from each place: 1,000 in the long form
PLACES = 100 if IS_LONG else 20


def sign_up(address, client="192.0.2.1", path="/subscribe/email", field="address"):
    return Client(REMOTE_ADDR=client).post(path, {field: address}).status_code


def an_hour_later():
    Throttle.objects.update(expires=timezone.now() - timedelta(seconds=2))


def confirmations():
    return Delivery.objects.filter(purpose=Purpose.CONFIRM).count()


def test_one_address_from_many_places_is_written_once():
    answers = {
        sign_up("victim@example.org", f"192.0.2.{place}") for place in range(PLACES) for _ in range(TIMES)
    }
    assert answers == {302}  # the answer stays the same
    assert Delivery.objects.count() == 1
    an_hour_later()
    sign_up("victim@example.org")
    assert confirmations() == 2
    assert Subscriber.objects.count() == 1


def test_many_addresses_from_one_place_are_ten():
    answers = [sign_up(f"reader{number}@example.org") for number in range(1_000 if IS_LONG else 30)]
    assert answers.count(302) == 10
    assert set(answers[10:]) == {429}
    assert (Subscriber.objects.count(), confirmations()) == (10, 10)
    assert sign_up("another@example.org", "192.0.2.2") == 302
    an_hour_later()
    assert sign_up("another@example.org") == 302


def test_a_network_of_ipv6_is_one_place():
    answers = [sign_up(f"reader{n}@example.org", f"2001:db8:1:2::{n:x}") for n in range(11)]
    assert answers[10] == 429
    assert sign_up("b@example.org", "2001:db8:1:3::1") == 302
    assert limits.network("::ffff:192.0.2.1") == limits.network("192.0.2.1") == "192.0.2.1"


def test_forged_forwarding_headers_win_no_place():
    answers = [
        Client(REMOTE_ADDR="192.0.2.1").post(
            "/subscribe/email", {"address": f"r{n}@example.org"}, headers={"X-Forwarded-For": f"1.2.3.{n}"}
        ).status_code
        for n in range(11)
    ]  # fmt: skip
    assert answers[10] == 429


def test_statuspages_addresses_have_the_same_limits():
    given = {"path": "/subscriptions/new-email", "field": "email"}
    answers = [sign_up(f"r{n}@example.org", **given) for n in range(11)]
    assert answers[9:] == [200, 429]
    assert sign_up("x@example.org") == 429
    assert sign_up("x@example.org", path="/api/v2/subscribers.json", field="email") == 429


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("a@example.org", "A@Example.ORG", True),
        ("a@example.org", "a+news@example.org", True),
        ("a@example.org", " a+1+2@example.org ", True),
        ("a.b@gmail.com", "ab@gmail.com", True),
        ("a.b@gmail.com", "A.B+x@googlemail.com", True),
        ("a.b@example.org", "ab@example.org", False),
        ("a@example.org", "b@example.org", False),
        ("+a@example.org", "+b@example.org", False),
        ("a@example.org", "a@example.com", False),
    ],
)
def test_one_mailbox_has_many_spellings(one, other, same):
    assert (limits.mailbox(one) == limits.mailbox(other)) is same


def test_other_spellings_get_no_letter_of_their_own():
    for address in ("ab@gmail.com", "AB@gmail.com", "a.b@gmail.com", "ab+x@googlemail.com"):
        assert sign_up(address) == 302
    assert confirmations() == 1


def test_who_has_not_said_yes_is_sent_no_news():
    sign_up("reader@example.org")
    now = timezone.now()
    Incident.objects.open("Chat is down", "We look.", now=now, components=[component("Chat")])
    fan_out.sort(now + timedelta(minutes=5))
    assert [one.purpose for one in Delivery.objects.all()] == [Purpose.CONFIRM]


def test_the_table_of_limits_holds_no_address():
    sign_up("reader@example.org")
    told = " ".join(f"{row.cache_key} {row.value}" for row in Throttle.objects.all())
    assert Throttle.objects.count() >= 2
    assert "reader" not in told
    assert "192.0.2" not in told


def test_tests_of_one_subscription_are_limited():
    one = mail()
    client = Client()
    answers = [client.post(f"/subscription/{one.key}/test").status_code for _ in range(limits.ACTS + 1)]
    assert answers == [302] * limits.ACTS + [429]
