"""What mail providers report: addresses that are gone, people who complain, and strangers who pretend."""

import base64
import hashlib
import hmac
import json

import pytest

from subscribers import bounces
from subscribers.models import Purpose, State
from tests.subscribers.making import mail

SECRET = "events:sixteen-or-more"
SIGNING = "key-0123456789abcdef"
POSTMARK_BOUNCE = {
    "RecordType": "Bounce",
    "ID": 4323372036854775807,
    "Type": "HardBounce",
    "TypeCode": 1,
    "Name": "Hard bounce",
    "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
    "Description": "The server was unable to deliver your message (ex: unknown user, mailbox not found).",
    "Details": "smtp;550 5.1.1 The email account that you tried to reach does not exist.",
    "Email": "reader@example.org",
    "From": "status@tern.example",
    "BouncedAt": "2026-11-17T03:50:31Z",
    "Inactive": True,
    "CanActivate": True,
    "Subject": "[Identified] Chat refuses new connections",
}
POSTMARK_SPAM = {**POSTMARK_BOUNCE, "RecordType": "SpamComplaint", "Type": "SpamComplaint", "Details": ""}
MAILGUN = {
    "event": "failed",
    "id": "G9Bn5sl1TC6nu79C8C0bwg",
    "timestamp": 1763351431.5,
    "log-level": "error",
    "severity": "permanent",
    "reason": "bounce",
    "recipient": "reader@example.org",
    "recipient-domain": "example.org",
    "delivery-status": {"code": 550, "message": "5.1.1 No such user", "description": "", "attempt-no": 1},
    "message": {"headers": {"message-id": "msg_0123@status.tern.example"}},
    "tags": [],
    "user-variables": {},
}


@pytest.fixture
def postmark(settings):
    settings.MAIL_EVENTS, settings.ANYMAIL = "postmark", {"WEBHOOK_SECRET": SECRET}
    bounces.reader.cache_clear()
    return "/hooks/mail/postmark/tracking/"


@pytest.fixture
def mailgun(settings):
    settings.MAIL_EVENTS, settings.ANYMAIL = "mailgun", {"MAILGUN_WEBHOOK_SIGNING_KEY": SIGNING}
    bounces.reader.cache_clear()
    return "/hooks/mail/mailgun/tracking/"


def post(client, address, body, secret=SECRET):
    given = {"HTTP_AUTHORIZATION": f"Basic {base64.b64encode(secret.encode()).decode()}"} if secret else {}
    return client.post(address, json.dumps(body), content_type="application/json", **given).status_code


def signed(event, key=SIGNING):
    token, stamp = "a8ce0edb2dd8301dee6c2405235584e45aa91d1e9f979f3de0", "1763351431"
    mark = hmac.new(key.encode(), f"{stamp}{token}".encode(), hashlib.sha256).hexdigest()
    return {"signature": {"timestamp": stamp, "token": token, "signature": mark}, "event-data": event}


@pytest.fixture
def reader(db):
    return mail("reader@example.org")


def now(reader):
    reader.refresh_from_db()
    return reader.state


def test_a_hard_bounce_stops_the_address_with_the_reason(client, postmark, reader):
    assert post(client, postmark, POSTMARK_BOUNCE) == 200
    assert now(reader) == State.QUARANTINED
    assert reader.note.startswith("Postmark: the address does not accept mail. smtp;550 5.1.1")
    assert post(client, postmark, POSTMARK_BOUNCE) == 200  # told twice


@pytest.mark.parametrize(
    "kind",
    [
        "SoftBounce",
        "Transient",
        "Blocked",
        "DMARCPolicy",
        "AutoResponder",
        "SpamNotification",
        "Unsubscribe",
        "VirusNotification",
        "ChallengeVerification",
        "ManuallyDeactivated",
        "Unknown",
        "OfTomorrow",
    ],
)
def test_what_may_pass_stops_nobody(client, postmark, reader, kind):
    assert post(client, postmark, {**POSTMARK_BOUNCE, "Type": kind}) == 200
    assert now(reader) == State.ACTIVE


def test_who_calls_it_spam_has_left(client, postmark, reader):
    assert post(client, postmark, POSTMARK_SPAM) == 200
    assert (now(reader), reader.note) == (
        State.LEFT,
        "Postmark: marked our mail as spam. " + POSTMARK_BOUNCE["Description"],
    )
    assert not reader.deliveries.filter(purpose=Purpose.NEWS, state="owed").exists()


def test_an_address_in_other_letters_is_found(client, postmark, db):
    reader = mail("Jo.Reader@Example.org")
    assert post(client, postmark, {**POSTMARK_BOUNCE, "Email": "jo.reader@example.org"}) == 200
    assert now(reader) == State.QUARANTINED


def test_a_report_about_a_stranger_is_taken_and_changes_nothing(client, postmark, reader):
    assert post(client, postmark, {**POSTMARK_BOUNCE, "Email": "other@example.org"}) == 200
    assert now(reader) == State.ACTIVE


@pytest.mark.parametrize("secret", ["", "events:wrong-wrong-wrong", "nonsense"])
def test_a_stranger_cannot_stop_anybody(client, postmark, reader, secret):
    assert post(client, postmark, POSTMARK_BOUNCE, secret) == 400
    assert now(reader) == State.ACTIVE


def test_another_provider_and_none_have_no_address(client, postmark, settings, reader):
    assert post(client, "/hooks/mail/sendgrid/tracking/", []) == 404
    settings.MAIL_EVENTS = ""
    assert post(client, postmark, POSTMARK_BOUNCE) == 404


def test_mailgun_proves_itself_by_its_signature(client, mailgun, reader):
    assert post(client, mailgun, signed(MAILGUN, "another key of thirty letters"), "") == 400
    assert now(reader) == State.ACTIVE
    assert post(client, mailgun, signed({**MAILGUN, "severity": "temporary"}), "") == 200
    assert now(reader) == State.ACTIVE
    assert post(client, mailgun, signed(MAILGUN), "") == 200
    assert now(reader) == State.QUARANTINED
    assert "5.1.1 No such user" in reader.note


def test_every_provider_that_settings_take_can_be_read(settings):
    settings.ANYMAIL = {"WEBHOOK_SECRET": SECRET, "MAILGUN_WEBHOOK_SIGNING_KEY": SIGNING}
    assert set(bounces.PROVIDERS) == set(settings.MAIL_PROVIDERS)
    bounces.reader.cache_clear()
    assert all(callable(bounces.reader(name)) for name in bounces.PROVIDERS)


@pytest.mark.parametrize("odd", [None, [], "x", 5, {"RecordType": []}, {**POSTMARK_BOUNCE, "Email": 5},
                                 {**POSTMARK_BOUNCE, "Email": "\ud800@example.org"}])  # fmt: skip
def test_a_report_that_is_none_is_no_fault_of_ours(client, postmark, reader, odd):
    assert post(client, postmark, odd) in (200, 400)
    assert now(reader) == State.ACTIVE


@pytest.mark.parametrize("odd", [None, [], "x", {"event-data": 5}, {"signature": None}])
@pytest.mark.parametrize("sign", [lambda odd: odd, signed])
def test_a_stranger_who_sends_no_report_is_answered_400(client, mailgun, db, odd, sign):
    assert post(client, mailgun, sign(odd), "") in (200, 400)


def test_one_odd_report_does_not_hide_those_that_came_with_it(client, settings, reader):
    settings.MAIL_EVENTS, settings.ANYMAIL = "mailjet", {"WEBHOOK_SECRET": SECRET}
    bounces.reader.cache_clear()
    good = {"event": "bounce", "time": 1, "email": "reader@example.org", "hard_bounce": True,
            "error": "user unknown"}  # fmt: skip
    reports = [None, {"event": []}, {**good, "email": ["reader@example.org"]}, good]
    assert post(client, "/hooks/mail/mailjet/tracking/", reports) == 200
    assert now(reader) == State.QUARANTINED
