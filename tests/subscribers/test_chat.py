"""Messages to chat rooms over real sockets: what each vendor's errors make of the subscriber."""

import asyncio
import json
import logging
from dataclasses import replace

import pytest
from django.utils import timezone

from components.egress import Egress
from incidents.models import Incident
from subscribers import channels
from subscribers.delivery.envelope import End
from subscribers.models import Delivery, DeliveryState, State
from subscribers.states import CHATS, Channel
from tests.making import component
from tests.subscribers.conftest import LOOPBACK
from tests.subscribers.making import somebody
from tests.subscribers.test_formats import envelope

REPLY = "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD"
PATHS = {
    Channel.TELEGRAM: "/bot1:abc/sendMessage",
    Channel.GOOGLE_CHAT: f"/v1/spaces/x/messages?key=k&messageReplyOption={REPLY}",
}


def address(sink, channel):
    if channel is Channel.TELEGRAM:
        return f"{sink.url}/bot1:abc/sendMessage?chat_id=-100"
    if channel is Channel.GOOGLE_CHAT:
        return f"{sink.url}/v1/spaces/x/messages?key=k"
    return f"{sink.url}/{channel}"


def path(channel):
    return PATHS.get(channel, f"/{channel}")


def test_an_incident_reaches_every_kind_of_room_and_is_told_in_its_thread(post, sink):
    for channel in CHATS:
        somebody(channel, address(sink, channel))
    one = component("Chat")
    Incident.objects.open("Chat is down", "We **look**.", now=timezone.now(), components=[one],
                          statuses={one: "major_outage"})  # fmt: skip
    post.deliver()
    assert sorted(one.path for one in sink.got) == sorted(path(channel) for channel in CHATS)
    assert Delivery.objects.filter(state=DeliveryState.SENT).count() == len(CHATS)
    for got in sink.got:
        assert "Chat is down" in got.body.decode()
        assert got.headers["content-type"] == "application/json; charset=utf-8"
    assert sink.of(path(Channel.TELEGRAM))[0].json["chat_id"] == "-100"


def test_a_room_is_told_once_it_took_its_first_message_and_not_before(post, sink):
    one = somebody(Channel.SLACK, f"{sink.url}/a", state=State.UNCONFIRMED)
    one.owe("confirm", timezone.now())
    post.deliver()
    one.refresh_from_db()
    assert one.state == State.ACTIVE
    assert "This channel will get updates about all components" in sink.got[0].body.decode()


def test_a_removed_webhook_is_not_tried_again_and_its_key_is_in_no_log(post, sink, caplog):
    caplog.set_level(logging.DEBUG)
    one = somebody(Channel.DISCORD, f"{sink.url}/secret-of-room")
    sink.answers["/secret-of-room"] = (404, {}, b'{"message": "Unknown Webhook", "code": 10015}')
    one.owe("test", timezone.now())
    post.deliver()
    one.refresh_from_db()
    assert (one.state, one.note) == (State.QUARANTINED, "Discord says: 10015. The webhook was removed.")
    assert "secret-of-room" not in caplog.text + one.note + one.shown


def said(**body):
    return json.dumps(body).encode()


GONE, LATER, SENT = End.GONE, End.LATER, End.SENT
ANSWERS = (
    # channel, status, headers, body, what comes of it, when at the earliest
    ("slack", 200, {}, b"ok", SENT, None),
    ("slack", 404, {}, b"no_service", GONE, None),
    ("slack", 404, {}, b"channel_not_found", GONE, None),
    ("slack", 410, {}, b"channel_is_archived", GONE, None),
    ("slack", 403, {}, b"invalid_token", GONE, None),
    ("slack", 403, {}, b"action_prohibited", LATER, None),
    ("slack", 400, {}, b"invalid_payload", LATER, None),
    ("slack", 404, {}, b"<html>proxy</html>", LATER, None),
    ("slack", 429, {"Retry-After": "30"}, b"", LATER, 30),
    ("slack", 500, {}, b"rollup_error", LATER, None),
    ("discord", 204, {}, b"", SENT, None),
    ("discord", 404, {}, said(code=10015), GONE, None),
    ("discord", 401, {}, said(code=50027), GONE, None),
    ("discord", 404, {}, b"<html>", LATER, None),
    ("discord", 404, {}, said(code=[]), LATER, None),
    ("discord", 400, {}, said(code=50035), LATER, None),
    ("discord", 429, {"Retry-After": "1"}, said(retry_after=64.57), LATER, 64.57),
    ("discord", 429, {"Retry-After": "65"}, b"<html>cloudflare</html>", LATER, 65),
    ("discord", 429, {}, said(retry_after="soon"), LATER, None),
    ("discord", 429, {}, b"[" * 4_000, LATER, None),
    ("teams", 202, {}, b"", SENT, None),
    ("teams", 200, {}, b"1", SENT, None),
    ("teams", 200, {}, b"Webhook message delivery failed with error: HTTP error 429", LATER, None),
    ("teams", 400, {}, said(error={"code": "WorkflowTriggerIsNotEnabled"}), LATER, None),
    ("teams", 404, {}, said(error={"code": "WorkflowNotFound"}), GONE, None),
    ("teams", 404, {}, b"", LATER, None),
    ("teams", 410, {}, b"", GONE, None),
    ("teams", 429, {"Retry-After": "12"}, b"", LATER, 12),
    ("google_chat", 200, {}, said(name="x"), SENT, None),
    ("google_chat", 403, {}, b"", GONE, None),
    ("google_chat", 404, {}, b"", GONE, None),
    ("google_chat", 429, {}, b"", LATER, None),
    ("mattermost", 200, {}, b"ok", SENT, None),
    ("mattermost", 400, {}, said(id="web.incoming_webhook.invalid.app_error"), GONE, None),
    ("mattermost", 404, {}, said(id="web.incoming_webhook.channel.app_error"), GONE, None),
    ("mattermost", 404, {}, b"", LATER, None),
    ("mattermost", 501, {}, said(id="web.incoming_webhook.disabled.app_error"), LATER, None),
    ("telegram", 200, {}, said(ok=True), SENT, None),
    ("telegram", 403, {}, said(description="Forbidden: bot was blocked by the user"), GONE, None),
    ("telegram", 401, {}, said(description="Unauthorized"), GONE, None),
    ("telegram", 400, {}, said(description="Bad Request: chat not found"), GONE, None),
    ("telegram", 400, {}, said(parameters={"migrate_to_chat_id": -1}), GONE, None),
    ("telegram", 400, {}, said(description="Bad Request: can't parse entities"), LATER, None),
    ("telegram", 429, {}, said(parameters={"retry_after": 17}), LATER, 17),
    ("telegram", 429, {"Retry-After": "9"}, said(parameters=None), LATER, 9),
    ("telegram", 302, {"Location": "/x"}, b"", LATER, None),
)  # fmt: skip


def test_each_vendors_answer_is_read_as_its_documentation_says(sink):
    for name, status, headers, body, end, after_s in ANSWERS:
        channel = Channel(name)
        sink.answers[path(channel)] = (status, headers, body)
        sent = replace(envelope(channel), address=address(sink, channel))
        result = asyncio.run(channels.senders()[channel](sent, Egress(LOOPBACK)))
        told = (name, status, body)
        assert (result.end, result.retry_after_s) == (end, after_s), told
        assert result.answer == status
        assert (result.why == "") is (end is SENT)
        assert not body.strip() or len(body) < 20 or body.decode() not in result.why, told


@pytest.mark.parametrize("answer", ["rst", "hang"])
def test_a_room_that_breaks_off_or_hangs_is_tried_again_later(sink, answer):
    sink.answers["/slack"] = answer
    sent = replace(envelope(Channel.SLACK), address=f"{sink.url}/slack")

    async def attempt():
        async with asyncio.timeout(0.5):
            return await channels.senders()[Channel.SLACK](sent, Egress(LOOPBACK))

    if answer == "hang":
        with pytest.raises(TimeoutError):  # the postman's deadline, and its words
            asyncio.run(attempt())
        return
    assert asyncio.run(attempt()).end is LATER


def test_every_channel_has_a_sender_that_we_wrote():
    assert set(channels.senders()) >= set(CHATS) | {Channel.WEB_PUSH, Channel.APPRISE}
