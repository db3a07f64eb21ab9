"""What strangers' addresses reach, and what a stranger learns of a host that cannot be reached."""

import json
import socket
import threading
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from components.egress import Door, through
from subscribers import addresses, channels, data_export
from subscribers.delivery.dispatcher import Dispatcher
from subscribers.delivery.envelope import UNREACHED
from subscribers.models import Delivery, Purpose, State, Subscriber
from subscribers.states import CHATS, Channel
from tests.subscribers.making import somebody
from tests.subscribers.test_push import HERE, subscription
from tests.whole import wait_for

SPELLED = (
    "127.0.0.1:9",
    "2130706433:9",
    "0x7f.1:9",
    "0177.1:9",
    "[::ffff:127.0.0.1]:9",
    "[::1]:9",
    "１２７.1:9",
)
ODD = (
    "0x-1", "0x1_0", "01_7", "+1", "²", "٣", "9" * 400, "1..2", "1.2.3.4.5", "0x", "0x.", "127.0.0.1.",
    "127.0.0.1..", "%31%32%37.0.0.1", "[fe80::1%25eth0]", "[::ffff:10.0.0.1]", "[::10.0.0.1]", "[]", "[::1",
    "::1]", "[v1.a]", ".", "..", "a..b", "-a.example-", "a" * 64 + ".example", "\u2100.example", "xn--",
    "xn--a", "1.0x", "http://", " ", "", "a\x00b.example", "\ud800.example",
)  # fmt: skip
# Names by the URL standard, however odd: looked up, and not found
NAMES = ("0x-1", "0x1_0", "01_7", "-a.example-", "xn--", "xn--a", "1.0x", "http://", "[v1.a]")


@pytest.fixture
def closed(settings):
    """As a fresh installation under `up`: probes reach loopback."""
    settings.EGRESS_ALLOW = settings.UP_EGRESS_ALLOW = ["127.0.0.0/8", "::1/128", "10.0.0.0/8"]
    settings.SUBSCRIBER_EGRESS_ALLOW = []
    settings.PUSH_SERVICES = []


@pytest.mark.parametrize("place", SPELLED)
def test_no_spelling_of_loopback_is_taken_from_strangers(closed, db, place):
    client = Client()
    box = {"subscriber": {"endpoint": f"http://{place}/admin", "email": "s@example.org"}}
    answer = client.post("/api/v2/subscribers.json", box, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]) == (422, UNREACHED)
    form = {"address": f"http://{place}/admin", "contact": "s@example.org"}
    assert UNREACHED in client.post("/subscribe/webhook", form).content.decode()
    push = client.post(
        "/subscribe/browser",
        json.dumps(subscription(f"https://{place}/x")),
        content_type="application/json",
        **HERE,
    )
    assert push.status_code == 400
    assert not Subscriber.objects.exists()


@pytest.mark.parametrize("host", ODD)
def test_an_odd_host_is_a_name_like_any_other_or_refused_with_a_sentence(closed, db, host):
    client = Client()
    box = {"subscriber": {"endpoint": f"http://{host}/", "email": "s@example.org"}}
    for path, body in (
        ("/api/v2/subscribers.json", box),
        ("/subscribe/browser", subscription(f"https://{host}/")),
    ):
        answer = client.post(path, json.dumps(body), content_type="application/json", **HERE)
        assert answer.status_code in (200, 400, 422), (path, host)
        assert answer.status_code == 200 or answer.json()["error"].endswith(".")
    assert Subscriber.objects.filter(channel=Channel.WEBHOOK).exists() is (host in NAMES)


@pytest.mark.parametrize(
    ("endpoint", "is_taken"),
    [
        ("https://fcm.googleapis.com/fcm/send/abc", True),
        ("https://updates.push.services.mozilla.com/wpush/v2/abc", True),
        ("https://web.push.apple.com/abc", True),
        ("https://wns2-par02p.notify.windows.com/w/?token=abc", True),
        ("https://fcm.googleapis.com:22/fcm/send/abc", False),
        ("https://fcm.googleapis.com.evil.example/", False),
        ("https://evilnotify.windows.com/", False),
        ("https://notify.windows.com.example/", False),
        ("https://evil.example/", False),
    ],
)
def test_a_browser_subscribes_through_a_push_service_and_nothing_else(closed, db, endpoint, is_taken):
    body = json.dumps(subscription(endpoint))
    answer = Client().post("/subscribe/browser", body, content_type="application/json", **HERE)
    assert answer.status_code == (201 if is_taken else 400)
    assert Subscriber.objects.exists() is is_taken


def test_an_operator_names_a_push_service_of_their_own(closed, db, settings):
    settings.PUSH_SERVICES = ["push.widgetify.example"]
    body = json.dumps(subscription("https://push.widgetify.example:8443/x"))
    answer = Client().post("/subscribe/browser", body, content_type="application/json", **HERE)
    assert answer.status_code == 201


@pytest.mark.parametrize("channel", [Channel.WEBHOOK, *sorted(CHATS), Channel.WEB_PUSH])
def test_nothing_is_ever_sent_to_loopback_for_a_subscriber_kept_from_before(
    closed, transactional_db, sink, channel
):
    address = f"{sink.url}/hooks/x?chat_id=1"
    if channel == Channel.WEB_PUSH:
        address = json.dumps(subscription(address))
    one = somebody(channel, address)
    one.owe(Purpose.TEST, timezone.now())
    post = Dispatcher(channels.senders(), egress=through(Door.SUBSCRIBERS), deadline_s=2)
    try:
        post.wake()
        wait_for(lambda: Delivery.objects.filter(attempts=1).exists(), 10)
    finally:
        post.drain(10)
    assert sink.got == []


@pytest.fixture
def silent():
    """Addresses that cannot be told, each for another reason."""
    servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    dead = socket.socket()
    dead.bind(("127.0.0.1", 0))
    threading.Thread(target=_talk, args=(servers[1], b"220 mail ESMTP\r\n"), daemon=True).start()
    threading.Thread(target=_talk, args=(servers[2], b""), daemon=True).start()
    yield {
        "silent": f"http://127.0.0.1:{servers[0].getsockname()[1]}/",
        "no TLS": f"https://127.0.0.1:{servers[1].getsockname()[1]}/",
        "no HTTP": f"http://127.0.0.1:{servers[1].getsockname()[1]}/",
        "hangs up": f"http://127.0.0.1:{servers[2].getsockname()[1]}/",
        "refused": f"http://127.0.0.1:{dead.getsockname()[1]}/",
        "private": "http://10.9.8.7/",
        "no such name": "http://nobody.invalid/",
        "no name at all": "http://1.2.3.4.5/",
    }
    for server in (*servers, dead):
        server.close()


def _talk(server, words):
    while True:
        try:
            line, _ = server.accept()
        except OSError:
            return
        with line:
            line.sendall(words)


def test_every_way_a_host_cannot_be_reached_reads_the_same(settings, transactional_db, silent):
    settings.SUBSCRIBER_EGRESS_ALLOW = ["127.0.0.0/8"]
    rows = {why: somebody(Channel.WEBHOOK, url) for why, url in silent.items()}
    for one in rows.values():
        one.owe(Purpose.TEST, timezone.now())
    post = Dispatcher(channels.senders(), egress=through(Door.SUBSCRIBERS), deadline_s=2)
    try:
        post.wake()
        wait_for(lambda: Delivery.objects.filter(attempts=1).count() == len(rows), 20)
    finally:
        post.drain(20)
    # at first how soon it failed would say why: nothing is shown
    shown = {
        (data_export.everything(one)["messages"][0]["answer"], data_export.lately(one)[0].attempts)
        for one in rows.values()
    }
    assert shown == {("", 0)}
    long_ago = timezone.now() - timedelta(minutes=5)
    Delivery.objects.update(created_at=long_ago)
    Subscriber.objects.update(failing_since=long_ago)
    told = set()
    for one in rows.values():
        one.refresh_from_db()
        data = Client().get(f"/subscription/{one.key}/data.json").json()
        page = Client().get(f"/subscription/{one.key}").content.decode()
        assert UNREACHED in page
        told.add((data["messages"][0]["answer"], data["messages"][0]["state"], data["note"]))
    assert told == {(UNREACHED, "Pending", "")}
    assert len(set(Delivery.objects.values_list("detail", flat=True))) >= 6, "staff read the reason"


def test_an_owner_who_is_told_that_their_webhook_was_stopped_learns_no_more(settings, transactional_db):
    settings.SUBSCRIBER_EGRESS_ALLOW = []
    one = somebody(Channel.WEBHOOK, "http://10.9.8.7/")
    one.owner = somebody(Channel.EMAIL, "owner@example.org")
    one.failing_since = timezone.now() - timedelta(days=6)
    one.save()
    one.owe(Purpose.TEST, timezone.now())
    post = Dispatcher(channels.senders(), egress=through(Door.SUBSCRIBERS), deadline_s=2)
    try:
        post.wake()
        wait_for(lambda: Subscriber.objects.filter(pk=one.pk, state=State.QUARANTINED).exists(), 10)
    finally:
        post.drain(10)
    one.refresh_from_db()
    assert one.note == f"Five days without a successful delivery. {UNREACHED}"
    assert Delivery.objects.get(purpose=Purpose.STOPPED).context["why"] == one.note


def test_a_stranger_cannot_name_an_apprise_address():
    with pytest.raises(Exception, match="operator"):
        addresses.checked(Channel.APPRISE, "json://127.0.0.1")
