"""Event stream probes: the first event, gaps, what is expected, and streams that end or never begin."""

import asyncio
import gzip
import ssl
import time

import pytest
import uvloop
from django.core.exceptions import ValidationError

from components import steps
from components.egress import Egress
from components.models import Probe
from components.outcomes import Failure
from components.probers import PROBERS, InvalidProbeError, steps_of
from tests import http2
from tests.certificates import make
from tests.components.test_probers import OWN, look
from tests.targets import Raw
from tests.ws_targets import reset

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"


def streams(*pieces, every_s=0.05, head=HEAD, more=b"", stays=True, end=None):
    """A server that sends these with a pause before each, and then stays silent or leaves."""

    async def behave(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head + more + b"\r\n")
        for piece in pieces:
            await writer.drain()
            await asyncio.sleep(every_s)
            writer.write(piece)
        await writer.drain()
        if end:
            end(writer.transport)
        elif stays:
            await asyncio.sleep(30)

    return behave


def watch(behave, options=None, *, deadline_s=4.0):
    with Raw(behave) as server:
        began = time.monotonic()
        target = f"http://127.0.0.1:{server.port}/events"
        reading = look("sse", target, options, deadline_s=deadline_s, run=uvloop.run)
    assert time.monotonic() - began < deadline_s + 1.5
    return reading


@pytest.mark.parametrize("piece", [b"data: hello\n\n", b": still here\n", b":\r"])
def test_the_first_event_or_comment_is_enough(piece):
    reading = watch(streams(piece))
    assert (reading.failure, reading.status_code) == (None, None)
    assert 40 <= reading.transfer_ms <= reading.total_ms < 2000
    walked = [(step.name, step.state) for step in steps.walk(steps_of("sse"), reading)]
    assert walked == [(name, "ok") for name in ("DNS", "Connect", "First byte", "First event")]


def test_it_asks_as_browsers_do_and_staff_may_say_otherwise(target):
    target.headers, target.says = {"Content-Type": "text/event-stream"}, b": hi\n"
    look("sse", target.url)
    look("sse", target.url, {"headers": "accept: text/event-stream;v=2\nLast-Event-ID: 7"})
    (_, _, first, _), (_, _, second, _) = target.asked
    assert (first["Accept"], first["Cache-Control"]) == ("text/event-stream", "no-store")
    assert (second["accept"], second["Last-Event-ID"]) == ("text/event-stream;v=2", "7")
    assert "Accept" not in second


def test_a_stream_is_watched_and_its_gaps_are_told():
    reading = watch(streams(*[b"data: x\n\n"] * 8, every_s=0.2), {"watch_s": 1})
    assert reading.failure is None
    assert reading.total_ms < 900  # until the first event, not for as long as it was watched
    assert reading.facts["note"].endswith(" s.")
    assert 3 <= int(reading.facts["events"]) <= 5


@pytest.mark.parametrize("pieces", [(), (b"data: half",), (b"retry: 10\n\n", b"event: x\n\n", b"\n")])
def test_a_stream_without_a_first_event_is_down_in_time(pieces):
    reading = watch(streams(*pieces), {"first_s": 1})
    assert reading.failure is Failure.TIMEOUT_TRANSFER
    assert reading.detail == "The stream is open, but no event or comment came within 1 s."
    walked = [(step.name, step.state) for step in steps.walk(steps_of("sse"), reading)]
    assert walked[-2:] == [("First byte", "ok"), ("First event", "failed")]


def test_a_drip_of_bytes_is_no_event():
    reading = watch(streams(*[b"x"] * 100, every_s=0.1), {"first_s": 1})
    assert reading.failure is Failure.TIMEOUT_TRANSFER


def test_a_gap_that_is_too_long_is_down_before_the_watch_is_over():
    began = time.monotonic()
    reading = watch(streams(b"data: x\n\n", b":\n"), {"watch_s": 10, "gap_s": 1}, deadline_s=12)
    assert time.monotonic() - began < 5
    assert reading.failure is Failure.TIMEOUT_TRANSFER
    assert reading.detail == "No event or comment for 1 s, after 1 event and 1 comment."


def test_heartbeats_within_the_gap_are_healthy():
    reading = watch(streams(*[b":\n"] * 10, every_s=0.3), {"watch_s": 2, "gap_s": 1})
    assert (reading.failure, reading.detail) == (None, "")


@pytest.mark.parametrize(
    ("options", "failure"),
    [
        ({"expect_event": "price"}, None),
        ({"expect_event": "price", "expect_text": "4"}, None),
        ({"expect_text": "hello"}, None),
        ({"expect_event": "price", "expect_text": "hello"}, Failure.ASSERTION),
        ({"expect_event": "other"}, Failure.ASSERTION),
        ({"expect_event": "Price"}, Failure.ASSERTION),
    ],
)
def test_a_certain_event_can_be_expected(options, failure):
    pieces = (b":\n", b"data: hello\n\n", b"event: price\r\ndata: 41\r\ndata: 42\r\n\r\n")
    reading = watch(streams(*pieces), {"first_s": 1, **options})
    assert reading.failure is failure
    if failure:
        assert "came within 1 s, only 2 events and 1 comment." in reading.detail
        assert reading.excerpt == "41\n42"


@pytest.mark.parametrize(
    ("end", "words"), [(None, "The server ended the stream"), (reset, "The connection was c")]
)
@pytest.mark.parametrize("options", [{"watch_s": 2}, {"expect_text": "never"}])
def test_a_stream_that_ends_early_is_reset(end, words, options):
    reading = watch(streams(b"data: x\n\n", stays=False, end=end), options)
    assert reading.failure is Failure.RESET
    assert reading.detail.startswith(words)
    assert reading.detail.endswith("after 1 event and 0 comments.")


def test_a_stream_that_ends_by_its_length_or_last_chunk_has_ended():
    for more, piece in ((b"Content-Length: 9\r\n", b"data: x\n\n"),
                        (b"Transfer-Encoding: chunked\r\n", b"9\r\ndata: x\n\n\r\n0\r\n\r\n")):  # fmt: skip
        reading = watch(streams(piece, more=more), {"watch_s": 2})
        assert (reading.failure, "ended the stream" in reading.detail) == (Failure.RESET, True)


def test_packed_and_chunked_streams_are_read_as_they_come():
    import zlib

    packer = zlib.compressobj(wbits=31)
    first = packer.compress(b"data: packed\n\n") + packer.flush(zlib.Z_SYNC_FLUSH)
    chunk = f"{len(first):x}\r\n".encode() + first + b"\r\n"
    more = b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"
    assert watch(streams(chunk, more=more), {"expect_text": "packed"}).failure is None
    broken = watch(streams(b"5\r\nhello\r\n", more=more))
    assert broken.failure is Failure.PROTOCOL


@pytest.mark.parametrize(
    ("head", "failure", "words"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n", Failure.ASSERTION, "content type is “text/html”"),
        (b"HTTP/1.1 200 OK\r\n", Failure.ASSERTION, "content type is missing"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/event-streams\r\n", Failure.ASSERTION, "content type is"),
        (b"HTTP/1.1 204 None\r\n", Failure.STATUS, "Responded with 204"),
        (b"HTTP/1.1 503 Busy\r\nContent-Type: text/event-stream\r\n", Failure.STATUS, "Responded with 503"),
        (b"220 mail ESMTP\r\n", Failure.PROTOCOL, "not HTTP"),
    ],
)
def test_what_is_no_event_stream_is_named(head, failure, words):
    reading = watch(streams(b"data: x\n\n", head=head))
    assert (reading.failure, words in reading.detail) == (failure, True), reading.detail
    if failure is not Failure.PROTOCOL and b"204" not in head:
        assert reading.excerpt == "data: x\n\n"


def test_the_type_may_have_a_charset_and_any_case():
    head = b"HTTP/1.1 200 OK\r\nContent-Type: Text/Event-Stream; charset=UTF-8\r\n"
    assert watch(streams(b":\n", head=head)).failure is None


def test_redirects_are_followed_through_the_door(target):
    with Raw(streams(b":\n")) as server:
        target.paths["/"] = (307, {"Location": f"http://127.0.0.1:{server.port}/"}, b"")
        assert look("sse", target.url).failure is None
        stays = look("sse", target.url, {"follow_redirects": False})
        assert (stays.failure, stays.status_code) == (Failure.STATUS, 307)
    target.paths["/"] = (307, {"Location": "http://10.0.0.1/"}, b"")
    assert look("sse", target.url).failure is Failure.DENIED


def test_an_event_without_end_is_too_large_and_a_flood_ends():
    async def endless(reader, writer):
        writer.write(HEAD + b"\r\ndata: ")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    reading = watch(endless)
    assert (reading.failure, reading.detail) == (Failure.TOO_LARGE, "An event is larger than 1,024 kB.")

    async def flood(reader, writer):
        writer.write(HEAD + b"\r\n")
        while True:
            writer.write(b":\n" * 30_000)
            await writer.drain()

    reading = watch(flood, {"expect_text": "hi", "first_s": 9}, deadline_s=10)
    assert (reading.failure, "The expected event is not in the first" in reading.detail) == (
        Failure.TOO_LARGE, True,
    )  # fmt: skip
    assert watch(flood, {"watch_s": 9}, deadline_s=10.5).failure is None


def test_a_packed_bomb_of_one_line_is_too_large():
    bomb = gzip.compress(bytes(100_000_000))
    more = b"Content-Encoding: gzip\r\n"
    assert watch(streams(bomb, more=more)).failure is Failure.TOO_LARGE


def test_https_and_its_certificate(tmp_path):
    key, file = make(tmp_path, "127.0.0.1", days=20)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key)
    with Raw(streams(b":\n"), tls=context) as server:
        url = f"https://127.0.0.1:{server.port}/"
        reading = look("sse", url, egress=Egress(OWN, ca_file=str(file)))
    assert (reading.failure, reading.days_left) == (None, 20)


@pytest.mark.parametrize("is_reset", [False, True])
def test_a_stream_over_http2_is_watched_and_its_reset_is_told(tmp_path, is_reset):
    asked = {}

    async def behave(reader, writer):
        peer, stream, headers, _ = await http2.greet(reader, writer)
        asked.update(headers)
        await peer.say(stream, [(":status", "200"), ("content-type", "text/event-stream")], is_end=False)
        for _ in range(3):
            await asyncio.sleep(0.2)
            peer.frames.send_data(stream, b"data: x\n\n")
            await peer.flush()
        if is_reset:
            peer.frames.reset_stream(stream, 2)
            await peer.flush()
        await asyncio.sleep(30)

    context, vouches = http2.tls(tmp_path)
    with Raw(behave, tls=context) as server:
        url, door = f"https://127.0.0.1:{server.port}/", Egress(OWN, ca_file=vouches)
        reading = look("sse", url, {"http2": True, "watch_s": 1}, egress=door, run=uvloop.run)
    assert asked["accept"] == "text/event-stream"
    if is_reset:
        assert (reading.failure, "INTERNAL_ERROR" in reading.detail) == (Failure.RESET, True), reading.detail
    else:
        assert (reading.failure, reading.facts["events"]) == (None, "3")


def test_with_less_time_than_ordered_it_is_watched_for_less_and_says_so():
    reading = watch(streams(*[b":\n"] * 40, every_s=0.1), {"watch_s": 50}, deadline_s=2)
    assert reading.failure is None
    assert "Watched for 2 s only, as this check had no more time." in reading.facts["note"]


@pytest.mark.parametrize(
    ("target", "options", "field"),
    [
        ("ws://example.org/", {}, "target"),
        ("http://e.org/", {"gap_s": 5}, "gap_s"),
        ("http://e.org/", {"gap_s": 5, "watch_s": 5}, "gap_s"),
        ("http://e.org/", {"first_s": 0}, "first_s"),
        ("http://e.org/", {"watch_s": 61}, "watch_s"),
        ("http://e.org/", {"watch_s": "long"}, "watch_s"),
        ("http://e.org/", {"headers": {"A B": "c"}}, "headers"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused_naming_the_field(target, options, field):
    with pytest.raises(InvalidProbeError) as refused:
        PROBERS["sse"].parse(target, options)
    assert refused.value.field == field


def test_a_watch_that_does_not_fit_the_timeout_is_refused_at_save():
    with pytest.raises(ValidationError) as refused:
        Probe(kind="sse", target="http://example.org/", options={"watch_s": 10}, timeout_s=10).clean()
    assert list(refused.value.message_dict) == ["timeout_s"]
