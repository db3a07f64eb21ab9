"""A link opened late, twice or by a mail scanner: the page says what is so now, and the next step."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from incidents import automation
from incidents.models import Incident
from subscribers import confirming
from subscribers.delivery import message_builder
from subscribers.models import Delivery, State, Subscriber
from tests.making import component
from tests.subscribers.making import mail, webhook

pytestmark = pytest.mark.django_db
AGAIN = 'href="/subscribe/email"'


@pytest.fixture
def client():
    return Client(REMOTE_ADDR="192.0.2.1")


def path(link):
    return link.removeprefix("https://status.widgetify.example")


def asked():
    """An address that was asked, and the link of its mail."""
    one = mail(state=State.UNCONFIRMED)
    return one, path(message_builder.links(one).confirm)


def words(answer):
    main = answer.content.decode().partition("<main")[2]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main))


def leaves(one):
    one.leave(timezone.now())


def stops(one):
    one.quarantine(timezone.now(), "The mailbox is unknown.")


def asks_anew(one):
    one.leave(timezone.now())
    one.ask_again(timezone.now())


def deletes(one):
    one.erase()


@pytest.mark.parametrize(
    ("happens", "heading", "sentence"),
    [
        (leaves, "You've unsubscribed", "Subscribe again"),
        (stops, "We stopped sending updates to this address", "Subscribe again"),
        (asks_anew, "There is a newer link", "newest mail"),
        (deletes, "You're not subscribed", "Subscribe again"),
    ],
)
@pytest.mark.parametrize("was_confirmed", [True, False])
def test_a_confirming_link_says_what_has_become_of_it(client, happens, heading, sentence, was_confirmed):
    one, link = asked()
    if was_confirmed:
        client.post(link)
        one.refresh_from_db()
    happens(one)
    before = list(Subscriber.objects.values())
    for ask in (client.get, client.post, client.get):
        answer = ask(link)
        assert answer.status_code == 410
        assert heading in words(answer).replace("&#x27;", "'")
        assert sentence in words(answer)
        assert AGAIN in answer.content.decode()
    assert list(Subscriber.objects.values()) == before


def test_a_week_later_it_knows_that_it_did_its_work(client, monkeypatch):
    one, link = asked()
    client.post(link)
    monkeypatch.setattr(confirming, "LIFE", timedelta(seconds=-1))
    assert "You're already subscribed" in client.get(link).content.decode()
    one.refresh_from_db()
    one.leave(timezone.now())
    assert "unsubscribed" in words(client.get(link))


def test_the_way_out_opened_after_leaving_says_so(client):
    one = mail()
    assert "Unsubscribe?" in words(client.get(f"/unsubscribe/{one.key}"))
    client.post(f"/unsubscribe/{one.key}")
    for _ in range(2):
        for ask in (client.get, client.post):
            answer = ask(f"/unsubscribe/{one.key}")
            assert (answer.status_code, "You're unsubscribed" in words(answer)) == (200, True)
            assert f'href="/subscription/{one.key}"' in answer.content.decode()
    assert client.head(f"/unsubscribe/{one.key}").status_code == 200


def test_leaving_is_undone_from_the_page_that_says_so(client):
    one = mail()
    client.post(f"/unsubscribe/{one.key}")
    page = words(client.get(f"/subscription/{one.key}"))
    assert "nothing is sent" in page
    assert "Resubscribe" in page
    for _ in range(2):  # and once more, by a second click
        answer = client.post(f"/subscription/{one.key}/restore", follow=True)
        assert "We have sent another confirmation message" in words(answer)
    assert Delivery.objects.count() == 1
    client.post(path(message_builder.links(Subscriber.objects.get()).confirm))
    assert Subscriber.objects.get().state == State.ACTIVE
    answer = client.post(f"/subscription/{one.key}/restore", follow=True)
    assert "You're already subscribed" in words(answer).replace("&#x27;", "'")
    assert Delivery.objects.count() == 1


def test_a_choice_of_who_has_left_is_not_said_to_be_kept(client):
    incident = Incident.objects.open("Chat is down", "We look.", now=timezone.now(), components=[component()])
    one = mail()
    leaves(one)
    answer = client.post(f"/subscription/{one.key}", {"full": "1", "scope": "all", "kinds": "incident"})
    assert (answer.status_code, "Nothing was changed" in words(answer)) == (422, True)
    answer = client.post(f"/subscription/{one.key}/only", {"incident": incident.public_id}, follow=True)
    assert "Nothing was changed" in words(answer)
    assert "Your choices are saved" not in words(answer)
    assert not one.follows.exists()


def test_what_only_an_active_one_gets_is_not_silently_left_out(client):
    one = webhook("https://hooks.example.org/status", state=State.UNCONFIRMED)
    for act in ("test", "replay"):
        answer = client.post(f"/subscription/{one.key}/{act}", follow=True)
        assert "Nothing was sent: this subscription is not active" in words(answer)
    assert not Delivery.objects.exists()


def test_an_incident_that_is_over_can_no_longer_be_chosen_alone(client):
    incident = Incident.objects.open("Chat is down", "We look.", now=timezone.now(), components=[component()])
    Incident.objects.update(resolved_at=timezone.now(), phase="resolved")
    one = mail()
    page = words(client.get(f"/subscription/{one.key}?only={incident.public_id}"))
    assert "Chat is down" in page
    assert "is resolved" in page
    assert "Only this incident from now on" not in page
    for gone in (incident.public_id, "unknown"):  # from a page that was open since before
        answer = client.post(f"/subscription/{one.key}/only", {"incident": gone}, follow=True)
        assert "Nothing was changed" in words(answer)
    one.refresh_from_db()
    assert one.is_all


@pytest.mark.parametrize("more", ["", "/delete", "/data.json"])
def test_the_links_of_a_deleted_subscription_say_that_it_is_gone(client, more):
    one = mail()
    assert "Everything was deleted" in words(client.post(f"/subscription/{one.key}/delete"))
    answer = client.get(f"/subscription/{one.key}{more}")
    assert answer.status_code == 404
    assert "Subscription not found" in words(answer)
    assert "It sends nothing" in words(answer)
    assert AGAIN in answer.content.decode()
    assert answer["Cache-Control"] == "no-store"
    for act in ("restore", "only", "test", "secret", "replay"):
        assert "Subscription not found" in words(client.post(f"/subscription/{one.key}/{act}"))


def test_a_link_to_an_incident_that_was_merged_offers_the_one_it_became(client):
    now, chat = timezone.now(), component("Chat")
    first, second = (
        Incident.objects.open(f"Chat is down {number}", "We look.", now=now, components=[chat])
        for number in (1, 2)
    )
    automation.merge(first, second, now)
    one = mail()
    page = client.get(f"/subscription/{one.key}?only={first.public_id}").content.decode()
    assert f'value="{second.public_id}"' in page
    answer = client.post(f"/subscription/{one.key}/only", {"incident": first.public_id}, follow=True)
    assert "Your choices are saved" in words(answer)
    assert list(one.follows.all()) == [second]
    asked = {"address": "new@example.org", "follow": first.public_id}  # from a tab that was open since before
    assert client.post("/subscribe/email", asked).status_code == 302
    assert list(Subscriber.objects.at("email", "new@example.org").follows.all()) == [second]
