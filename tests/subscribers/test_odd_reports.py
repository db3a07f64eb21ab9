"""Reports of mail providers with one odd field: none is a fault of ours, none hides another."""

import copy
import json

import pytest

from subscribers import bounces
from subscribers.models import State, Subscriber
from tests.subscribers.making import mail
from tests.subscribers.test_bounces import MAILGUN, POSTMARK_BOUNCE, SECRET, SIGNING, post, signed

WHO = "reader@example.org"
SENDGRID = {
    "email": WHO, "timestamp": 1763351431, "smtp-id": "<14c5.dfd@ismtpd-555>", "event": "bounce",
    "category": ["cat facts"], "sg_event_id": "6g4ZI7SA-xmRDv57GoPIPw==", "type": "bounce",
    "bounce_classification": "Invalid Address", "tls": 1, "ip": "203.0.113.9",
    "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0", "status": "5.1.1",
    "reason": "550 5.1.1 The email account that you tried to reach does not exist",
    "unique_args": {"a": "b"}, "marketing_campaign_id": 12345,
}  # fmt: skip
DROPPED = {
    "email": WHO, "timestamp": 1763351431, "event": "dropped", "reason": "Bounced Address",
    "smtp-id": "<14c5.dfd@ismtpd-555>", "sg_event_id": "x", "sg_message_id": "y", "status": "5.0.0",
}  # fmt: skip
MAILJET = {
    "event": "bounce", "time": 1763351431, "MessageID": 19421777835146490, "email": WHO,
    "mj_contact_id": 4, "mj_campaign_id": 7257, "customcampaign": "", "CustomID": "", "Payload": "",
    "blocked": False,
    "hard_bounce": True, "error_related_to": "recipient", "error": "user unknown", "comment": "5.1.1",
}  # fmt: skip
SPARKPOST = {"msys": {"message_event": {
    "type": "bounce", "bounce_class": "10", "error_code": "550", "event_id": "92356927693813856",
    "message_id": "000443ee14578172be22", "raw_reason": "550 5.1.1 no such user", "raw_rcpt_to": WHO,
    "rcpt_meta": {"a": "b"}, "rcpt_tags": ["t"], "rcpt_to": WHO, "reason": "550 5.1.1",
    "timestamp": "1763351431",
}}}  # fmt: skip
BREVO = {
    "event": "hard_bounce", "email": WHO, "id": 26224, "date": "2026-11-17 00:00:00", "ts": 1763351431,
    "message-id": "<201798300811.5787683@relay.domain.com>", "ts_event": 1763351431, "subject": "Subject",
    "tag": "[]", "tags": ["t"], "reason": "550 5.1.1 no such user", "X-Mailin-custom": "{}",
    "ts_epoch": 1763351431000,
}  # fmt: skip
RESEND = {
    "type": "email.bounced", "created_at": "2026-11-22T23:41:12.126Z", "data": {
        "email_id": "56761188-7520-42d8-8898-ff6fc54ce618", "from": "Status <status@tern.example>",
        "to": [WHO], "created_at": "2026-11-22T23:41:11.894719+00:00", "subject": "Sent", "tags": {"a": "b"},
        "headers": [{"name": "X-Metadata", "value": "{}"}],
        "bounce": {"message": "5.1.1 does not exist", "subType": "General", "type": "Permanent"},
    },
}  # fmt: skip
PROVIDERS = {  # the settings, a report, and whether many come at once
    "sendgrid": ({"WEBHOOK_SECRET": SECRET}, SENDGRID, True),
    "sendgrid dropped": ({"WEBHOOK_SECRET": SECRET}, DROPPED, True),
    "mailjet": ({"WEBHOOK_SECRET": SECRET}, MAILJET, True),
    "sparkpost": ({"WEBHOOK_SECRET": SECRET}, SPARKPOST, True),
    "postmark": ({"WEBHOOK_SECRET": SECRET}, POSTMARK_BOUNCE, False),
    "brevo": ({"WEBHOOK_SECRET": SECRET}, BREVO, False),
    "resend": ({"WEBHOOK_SECRET": SECRET}, RESEND, False),
    "mailgun": ({"MAILGUN_WEBHOOK_SIGNING_KEY": SIGNING}, MAILGUN, False),
}
ODD = (
    None, True, 0, -1, 5, 10**30, 1e308, "", "x", "\ud800", "a\x00b", "9" * 5_000, [], [None], [[]],
    {}, {"a": []},
    {"\ud800": "\x00"}, "reader@example.org\n", ["reader@example.org"], "bounce", "2026-13-45T99:99:99Z",
)  # fmt: skip


def places(value, at=()):
    """The way to each value in it, the whole among them."""
    yield at
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in pairs:
        yield from places(inner, (*at, name))


def changed(report, at, odd):
    """The report with this value there; `odd` is LEFT_OUT to leave it out."""
    if not at:
        return odd
    made = copy.deepcopy(report)
    inner = made
    for name in at[:-1]:
        inner = inner[name]
    if odd is LEFT_OUT:
        del inner[at[-1]]
    else:
        inner[at[-1]] = odd
    return made


LEFT_OUT = object()


@pytest.fixture
def hear(client, settings):
    """Chooses a provider; the sender of its reports, which says the status."""

    def choose(name):
        provider = name.split(" ")[0]
        settings.MAIL_EVENTS, settings.ANYMAIL = provider, PROVIDERS[name][0]
        bounces.reader.cache_clear()
        where = f"/hooks/mail/{provider}/tracking/"
        if provider == "mailgun":
            return lambda made: post(client, where, signed(made), "")
        return lambda made: post(client, where, made)

    return choose


@pytest.mark.parametrize("name", PROVIDERS)
def test_what_is_documented_stops_the_address(hear, db, name):
    reader = mail(WHO)
    _, report, is_list = PROVIDERS[name]
    assert hear(name)([report] if is_list else report) == 200
    reader.refresh_from_db()
    assert reader.state == State.QUARANTINED
    assert name.split(" ")[0] in reader.note.lower()


@pytest.mark.parametrize("name", PROVIDERS)
def test_one_odd_field_is_no_fault_of_ours_and_hides_no_other_report(hear, db, name):
    reader, other = mail(WHO), mail("other@example.org")
    _, report, is_list = PROVIDERS[name]
    good = json.loads(json.dumps(report).replace(WHO, "other@example.org"))
    send = hear(name)
    for at in places(report):
        for odd in (*ODD, *([LEFT_OUT] if at else [])):
            made = changed(report, at, odd)
            status = send([made, good] if is_list else made)
            assert status == 200 if is_list else status in (200, 400), (at, odd)
            rows = Subscriber.objects.in_bulk([reader.pk, other.pk])
            assert all(one.note.isprintable() for one in rows.values()), (at, odd)
            assert not is_list or rows[other.pk].state == State.QUARANTINED, (at, odd)
            Subscriber.objects.update(state=State.ACTIVE)
