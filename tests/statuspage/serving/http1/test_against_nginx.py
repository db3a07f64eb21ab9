"""The same bytes to our server and to Debian's nginx: the same statuses, bodies, and ends of connections.

Behind each request comes another, so that a connection that stays open shows.
"""

import gzip
import socket
import time

import pytest

from tests.answers import ask, cut, heard
from tests.shelf import LARGE, PAGE

LAST = b"GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
HOST = b"Host: localhost\r\n"
GET = b"GET / HTTP/1.1\r\n" + HOST

SAME = {
    "a page": GET + b"\r\n",
    "pages in one go": (GET + b"\r\n") * 50,
    "a page that is not there": b"GET /nothing HTTP/1.1\r\n" + HOST + b"\r\n",
    "an end asked for": GET + b"Connection: close\r\n\r\n",
    "an end asked for among other words": GET + b"Connection: TE, Close\r\n\r\n",
    "a space in the path": b"GET /a%20b HTTP/1.1\r\n" + HOST + b"\r\n",
    "letters as percents": b"GET /%61%20%62?x=%zz HTTP/1.1\r\n" + HOST + b"\r\n",
    "a percent that is none": b"GET /a%zz HTTP/1.1\r\n" + HOST + b"\r\n",
    "half a percent": b"GET /a%2 HTTP/1.1\r\n" + HOST + b"\r\n",
    "a zero byte as percents": b"GET /%00 HTTP/1.1\r\n" + HOST + b"\r\n",
    "a zero byte": b"GET /\x00 HTTP/1.1\r\n" + HOST + b"\r\n",
    "bytes beyond ASCII": b"GET /\xc3\xa9 HTTP/1.1\r\n" + HOST + b"\r\n",
    "a query": b"GET /?a=1&b=%20 HTTP/1.1\r\n" + HOST + b"\r\n",
    "a fragment": b"GET /#top HTTP/1.1\r\n" + HOST + b"\r\n",
    "a whole address": b"GET http://other.example/ HTTP/1.1\r\n" + HOST + b"\r\n",
    "a whole address without a path": b"GET http://other.example HTTP/1.1\r\n" + HOST + b"\r\n",
    "an address of nothing": b"GET a HTTP/1.1\r\n" + HOST + b"\r\n",
    "an asterisk": b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
    "a tunnel": b"CONNECT a:443 HTTP/1.1\r\n" + HOST + b"\r\n",
    "HTTP/1.0": b"GET / HTTP/1.0\r\n\r\n",
    "HTTP/1.0 kept open": b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "HTTP/1.0 with an end": b"GET / HTTP/1.0\r\nConnection: close\r\n\r\n",
    "HTTP/1.9": b"GET / HTTP/1.9\r\n" + HOST + b"\r\n",
    "HTTP/2.0": b"GET / HTTP/2.0\r\n" + HOST + b"\r\n",
    "no such protocol": b"GET / HTTQ/1.1\r\n" + HOST + b"\r\n",
    "a method in small letters": b"get / HTTP/1.1\r\n" + HOST + b"\r\n",
    "two spaces in the address": b"GET / / HTTP/1.1\r\n" + HOST + b"\r\n",
    "TLS to a plain port": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "empty lines before": b"\r\n\r\n" + GET + b"\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": GET + b"Host: b\r\n\r\n",
    "an empty host": b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
    "a host with a slash": b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "a host with dots": b"GET / HTTP/1.1\r\nHost: a..b\r\n\r\n",
    "a host with a port": b"GET / HTTP/1.1\r\nHost: [::1]:8000\r\n\r\n",
    "spaces around a value": GET + b"X:  \t a \t \r\nY:\r\n\r\n",
    "bytes beyond ASCII in a value": GET + b"X: \xff\xfe\r\n\r\n",
    "a zero byte in a value": GET + b"X: \x00\r\n\r\n",
    "a zero byte in a name": GET + b"X\x00: a\r\n\r\n",
    "a folded line": GET + b"X: a\r\n b\r\n\r\n",
    "a space in a name": GET + b"X A: a\r\n\r\n",
    "a space behind a name": GET + b"X : a\r\n\r\n",
    "a lone carriage return": GET + b"X: a\rb\r\n\r\n",
    "a long value": GET + b"X: " + b"a" * 7_000 + b"\r\n\r\n",
    "a long address": b"GET /?" + b"a" * 7_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "too long an address": b"GET /?" + b"a" * 9_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "ninety headers": GET + b"".join(b"X-%d: a\r\n" % number for number in range(90)) + b"\r\n",
    "a body of a known length": GET + b"Content-Length: 5\r\n\r\nhello",
    "a body in chunks": GET + b"Transfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nA: b\r\n\r\n",
    "a body that looks like a request": GET + b"Content-Length: %d\r\n\r\n" % len(LAST) + LAST,
    "a length of nothing": GET + b"Content-Length: 0\r\n\r\n",
    "a length twice": GET + b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n",
    "a length that is none": GET + b"Content-Length: +1\r\n\r\na",
    "a huge length": GET + b"Content-Length: 99999999999999999999\r\n\r\na",
    "a length and chunks": GET + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "another coding": GET + b"Transfer-Encoding: gzip\r\n\r\n",
    "two codings": GET + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunks in HTTP/1.0": b"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a large document": b"GET /large HTTP/1.1\r\n" + HOST + b"\r\n",
    "a condition that does not hold": GET + b'If-None-Match: "other"\r\n\r\n',
    "any version": GET + b"If-None-Match: *\r\n\r\n",
}
HEADS = {
    "HEAD": b"HEAD / HTTP/1.1\r\n" + HOST + b"\r\n",
    "HEAD of what is not there": b"HEAD /nothing HTTP/1.1\r\n" + HOST + b"\r\n",
    "HEAD in HTTP/1.0": b"HEAD / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "HEAD of a large document": b"HEAD /large HTTP/1.1\r\n" + HOST + b"\r\n",
}


def shape(answers):
    """What must be the same; nginx's own error pages are not."""
    return [
        (
            got.status,
            got.connection,
            got.body if got.status == 200 and "content-encoding" not in got.headers else b"",
        )
        for got in answers
    ]


@pytest.mark.parametrize("what", SAME)
def test_the_same_as_nginx(ours, nginx, what):
    data = SAME[what] + LAST
    assert shape(ask(ours.port, data)) == shape(ask(nginx.port, data))


@pytest.mark.parametrize("what", HEADS)
def test_the_same_as_nginx_without_a_body(ours, nginx, what):
    data = HEADS[what] + LAST
    own, reference = (ask(server.port, data, heads={0}) for server in (ours, nginx))
    assert shape(own) == shape(reference)
    if own[0].status == 200:
        assert own[0].headers["content-length"] == reference[0].headers["content-length"]


@pytest.mark.parametrize(
    "what", ["a page", "HTTP/1.0 kept open", "a body in chunks", "two hosts", "empty lines before"]
)
def test_the_same_when_it_comes_byte_by_byte(ours, nginx, what):
    pieces = [bytes([byte]) for byte in SAME[what] + LAST]
    assert (
        shape(ask(ours.port, *pieces))
        == shape(ask(nginx.port, *pieces))
        == shape(ask(ours.port, SAME[what] + LAST))
    )


# what, our status, why not nginx's
LOGGED = "RFC 6585 names it; nginx answers 400 and logs 494"
DIFFERENT = {
    "a lone line feed": (
        b"GET / HTTP/1.1\nHost: a\n\n", 400, 200,
        "nginx takes it as an end of line; another program may not, and sees other requests",
    ),
    "a lone line feed in the headers": (GET + b"X: a\nY: b\r\n\r\n", 400, 200, "the same"),
    "no colon": (GET + b"X\r\n\r\n", 400, 200, "nginx drops the line; the program behind it may not"),
    "a control byte in a value": (GET + b"X: a\x01\r\n\r\n", 400, 200, "RFC 9110, section 5.5"),
    "HTTP/0.9": (b"GET /\r\n\r\n", 400, None, "nginx answers without a head"),
    "many headers": (
        GET + b"".join(b"X-%d: a\r\n" % number for number in range(200)) + b"\r\n", 431, 200,
        "each is an object here",
    ),
    "too long a value": (GET + b"X: " + b"a" * 9_000 + b"\r\n\r\n", 431, 400, LOGGED),
    "too many bytes": (GET + (b"X: " + b"a" * 7_000 + b"\r\n") * 6 + b"\r\n", 431, 400, LOGGED),
}  # fmt: skip


@pytest.mark.parametrize("what", DIFFERENT)
def test_stricter_than_nginx(ours, nginx, what):
    data, own, reference, _ = DIFFERENT[what]
    first, *more = ask(ours.port, data + LAST)
    assert (first.status, first.connection, more) == (own, "close", [])
    if reference is not None:
        assert ask(nginx.port, data + LAST)[0].status == reference


def test_empty_lines_that_come_apart_from_the_request(ours, nginx):
    for server in (ours, nginx):
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as line:
            line.sendall(b"\r\n" * 100)
            time.sleep(0.1)
            line.sendall(GET + b"\r\n" + LAST)
            assert [got.status for got in cut(heard(line))] == [200, 404]


def test_both_conditions_at_once(ours, nginx):
    """RFC 9110, section 13.2.2: the entity tag decides."""
    for server in (ours, nginx):
        headers = ask(server.port, GET + b"\r\n" + LAST)[0].headers
        tag = headers["etag"].encode()
        date = headers.get("last-modified", "Fri, 01 Jan 2100 00:00:00 GMT").encode()
        for condition, status in ((tag, 304), (b'"other"', 200)):
            both = b"If-None-Match: %s\r\nIf-Modified-Since: %s\r\n\r\n" % (condition, date)
            data = GET + both + LAST
            assert [got.status for got in ask(server.port, data)] == [status, 404], server


@pytest.mark.parametrize(
    "accepted", ["gzip", "gzip;q=1", "gzip;q=0", "identity", "gzip;q=0.001", "deflate, gzip"]
)
def test_the_encoding(ours, nginx, accepted):
    data = GET + f"Accept-Encoding: {accepted}\r\n\r\n".encode() + LAST
    own, reference = ask(ours.port, data)[0], ask(nginx.port, data)[0]
    assert own.headers.get("content-encoding") == reference.headers.get("content-encoding")
    assert own.headers["vary"] == "Accept-Encoding"
    assert (gzip.decompress(own.body) if "content-encoding" in own.headers else own.body) == PAGE


def test_documents_are_whole(ours, nginx):
    for server in (ours, nginx):
        answers = ask(server.port, b"GET /large HTTP/1.1\r\n" + HOST + b"\r\n" + GET + b"\r\n" + LAST)
        assert [got.body for got in answers[:2]] == [LARGE, PAGE]


def test_an_expectation_is_answered_before_the_body(ours, nginx):
    """A client that did not wait is not told to go on (RFC 9110, section 10.1.1); nginx tells it."""
    head = GET + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n"
    for server in (ours, nginx):
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as line:
            line.sendall(head)
            begun = line.recv(65536)
            assert cut(begun)[0].status == 100
            line.sendall(b"hello" + LAST)
            assert [got.status for got in cut(begun + heard(line))] == [100, 200, 404]
    assert [got.status for got in ask(ours.port, head + b"hello" + LAST)] == [200, 404]
