"""HTTP/2 as the http probe speaks it: asked for, told, judged like HTTP/1.1, and never our own fault."""

import asyncio
import gzip
import socket
import ssl
import threading
import time
import tracemalloc

import pytest
from h2.errors import ErrorCodes

from components import probers
from components.egress import Egress
from components.outcomes import Failure
from components.probers import PROBERS
from tests import hostile, hostile2
from tests.components.test_answers import asking_for_a_certificate
from tests.components.test_probers import OWN, look
from tests.hostile2 import DATA, END_HEADERS, END_STREAM, HEADERS, OK, after, frame, goaway, head
from tests.http2 import Http2, tls, well
from tests.targets import Raw, Target

ROOM = 1024 * 1024
H2 = {"http2": True}


@pytest.fixture
def secure(tmp_path):
    with well(tmp_path) as server:
        yield server


@pytest.fixture
def seen(tmp_path):
    """What a probe reads of a server that behaves so."""
    context, vouches = tls(tmp_path)

    def work(behave, options=None, *, deadline_s=3.0, protocols=None):
        if protocols is not None:
            context.set_alpn_protocols(protocols)
        with Raw(behave, tls=context) as server:
            url = f"https://127.0.0.1:{server.port}/"
            egress = Egress(OWN, ca_file=vouches)
            return look("http", url, {**H2, **(options or {})}, deadline_s=deadline_s, egress=egress)

    return work


def test_it_is_spoken_only_when_asked_for_and_told(secure):
    plain = look("http", secure.url, egress=secure.door)
    assert (plain.failure, plain.facts.get("protocol")) == (None, None)
    reading = look("http", secure.url, H2, egress=secure.door)
    assert (reading.failure, reading.status_code) == (None, 200)
    assert reading.facts["protocol"] == "HTTP/2"
    assert [spoken for spoken, *_ in secure.asked] == ["HTTP/1.1", "HTTP/2"]
    phases = (reading.dns_ms, reading.connect_ms, reading.tls_ms, reading.first_byte_ms, reading.transfer_ms)
    assert all(phase is not None and phase >= 0 for phase in phases)
    assert sum(phases) <= reading.total_ms + 1


@pytest.mark.parametrize("protocols", [("http/1.1",), ()])
def test_a_server_without_it_is_asked_as_before(tmp_path, protocols):
    context, vouches = tls(tmp_path, protocols=protocols)
    with Http2(context) as server:
        reading = look("http", server.url, H2, egress=Egress(OWN, ca_file=vouches))
    assert (reading.failure, reading.facts["protocol"]) == (None, "HTTP/1.1")


def test_without_tls_it_is_never_spoken(target):
    reading = look("http", target.url, H2)
    assert (reading.failure, reading.facts["protocol"]) == (None, "HTTP/1.0")


def test_method_headers_and_body_are_sent(secure):
    headers = "Host: other.example\nX-Key: 42\nConnection: upgrade\nUpgrade: x\nTE: gzip"
    options = {**H2, "method": "POST", "headers": headers, "body": "é" * 200_000}
    assert look("http", f"{secure.url}hook?a=1", options, egress=secure.door).failure is None
    ((_, given, body),) = secure.asked
    assert (given[":method"], given[":path"], given[":scheme"]) == ("POST", "/hook?a=1", "https")
    assert (given[":authority"], given["x-key"], body.decode()) == ("other.example", "42", "é" * 200_000)
    assert not set(given) & {"host", "connection", "upgrade", "te"}
    assert given["content-length"] == "400000"


@pytest.mark.parametrize(
    ("options", "status", "body", "failure"),
    [
        ({"expect_text": "well"}, 200, b"all is well", None),
        ({"expect_text": "well"}, 200, b"broken", Failure.ASSERTION),
        ({"json_path": "$.ok", "json_equals": "true"}, 200, b'{"ok": true}', None),
        ({"expect_header": "x-kind", "expect_header_value": "odd"}, 200, b"", None),
        ({}, 503, b"no", Failure.STATUS),
        ({"method": "HEAD"}, 200, b"never sent", None),
        ({}, 204, b"", None),
    ],
)
def test_what_is_expected_is_judged_as_ever(secure, options, status, body, failure):
    secure.status, secure.says, secure.headers = status, body, [("x-kind", "odd")]
    reading = look("http", secure.url, {**H2, **options}, egress=secure.door)
    assert (reading.failure, reading.status_code) == (failure, status)


def test_a_packed_body_is_unpacked(secure):
    secure.says, secure.headers = gzip.compress(b"all is well"), [("content-encoding", "gzip")]
    options = {**H2, "expect_text": "all is well"}
    assert look("http", secure.url, options, egress=secure.door).failure is None


def test_a_redirect_is_followed_and_cookies_go_along(secure):
    secure.paths["/"] = (302, [("location", "/there"), ("set-cookie", "a=b")], b"")
    reading = look("http", secure.url, H2, egress=secure.door)
    assert (reading.failure, reading.facts["protocol"]) == (None, "HTTP/2")
    assert [given[":path"] for _, given, _ in secure.asked] == ["/", "/there"]
    assert secure.asked[1][1]["cookie"] == "a=b"


def test_the_protocol_told_is_that_of_the_answer_that_was_judged(secure):
    with Target() as other:
        secure.paths["/"] = (302, [("location", other.url)], b"")
        reading = look("http", secure.url, H2, egress=secure.door)
    assert (reading.failure, reading.facts["protocol"]) == (None, "HTTP/1.0")


@pytest.mark.parametrize("times", range(5))
def test_a_server_that_answers_and_leaves_was_heard(seen, times):
    async def leaves(reader, writer):
        await hostile2.begun(reader, writer)
        writer.write(ONE_HEAD + b"".join(frame(DATA, 0, 1, b"a" * 10_000) for _ in range(6)) + TEXT)
        await writer.drain()
        writer.close()
        await asyncio.sleep(0.1)

    assert seen(leaves, {"expect_text": "well"}).failure is None


@pytest.mark.parametrize("name", hostile2.SOON)
def test_what_goes_wrong_is_the_targets_and_is_known_at_once(seen, name):
    reading = seen(hostile2.SOON[name], deadline_s=10.0)
    assert reading.failure in (Failure.PROTOCOL, Failure.RESET, Failure.TOO_LARGE), reading
    assert reading.total_ms < 9000
    assert reading.detail.endswith(".")


@pytest.mark.parametrize("name", hostile2.ON)
def test_what_goes_on_ends_with_the_deadline_or_sooner(seen, name):
    reading = seen(hostile2.ON[name], {"expect_text": "well"}, deadline_s=1.0)
    assert reading.total_ms < 5000  # they would go on for a minute
    assert reading.failure in (
        Failure.PROTOCOL,
        Failure.TIMEOUT_FIRST_BYTE,
        Failure.TIMEOUT_TRANSFER,
    ), reading


ENDED = "The server ended the request while"
FIRST = f"{ENDED} waiting for the first byte"


@pytest.mark.parametrize(
    ("behave", "detail"),
    [
        (hostile2.SOON["refused"], f"{FIRST} (REFUSED_STREAM)."),
        (hostile2.SOON["reset with a code nobody knows"], f"{FIRST} (code 4294967295)."),
        (hostile2.SOON["goaway before the answer"], f"{FIRST} (ENHANCE_YOUR_CALM)."),
        (hostile2.SOON["reset in the body"], f"{ENDED} reading the response (CANCEL)."),
        (
            after(hostile2.rst(ErrorCodes.HTTP_1_1_REQUIRED)),
            "The server requires HTTP/1.1: turn HTTP/2 off for this probe.",
        ),
        (hostile2.SOON["header bomb"], "The response violates HTTP/2."),
        (hostile2.SOON["endless continuation"], "Too large: the headers."),
        (hostile2.ON["settings flood"], "It sends endless control frames and no response."),
    ],
)
def test_the_reason_is_said(seen, behave, detail):
    assert seen(behave).detail == detail


ONE_HEAD = frame(HEADERS, END_HEADERS, 1, head())
TEXT = frame(DATA, END_STREAM, 1, b"well")
WELL = ONE_HEAD + TEXT
OLD_WAYS = head(*OK, ("X-Upper", "a"), ("connection", "close"), ("transfer-encoding", "gzip, chunked"))
TRAILER = frame(HEADERS, END_HEADERS | END_STREAM, 1, head(("x-trailer", "a")))


@pytest.mark.parametrize(
    "said",
    [
        goaway(1, ErrorCodes.NO_ERROR) + WELL,  # as nginx says it at the last request of a line
        ONE_HEAD + goaway(2**31 - 1, ErrorCodes.NO_ERROR) + frame(DATA, 0, 1, b"well") + TRAILER,
        frame(HEADERS, END_HEADERS, 1, head((":status", "103"))) + WELL,
        WELL + frame(hostile2.RST, 0, 1, b"\0\0\0\0"),
        frame(0x77, 0, 0, b"grease") + WELL,
        frame(HEADERS, END_HEADERS, 1, OLD_WAYS) + TEXT,
    ],
)
def test_what_browsers_take_is_taken(seen, said):
    reading = seen(after(said), {"expect_text": "well"})
    assert (reading.failure, reading.detail) == (None, "")


@pytest.mark.parametrize(
    "behave", [hostile2.endless_body, hostile2.small_pieces, hostile2.deaf_to_the_window]
)
def test_an_endless_body_is_up_with_a_note(seen, behave):
    reading = seen(behave)
    assert reading.failure is None
    assert reading.facts["note"]


def test_an_endless_body_without_what_is_expected_is_too_large(seen):
    reading = seen(hostile2.endless_body, {"expect_text": "well"}, deadline_s=10.0)
    assert reading.failure is Failure.TOO_LARGE


def test_a_stream_of_events_is_up_with_a_note(seen):
    async def streams(reader, writer):
        peer, stream = await hostile2.begun(reader, writer)
        await peer.say(
            stream, [(":status", "200"), ("content-type", "text/event-stream")], b"data: 1\n\n", is_end=False
        )
        await asyncio.sleep(30)

    reading = seen(streams)
    assert (reading.failure, reading.facts["note"]) == (None, "The body continues: read as far as needed.")


@pytest.mark.parametrize(
    "name",
    ["header bomb", "endless continuation", "deaf to the window", "settings flood", "bomb", "endless body"],
)
def test_no_answer_takes_more_memory_than_a_body_and_a_megabyte(seen, name):
    hostile.packed_bomb()
    behave = {
        **hostile2.SOON,
        **hostile2.ON,
        "bomb": hostile2.bomb,
        "deaf to the window": hostile2.deaf_to_the_window,
        "endless body": hostile2.endless_body,
    }[name]
    seen(hostile2.hang, deadline_s=0.5)  # what is imported and cached once
    tracemalloc.start()
    try:
        reading = seen(behave, {"expect_text": "never there"}, deadline_s=2.0)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert reading.failure is not Failure.OWN_FAULT
    # the server lives in this process too, with up to a megabyte of frames on their way
    assert peak < 2 * ROOM + ROOM


def test_a_flood_lets_other_checks_go_on(tmp_path):
    """In the loop of all probes nobody may hold the floor."""
    context, vouches = tls(tmp_path)
    longest = 0.0

    async def work(url):
        nonlocal longest
        order = PROBERS["http"].parse(url, {**H2, "expect_text": "never there"})
        checks = [
            asyncio.create_task(
                probers.check("http", order, deadline_s=2.0, egress=Egress(OWN, ca_file=vouches))
            )
        ]
        while not checks[0].done():
            began = time.perf_counter()
            await asyncio.sleep(0.01)
            longest = max(longest, time.perf_counter() - began)
        return checks[0].result()

    with Raw(hostile2.small_pieces, tls=context) as server:
        reading = asyncio.run(work(f"https://127.0.0.1:{server.port}/"))
    assert reading.failure in (Failure.TOO_LARGE, Failure.TIMEOUT_TRANSFER)
    assert longest < 1.0  # 0.04 s; without turns 3.8 s


def test_a_demanded_client_certificate_is_named(tmp_path):
    context, vouches = tls(tmp_path)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(vouches)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=asking_for_a_certificate, args=(context, listener)).start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/"
        reading = look("http", url, H2, egress=Egress(OWN, ca_file=vouches))
    assert reading.failure is Failure.TLS
    assert reading.detail == "The server requires a client certificate, but none was presented."
