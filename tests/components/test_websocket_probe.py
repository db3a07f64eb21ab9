"""One WebSocket: the upgrade to the letter, messages, silence, closes, and servers that break the rules."""

import asyncio
import re
import ssl
import time

import pytest
import uvloop

from components import steps
from components.egress import Egress
from components.models import Probe
from components.outcomes import Failure
from components.probers import PROBERS, InvalidProbeError, steps_of
from tests import ws_targets as ws
from tests.certificates import make
from tests.components.test_probers import OWN, look
from tests.targets import Raw

NO_PING = {"ping_s": 0}


def ask(behave, options=None, *, deadline_s=1.5, egress=None):
    """One check of a raw server, which must end by its deadline."""
    with Raw(behave) as server:
        began = time.monotonic()
        target = f"ws://127.0.0.1:{server.port}/"
        reading = look("websocket", target, options, deadline_s=deadline_s, egress=egress, run=uvloop.run)
    assert time.monotonic() - began < deadline_s + 1.5
    return reading


def test_a_server_that_answers_is_up_and_its_steps_are_timed():
    with ws.Served(ws.echo) as server:
        reading = look("websocket", server.url, {"send": "hello", "expect": "hell", "echo": "echo {id}"})
    assert (reading.failure, reading.detail, reading.status_code) == (None, "", None)
    walked = [(step.name, step.state) for step in steps.walk(steps_of("websocket"), reading)]
    assert walked == [(name, "ok") for name in ("DNS", "Connect", "Upgrade", "First message")]
    assert 0 < reading.transfer_ms <= reading.total_ms


def test_the_server_is_left_by_a_close():
    codes = []

    async def handle(connection):
        await connection.wait_closed()
        codes.append(connection.close_code)

    with ws.Served(handle) as server:
        assert look("websocket", server.url).failure is None
        end = time.monotonic() + 5
        while not codes and time.monotonic() < end:
            time.sleep(0.01)
    assert codes == [1000]


def test_headers_and_subprotocol_are_sent_and_the_choice_is_checked():
    asked = []

    async def handle(connection):
        asked.append((connection.request.headers["X-Key"], connection.subprotocol))
        await connection.wait_closed()

    options = {"headers": "X-Key: 42", "subprotocol": "v2.chat, v1.chat"}
    with ws.Served(handle, subprotocols=["v1.chat"]) as server:
        assert look("websocket", server.url, options).failure is None
    assert asked == [("42", "v1.chat")]
    with ws.Served(ws.stay) as server:
        reading = look("websocket", server.url, options)
    assert (reading.failure, reading.detail) == (
        Failure.ASSERTION, "The server chose no subprotocol; expected v2.chat, v1.chat.",
    )  # fmt: skip


def test_wss_is_dialled_with_tls_and_the_certificate_is_told(tmp_path):
    key, file = make(tmp_path, "127.0.0.1", days=20)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key)
    with ws.Served(ws.echo, ssl=context) as server:
        target = server.url.replace("ws://", "wss://")
        reading = look("websocket", target, {"echo": "x"}, egress=Egress(OWN, ca_file=str(file)))
        wrong = look("websocket", target)
    assert (reading.failure, reading.days_left) == (None, 20)
    assert reading.tls_ms > 0
    assert wrong.failure is Failure.TLS


def test_compression_is_offered_when_asked_for_and_understood():
    asked = []

    async def handle(connection):
        asked.append(connection.request.headers.get("Sec-WebSocket-Extensions"))
        await ws.echo(connection)

    with ws.Served(handle) as server:
        assert look("websocket", server.url, {"echo": "a" * 5000, "deflate": True}).failure is None
        assert look("websocket", server.url, {"echo": "a" * 5000}).failure is None
    assert asked == ["permessage-deflate; client_max_window_bits", None]


SWITCH = ("HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade")


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ((*SWITCH, "Sec-WebSocket-Accept: c3VyZQ=="), "does not match the key"),
        (SWITCH, "Sec-WebSocket-Accept is missing"),
        ((SWITCH[0], "Connection: Upgrade", "Sec-WebSocket-Accept: x"), "“Upgrade: websocket” is missing"),
        (
            (SWITCH[0], "Upgrade: h2c", "Connection: Upgrade", "Sec-WebSocket-Accept: x"),
            "“Upgrade: websocket”",
        ),
        (
            (SWITCH[0], "Upgrade: websocket", "Connection: close", "Sec-WebSocket-Accept: x"),
            "“Connection: Upgr",
        ),
        (("HTTP/1.0 101 OK", *SWITCH[1:], "Sec-WebSocket-Accept: x"), "answered in HTTP/1.0"),
    ],
)
def test_an_upgrade_that_is_not_to_the_letter_is_a_protocol_failure(lines, words):
    reading = ask(ws.answers(*lines))
    assert reading.failure is Failure.PROTOCOL
    assert reading.detail.startswith("The upgrade to WebSocket is not valid. ")
    assert words in reading.detail


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("Sec-WebSocket-Extensions: permessage-deflate\r\n", "chose an extension that was not offered"),
        ("Sec-WebSocket-Protocol: chat\r\n", "chose a subprotocol that was not offered"),
    ],
)
def test_what_was_not_offered_cannot_be_chosen(more, words):
    reading = ask(ws.sends(more=more))
    assert (reading.failure, words in reading.detail) == (Failure.PROTOCOL, True)


@pytest.mark.parametrize("status", ["200 OK", "403 Forbidden", "404 Not Found", "503 Service Unavailable"])
def test_any_other_status_is_told_with_what_it_says(status):
    reading = ask(ws.answers(f"HTTP/1.1 {status}", "Content-Length: 4", "Retry-After: 9", body=b"busy"))
    assert (reading.failure, reading.status_code) == (Failure.STATUS, int(status[:3]))
    assert (reading.excerpt, reading.facts["retry_after"]) == ("busy", "9")
    assert "not with 101" in reading.detail
    walked = [(step.name, step.state) for step in steps.walk(steps_of("websocket"), reading)]
    assert walked[-2:] == [("Upgrade", "failed"), ("First message", "open")]


def test_a_status_is_not_held_up_by_a_body_that_never_ends():
    reading = ask(ws.answers("HTTP/1.1 502 Bad Gateway", "Content-Length: 100", body=b"half"), deadline_s=1.0)
    assert (reading.failure, reading.status_code, reading.excerpt) == (Failure.STATUS, 502, "half")


def test_an_early_hint_comes_before_the_switch():
    async def behave(reader, writer):
        writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        await ws.upgrade(reader, writer)
        await reader.read(1)

    assert ask(behave, NO_PING).failure is None


def test_a_redirect_is_a_failure_as_in_browsers_or_followed_through_the_door(target):
    with ws.Served(ws.echo) as server:
        for scheme in ("ws", "http"):
            target.paths["/"] = (302, {"Location": f"{scheme}://127.0.0.1:{server.port}/?key=1"}, b"")
            url = target.url.replace("http", "ws")
            stays = look("websocket", url)
            assert (stays.failure, stays.status_code) == (Failure.REDIRECT, 302)
            assert "key=…" in stays.detail
            assert "key=1" not in stays.detail
            follows = look("websocket", url, {"follow_redirects": True, "echo": "x"})
            assert (follows.failure, follows.facts["hop"]) == (None, "2")
    target.paths["/"] = (301, {"Location": "/"}, b"")
    assert "more than 5 times" in look("websocket", url, {"follow_redirects": True}).detail
    target.paths["/"] = (301, {"Location": "ftp://127.0.0.1/"}, b"")
    assert look("websocket", url, {"follow_redirects": True}).failure is Failure.REDIRECT


@pytest.mark.parametrize("private", ["10.0.0.1", "169.254.169.254", "127.0.0.2"])
def test_a_redirect_to_a_private_address_does_not_pass_the_door(target, private):
    target.paths["/"] = (302, {"Location": f"ws://{private}/"}, b"")
    only = Egress([f"127.0.0.1:{target.port}"])
    url = target.url.replace("http", "ws")
    reading = look("websocket", url, {"follow_redirects": True}, egress=only)
    assert (reading.failure, f"Redirected to {private}" in reading.detail) == (Failure.DENIED, True)


def test_what_staff_typed_does_not_follow_a_redirect_elsewhere(target):
    seen = []

    async def handle(connection):
        seen.append(connection.request.headers.get("Authorization"))
        await connection.wait_closed()

    with ws.Served(handle) as server:
        target.paths["/"] = (302, {"Location": server.url}, b"")
        options = {"headers": "Authorization: Bearer x", "follow_redirects": True}
        assert look("websocket", target.url.replace("http", "ws"), options).failure is None
    assert target.asked[0][2]["Authorization"] == "Bearer x"
    assert seen == [None]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "no pong"),
        ({"ping_s": 0, "echo": "hi"}, "no echo"),
        ({"ping_s": 0, "expect": "hi"}, "no message with the expected text"),
        ({"echo": "hi"}, "no pong and no echo"),
    ],
)
def test_a_server_that_switches_and_stays_silent_is_down_in_time(options, words):
    reading = ask(ws.sends(), options, deadline_s=1.0)
    assert reading.failure is Failure.TIMEOUT_TRANSFER
    assert f"then stayed silent: {words} within" in reading.detail
    walked = [(step.name, step.state) for step in steps.walk(steps_of("websocket"), reading)]
    assert walked[-2:] == [("Upgrade", "ok"), ("First message", "failed")]


def test_a_server_from_which_nothing_is_expected_is_up_after_the_switch():
    assert ask(ws.sends(), NO_PING).failure is None


def test_other_messages_than_the_expected_one_are_told():
    reading = ask(ws.sends(ws.frame(ws.TEXT, b"go away")), {"ping_s": 0, "expect": "welcome"}, deadline_s=1.0)
    assert (reading.failure, reading.excerpt) == (Failure.ASSERTION, "go away")
    assert reading.detail == "No message contains the expected text."


def test_a_pong_that_was_not_asked_for_is_no_answer():
    reading = ask(ws.sends(ws.frame(ws.PONG, b"") + ws.frame(ws.PONG, b"12345678")), deadline_s=1.0)
    assert (reading.failure, "no pong" in reading.detail) == (Failure.TIMEOUT_TRANSFER, True)


@pytest.mark.parametrize("size", [1, 3, 7])
def test_a_message_in_fragments_with_pings_between_is_one(size):
    text = "wélcome to the chat".encode()
    parts = [text[n : n + size] for n in range(0, len(text), size)]
    frames = [
        ws.frame(ws.TEXT if n == 0 else ws.CONT, part, fin=n == len(parts) - 1) + ws.frame(ws.PING, b"p")
        for n, part in enumerate(parts)
    ]
    # the last ping stands behind the message
    assert ask(ws.sends(*frames), {"ping_s": 0, "expect": "wélcome to the chat"}).failure is None


def test_what_comes_with_the_switch_in_one_packet_is_not_lost():
    async def behave(reader, writer):
        request = await reader.readuntil(b"\r\n\r\n")
        head = "\r\n".join([*SWITCH, f"Sec-WebSocket-Accept: {ws.accept_of(request)}", "", ""])
        writer.write(head.encode() + ws.frame(ws.TEXT, b"welcome"))
        await reader.read(1000)

    assert ask(behave, {"ping_s": 0, "expect": "welcome"}).failure is None


@pytest.mark.parametrize(
    ("piece", "words"),
    [
        (ws.frame(ws.TEXT, b"hi", mask=True), "incorrect masking"),
        (ws.frame(ws.PING, b"hi", fin=False), "fragmented control frame"),
        (ws.frame(ws.PING, b"h" * 126), "control frame too long"),
        (ws.frame(3, b"hi"), "invalid opcode"),
        (ws.frame(ws.CONT, b"hi"), "unexpected continuation"),
        (ws.frame(ws.TEXT, b"a", fin=False) + ws.frame(ws.TEXT, b"b"), "expected a continuation"),
        (ws.frame(ws.TEXT, b"hi", rsv1=True), "reserved bits"),
        (ws.frame(ws.TEXT, b"\xff\xfe"), "not UTF-8"),
        (ws.frame(ws.CLOSE, b"\x03"), "close frame too short"),
        (ws.close(1005), "invalid status code"),
        (ws.frame(ws.CLOSE, b"\x03\xe8\xff"), "invalid UTF-8"),
        (b"HTTP/1.1 400 Bad Request\r\n" + b"X: y\r\n" * 50, "reserved bits"),
        (b"\xff" * 5000, "invalid opcode"),
    ],
)
def test_frames_that_break_the_protocol_are_named(piece, words):
    reading = ask(ws.sends(piece))
    assert (reading.failure, words in reading.detail) == (Failure.PROTOCOL, True), reading.detail


@pytest.mark.parametrize(
    "pieces",
    [
        (ws.frame(ws.BINARY, b"x" * 10_000_000),),
        (ws.frame(ws.TEXT, b"", length=2**62),),
        tuple(ws.frame(ws.TEXT if n == 0 else ws.CONT, b"x" * 100_000, fin=False) for n in range(20)),
    ],
    ids=["10 MB frame", "endless frame", "endless message"],
)
def test_a_message_without_bounds_is_too_large(pieces):
    reading = ask(ws.sends(*pieces), NO_PING | {"expect": "hi"})
    assert (reading.failure, reading.detail) == (Failure.TOO_LARGE, "A message is larger than 1,024 kB.")


def test_a_compressed_bomb_is_too_large_and_costs_no_memory():
    more = "Sec-WebSocket-Extensions: permessage-deflate\r\n"
    reading = ask(
        ws.sends(ws.bomb(), more=more), {"deflate": True, "ping_s": 0, "expect": "hi"}, deadline_s=3
    )
    assert (reading.failure, reading.detail) == (Failure.TOO_LARGE, "A message is larger than 1,024 kB.")


def test_a_flood_of_messages_ends_and_leaves_others_their_turn():
    reading = ask(ws.floods, {"ping_s": 0, "expect": "hi"}, deadline_s=10)
    assert (reading.failure, "without end" in reading.detail) == (Failure.TOO_LARGE, True)


def test_a_server_that_does_not_read_our_answers_is_hung_up_on():
    reading = ask(ws.pings_and_never_reads, {"ping_s": 0, "expect": "hi"}, deadline_s=10)
    assert (reading.failure, "stopped reading" in reading.detail) == (Failure.RESET, True), reading.detail


@pytest.mark.parametrize(
    ("behave", "failure"),
    [
        (ws.drips_the_answer, Failure.TIMEOUT_FIRST_BYTE),
        (ws.drips_a_frame, Failure.TIMEOUT_TRANSFER),
        (ws.answers("220 mail.example ESMTP"), Failure.PROTOCOL),
        (ws.answers("HTTP/1.1 200 OK", "X-More: " + "a" * 100_000), Failure.TOO_LARGE),
    ],
)
def test_hostile_answers_end_by_their_deadline_and_are_named(behave, failure):
    reading = ask(behave, deadline_s=1.0)
    assert reading.failure is failure
    assert reading.detail.endswith(".")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (1000, "1000 (normal closure)"), (1001, "1001 (going away)"), (1008, "1008 (policy violation)"),
        (1011, "1011 (internal error)"), (1012, "1012 (service restart)"), (1013, "1013 (try again later)"),
        (4001, "4001 (private code)"),
    ],
)  # fmt: skip
def test_a_close_is_told_with_its_code_and_reason(code, words):
    reading = ask(ws.sends(ws.close(code, "too many\0 users")), {"expect": "hi"})
    assert reading.failure is Failure.RESET
    assert words in reading.detail
    assert "too many· users." in reading.detail


@pytest.mark.parametrize("pause_s", [0, 0.05])
def test_a_close_just_before_a_reset_is_heard(pause_s):
    async def behave(reader, writer):
        await ws.upgrade(reader, writer)
        await asyncio.sleep(0.1)
        writer.write(ws.close(1012, "deploy"))
        await asyncio.sleep(pause_s)
        ws.reset(writer.transport)

    for _ in range(5):
        reading = ask(behave, {"ping_s": 0, "expect": "hi"})
        assert (reading.failure, "with 1012 (service restart): deploy." in reading.detail) == (
            Failure.RESET, True,
        ), reading.detail  # fmt: skip


@pytest.mark.parametrize("behave", [ws.resets_after_upgrade, ws.leaves_after_upgrade])
def test_a_cut_without_a_close_is_told_as_one(behave):
    reading = ask(behave, {"expect": "hi"})
    assert reading.failure is Failure.RESET
    assert re.search(r"was cut after 0\.\d s, without a close", reading.detail)


def test_nobody_listens(free_port):
    reading = look("websocket", f"ws://127.0.0.1:{free_port}/")
    assert (reading.failure, reading.detail) == (
        Failure.REFUSED, f"Nothing is listening on port {free_port}: connection refused.",
    )  # fmt: skip
    assert look("websocket", "ws://10.0.0.1/").failure is Failure.DENIED


@pytest.mark.parametrize(
    ("target", "options", "field"),
    [
        ("http://example.org/", {}, "target"),
        ("ws://", {}, "target"),
        ("ws://user:word@example.org/", {}, "target"),
        ("example.org", {}, "target"),
        ("ws://e.org/", {"connections": 0}, "connections"),
        ("ws://e.org/", {"connections": 1001}, "connections"),
        ("ws://e.org/", {"connections": "many"}, "connections"),
        ("ws://e.org/", {"connections": 5, "max_lost": 5}, "max_lost"),
        ("ws://e.org/", {"max_lost": -1}, "max_lost"),
        ("ws://e.org/", {"ramp_s": 5}, "ramp_s"),
        ("ws://e.org/", {"hold_s": 61}, "hold_s"),
        ("ws://e.org/", {"ping_s": -1}, "ping_s"),
        ("ws://e.org/", {"echo": "x" * 20_000}, "echo"),
        ("ws://e.org/", {"subprotocol": "a b"}, "subprotocol"),
        ("ws://e.org/", {"subprotocol": "a,,b"}, "subprotocol"),
        ("ws://e.org/", {"headers": "Upgrade: x"}, "headers"),
        ("ws://e.org/", {"headers": "Sec-WebSocket-Key: x"}, "headers"),
        ("ws://e.org/", {"headers": "Sec-WebSocket-Protocol: x"}, "headers"),
        ("ws://e.org/", {"headers": "Content-Length: 5"}, "headers"),
        ("ws://e.org/", {"headers": {"A": "b\r\nC: d"}}, "headers"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused_naming_the_field(target, options, field):
    with pytest.raises(InvalidProbeError) as refused:
        PROBERS["websocket"].parse(target, options)
    assert refused.value.field == field
    assert len(refused.value.sentence) > 10


def test_a_client_certificate_needs_wss():
    probe = Probe(kind="websocket", target="wss://example.org/a", options={})
    order = probe.order()
    assert PROBERS["websocket"].is_secure(order)
    assert PROBERS["websocket"].address(order) == ("example.org", 443)
    plain = PROBERS["websocket"].parse("WS://example.org:8080/", {})
    assert (PROBERS["websocket"].is_secure(plain), PROBERS["websocket"].address(plain)) == (
        False, ("example.org", 8080),
    )  # fmt: skip
