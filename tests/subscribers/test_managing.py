"""The page of one subscriber: choices, one click out, secrets, deliveries, data."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from incidents.models import Incident
from subscribers.delivery import fan_out
from subscribers.models import Delivery, DeliveryState, Purpose, State, Subscriber
from subscribers.models.subscriber import MAX_SECRETS
from subscribers.states import Channel
from tests.making import component, group
from tests.subscribers.making import mail, somebody, webhook

pytestmark = pytest.mark.django_db
HOOK = "https://hooks.example.org/status"


@pytest.fixture
def client():
    return Client(enforce_csrf_checks=True)


def at(one, more=""):
    return f"/subscription/{one.key}{more}"


def opened(*components, title="Chat is down"):
    return Incident.objects.open(title, "We look.", now=timezone.now(), components=components)


@pytest.mark.parametrize("kind", ["urlencoded", "multipart", "one-click", "empty"])
def test_one_click_leaves_at_once_from_anywhere(client, kind):
    one = mail()
    opened(component())
    fan_out.sort(timezone.now() + timedelta(minutes=1))
    given = {
        "urlencoded": {
            "data": "List-Unsubscribe=One-Click",
            "content_type": "application/x-www-form-urlencoded",
        },
        "multipart": {"data": {"List-Unsubscribe": "One-Click"}},
        "one-click": {"data": {"List-Unsubscribe": "One-Click"}, "headers": {"Sec-Fetch-Site": "cross-site"}},
        "empty": {},
    }[kind]
    for _ in range(2):
        answer = client.post(f"/unsubscribe/{one.key}", **given)
        assert (answer.status_code, answer.cookies) == (200, {})
    one.refresh_from_db()
    assert one.state == State.LEFT
    assert Delivery.objects.get().state == DeliveryState.CANCELLED
    assert len(one.key) >= 22  # 128 bits in base64


def test_an_unknown_key_is_answered_like_a_known_one(client):
    one = mail()
    for ask in (client.get, client.post):
        known = ask(f"/unsubscribe/{one.key}")
        unknown = ask(f"/unsubscribe/{'x' * len(one.key)}")
        assert known.status_code == unknown.status_code == 200
        same = unknown.content.replace(b"x" * len(one.key), one.key.encode())
        assert known.content == same
    other = mail("other@example.org")
    client.post(f"/unsubscribe/{other.key[:-1]}")
    client.post(f"/unsubscribe/{other.public_id}")
    other.refresh_from_db()
    assert other.state == State.ACTIVE


def test_a_scanner_that_opens_every_link_changes_nothing(client):
    one = webhook(HOOK)
    before = Subscriber.objects.values().get()
    for path in ("", "?only=x", "/data.json", "/delete"):
        assert client.get(at(one, path)).status_code == 200
    for path in ("/only", "/restore", "/test", "/secret", "/replay"):
        assert client.get(at(one, path)).status_code == 405
    client.get(f"/unsubscribe/{one.key}")
    assert Subscriber.objects.values().get() == before
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("path", ["", "/data.json", "/delete"])
def test_pages_with_a_key_are_kept_by_nobody(client, path):
    one = mail()
    for address in (at(one, path), f"/unsubscribe/{one.key}"):
        answer = client.get(address)
        assert answer["Cache-Control"] == "no-store"
        assert answer["Referrer-Policy"] == "no-referrer"
        assert answer["X-Robots-Tag"] == "noindex"
    assert client.get(f"/subscription/unknown{path}").status_code == 404


def test_what_is_chosen_is_kept(client):
    chat, ours = component("Chat"), group("Storage")
    component("Files", group=ours)
    one = mail()
    answer = client.post(
        at(one),
        {
            "full": "1", "scope": "some", "places": [f"group-{ours.public_id}"],
            "kinds": ["incident", "postmortem"], "least_impact": "3", "is_digest": "1",
        },
    )  # fmt: skip
    assert answer.status_code == 302
    one.refresh_from_db()
    assert (one.is_all, list(one.groups.all()), list(one.components.all())) == (False, [ours], [])
    assert (one.wants_incident, one.wants_maintenance, one.wants_postmortem) == (True, False, True)
    assert (one.least_impact, one.is_digest) == (3, True)
    page = client.get(answer["location"]).content.decode()
    assert "Your choices are saved" in page
    assert re.search(rf'value="group-{ours.public_id}"\s+checked', page)
    assert not re.search(rf'value="component-{chat.public_id}"\s+checked', page)
    assert client.post(at(one), {"full": "1", "scope": "some", "kinds": "incident"}).status_code == 422
    one.refresh_from_db()
    assert list(one.groups.all()) == [ours]


def test_a_link_in_a_mail_narrows_to_one_incident(client):
    chat = component("Chat")
    incident, one = opened(chat), mail()
    page = client.get(at(one, f"?only={incident.public_id}")).content.decode()
    assert "Only this incident from now on" in page
    assert Subscriber.objects.get().is_all
    client.post(at(one, "/only"), {"incident": incident.public_id})
    one.refresh_from_db()
    assert (one.is_all, list(one.follows.all())) == (False, [incident])
    assert "Only specific incidents" in client.get(at(one)).content.decode()
    second = opened(chat, title="Chat is slow")
    client.post(at(one, "/only"), {"incident": second.public_id, "also": "1"})
    assert set(one.follows.all()) == {incident, second}
    assert client.get(at(one, "?only=unknown")).status_code == 200


def test_an_unpublished_incident_is_named_to_nobody(client):
    incident, one = opened(component()), mail()
    Incident.objects.update(published_at=None)
    assert incident.title not in client.get(at(one, f"?only={incident.public_id}")).content.decode()
    client.post(at(one, "/only"), {"incident": incident.public_id})
    assert not one.follows.exists()


def test_a_stopped_one_starts_again_when_it_says_yes(client):
    one = webhook(HOOK, confirmed_at=timezone.now())
    one.quarantine(timezone.now(), "Five days without a success.")
    page = client.get(at(one)).content.decode()
    assert "Resubscribe" in page
    assert "Five days without a success." in page
    client.post(at(one, "/restore"))
    one.refresh_from_db()
    assert (one.state, [letter.purpose for letter in one.deliveries.all()]) == ("unconfirmed", ["confirm"])
    client.post(at(one, "/restore"))
    assert one.deliveries.count() == 1


def test_a_new_secret_is_shown_once_beside_the_old_one(client):
    one = webhook(HOOK)
    now = timezone.now()
    [old] = one.secrets(now)
    page = client.post(at(one, "/secret")).content.decode()
    new = re.search(r"whsec_[\w+/=]+", page)[0]
    one.refresh_from_db()
    assert one.secrets(now) == [new, old]
    assert one.secrets(now + timedelta(hours=25)) == [new]
    assert "whsec_" not in client.get(at(one)).content.decode()
    reader = mail()
    assert client.post(at(reader, "/secret")).status_code == 302
    reader.refresh_from_db()
    assert reader.signing == ""


def test_deliveries_are_seen_and_sent_again(client):
    one, now = webhook(HOOK), timezone.now()
    opened(component("Chat"))
    fan_out.sort(now + timedelta(minutes=1))
    news = Delivery.objects.get()
    Delivery.objects.update(
        state=DeliveryState.FAILED, answer=500, last_error="Responded with 500.", finished_at=now, attempts=3
    )
    old = one.owe(Purpose.TEST, now)
    Delivery.objects.filter(pk=old.pk).update(created_at=now - timedelta(days=31), message_id="msg_old")
    page = client.get(at(one)).content.decode()
    assert "Chat is down" in page
    assert "Responded with 500." in page
    assert "3 attempts" in page
    client.post(at(one, "/replay"), {"message": news.message_id})
    news.refresh_from_db()
    assert (news.state, news.is_replay) == ("owed", True)
    stranger = webhook(f"{HOOK}/other")
    Delivery.objects.update(state=DeliveryState.SENT)
    client.post(at(stranger, "/replay"), {"message": news.message_id})
    news.refresh_from_db()
    assert news.state == "sent"


def test_a_test_is_sent_to_who_is_told_anyway(client):
    one = webhook(HOOK)
    client.post(at(one, "/test"))
    assert one.deliveries.get().purpose == Purpose.TEST
    one.leave(timezone.now())
    client.post(at(one, "/test"))
    assert one.deliveries.count() == 1


def test_all_we_hold_goes_out_as_a_file_without_keys(client):
    one = webhook(HOOK, components=[component("Chat")])
    one.owe(Purpose.TEST, timezone.now())
    answer = client.get(at(one, "/data.json"))
    assert "attachment" in answer["Content-Disposition"]
    body = answer.json()
    assert (body["address"], body["components"], body["messages"][0]["about"]) == (HOOK, ["Chat"], "Test")
    assert one.key not in answer.content.decode()
    assert "whsec" not in answer.content.decode()


def test_deleting_asks_once_and_forgets_for_ever(client):
    one = mail()
    one.owe(Purpose.TEST, timezone.now())
    assert b"Delete everything about reader@example.org?" in client.get(at(one, "/delete")).content
    assert Subscriber.objects.exists()
    assert client.post(at(one, "/delete")).status_code == 200
    assert not Subscriber.objects.exists()
    assert not Delivery.objects.exists()
    assert client.get(at(one)).status_code == 404


def test_a_contact_has_nothing_to_choose(client):
    one = somebody(Channel.EMAIL, "owner@example.org", state=State.CONTACT)
    page = client.get(at(one)).content.decode()
    assert "of nothing else" in page
    assert "What you get" not in page
    assert client.post(at(one), {"full": "1", "kinds": "incident"}).status_code == 422


def test_a_second_click_takes_no_secret_away_that_the_receiver_may_still_have(client, db):
    one, now = webhook("https://example.org/hook"), timezone.now()
    (first,) = one.secrets(now)
    for _ in range(3):  # twice pressed, or in two tabs
        assert client.post(f"/subscription/{one.key}/secret").status_code == 200
    one.refresh_from_db()
    secrets = one.secrets(timezone.now())
    assert (len(secrets), secrets[-1]) == (4, first)
    assert len(one.secrets(now + timedelta(hours=25))) == 1
    for number in range(40):
        one.rotate(now + number * timedelta(minutes=1))
    assert len(one.secrets(now)) <= MAX_SECRETS
