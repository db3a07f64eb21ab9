"""Webhooks by the letter of Standard Webhooks, and what happens when a receiver fails."""

import base64
import datetime as dt
import json
import random

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from components import webhook_signature
from components.egress import Egress
from incidents.models import Post
from subscribers import addresses
from subscribers.delivery import backoff, fan_out
from subscribers.models import Delivery, Purpose, State, Subscriber
from subscribers.states import Channel
from tests.making import component
from tests.subscribers.making import mail, webhook
from tests.subscribers.test_delivering import bodies, late, opened, states
from tests.whole import wait_for

ARTICLE = json.loads(
    # the fields of a captured body of Statuspage, 2017 (its own are `meta`, `page`, `incident`)
    """{"meta": ["unsubscribe", "documentation", "generated_at"],
        "page": ["id", "status_indicator", "status_description"],
        "incident": ["name", "status", "created_at", "updated_at", "monitoring_at", "resolved_at", "impact",
          "shortlink", "postmortem_ignored", "postmortem_body", "postmortem_body_last_updated_at",
          "postmortem_published_at", "postmortem_notified_subscribers", "postmortem_notified_twitter",
          "backfilled", "scheduled_for", "scheduled_until", "scheduled_remind_prior", "scheduled_reminded_at",
          "impact_override", "scheduled_auto_in_progress", "scheduled_auto_completed", "id", "page_id",
          "incident_updates", "components"],
        "update": ["status", "body", "created_at", "wants_twitter_update", "twitter_updated_at", "updated_at",
          "display_at", "affected_components", "custom_tweet", "deliver_notifications", "id", "incident_id"],
        "component": ["status", "name", "created_at", "updated_at", "position", "description", "showcase",
          "id", "page_id", "group_id"],
        "component_update": ["old_status", "new_status", "created_at", "component_type", "id",
          "component_id"]}"""
)


# Signing


def test_the_example_of_the_specification_comes_out_to_the_letter():
    # standard-webhooks, libraries' shared test vector
    key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    made = webhook_signature.headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', [key]
    )
    assert made["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_ten_thousand_bodies_verify_and_no_flipped_byte_does():
    draw = random.Random(4)
    for number in range(10_000):
        key, body = webhook_signature.new_secret(), draw.randbytes(draw.randint(1, 200)).hex().encode()
        now = int(timezone.now().timestamp())
        headers = webhook_signature.headers(f"msg_{number}", now, body, [key])
        expected = Webhook(key).sign(f"msg_{number}", dt.datetime.fromtimestamp(now, dt.UTC), body.decode())
        assert headers["webhook-signature"] == expected
        if number % 50 == 0:
            place = draw.randrange(len(body))
            flipped = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
            with pytest.raises(WebhookVerificationError):
                Webhook(key).verify(flipped, headers)


def test_what_arrives_verifies_with_the_library_and_keeps_its_id_over_attempts(post, sink):
    one = webhook(f"{sink.url}/a", wants_component=False)
    key = one.secrets(timezone.now())[0]
    sink.answers["/a"] = 500
    opened(component())
    post.deliver()
    sink.answers["/a"] = 204
    late()
    post.deliver()
    first, second = sink.got
    assert first.id == second.id == Delivery.objects.get().message_id
    assert int(second.headers["webhook-timestamp"]) >= int(first.headers["webhook-timestamp"])
    for got in sink.got:
        Webhook(key).verify(got.body, got.headers)  # raises when it is not ours
    assert second.headers["content-type"] == "application/json"


def test_while_a_secret_rotates_both_verify_and_after_a_day_the_old_one_does_not(post, sink):
    now = timezone.now()
    one = webhook(f"{sink.url}/a", wants_component=False)
    old = one.secrets(now)[0]
    new = one.rotate(now)
    opened(component())
    post.deliver()
    for key in (old, new):
        Webhook(key).verify(sink.got[0].body, sink.got[0].headers)
    assert one.secrets(now + dt.timedelta(hours=24, seconds=1)) == [new]


def test_secrets_and_addresses_stand_nowhere_in_clear(transactional_db):
    one = webhook("https://hooks.example/T00/secret-path")
    row = json.dumps(Subscriber.objects.values("address", "signing", "fingerprint").get())
    key = one.secrets(timezone.now())[0]
    assert "secret-path" not in row
    assert key not in row
    assert base64.b64decode(key.removeprefix("whsec_")).hex() not in row


def test_a_receiver_written_for_statuspage_finds_every_field(post, sink):
    chat = component("Chat", description="Messages")
    chat.show("operational", timezone.now())
    fan_out.note_changes(timezone.now())
    webhook(f"{sink.url}/a")
    fan_out.note_changes(timezone.now())
    opened(chat)
    post.deliver()
    told = next(one.json for one in sink.got if "incident" in one.json)
    changed = next(one.json for one in sink.got if "component_update" in one.json)
    for name in ("meta", "page", "incident"):
        assert set(ARTICLE[name]) <= set(told[name]), name
    assert set(ARTICLE["update"]) <= set(told["incident"]["incident_updates"][0])
    assert set(ARTICLE["component"]) <= set(told["incident"]["components"][0])
    assert set(ARTICLE["component_update"]) <= set(changed["component_update"])
    assert set(ARTICLE["component"]) <= set(changed["component"])
    assert told["page"]["status_indicator"] == "critical"
    assert told["incident"]["incident_updates"][0]["affected_components"][0]["new_status"] == "major_outage"


# Failing


@pytest.mark.parametrize(
    ("answer", "ends", "says"),
    [
        (200, "sent", ""),
        (204, "sent", ""),
        ((301, {"location": "/elsewhere"}, b""), "owed", "redirects are not followed"),
        (400, "owed", "Responded with 400."),
        (404, "owed", "Responded with 404."),
        (410, "failed", "no longer wants messages"),
        ((429, {"retry-after": "120"}, b""), "owed", "Responded with 429."),
        (500, "owed", "Responded with 500."),
        (502, "owed", "Responded with 502."),
        ("rst", "owed", "can’t reach"),
        ("hang", "owed", "can’t reach"),
        ("drip", "owed", "can’t reach"),
    ],
    ids=str,
)
def test_each_answer_has_its_consequence(post, sink, answer, ends, says):
    one = webhook(f"{sink.url}/a", wants_component=False)
    sink.answers["/a"] = answer
    opened(component())
    before = timezone.now()
    post.deliver()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempts) == (ends, 1)
    assert says in delivery.last_error
    assert sink.of("/elsewhere") == []
    one.refresh_from_db()
    if ends == "owed":
        least = 120 if isinstance(answer, tuple) and answer[0] == 429 else 4
        assert dt.timedelta(seconds=least - 1) < one.next_at - before
        assert one.failing_since is not None
    if ends == "failed":
        assert one.state == State.QUARANTINED


def test_a_date_in_retry_after_is_kept_to():
    from email.utils import format_datetime

    from subscribers.channels.http_post import Answer

    at = timezone.now() + dt.timedelta(seconds=90)
    assert 85 < Answer(429, {"retry-after": format_datetime(at)}).retry_after_s <= 90
    for text in ("", "soon", "-5"):
        assert Answer(429, {"retry-after": text}).retry_after_s is None


def test_the_pauses_are_those_of_the_specification_give_or_take_a_fifth():
    seconds = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400, 86_400]
    for attempts, usual in enumerate(seconds, 1):
        assert backoff.wait_after(attempts, draw=0).total_seconds() == pytest.approx(usual * 0.8)
        assert backoff.wait_after(attempts, draw=1).total_seconds() == pytest.approx(usual * 1.2)
    assert backoff.wait_after(1, asked_s=600, draw=0.5).total_seconds() == 600
    assert backoff.wait_after(1, asked_s=10**9, draw=0.5) == dt.timedelta(days=1)


def test_after_five_days_without_a_success_it_stops_and_its_owner_is_told_once(post, sink):
    owner = mail("owner@example.org", state=State.CONTACT)
    one = webhook(f"{sink.url}/a", owner=owner, wants_component=False)
    sink.answers["/a"] = 500
    incident = opened(component())
    post.deliver()
    long_ago = timezone.now() - dt.timedelta(days=5)
    Subscriber.objects.filter(pk=one.pk).update(failing_since=long_ago)
    late()
    fan_out.sort(timezone.now())
    post.postman.wake()
    wait_for(lambda: Subscriber.objects.get(pk=one.pk).state == State.QUARANTINED, 10)
    letters = owner.deliveries.filter(purpose=Purpose.STOPPED)
    assert letters.count() == 1
    assert "Five days" in letters.get().context["why"]
    incident.post(Post("More.", phase="identified"), now=timezone.now())
    fan_out.sort(timezone.now())
    assert one.deliveries.filter(state="owed").count() == 0
    assert len(sink.got) == 2


def test_a_replay_comes_once_under_the_same_id(post, sink):
    webhook(f"{sink.url}/a", wants_component=False)
    opened(component())
    post.deliver()
    delivery, now = Delivery.objects.get(), timezone.now()
    assert (delivery.replay(now), delivery.replay(now)) == (True, False)
    post.deliver()
    post.deliver()
    assert [one.id for one in sink.got] == [delivery.message_id] * 2
    assert states() == ["sent"]


def test_one_good_answer_forgets_the_failures_before_it(post, sink):
    one = webhook(f"{sink.url}/a", wants_component=False)
    sink.answers["/a"] = 503
    opened(component())
    post.deliver()
    sink.answers["/a"] = 200
    late()
    post.deliver()
    one.refresh_from_db()
    assert (one.attempts, one.failing_since, one.last_error, one.next_at) == (0, None, "", None)
    assert bodies(sink.got) == ["We look.", "We look."]


# Where it may not lead

INSIDE = (
    "http://127.0.0.1/", "http://localhost/", "http://[::1]/", "http://0/", "http://0.0.0.0/", "http://127.1/",
    "http://2130706433/", "http://0x7f.1/", "http://0177.0.0.1/", "http://[::ffff:127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/", "http://[::127.0.0.1]/", "http://10.0.0.1/",
    "http://192.168.1.1/", "http://172.16.0.1/", "http://169.254.169.254/latest/meta-data", "http://100.64.0.1/",
    "http://[fd00::1]/", "http://[fe80::1]/", "http://224.0.0.1/", "http://255.255.255.255/", "http://127.0.0.1./",
    "http://localhost./", "http://foo.localhost/", "http://①②⑦.⓪.⓪.①/", "http://127.0.0.1:6379/",
    "http://198.18.0.1/", "http://[ff02::1]/", "http://[::]/",
)  # fmt: skip
MALFORMED = (
    "file:///etc/passwd", "gopher://127.0.0.1:6379/_", "ftp://example.org/", "unix:///run/x.sock",
    "example.org",
    "http://", "http:///x", "https://user:pw@example.org/", "http://example.org:0/", "http://example.org:99999/",
    "http://exa mple.org/", "http://example.org/\r\nHost: evil", "javascript:alert(1)", "http://[::1%25lo]/",
    "http://-bad-.example/\x00", "//example.org/x", "http://.../", "http://a..b/", "data:text/plain,x",
    "https://" + "a" * 300 + ".example/",
)  # fmt: skip


@pytest.mark.parametrize("url", INSIDE)
def test_no_webhook_leads_inside_however_it_is_spelled(post, sink, url, monkeypatch):
    """Even a row that got past the form: the door itself refuses, and dials nobody."""
    import asyncio

    dialled = []
    monkeypatch.setattr(asyncio, "open_connection", lambda *where, **_: dialled.append(where))
    post.postman.egress = Egress(())
    one = webhook(url, wants_component=False)
    opened(component())
    post.deliver()
    assert dialled == []
    assert one.deliveries.get().state == "owed"
    assert one.deliveries.get().answer is None


@pytest.mark.parametrize("url", MALFORMED)
def test_an_address_that_can_be_none_is_refused_with_a_sentence(url):
    with pytest.raises(ValidationError) as refused:
        addresses.checked(Channel.WEBHOOK, url)
    assert refused.value.message_dict["address"][0].endswith(".")


@pytest.mark.parametrize("url", [one for one in INSIDE if "localhost" not in one and "①" not in one])
def test_the_form_refuses_what_is_spelled_out_as_inside(url, settings):
    settings.SUBSCRIBER_EGRESS_ALLOW = []
    with pytest.raises(ValidationError):
        addresses.checked(Channel.WEBHOOK, url)


def test_an_allowed_network_may_be_told(settings):
    settings.SUBSCRIBER_EGRESS_ALLOW = ["127.0.0.0/8"]
    assert addresses.checked(Channel.WEBHOOK, " http://127.0.0.1:8080/x ") == "http://127.0.0.1:8080/x"
