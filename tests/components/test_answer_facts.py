"""What is kept of an answer that was not as expected, by the prober itself over real sockets."""

import pytest

from components.probers import answer_facts
from components.wire import Head
from tests.components.test_probers import look
from tests.recordings.backends import says
from tests.targets import Raw

SECRET = "s3cret-value"


def facts(status, body, content_type="text/plain", *headers, options=None):
    with Raw(says(status, body, content_type, *headers)) as server:
        return look("http", f"http://127.0.0.1:{server.port}/", options or {}).facts


def test_a_failing_answer_keeps_its_reason_headers_and_fingerprint():
    seen = facts("503 Backend fetch failed", "busy 17", "text/plain", "Via: 1.1 varnish", "X-Varnish: 4",
                 "Proxy-Status: cdn; error=dns_error", "Date: now")  # fmt: skip
    assert seen["reason"] == "Backend fetch failed"
    assert (seen["via"], seen["x_varnish"], seen["date"]) == ("1.1 varnish", "4", "present")
    assert seen["proxy_status"] == "cdn; error=dns_error"
    assert (seen["body_length"], seen["http_version"]) == ("7", "HTTP/1.1")
    assert len(seen["body_hash"]) == 12


def test_a_good_answer_keeps_next_to_nothing():
    seen = facts("200 OK", "ok", "text/plain", "Via: 1.1 proxy", "X-App-Version: 41")
    assert seen == {"app_version": "41"}


def test_an_answer_without_the_expected_text_keeps_all_of_it():
    seen = facts("200 Fine", "sorry", "text/html", "Via: 1.1 proxy", options={"expect_text": "well"})
    assert (seen["reason"], seen["via"], seen["body_length"]) == ("Fine", "1.1 proxy", "5")


def test_secrets_are_never_kept():
    seen = facts("503 Busy", "busy", "text/plain", f"Set-Cookie: a={SECRET}", f"Authorization: {SECRET}",
                 f"X-Token: {SECRET}", f"WWW-Authenticate: {SECRET}", f"X-Request-Id: {SECRET}",
                 f"CF-Ray: 0123456789abcdef{SECRET}", f"Fly-Request-Id: {SECRET}")  # fmt: skip
    assert SECRET not in repr(seen)
    assert (seen["cf_ray"], seen["x_request_id"]) == ("0123456789abcdef", "present")


def test_long_values_are_cut():
    seen = facts("503 " + "r" * 900, "busy", "text/plain", "Server: " + "x" * 900, "Via: " + "y" * 900)
    assert all(len(value) <= 200 for value in seen.values())


def test_what_a_terminal_would_obey_is_not_kept():
    seen = facts("503 \x1b[2Jgone", "busy", "text/plain", "Via: a\x1b]0;title\x07b")
    assert (seen["reason"], seen["via"]) == ("·[2Jgone", "a·]0;title·b")


def test_the_head_is_kept_when_the_body_breaks_off():
    async def dies(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 502 Proxy Error\r\nServer: Apache\r\nContent-Length: 900\r\n\r\nhalf")
        await writer.drain()

    with Raw(dies) as server:
        reading = look("http", f"http://127.0.0.1:{server.port}/")
    assert (reading.failure, reading.status_code) == ("reset", 502)
    assert (reading.facts["reason"], reading.facts["server"]) == ("Proxy Error", "Apache")


def test_facts_of_a_hop_are_not_said_of_the_next():
    """A redirect is an answer as well; what is told of the failing one is its own."""
    with Raw(says("503 Last", "end")) as last:
        move = says("302 Found", "", "text/plain", f"Location: http://127.0.0.1:{last.port}/", "Via: first")
        with Raw(move) as first:
            seen = look("http", f"http://127.0.0.1:{first.port}/").facts
    assert seen["reason"] == "Last"
    assert "via" not in seen


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (b"<p>XID: 1234</p>", b"<P>XID:   98</P>", True),
        (b"id 0aff-1122-33", b"id 1bee-9922-77", True),
        (b"busy", b"maintenance", False),
    ],
)
def test_a_fingerprint_is_of_what_does_not_change(one, other, same):
    assert (answer_facts.fingerprint(one) == answer_facts.fingerprint(other)) is same


def test_the_parts_that_fail_are_read_from_the_whole_body():
    """A document larger than the excerpt that is kept."""
    body = '{"status": "fail", "checks": {' + ", ".join(f'"part{n}": {{"status": "ok"}}' for n in range(100))
    seen = facts("503 Sick", body + ', "redis": {"status": "down"}}}', "application/json")
    assert seen["failing_parts"] == "redis"


def test_a_head_of_http_2_has_no_reason():
    assert "reason" not in answer_facts.of_head(Head(503, "HTTP/2", {}, ()))
