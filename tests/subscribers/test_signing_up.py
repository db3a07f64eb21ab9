"""Somebody gives an address: asked once, told nothing, and nobody learns who is known."""

import re
from datetime import timedelta

import pytest
from django.core.signing import TimestampSigner
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from incidents.models import Incident, Post
from subscribers import confirming, proof
from subscribers.choice import Choice
from subscribers.delivery import message_builder
from subscribers.models import Delivery, Purpose, State, Subscriber
from subscribers.states import Channel
from tests.making import component, group
from tests.subscribers.making import mail, somebody, webhook

pytestmark = pytest.mark.django_db
EVIL = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
HOOK = "https://hooks.example.org/status"


@pytest.fixture
def client():
    return Client(REMOTE_ADDR="192.0.2.1")


def send(client, address="reader@example.org", channel="email", **told):
    return client.post(f"/subscribe/{channel}", {"address": address, **told})


def letters(purpose=None):
    rows = Delivery.objects.order_by("pk")
    return list(rows.filter(purpose=purpose) if purpose else rows)


def confirmation():
    """The path of the link in the newest confirmation."""
    link = message_builder.links(letters(Purpose.CONFIRM)[-1].subscriber).confirm
    return link.removeprefix("https://status.widgetify.example")


def opened(*components, title="Chat is down"):
    return Incident.objects.open(title, "We look.", now=timezone.now(), components=components)


def test_the_box_asks_once_and_tells_nothing_before_the_yes(client):
    answer = send(client)
    assert (answer.status_code, answer["location"]) == (302, "/subscribe/email/asked")
    one = Subscriber.objects.get()
    assert (one.state, one.is_all, one.wants_incident, one.wants_component) == (
        "unconfirmed",
        True,
        True,
        False,
    )
    assert [letter.purpose for letter in letters()] == [Purpose.CONFIRM]
    link = confirmation()
    page = client.get(link)
    assert b"Yes, send me updates" in page.content
    one.refresh_from_db()
    assert one.state == State.UNCONFIRMED  # a scanner opened the link
    assert client.post(link)["location"] == one.get_absolute_url()
    one.refresh_from_db()
    assert one.state == State.ACTIVE
    assert answer.cookies == page.cookies == {}


def test_a_known_address_is_answered_alike_and_keeps_its_choice(client):
    chat = component("Chat")
    known = mail("known@example.org", components=[chat], is_digest=True)
    with CaptureQueriesContext(
        connection,
    ) as for_known:
        first = send(client, "known@example.org")
    with CaptureQueriesContext(connection) as for_unknown:
        second = send(client, "unknown@example.org")
    assert len(for_known) == len(for_unknown)
    for answer in (first, second):
        del answer["X-Request-ID"]  # a number of its own for each, at random
    assert (first.status_code, first.content, first.headers) == (
        second.status_code,
        second.content,
        second.headers,
    )
    known.refresh_from_db()
    assert (known.state, known.is_all, known.is_digest) == ("active", False, True)
    assert list(known.components.all()) == [chat]
    assert [letter.purpose for letter in letters()] == [Purpose.KNOWN, Purpose.CONFIRM]


def test_choices_and_single_incidents_are_known_as_little(client):
    chat, ours = component("Chat"), group()
    component("Files", group=ours)
    incident = opened(chat)
    chosen = {
        "full": "1", "scope": "some", "kinds": ["incident"], "least_impact": "2",
        "places": [f"component-{chat.public_id}", f"group-{ours.public_id}"],
    }  # fmt: skip
    for number, told in enumerate((chosen, {"follow": incident.public_id})):
        mail(f"known{number}@example.org")
        seen = []
        for name in ("known", "unknown"):
            with CaptureQueriesContext(connection) as queries:
                seen.append((send(client, f"{name}{number}@example.org", **told).content, len(queries)))
        assert seen[0] == seen[1]
        assert Subscriber.objects.get(shown=f"known{number}@example.org").is_all
    chose = Subscriber.objects.get(shown="unknown0@example.org")
    assert chose.choice == Choice(
        is_all=False, components=(chat,), groups=(ours,), kinds=("incident",), least_impact=2
    )
    follows = Subscriber.objects.get(shown="unknown1@example.org")
    assert (follows.is_all, list(follows.follows.all())) == (False, [incident])
    assert message_builder.scope(follows) == "one incident"
    known = letters(Purpose.KNOWN)[-1]
    assert known.context == {"only": incident.public_id, "title": "Chat is down"}


def test_following_an_incident_keeps_what_was_asked_for_a_minute_ago(client):
    incident = opened(component("Chat"))
    send(client)
    send(client, follow=incident.public_id)
    one = Subscriber.objects.get()
    assert (one.is_all, list(one.follows.all())) == (True, [incident])


def test_an_incident_that_is_over_is_said_so(client):
    incident = opened(component("Chat"))
    incident.post(Post("Done.", phase="resolved"), now=timezone.now())
    answer = send(client, follow=incident.public_id)
    assert answer.status_code == 422
    assert b"That incident is over" in answer.content
    assert not Subscriber.objects.exists()


def test_a_hidden_component_is_offered_to_nobody_and_taken_from_nobody(client):
    hidden = component("Cellar", is_shown=False)
    component("Chat")
    for page in ("/subscribe", "/subscribe/email"):
        told = client.get(page).content.decode()
        assert "Chat" in told
        assert "Cellar" not in told
    answer = send(client, full="1", scope="some", kinds="incident", places=f"component-{hidden.public_id}")
    assert answer.status_code == 422
    assert "Cellar" not in answer.content.decode()
    assert not Subscriber.objects.exists()


def test_who_chooses_nothing_is_told_what_is_missing(client):
    answer = send(client, full="1", scope="some")
    assert b"Choose at least one component" in answer.content
    assert b"Choose at least one of these" in answer.content
    assert b'value="reader@example.org"' in answer.content


def test_a_webhook_shows_its_secret_once_and_starts_with_a_test(client):
    answer = send(client, HOOK, "webhook", contact="owner@example.org")
    one = Subscriber.objects.get(channel=Channel.WEBHOOK)
    secret = re.search(r"whsec_[\w+/=]+", answer.content.decode())[0]
    assert one.secrets(timezone.now()) == [secret]
    assert answer["Cache-Control"] == "no-store"
    assert (one.state, one.wants_component) == ("unconfirmed", True)
    assert (one.owner.shown, one.owner.state) == ("owner@example.org", "contact")
    assert [letter.subscriber for letter in letters()] == [one]  # the owner is written nothing
    assert letters()[0].purpose == Purpose.CONFIRM
    assert secret not in client.get(one.get_absolute_url()).content.decode()


def test_a_known_webhook_is_answered_alike_and_keeps_its_secret(client):
    known = webhook(HOOK)
    kept = known.secrets(timezone.now())
    seen = []
    for address in (HOOK, "https://hooks.example.org/others"):
        with CaptureQueriesContext(connection) as queries:
            page = send(client, address, "webhook", contact="owner@example.org").content.decode()
        secret = re.search(r"whsec_[\w+/=]+", page)[0]
        page = re.sub(r"letter=[^\"]+", "", page.replace(secret, "").replace("+", ""))
        seen.append((page, len(secret), len(queries)))
    assert seen[0] == seen[1]
    known.refresh_from_db()
    assert known.secrets(timezone.now()) == kept
    assert known.owner is None
    assert letters()[0].purpose == Purpose.KNOWN


@pytest.mark.parametrize(
    ("channel", "address"),
    [
        ("email", "not an address"),
        ("email", "a@example.org\r\nBcc: b@example.org"),
        ("email", "a@example.org\nSubject: x"),
        ("email", '"a\r\nBcc: b@example.org"@example.org'),
        ("email", "a@example.org, b@example.org"),
        ("email", "A <a@example.org>"),
        ("email", "a@status.widgetify.example"),
        ("webhook", "https://example.org/\r\nHost: evil.example"),
        ("webhook", "file:///etc/passwd"),
        ("webhook", "http://169.254.169.254/latest"),
        ("slack", "https://example.org/services/x"),
    ],
)
def test_addresses_that_are_none_reach_nobody(client, channel, address):
    answer = send(client, address, channel, contact="owner@example.org")
    assert answer.status_code == 422
    assert b'aria-invalid="true"' in answer.content
    assert not Subscriber.objects.exists()


def test_what_no_text_holds_reaches_nobody(client, db):
    answer = send(client, "a\0@example.org", "email")
    assert answer.status_code == 400
    assert b"contains a NUL character" in answer.content
    assert not Subscriber.objects.exists()


@pytest.mark.parametrize("channel", ["slack", "discord", "teams", "google_chat", "mattermost", "telegram"])
def test_each_chat_has_a_form(client, channel):
    page = client.get(f"/subscribe/{channel}")
    assert page.status_code == 200
    assert b"Where to find the address" in page.content
    assert client.get(f"/subscribe/{channel}/asked").status_code == 200


def test_ways_that_strangers_may_not_use_do_not_exist(client):
    assert client.get("/subscribe/apprise").status_code == 404
    assert client.get("/subscribe/pigeon").status_code == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 302),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 302),  # our pages tell no referrer
        ({"Sec-Fetch-Site": "none"}, 403),  # no form of ours is sent by typing
        ({"Origin": "https://status.widgetify.example"}, 302),
        ({"Origin": "http://testserver"}, 302),
        (EVIL, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Origin": "https://status.widgetify.example"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "https://status.widgetify.example.evil.example"}, 403),
        ({"Origin": "http://status.widgetify.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_forms_of_other_sites_are_refused(client, headers, status):
    answer = client.post("/subscribe/email", {"address": "reader@example.org"}, headers=headers)
    assert answer.status_code == status
    assert Subscriber.objects.exists() == (status == 302)
    compat = client.post("/subscriptions/new-email", {"email": "other@example.org"}, headers=headers)
    assert (compat.status_code == 403) == (status == 403)


def test_a_link_confirms_once_and_for_nothing_else(client):
    send(client)
    link = confirmation()
    one = Subscriber.objects.get()
    assert client.post(link).status_code == 302
    assert client.post(link).status_code == 200
    one.refresh_from_db()
    one.leave(timezone.now())
    assert client.post(link).status_code == 410  # replayed after they left
    assert Subscriber.objects.get().state == State.LEFT
    one.ask_again(timezone.now())
    assert client.post(link).status_code == 410  # and after they asked anew
    assert client.post(confirmation()).status_code == 302
    assert Subscriber.objects.get().state == State.ACTIVE
    assert client.get(f"/confirm/{one.key}").status_code == 404
    assert client.get(f"/subscription/{link.split('/')[-1]}").status_code == 404


def test_a_confirmed_link_opened_again_says_so_and_can_send_the_way_to_ones_choices(client):
    send(client)
    link = confirmation()
    client.post(link)
    assert client.head(link).status_code == 200
    for ask in (client.get, client.post):
        answer = ask(link)
        assert (answer.status_code, b"You're already subscribed" in answer.content) == (200, True)
    assert not letters(Purpose.KNOWN)
    for _ in range(2):
        assert b"on its way" in client.post(link, {"send": "1"}).content
    assert len(letters(Purpose.KNOWN)) == 1
    assert Subscriber.objects.get().key.encode() not in client.get(link).content


def test_a_forged_or_old_link_changes_nothing(client, monkeypatch):
    send(client)
    link = confirmation()
    other = TimestampSigner(salt="another purpose", sep=":").sign(link.split("/")[-1].rsplit(":", 2)[0])
    for wrong in (link[:-1], link.replace("confirm/", "confirm/x"), f"/confirm/{other}", "/confirm/x"):
        for ask in (client.get, client.post):
            answer = ask(wrong)
            assert (answer.status_code, b"not one of ours" in answer.content) == (404, True)
    monkeypatch.setattr(confirming, "LIFE", timedelta(seconds=-1))
    for ask in (client.get, client.post):
        answer = ask(link)
        assert (answer.status_code, b"older than seven days" in answer.content) == (410, True)
    assert Subscriber.objects.get().state == State.UNCONFIRMED


def test_only_a_mail_that_asks_holds_a_confirming_link():
    assert message_builder.links(mail()).confirm == ""
    assert message_builder.links(somebody(Channel.WEBHOOK, HOOK, state=State.UNCONFIRMED)).confirm == ""


def test_who_left_comes_back_only_by_their_own_yes(client):
    one = mail()
    one.leave(timezone.now())
    send(client)
    one.refresh_from_db()
    assert one.state == State.UNCONFIRMED
    client.post(confirmation())
    one.refresh_from_db()
    assert (one.state, one.left_at) == (State.ACTIVE, None)


def solved(challenge, bits):
    with override_settings(SUBSCRIBE_PROOF_BITS=bits):
        return next(str(n) for n in range(1_000_000) if _is_solved(challenge, n, bits))


def _is_solved(challenge, number, bits):
    import hashlib

    return int.from_bytes(hashlib.sha256(f"{challenge}.{number}".encode()).digest()) >> (256 - bits) == 0


@override_settings(SUBSCRIBE_PROOF_BITS=8)
def test_where_work_is_asked_for_nobody_gets_by_without_it(client):
    answer = send(client)
    assert answer.status_code == 422
    assert b"short computation" in answer.content
    assert b"It needs JavaScript" in answer.content
    assert not Subscriber.objects.exists()
    challenge = re.search(r'name="challenge" value="([^"]+)"', answer.content.decode())[1]
    number = solved(challenge, 8)
    wrong = next(str(n) for n in range(1000) if not _is_solved(challenge, n, 8))
    assert send(client, challenge=challenge, number=wrong).status_code == 422
    assert send(client, challenge="made up", number=number).status_code == 422
    assert send(client, challenge=challenge, number=number).status_code == 302
    assert send(client, "b@example.org", challenge=challenge, number=number).status_code == 422  # used
    assert client.post("/subscriptions/new-email", {"email": "c@example.org"}).status_code == 403
    assert proof.challenge() != proof.challenge()


# Statuspage's own addresses


def test_statuspages_box_is_answered_in_its_words(client):
    answer = client.post("/subscriptions/new-email", {"email": "reader@example.org"})
    assert (answer.status_code, answer.json()["type"]) == (200, "success")
    hook = client.post("/subscriptions/webhook.json", {"endpoint": HOOK, "email": "o@example.org"})
    assert hook.json()["secret"].startswith("whsec_")
    assert [letter.purpose for letter in letters()] == [Purpose.CONFIRM] * 2
    assert client.post("/subscriptions/new-email", {"email": "x"}).json()["type"] == "error"
    assert client.get("/subscriptions/new-email").status_code == 405


@pytest.mark.parametrize("form", ["json", "form", "form with brackets"])
def test_the_public_api_takes_a_list_of_components(client, form):
    ids = [component(name).public_id for name in ("Chat", "Search")]
    component("Web")
    if form == "json":
        told = {"subscriber": {"email": "r@example.org", "component_ids": ids}}
        answer = client.post("/api/v2/subscribers.json", told, content_type="application/json")
    else:
        name = "component_ids" if form == "form" else "subscriber[component_ids][]"
        answer = client.post("/api/v2/subscribers.json", {"email": "r@example.org", name: ids})
    assert answer.status_code == 200
    chosen = Subscriber.objects.get().components.values_list("public_id", flat=True)
    assert set(chosen) == set(ids)


@pytest.mark.parametrize("ids", [["nosuch"], "abc", {"a": 1}, [1], ["a b"], [[]]])
def test_a_choice_that_is_not_understood_is_refused(client, ids):
    told = {"subscriber": {"email": "r@example.org", "component_ids": ids}}
    answer = client.post("/api/v2/subscribers.json", told, content_type="application/json")
    assert answer.status_code in (400, 422)
    assert "component_id" in answer.json()["error"]
    assert not Subscriber.objects.exists()


def test_the_public_api_asks_and_leaves(client):
    chat = component("Chat")
    told = {"subscriber[email]": "reader@example.org", "subscriber[component_id]": chat.public_id}
    body = client.post("/api/v2/subscribers.json", told).json()
    assert (body["mode"], body["email"], body["page"]["name"]) == (
        "email_sms",
        "reader@example.org",
        "Widgetify",
    )
    one = Subscriber.objects.get()
    assert (one.is_all, list(one.components.all()), one.source) == (False, [chat], "api")
    incident = opened(chat)
    client.post(
        "/api/v2/subscribers.json",
        {"subscriber": {"email": "b@example.org", "incident_id": incident.public_id}},
        content_type="application/json",
    )
    assert list(Subscriber.objects.get(shown="b@example.org").follows.all()) == [incident]
    assert client.post("/api/v2/subscribers.json", {"email": "nobody"}).status_code == 422
    assert client.post("/api/v2/subscribers.json", "[", content_type="application/json").status_code == 400
    assert client.delete("/api/v2/subscribers.json?id=unknown").status_code == 200
    assert client.delete("/api/v2/subscribers.json", f"subscriber[id]={one.key}").status_code == 200
    one.refresh_from_db()
    assert one.state == State.LEFT
    assert client.get("/api/v2/subscribers.json").json()["can_select_components"] is True


def test_statuspages_way_out_leads_to_ours(client):
    one = mail()
    assert client.get(f"/?unsubscribe={one.key}")["location"] == f"/unsubscribe/{one.key}"
    assert client.get("/?unsubscribe=../../x").status_code == 200
