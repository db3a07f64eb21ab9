"""Whatever readers' forms carry, and however often they are sent, a page of ours answers."""

import json

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from incidents.models import Incident
from subscribers.delivery import message_builder
from subscribers.models import Delivery, State, Subscriber
from subscribers.views import OFFERED
from tests.making import component
from tests.staff_forms import URLENCODED, forms_of
from tests.statuspage.console.test_every_staff_form import HERE, IS_LONG, ODD, problem
from tests.subscribers.making import mail, webhook

pytestmark = [pytest.mark.django_db, pytest.mark.data]
MORE = {
    "emoji": "\U0001f469\u200d\U0001f680", "turned": "\u202eabc", "blanks": " \t ", "only NUL": "\0",
    "half": b"%ED%A0%80",
    "many": [str(number) for number in range(300)], "percent": "%00%zz",
    "markup": "<script>alert(1)</script>",
    "no-break": "\u00a0", "ignorable": "\u200b", "list": ["", ""],
}  # fmt: skip
ALL = {**ODD, **MORE}
EACH = 1 if IS_LONG else 11  # of so many odd values one is sent


@pytest.fixture
def client():
    return Client(raise_request_exception=False, REMOTE_ADDR="192.0.2.1")


@pytest.fixture
def pages():
    """Every page with a form of readers, and the rows behind them."""
    chat = component("Chat")
    incident = Incident.objects.open("Down", "We look.", components=[chat], now=timezone.now())
    active, asked, left, hook = (
        mail("active@example.org"), mail("asked@example.org", state=State.UNCONFIRMED),
        mail("left@example.org", state=State.LEFT), webhook("http://127.0.0.1:9/x"),
    )  # fmt: skip
    keyed = [reverse(name, args=[one.key]) for one in (active, asked, left, hook)
             for name in ("subscription", "subscription_delete", "unsubscribe")]  # fmt: skip
    links = [
        message_builder.links(one).confirm.removeprefix("https://status.widgetify.example")
        for one in (active, asked)
    ]
    only = f"{reverse('subscription', args=[active.key])}?only={incident.public_id}"
    return [
        *(f"/subscribe/{one}" for one in OFFERED),
        *keyed,
        *links,
        only,
        f"/incidents/{incident.public_id}",
        "/",
    ]


def send(client, path, body, kind=URLENCODED):
    """Answered, and whatever it did is undone."""
    cache.clear()
    with transaction.atomic():
        answer = client.generic("POST", path, body, content_type=kind, headers=HERE)
        transaction.set_rollback(True)
    return answer


def forms(client, pages):
    found = {}
    for path in pages:
        answer = client.get(path, headers=HERE)
        assert answer.status_code == 200, path
        for form in forms_of(path, answer.content.decode()):
            found.setdefault((form.action, tuple(sorted(form.names))), form)
    return list(found.values())


def test_an_odd_value_in_any_field_is_answered_by_a_page_of_ours(client, pages):
    wrong, number = [], 0
    for form in forms(client, pages):
        for name in [*form.names, "something else", "a\0b", "\u202e"]:
            for what, value in ALL.items():
                number += 1
                if number % EACH == 0 and (
                    found := problem(send(client, form.action, form.sent(**{name: value})))
                ):
                    wrong.append(f"{form} {name}={what}: {found}")
    assert not wrong, "\n".join(wrong)


def part(*lines):
    """A form of one part."""
    return "\r\n".join(("--x", *lines, "--x--", "")).encode()


PARTS = "multipart/form-data; boundary=x"
FIELD = 'Content-Disposition: form-data; name="address"'
BODIES = {
    "not UTF-8": (b"address=\xff\xfe", URLENCODED),
    "half a code": (b"address=%E", URLENCODED),
    "no boundary": (b"x", "multipart/form-data"),
    "cut": (b"--x\r\nContent-Disposition: form-data; name=a", PARTS),
    "boundary of NUL": (b"x", "multipart/form-data; boundary=\x00"),
    "JSON": (b'{"address": "\\ud800"}', "application/json"),
    "deep JSON": (b"[" * 100_000, "application/json"),
    "unknown charset": (b"address=x", f"{URLENCODED}; charset=nonsense"),
    "UTF-16": ("address=x".encode("utf-16"), f"{URLENCODED}; charset=utf-16"),
    "UTF-7": (b"address=+AGE-", f"{URLENCODED}; charset=utf-7"),
    "thousands": (b"&".join(b"a=b" for _ in range(5_000)), URLENCODED),
    "no kind": (b"address=a", "nonsense"),
    "big number": (b"9" * 6_000, "application/json"),
    "NaN": (b'{"endpoint": NaN, "keys": NaN}', "application/json"),
    "file": (part(f'{FIELD}; filename="a"', "", "hi"), PARTS),
    "base64": (part(FIELD, "Content-Transfer-Encoding: base64", "", "!!!"), PARTS),
    "rot13": (b"address=a", f"{URLENCODED}; charset=rot13"),
    "zip": (b"address=a", f"{URLENCODED}; charset=zlib"),
}


DOORS = (
    "/subscribe/browser",
    "/subscriptions/new-email",
    "/subscriptions/webhook.json",
    "/api/v2/subscribers.json",
)


@pytest.mark.parametrize("what", BODIES)
def test_a_body_that_is_none_is_answered(client, pages, what):
    raw, kind = BODIES[what]
    actions = {form.action for form in forms(client, pages)}
    wrong = {}
    for path in (*sorted(actions), *DOORS):
        if found := problem(send(client, path, raw, kind)):
            wrong[path] = found
    assert not wrong


def test_a_browser_that_sends_odd_keys_is_answered(client, pages):
    whole = {"endpoint": "https://fcm.googleapis.com/fcm/send/abc", "expirationTime": None,
             "keys": {"p256dh": "B" * 87, "auth": "A" * 22}}  # fmt: skip
    odd = [None, 1, -1, 1e308, 10**400, "", "\ud800", "\0", "é", "x" * 9_000, [], {}, [[]], True]
    made = [{**whole, name: value} for name in whole for value in odd]
    made += [{**whole, "keys": {**whole["keys"], name: value}} for name in whole["keys"] for value in odd]
    wrong = {}
    for one in [*made, *odd]:
        if found := problem(send(client, "/subscribe/browser", json.dumps(one), "application/json")):
            wrong[str(one)[:200]] = found
    assert not wrong


def test_each_form_sent_twice_does_once(client, pages):
    for form in forms(client, pages):
        cache.clear()
        before = Subscriber.objects.count(), Delivery.objects.count()
        first = client.post(form.action, form.sent(), content_type=URLENCODED, headers=HERE)
        after = Subscriber.objects.count(), Delivery.objects.count()
        second = client.post(form.action, form.sent(), content_type=URLENCODED, headers=HERE)
        assert not problem(first), form
        assert not problem(second), form
        again = Subscriber.objects.count(), Delivery.objects.count()
        if "/test" not in form.action and "/replay" not in form.action:
            assert again == after, (str(form), before, after, again)
