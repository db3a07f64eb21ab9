"""One mailbox, one endpoint: however it is written it is one subscriber, one limit, one message."""

import importlib
import io
from datetime import timedelta

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from components import encryption
from incidents.models import Incident, Notice, NoticeKind
from subscribers import address_identity, addresses, csv_format, importing
from subscribers.models import Delivery, FormerKey, State, Subscriber
from subscribers.staff import finding
from subscribers.states import Channel
from tests.making import component
from tests.subscribers.making import mail, webhook

NOW = timezone.now()
ONE_MAILBOX = (
    "victim@example.org", "victim@example.org\u200b", "victim@ex\u00adample.org", "victim@\uff45xample.org",
    "\u2060victim@example.org", " victim@EXAMPLE.org. ", "victim\ufeff@example.org", "Victim@example.org",
    "victim@example\u3002org", "victim@exam\u200dple.org", "victim@ex\u034fample.org",
)  # fmt: skip
ONE_ENDPOINT = (
    "https://example.org/ok", "https://example.org/ok#frag", "HTTPS://Example.ORG:443/ok",
    "https://example.org/a/../ok", "https://\uff45xample.org/ok",
)  # fmt: skip


def sign_up(path, address, place=1):
    return Client(REMOTE_ADDR=f"192.0.2.{place}").post(path, {"address": address}).status_code


def test_one_mailbox_is_asked_once_and_is_one_subscriber(db):
    answers = [
        sign_up("/subscribe/email", address, place) for place, address in enumerate(ONE_MAILBOX, start=1)
    ]
    assert set(answers) == {302}
    assert Subscriber.objects.count() == Delivery.objects.count() == 1
    for address in ONE_MAILBOX:
        assert Subscriber.objects.at("email", address) == Subscriber.objects.get()


def test_the_name_before_the_at_is_told_as_it_was_typed(db):
    sign_up("/subscribe/email", "Vic.Tim+status@Example.org")
    assert Subscriber.objects.get().open_address == "Vic.Tim+status@example.org"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("a@bücher.example", "a@xn--bcher-kva.example"),
        ("a@BÜCHER.example", "a@xn--bcher-kva.example"),
        ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
        ("a@straße.example", "a@xn--strae-oqa.example"),
        ("a@例え.テスト", "a@xn--r8jz45g.xn--zckzah"),
        ('"vic.tim"@example.org', "vic.tim@example.org"),
        ('"vic\\"tim"@example.org', '"vic\\"tim"@example.org'),
    ],
)
def test_an_address_has_one_spelling(typed, kept):
    assert addresses.checked("email", typed) == kept


@pytest.mark.parametrize(
    "address",
    ["a" * 65 + "@example.org", "a@" + "b." * 130 + "example", "a\u202e@b", "a@b@c.example", "@example.org",
     "\u017f@example.org", "\u212a@example.org", "\u0130@example.org",
     "a@\u2603.example", "\ud800@example.org"],
)  # fmt: skip
def test_what_no_mailbox_is_called_is_refused(address):
    with pytest.raises(ValidationError):
        addresses.checked("email", address)


@pytest.mark.parametrize(
    "address", ["https://example.org/\ud800", "https://@example.org/", "https://:@example.org/"]
)
def test_what_no_endpoint_is_called_is_refused(address):
    with pytest.raises(ValidationError):
        addresses.checked("webhook", address)


def test_the_longest_name_is_taken():
    address = "a" * 64 + "@example.org"
    assert addresses.checked("email", address) == address


def test_one_endpoint_is_one_subscription(db):
    for place, address in enumerate(ONE_ENDPOINT, start=1):
        Client(REMOTE_ADDR=f"192.0.2.{place}").post(
            "/subscribe/webhook", {"address": address, "contact": "me@example.org"}
        )
    assert [one.open_address for one in Subscriber.objects.filter(channel="webhook")] == [ONE_ENDPOINT[0]]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("http://example.org:80", "http://example.org/"),
        ("https://example.org:8443/A?b=C&d=%2F", "https://example.org:8443/A?b=C&d=%2F"),
        ("http://example.org/状態/хук?имя=я",
         "http://example.org/%E7%8A%B6%E6%85%8B/%D1%85%D1%83%D0%BA?%D0%B8%D0%BC%D1%8F=%D1%8F"),
        ("http://example.org/ü", "http://example.org/%C3%BC"),
    ],
)  # fmt: skip
def test_an_endpoint_is_kept_as_it_is_asked(typed, kept):
    assert address_identity.normal(Channel.WEBHOOK, typed) == kept
    assert address_identity.normal(Channel.WEBHOOK, kept) == kept


SPELLED = "https://example.org/~me/%E7%8A%B6?q=a-b%2F"
ONE_PLACE = (  # RFC 3986, sections 6.2.2.1 and 6.2.2.2; RFC 1034, section 3.1: the dot of the root
    SPELLED, "https://example.org./~me/%E7%8A%B6?q=a-b%2F", "https://example.org/%7Eme/%E7%8A%B6?q=a-b%2F",
    "https://example.org/%7eme/%e7%8a%b6?q=a-b%2f", "https://example.org/~me/状?q=a%2Db%2F",
    "https://EXAMPLE.org.:443/%7E%6De/%E7%8A%B6?%71=%61-b%2F#part",
)  # fmt: skip


@pytest.mark.parametrize("first", ONE_PLACE)
def test_an_endpoint_in_any_spelling_is_one_subscription_and_told_as_it_was_typed_first(db, first):
    for place, address in enumerate((first, *ONE_PLACE), start=1):
        given = {"address": address, "contact": "me@example.org"}
        Client(REMOTE_ADDR=f"192.0.2.{place}").post("/subscribe/webhook", given)
    one = Subscriber.objects.get(channel="webhook")
    assert one.open_address == address_identity.normal(Channel.WEBHOOK, first)
    assert one.host == "example.org"
    assert one.deliveries.count() == 1  # one confirmation an hour
    assert {Subscriber.objects.at("webhook", address) for address in ONE_PLACE} == {one}


@pytest.mark.parametrize(
    "other",
    ["https://example.org/~me/%E7%8A%B6?q=a-b/", "https://example.org/~ME/%E7%8A%B6?q=a-b%2F",
     "https://example.org/~me/%25E7%8A%B6?q=a-b%2F", "https://example.org/~me/%E7%8A%B6?q=a-b%2F&",
     "http://example.org/~me/%E7%8A%B6?q=a-b%2F", "https://example.org/%257Eme/%E7%8A%B6?q=a-b%2F",
     "https://example.org:8443/~me/%E7%8A%B6?q=a-b%2F"],
)  # fmt: skip
def test_another_endpoint_is_another(other):
    assert address_identity.fingerprint(Channel.WEBHOOK, other) != address_identity.fingerprint(
        Channel.WEBHOOK, SPELLED
    )


@pytest.mark.parametrize("how", ["form", "file", "staff"])
def test_an_endpoint_of_an_earlier_version_is_still_the_one(db, client, how):
    former = kept_apart("https://example.org/%7Eme", NOW)
    if how == "form":
        given = {"address": "https://example.org/%7Eme", "contact": "me@example.org"}
        client.post("/subscribe/webhook", given)
    elif how == "file":
        rows = "channel,address\nwebhook,https://example.org/%7Eme\nwebhook,https://example.org/%7eother"
        tally = importing.take_in(list(csv_format.lines(io.StringIO(rows))), importing.Places.now(), NOW)
        assert (tally.added, tally.known) == (1, 1)
    assert Subscriber.objects.at("webhook", "https://example.org/%7Eme") == former
    words = finding.Asked(words="https://example.org/%7Eme")
    assert finding.find(words, in_full=False).get() == former


def test_a_file_brings_one_endpoint_once(db):
    rows = "\n".join(("channel,address", *(f"webhook,{address}" for address in ONE_PLACE)))
    importing.take_in(list(csv_format.lines(io.StringIO(rows))), importing.Places.now(), NOW)
    assert Subscriber.objects.count() == 1


def test_a_file_brings_one_mailbox_once(db):
    rows = "\n".join(("channel,address", *(f"email,{address.strip()}" for address in ONE_MAILBOX)))
    tally = importing.take_in(list(csv_format.lines(io.StringIO(rows))), importing.Places.now(), NOW)
    assert Subscriber.objects.count() == 1
    assert tally.refused == []


# What an earlier version kept apart


def kept_apart(address, made, **more):
    """A subscriber as the earlier version wrote it: its own spelling, its own fingerprint."""
    one = (mail if "://" not in address else webhook)(address, **more)
    Subscriber.objects.filter(pk=one.pk).update(
        address=encryption.seal(address), fingerprint=encryption.fingerprint(address), created_at=made
    )
    one.refresh_from_db()
    return one


def spell():
    importlib.import_module("subscribers.migrations.0005_one_spelling").spell(apps, None)


def notice():
    incident = Incident.objects.open("Chat is slow", "We look.", components=[component()], now=NOW)
    return Notice.objects.filter(kind=NoticeKind.INCIDENT, update__incident=incident).get()


def test_two_spellings_become_one_that_hears_what_either_chose(db):
    chat, files = component("Chat"), component("Files")
    older = kept_apart("UPPER@example.org", NOW - timedelta(days=9), is_all=False, least_impact=2)
    newer = kept_apart("upper@example.org", NOW, is_all=False, wants_component=True, is_digest=True)
    older.components.add(chat)
    newer.components.add(files)
    told = notice()
    Delivery.objects.all().delete()
    for one, state in ((older, "owed"), (newer, "sent")):
        one.deliveries.create(notice=told, state=state, created_at=NOW, due_at=NOW)
    spell()
    one = Subscriber.objects.get()
    assert (one.pk, one.open_address) == (older.pk, "UPPER@example.org")
    assert set(one.components.all()) == {chat, files}
    assert (one.least_impact, one.wants_component, one.is_digest) == (0, True, False)
    assert [row.state for row in one.deliveries.all()] == ["cancelled"]  # the other was told already
    assert Subscriber.objects.at("email", "Upper@example.org") == one
    spell()
    assert Subscriber.objects.get() == one


def test_the_active_one_goes_on_and_the_links_of_both_lead_to_it(db):
    gone = kept_apart("https://example.org/ok#one", NOW - timedelta(days=9), state=State.QUARANTINED)
    active = kept_apart("https://example.org/ok", NOW)
    spell()
    assert Subscriber.objects.get().pk == active.pk
    assert FormerKey.objects.get().key == gone.key
    client = Client()
    assert client.get(f"/subscription/{gone.key}").status_code == 200
    assert client.post(f"/unsubscribe/{gone.key}").status_code == 200
    assert Subscriber.objects.get().state == State.LEFT


def test_what_is_spelled_well_already_is_left_alone(db):
    one = mail("me@example.org")
    before = Subscriber.objects.values().get()
    spell()
    assert Subscriber.objects.values().get() == before
    assert one.key == before["key"]
