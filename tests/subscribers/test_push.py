"""Telling a browser: sealed for it alone, signed by us, asked for by its own page only."""

import asyncio
import base64
import json
import stat
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client
from django.utils import timezone
from py_vapid import Vapid02

from components import encryption
from components.egress import Egress
from subscribers import addresses, vapid
from subscribers.browsers import Browser, InvalidBrowserError
from subscribers.channels import web_push
from subscribers.delivery.envelope import End
from subscribers.models import State, Subscriber
from subscribers.states import Channel
from tests.looking import faults
from tests.subscribers.conftest import LOOPBACK
from tests.subscribers.test_formats import CHANGE, HOSTILE, INCIDENT, Word, envelope
from tests.subscribers.test_push_encryption import read

AUTH = b"0123456789abcdef"
HERE = {"HTTP_SEC_FETCH_SITE": "same-origin"}


def subscription(endpoint="https://push.example/send/abc", key=None):
    """What a browser hands over, and the key it keeps."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    auth = base64.urlsafe_b64encode(AUTH).rstrip(b"=").decode()
    return {
        "endpoint": endpoint,
        "expirationTime": None,
        "keys": {"p256dh": vapid.text_of(key.public_key()), "auth": auth},
    }


def post(client, body, **headers):
    text = body if isinstance(body, str) else json.dumps(body)
    return client.post("/subscribe/browser", text, content_type="application/json", **headers)


def test_the_browser_alone_can_read_what_it_is_told(sink):
    key = ec.generate_private_key(ec.SECP256R1())
    sent = replace(envelope(Channel.WEB_PUSH), address=json.dumps(subscription(f"{sink.url}/push", key)))
    sink.answers["/push"] = 201
    assert asyncio.run(web_push.send(sent, Egress(LOOPBACK))).end is End.SENT
    got = sink.got[0]
    plain = read(got.body, key, AUTH)
    told = json.loads(plain)
    assert told == {
        "title": "🔴 Major outage · Identified: Chat refuses new connections",
        "body": "We found a full pool. See the notes.\nNext update by 03:51 UTC.",
        "url": INCIDENT.url,
        "tag": "incident:5",
    }
    assert INCIDENT.title.encode() not in got.body
    headers = got.headers
    assert (headers["content-encoding"], headers["ttl"], len(headers["topic"])) == ("aes128gcm", "86400", 32)
    assert Vapid02.verify(headers["authorization"])
    assert vapid.public_key() in headers["authorization"]


def test_our_key_is_made_once_and_readable_by_its_owner_alone(tmp_path, settings):
    settings.VAR_DIR = tmp_path / "new"
    first = vapid.public_key()
    kept = settings.VAR_DIR / "vapid_key"
    vapid._key.cache_clear()
    assert vapid.public_key() == first
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert [one.name for one in settings.VAR_DIR.iterdir()] == ["vapid_key"]


@pytest.mark.parametrize("name", HOSTILE)
def test_any_words_fit_what_push_services_take(name):
    story = replace(INCIDENT, title=HOSTILE[name], words=(Word(1, "x", INCIDENT.words[0].at, HOSTILE[name]),))
    plain = json.dumps(web_push.written(envelope(Channel.WEB_PUSH, story)), ensure_ascii=False).encode()
    assert len(plain) <= web_push.MAX_BYTES
    assert len(json.loads(plain)["title"]) <= 150


def test_another_story_has_another_place_on_the_screen():
    tags = {web_push.written(envelope(Channel.WEB_PUSH, story))["tag"] for story in (INCIDENT, CHANGE)}
    assert tags == {"incident:5", "component:1"}


ANSWERS = (
    (201, {}, End.SENT),
    (404, {}, End.GONE),
    (410, {}, End.GONE),
    (413, {}, End.LATER),
    (429, {"Retry-After": "5"}, End.LATER),
    (500, {}, End.LATER),
)


def test_a_browser_that_ended_it_is_gone(sink):
    sent = replace(envelope(Channel.WEB_PUSH), address=json.dumps(subscription(f"{sink.url}/push")))
    for status, headers, end in ANSWERS:
        sink.answers["/push"] = (status, headers, b"")
        assert asyncio.run(web_push.send(sent, Egress(LOOPBACK))).end is end, status


def test_a_browser_is_told_as_soon_as_its_owner_said_yes(db):
    asked = subscription()
    answer = post(Client(enforce_csrf_checks=True), asked, **HERE)
    assert answer.status_code == 201
    one = Subscriber.objects.get()
    assert (one.state, one.channel, one.host, one.shown) == (
        State.ACTIVE, "web_push", "push.example", "push.example/…/abc"
    )  # fmt: skip
    assert answer.json()["manage"].endswith(f"/subscription/{one.key}")
    assert Browser.read(one.open_address).endpoint == asked["endpoint"]
    assert asked["keys"]["p256dh"] not in one.address
    one.leave(timezone.now())
    assert post(Client(), asked, **HERE).json() == answer.json()
    one.refresh_from_db()
    assert (one.state, Subscriber.objects.count()) == (State.ACTIVE, 1)


FOREIGN = (
    {"HTTP_SEC_FETCH_SITE": "cross-site"},
    {"HTTP_SEC_FETCH_SITE": "same-site"},
    {"HTTP_SEC_FETCH_SITE": "none"},
    {"HTTP_ORIGIN": "https://evil.example"},
    {"HTTP_ORIGIN": "null"},
)


@pytest.mark.parametrize("headers", FOREIGN)
def test_another_sites_page_cannot_subscribe_a_browser(db, headers):
    assert post(Client(), subscription(), **headers).status_code == 403
    assert not Subscriber.objects.exists()


def test_an_older_browser_is_known_by_its_origin(db):
    assert post(Client(), subscription(), HTTP_ORIGIN="http://testserver").status_code == 201
    assert post(Client(), subscription(), HTTP_ORIGIN="https://status.widgetify.example").status_code == 201


WRONG = (
    "",
    "[]",
    "{",
    "[" * 4_000,
    "x" * 5_000,
    json.dumps({"endpoint": "https://push.example/x"}),
    json.dumps({**subscription(), "endpoint": 5}),
    json.dumps({**subscription(), "endpoint": "http://push.example/x"}),
    json.dumps({**subscription(), "endpoint": "https://192.168.0.1/x"}),
    json.dumps({**subscription(), "endpoint": "https://user@push.example/x"}),
    json.dumps({**subscription(), "endpoint": "file:///etc/passwd"}),
    json.dumps({**subscription(), "keys": {"p256dh": "AAAA", "auth": "AAAA"}}),
    json.dumps({**subscription(), "keys": {**subscription()["keys"], "auth": "AAAA"}}),
    json.dumps({**subscription(), "keys": {**subscription()["keys"], "p256dh": "BA" + "A" * 85}}),
)


def test_what_is_no_subscription_is_refused_with_a_sentence(db):
    for text in WRONG:
        answer = post(Client(), text, **HERE)
        assert answer.status_code == 400, text[:80]
        assert answer.json()["error"].endswith(".")
    assert not Subscriber.objects.exists()


def test_one_network_subscribes_only_so_many_browsers_an_hour(db):
    key = ec.generate_private_key(ec.SECP256R1())
    codes = [
        post(Client(), subscription(f"https://push.example/{n}", key), **HERE).status_code for n in range(21)
    ]
    assert codes == [201] * 20 + [429]


def test_one_browser_is_one_subscriber_however_it_is_spelled():
    asked = subscription()
    padded = {
        "keys": {name: f"{value}=" for name, value in asked["keys"].items()},
        "endpoint": asked["endpoint"],
    }
    first, second = (
        addresses.checked(Channel.WEB_PUSH, json.dumps(one, indent=2)) for one in (asked, padded)
    )
    assert first == second
    assert encryption.fingerprint(first) == encryption.fingerprint(second)
    with pytest.raises(InvalidBrowserError):
        Browser.read("null")


def test_the_worker_stands_where_it_reaches_every_page(db):
    answer = Client().get("/push-worker.js")
    assert answer["Content-Type"] == "text/javascript; charset=utf-8"
    assert b"showNotification" in answer.content
    assert "worker-src 'self'" in answer["Content-Security-Policy"]
    page = Client().get("/subscribe/browser")
    assert vapid.public_key() in page.content.decode()


def test_the_page_asks_for_nothing_by_itself_and_explains_itself_without_script(browser, web):
    page = browser.open(f"{web.url}/subscribe/browser")
    button = page.get_by_role("button", name="Notify this browser")
    assert button.is_visible() or "Allow notifications" in page.inner_text("[data-push-answer]")
    registered = page.evaluate("navigator.serviceWorker.register('/push-worker.js').then(() => 1)")
    assert registered == 1
    plain = browser.open(f"{web.url}/subscribe/browser", script=False, scheme="dark", width=390)
    assert "This needs JavaScript" in plain.inner_text("main")
    assert not plain.get_by_role("button", name="Notify this browser").is_visible()
    for one, name in ((page, "light"), (plain, "dark")):
        assert one.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
    assert faults(page) == []
