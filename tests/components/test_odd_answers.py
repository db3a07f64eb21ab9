"""Whatever a target answers, its failure is its own: never our fault, and always one the database takes."""

import asyncio

import pytest
from dnslib.server import DNSServer

from components import probers, wire
from components.egress import Egress, Line
from components.outcomes import Expectation, Failure, Outcome, classify
from components.probers import PROBERS
from tests.components.test_egress import Names
from tests.targets import Raw

REDIRECTS = (
    "http://0x-1/", "http://0x1_0/", "http://01_7/", "http://+1/", "http://²/", "http://%31%32%37.0.0.1/",
    "http://1.2.3.4.5/", "http://0x/", "http://1..2/", "http://" + "9" * 5000 + "/",
    "http://0x" + "f" * 900 + "/", "http://[/", "http://]/", "http://[]/", "http://[::1/",
    "http://[fe80::1%25lo]/", "http://[v1.a]/", "http://[::ffff:127.0.0.1]:1/", "http://a:99999/",
    "http://a:-1/", "http://a:²/", "http://a:" + "1" * 5000 + "/", "http://a:1_0/", "http://user@a/",
    "http://", "http:///", "//", "///", "//[", "http:/\\[", "\\\\[x", "ftp://a/", "javascript:alert(1)",
    "http://a\u2100b/", "http://\xff/", "http://xn--a/", "http://a..b/", "http://.../", "http://a\tb/",
    "http://a\x00b/", "?" + "x" * 3000, "#", "http://" + "a." * 200 + "/",
)  # fmt: skip
HEADERS = (
    "Content-Length: ²", "Content-Length: +5", "Content-Length: 1_0", "Content-Length: -1",
    "Content-Length: 0x5", "Content-Length: " + "9" * 5000, "Content-Length: 5, 5",
    "Transfer-Encoding: chunked", "Content-Encoding: br", "Content-Encoding: gzip",
    "Content-Encoding: deflate", "Server: \x00\xff\x1b[2J", "Retry-After: ²", "²: ²", ":",
)  # fmt: skip
CHUNKS = (
    b"-5\r\nhello",
    b"+5\r\nhello\r\n0\r\n\r\n",
    b"0x5\r\nhello",
    b"1_0\r\nhello",
    b"\xb2\r\nhello",
    b"f" * 60,
)
STATUS_LINES = (
    b"HTTP/1.1 \xb2\xb2\xb2 OK", b"HTTP/1.1 +20 OK", b"HTTP/1.1 2_0 OK", b"HTTP/1.1 -20", b"HTTP/1.1",
    b"HTTP/9 200", b"HTTP/1.1 \xd9\xa2\xd9\xa0", b"\x00", b"HTTP/1.1 000 x", b"HTTP/1.1 999 x",
)  # fmt: skip
BODIES = (
    b'{"s": "\\ud800"}', b'{"s": "\\u0000"}', b"[" * 200_000, b'{"s":' * 2000 + b"1" + b"}" * 2000, b"NaN",
    b"\xff\xfe", b'{"s": ' + b"9" * 6000 + b"}", b'{"s": 1e999}', b'{"s": NaN}',
    b'{"s": "a", "s": ["\\ud800", null]}', b"", b'\xef\xbb\xbf{"s": 1}',
    b'{"s": {"\\udc00": "\\ud800\\u0000"}}',
)  # fmt: skip


@pytest.fixture(scope="module")
def nowhere():
    """A door to loopback whose name server knows no name."""
    server = DNSServer(Names({}), port=0, address="127.0.0.1")
    server.start_thread()
    yield Egress(["127.0.0.0/8"], nameservers=[("127.0.0.1", server.server.server_address[1])])
    server.stop()
    server.server.server_close()


def look(egress, answer, options=None):
    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    async def go():
        order = PROBERS["http"].parse(f"http://127.0.0.1:{server.port}/", options or {})
        return await probers.check("http", order, deadline_s=5, egress=egress)

    with Raw(serve) as server:
        return asyncio.run(go())


def is_the_targets_own(reading):
    outcome, why = classify(reading, Expectation())
    assert reading.failure not in (None, Failure.OWN_FAULT), reading
    assert outcome is Outcome.DOWN, reading
    stored(reading, why)


def stored(reading, why=""):
    """What would be written down can be written down, on both databases."""
    text = " ".join([reading.detail, reading.excerpt, why, *map(str, reading.facts.values())])
    assert "\0" not in text
    text.encode()


@pytest.mark.parametrize("location", REDIRECTS)
def test_a_target_that_redirects_to_no_address_is_down(nowhere, location):
    head = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
    reading = look(nowhere, head.encode("utf-8", "surrogateescape"))
    if reading.failure is None:  # "#" and the like lead back to where we were
        pytest.fail("followed")
    is_the_targets_own(reading)


@pytest.mark.parametrize("header", HEADERS)
def test_no_header_makes_a_check_our_fault(nowhere, header):
    reading = look(nowhere, f"HTTP/1.1 500 Oh\r\n{header}\r\n\r\nhello".encode())
    is_the_targets_own(reading)


@pytest.mark.parametrize("chunk", CHUNKS)
def test_a_chunk_of_no_size_is_no_answer(nowhere, chunk):
    reading = look(nowhere, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk)
    is_the_targets_own(reading)
    assert reading.failure in (Failure.PROTOCOL, Failure.RESET)


@pytest.mark.parametrize("line", STATUS_LINES)
def test_a_status_that_is_no_number_is_no_answer(nowhere, line):
    is_the_targets_own(look(nowhere, line + b"\r\n\r\n"))


@pytest.mark.parametrize("body", BODIES)
def test_no_body_makes_a_check_our_fault(nowhere, body):
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    for path in ("$.s", "$..s", "$"):
        is_the_targets_own(look(nowhere, answer, {"json_path": path, "json_equals": "well"}))


def test_a_body_sent_byte_by_byte_leaves_the_others_their_turn():
    """What has come is read without waiting: 100,000 chunks held up every other check for seconds."""
    turns = 0

    async def others():
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async def read():
        reader = asyncio.StreamReader()
        reader.feed_data(b"1\r\nx\r\n" * 10_000 + b"0\r\n\r\n")
        reader.feed_eof()
        line = Line(reader, None, "127.0.0.1", 4, None, 0.0)
        head = wire.Head(
            200, "HTTP/1.1", {"transfer-encoding": "chunked"}, (("transfer-encoding", "chunked"),)
        )
        waiting = asyncio.create_task(others())
        body = await wire.read_body(line, head, "GET", most=20_000)
        waiting.cancel()
        return body

    assert len(asyncio.run(read())) == 10_000
    assert turns > 50
