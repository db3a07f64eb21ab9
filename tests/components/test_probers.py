"""What each kind of probe sees, and how it says what is wrong."""

import asyncio
import gzip
import json
import ssl
import time

import pytest
from dnslib.server import DNSServer

from components import probers
from components.egress import Egress
from components.models import Probe
from components.outcomes import Expectation, Failure, Outcome, classify
from components.probers import PROBERS, InvalidProbeError
from tests.certificates import make
from tests.components.test_egress import Names
from tests.hostile import (
    drip,
    endless_headers,
    hang_before_answer,
    no_http,
    packed_bomb,
    reset_in_body,
    says_nothing,
)
from tests.targets import Raw

OWN = ["127.0.0.0/8", "::1/128"]


def look(kind, target, options=None, *, deadline_s=3.0, egress=None, run=asyncio.run):
    """One check, as the worker runs it; `run` is the event loop, the worker's own is uvloop.run."""
    order = PROBERS[kind].parse(target, options or {})

    async def go():
        return await probers.check(kind, order, deadline_s=deadline_s, egress=egress or Egress(OWN))

    return run(go())


def test_a_reading_tells_address_family_phases_and_code(target):
    reading = look("http", target.url)
    assert reading.failure is None
    assert (reading.address, reading.family, reading.status_code) == ("127.0.0.1", 4, 200)
    phases = (reading.dns_ms, reading.connect_ms, reading.first_byte_ms, reading.transfer_ms)
    assert all(phase is not None and phase >= 0 for phase in phases)
    assert sum(phases) <= reading.total_ms + 1
    assert reading.tls_ms is None


def test_method_headers_and_body_are_sent(target):
    options = {"method": "POST", "headers": "X-Key: 42\nAccept: text/plain", "body": "héllo"}
    look("http", target.url + "hook?a=1", options)
    ((method, path, headers, body),) = target.asked
    assert (method, path, body.decode()) == ("POST", "/hook?a=1", "héllo")
    assert (headers["X-Key"], headers["Accept"], headers["Connection"]) == ("42", "text/plain", "close")


JSON = json.dumps({"state": "ok", "queue": {"depth": 3}, "parts": [{"ok": True}, {"ok": False}]}).encode()
ALL_WELL = b'{"parts": [{"ok": true}, {"ok": true}]}'
ONE_DOWN = b'{"parts": [{"ok": true}, {"ok": false}]}'


@pytest.mark.parametrize(
    ("options", "status", "body", "failure"),
    [
        ({}, 204, b"", None),
        ({}, 500, b"broken", Failure.STATUS),
        ({"expected_status": "503"}, 503, b"", None),
        ({"expected_status": "200-299, 401"}, 401, b"", None),
        ({"expected_status": "200-299, 401"}, 403, b"", Failure.STATUS),
        ({"expect_text": "wörld"}, 200, "hello wörld".encode(), None),
        ({"expect_text": "world"}, 200, b"hello", Failure.ASSERTION),
        ({"expect_regex": r"v\d+\.\d+"}, 200, b"v1.20", None),
        ({"expect_regex": r"^v\d+$"}, 200, b"nothing", Failure.ASSERTION),
        ({"json_path": "$.state", "json_equals": "ok"}, 200, JSON, None),
        ({"json_path": "$.queue.depth", "json_equals": "3"}, 200, JSON, None),
        ({"json_path": "$.parts[0].ok", "json_equals": "true"}, 200, JSON, None),
        ({"json_path": "$.state", "json_equals": "down"}, 200, JSON, Failure.ASSERTION),
        ({"json_path": "$.parts[*].ok", "json_equals": "true"}, 200, ALL_WELL, None),
        ({"json_path": "$.parts[*].ok", "json_equals": "true"}, 200, ONE_DOWN, Failure.ASSERTION),
        ({"json_path": "$..ok", "json_equals": "true"}, 200, ONE_DOWN, Failure.ASSERTION),
        ({"json_path": "$.missing"}, 200, JSON, Failure.PROTOCOL),
        ({"json_path": "$.state"}, 200, b"<html>", Failure.PROTOCOL),
        ({"expect_header": "X-Release", "expect_header_value": "2026"}, 200, b"", None),
        ({"expect_header": "X-Other"}, 200, b"", Failure.ASSERTION),
        ({"expect_header": "X-Release", "expect_header_value": "2025"}, 200, b"", Failure.ASSERTION),
    ],
)
def test_what_is_expected_of_an_answer(target, options, status, body, failure):
    target.answers, target.says, target.headers = status, body, {"X-Release": "2026-11-12"}
    reading = look("http", target.url, options)
    assert reading.failure is failure
    assert bool(reading.detail) is (failure is not None)
    if failure is not None:
        assert reading.excerpt.encode() == body


def test_a_regular_expression_that_would_run_away_does_not(target):
    target.says = b"a" * 60_000
    began = time.monotonic()
    reading = look("http", target.url, {"expect_regex": "(a+)+$b"})
    assert reading.failure is Failure.ASSERTION
    assert time.monotonic() - began < 2


def test_redirects_are_followed_up_to_five_or_not_at_all(target):
    for number in range(7):
        target.paths[f"/{number}"] = (302, {"Location": f"/{number - 1}"}, b"")
    target.paths["/0"] = (200, {}, b"there")
    assert look("http", f"{target.url}5").failure is None
    assert look("http", f"{target.url}6").failure is Failure.REDIRECT
    stays = look("http", f"{target.url}1", {"follow_redirects": False})
    assert (stays.failure, stays.status_code) == (Failure.STATUS, 302)
    bad = (301, {"Location": "ftp://127.0.0.1/"}, b"")
    target.paths["/ftp"] = bad
    assert look("http", f"{target.url}ftp").failure is Failure.REDIRECT


def test_slower_than_the_limit_is_degraded_not_down(target):
    target.waits_s = 0.15
    reading = look("http", target.url)
    outcome, why = classify(reading, Expectation(latency_limit_ms=100))
    assert outcome is Outcome.DEGRADED
    assert "the limit is 100 ms" in why


def test_an_excerpt_is_at_most_a_kilobyte_and_printable(target):
    target.answers, target.says = 500, b"\x00\x1b[31m<script>" + "é".encode() * 5000
    reading = look("http", target.url)
    assert len(reading.excerpt.encode()) <= 1024
    assert "\x1b" not in reading.excerpt
    assert "\x00" not in reading.excerpt


def test_a_compressed_answer_is_unpacked(target):
    target.says, target.headers = gzip.compress(b"hello"), {"Content-Encoding": "gzip"}
    assert look("http", target.url, {"expect_text": "hello"}).failure is None


@pytest.mark.parametrize(
    ("behave", "failure"),
    [
        (hang_before_answer, Failure.TIMEOUT_FIRST_BYTE),
        (drip, Failure.TIMEOUT_TRANSFER),
        (endless_headers, Failure.TOO_LARGE),
        (reset_in_body, Failure.RESET),
        (no_http, Failure.PROTOCOL),
        (says_nothing, Failure.RESET),
    ],
)
def test_a_hostile_target_ends_by_its_deadline_and_is_named(behave, failure):
    packed_bomb()  # made before the clock runs
    with Raw(behave) as server:
        began = time.monotonic()
        reading = look("http", f"http://127.0.0.1:{server.port}/", deadline_s=1.0)
    assert reading.failure is failure
    assert time.monotonic() - began < 2.0
    assert reading.detail.endswith(".")


def test_nobody_listens_and_a_dial_nobody_takes(free_port):
    assert look("http", f"http://127.0.0.1:{free_port}/").failure is Failure.REFUSED
    from tests.targets import FullBacklog

    with FullBacklog("127.0.0.1") as hole:
        reading = look("tcp", f"127.0.0.1:{hole.port}", deadline_s=0.6)
    assert reading.failure is Failure.TIMEOUT_CONNECT


def test_a_handshake_that_never_ends(free_port):
    async def accept_and_wait(reader, writer):
        await asyncio.sleep(60)

    with Raw(accept_and_wait) as server:
        reading = look("tls", f"127.0.0.1:{server.port}", deadline_s=0.6)
    assert reading.failure is Failure.TIMEOUT_TLS


def test_tcp_connects_sends_and_expects():
    async def echo(reader, writer):
        line = await reader.readline()
        writer.write(b"+PONG\r\n" if line == b"PING\r\n" else b"-ERR\r\n")
        await writer.drain()
        await asyncio.sleep(1)

    with Raw(echo) as server:
        at = f"127.0.0.1:{server.port}"
        assert look("tcp", at).failure is None
        assert look("tcp", at, {"send": "PING\\r\\n", "expect": "+PONG"}).failure is None
        wrong = look("tcp", at, {"send": "HELLO\\r\\n", "expect": "+PONG"}, deadline_s=0.5)
    assert (wrong.failure, wrong.excerpt) == (Failure.TIMEOUT_TRANSFER, "-ERR·\n")


@pytest.mark.parametrize(
    ("days", "outcome"), [(90, Outcome.UP), (20, Outcome.DEGRADED), (3, Outcome.DEGRADED)]
)
def test_a_certificate_near_its_end_is_degraded(tmp_path, days, outcome):
    key, file = make(tmp_path, "127.0.0.1", days=days)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key)

    async def wait(reader, writer):
        await asyncio.sleep(1)

    with Raw(wait, tls=context) as server:
        reading = look("tls", f"127.0.0.1:{server.port}", egress=Egress(OWN, ca_file=str(file)))
    assert (reading.failure, reading.days_left) == (None, days)
    assert classify(reading, Expectation(least_days_left=21))[0] is outcome


@pytest.mark.parametrize(
    ("answers", "says", "outcome"),
    [
        (200, JSON, Outcome.UP),
        (200, b'{"state": "broken"}', Outcome.DOWN),
        (200, b"<html>busy</html>", Outcome.UNKNOWN),
        (200, b"{}", Outcome.UNKNOWN),
        (502, JSON, Outcome.UNKNOWN),
        (None, b"", Outcome.UNKNOWN),
    ],
)
def test_who_cannot_be_read_says_nothing_of_what_it_reports_on(target, answers, says, outcome):
    probe = Probe(
        kind="http", options={"json_path": "$.state", "json_equals": "ok", "unread": "unknown"},
        target=target.url if answers else "http://127.0.0.1:9/",
    )  # fmt: skip
    target.answers, target.says = answers, says
    found, why = classify(look("http", probe.target, probe.options), probe.expectation)
    assert found is outcome
    assert why.endswith("So the status it reports is unknown.") is (outcome is Outcome.UNKNOWN)


def test_an_expired_certificate_is_down_and_says_so(tmp_path):
    key, file = make(tmp_path, "127.0.0.1", days=-1, ago=30)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key)

    async def wait(reader, writer):
        await asyncio.sleep(1)

    with Raw(wait, tls=context) as server:
        reading = look("tls", f"127.0.0.1:{server.port}", egress=Egress(OWN, ca_file=str(file)))
    assert reading.failure is Failure.TLS
    assert "expired" in reading.detail


def test_dns_asks_for_a_record_and_compares():
    server = DNSServer(Names({"app.example": ["192.0.2.7"]}), address="127.0.0.1", port=0)
    server.start_thread()
    try:
        egress = Egress(nameservers=[("127.0.0.1", server.server.server_address[1])])
        assert look("dns", "app.example", {"expect": "192.0.2.7"}, egress=egress).failure is None
        assert look("dns", "app.example", {"expect": "192.0.2.8"}, egress=egress).failure is Failure.ASSERTION
        assert look("dns", "app.example", {"record_type": "AAAA"}, egress=egress).failure is Failure.DNS
    finally:
        server.stop()
        server.server.server_close()


@pytest.mark.parametrize(
    ("kind", "target", "options", "field"),
    [
        ("http", "http://example.org/", {"expect_regex": "(unclosed"}, "expect_regex"),
        ("http", "http://example.org/", {"expect_regex": r"(?=look)"}, "expect_regex"),
        ("http", "http://example.org/", {"expect_regex": "a" * 5000}, "expect_regex"),
        ("http", "http://example.org/", {"json_path": "$.["}, "json_path"),
        ("http", "http://example.org/", {"method": "HEAD", "expect_text": "ok"}, "expect_text"),
        ("http", "http://example.org/", {"method": "HEAD", "expect_regex": "ok"}, "expect_regex"),
        ("http", "http://example.org/", {"method": "head", "json_path": "$.a"}, "json_path"),
        ("http", "http://example.org/", {"expected_status": "204", "expect_text": "ok"}, "expect_text"),
        ("http", "http://example.org/", {"expected_status": "204,304", "json_path": "$.a"}, "json_path"),
        ("http", "http://example.org/", {"expected_status": "2xx"}, "expected_status"),
        ("http", "http://example.org/", {"expected_status": "700"}, "expected_status"),
        ("http", "http://example.org/", {"method": "BREW"}, "method"),
        ("http", "http://example.org/", {"headers": "no colon"}, "headers"),
        ("http", "http://example.org/", {"headers": {"A B": "c"}}, "headers"),
        ("http", "http://example.org/", {"headers": {"A": "b\r\nC: d"}}, "headers"),
        ("http", "http://example.org/", {"colour": "red"}, "colour"),
        ("tcp", "example.org", {}, "target"),
        ("tcp", "example.org:0", {}, "target"),
        ("tcp", "example.org:70000", {}, "target"),
        ("tcp", ":80", {}, "target"),
        ("dns", "", {}, "target"),
        ("dns", "example.org", {"record_type": "ANY"}, "record_type"),
        ("tls", "exa mple.org", {}, "target"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused_naming_the_field(kind, target, options, field):
    with pytest.raises(InvalidProbeError) as refused:
        PROBERS[kind].parse(target, options)
    assert refused.value.field == field
    assert refused.value.sentence
