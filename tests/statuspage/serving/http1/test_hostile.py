"""Clients that want something else than a page: other people's answers, our time, or our memory."""

import contextlib
import random
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from statuspage.serving.http1 import exchange, head, server
from tests.answers import ask, cut, heard
from tests.shelf import PAGE, Serving
from tests.whole import ROOT

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
LAST = b"GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /echo HTTP/1.1\r\nHost: a\r\n"


def line_to(serving):
    return socket.create_connection(("127.0.0.1", serving.port), timeout=20)


def get(path, more=b""):
    return b"GET %s HTTP/1.1\r\nHost: a\r\n%s\r\n" % (path, more)


def until(holds, patience_s=20):
    end = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


def paths(serving):
    return [scope["path"] for scope in serving.shelf.scopes]


@pytest.fixture
def own():
    """A server for one test."""
    serving = Serving()
    yield serving
    serving.close()


# Requests in requests. A program before us may cut them elsewhere, so what is unclear is refused.

UNCLEAR = {
    "a length, then chunks": b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
    "chunks, then a length": b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
    "two lengths": b"Content-Length: 0\r\nContent-Length: 40\r\n",
    "two lengths in one": b"Content-Length: 0, 40\r\n",
    "a length with a sign": b"Content-Length: +0\r\n",
    "a negative length": b"Content-Length: -1\r\n",
    "a length in hexadecimal": b"Content-Length: 0x0\r\n",
    "a length with an underscore": b"Content-Length: 1_0\r\n",
    "a length in other digits": "Content-Length: ٣\r\n".encode(),
    "an empty length": b"Content-Length:\r\n",
    "a length of 19 digits": b"Content-Length: 18446744073709551616\r\n",
    "a space behind the length's name": b"Content-Length : 0\r\n",
    "a space behind the coding's name": b"Transfer-Encoding : chunked\r\n",
    "a tab behind the coding's name": b"Transfer-Encoding\t: chunked\r\n",
    "a vertical tab before the coding": b"Transfer-Encoding: \x0bchunked\r\n",
    "a zero byte behind the coding": b"Transfer-Encoding: chunked\0\r\n",
    "a folded coding": b"Transfer-Encoding:\r\n chunked\r\n",
    "a folded value before the coding": b"X: a\r\n Transfer-Encoding: chunked\r\n",
    "a coding behind a lone line feed": b"X: a\nTransfer-Encoding: chunked\r\n",
    "a coding behind a lone carriage return": b"X: a\rTransfer-Encoding: chunked\r\n",
    "a coding that only sounds alike": b"Transfer-Encoding: xchunked\r\n",
    "chunks twice": b"Transfer-Encoding: chunked, chunked\r\n",
    "two codings": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    "identity": b"Transfer-Encoding: identity\r\n",
    "an empty coding": b"Transfer-Encoding:\r\n",
    "a coding in quotes": b'Transfer-Encoding: "chunked"\r\n',
    "a coding with a parameter": b"Transfer-Encoding: chunked;q=1\r\n",
    "a name without letters": b": a\r\n",
    "a second host": b"Host: b\r\n",
}  # fmt: skip


@pytest.mark.parametrize("what", UNCLEAR)
def test_a_body_whose_end_is_unclear_is_refused_with_all_behind_it(own, what):
    (got,) = ask(own.port, POST + UNCLEAR[what] + b"\r\n0\r\n\r\n" + SMUGGLED + LAST)
    assert (got.status in (400, 501), got.connection) == (True, "close")
    assert paths(own) == []


CHUNKS = {
    "0x": b"0x5\r\nhello\r\n",
    "a minus": b"-5\r\nhello\r\n",
    "an underscore": b"0_5\r\nhello\r\n",
    "a space in front": b" 5\r\nhello\r\n",
    "nothing": b"\r\nhello\r\n",
    "more than 64 bits": b"f" * 17 + b"\r\nhello\r\n",
    "a carriage return alone": b"5\rhello\r\n",
    "a line feed in an extension": b'5;a="\n"\r\nhello\r\n',
    "a zero byte in an extension": b"5;a=\0\r\nhello\r\n",
    "words behind the size": b"5 5\r\nhello\r\n",
    "too short a chunk": b"6\r\nhello\r\n",
}


@pytest.mark.parametrize("what", CHUNKS)
def test_nothing_behind_a_broken_chunk_is_a_request(own, what):
    data = POST + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKS[what] + b"0\r\n\r\n"
    (got,) = ask(own.port, data + SMUGGLED + LAST)
    assert (got.body[:12], got.connection) == (b"(broken off)", "close")
    assert paths(own) == ["/echo"]


def test_bodies_that_look_like_requests_are_bodies(own):
    by_length = POST + b"Content-Length: %d\r\n\r\n" % len(SMUGGLED) + SMUGGLED
    chunk = b'%X ; a="b" \r\n%s\r\n0\r\nTransfer-Encoding: x\r\n\r\n' % (len(SMUGGLED), SMUGGLED)
    in_chunks = POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunk
    of_a_get = get(b"/", b"Content-Length: %d\r\n" % len(SMUGGLED)) + SMUGGLED
    answers = ask(own.port, by_length + in_chunks + of_a_get + LAST)
    assert [got.body for got in answers[:3]] == [SMUGGLED, SMUGGLED, PAGE]
    assert "/smuggled" not in paths(own)


def test_what_a_refused_upload_still_sends_is_no_request(own):
    """The application answers before it has read the body; the rest must not be read as requests."""
    data = b"POST /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + SMUGGLED * 100
    (got,) = ask(own.port, data, SMUGGLED * 100)
    assert (got.status, got.connection) == (404, "close")
    assert paths(own) == ["/nothing"]


# Other protocols

OTHERS = {
    "h2c": (get(b"/", b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n"), 200),
    "a WebSocket": (get(b"/", b"Connection: Upgrade\r\nUpgrade: websocket\r\n"), 200),
    "HTTP/2 without asking": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\x12\x04" + b"\0" * 23, 505),
    "a tunnel": (b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 400),
    "a whole address with a password": (b"GET http://u:p@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "another scheme": (b"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a mail server": (b"EHLO a\r\nMAIL FROM:<a@b>\r\n\r\n", 400),
    "Redis": (b"*1\r\n$4\r\nPING\r\n\r\n", 400),
}  # fmt: skip


@pytest.mark.parametrize("what", OTHERS)
def test_no_other_protocol_is_spoken(own, what):
    data, status = OTHERS[what]
    answers = ask(own.port, data + (LAST if status == 200 else b""))
    assert [got.status for got in answers] == ([200, 404] if status == 200 else [status])


def test_the_host_is_the_one_that_the_address_names(own):
    """RFC 9112, section 3.2.2; the application must not see two."""
    ask(own.port, b"GET http://b:81/echo HTTP/1.1\r\nX: y\r\nHost: a\r\n\r\n" + LAST)
    assert own.shelf.scopes[0]["headers"] == [(b"host", b"b:81"), (b"x", b"y")]
    assert own.shelf.scopes[0]["path"] == "/echo"


def test_a_part_of_a_page_is_not_sent(own):
    got, _ = ask(own.port, get(b"/", b'Range: bytes=0-4\r\nIf-Range: "x"\r\n') + LAST)
    assert (got.status, got.body) == (200, PAGE)


def test_dates_of_any_kind_make_no_difference(own):
    for date in (b"Thu, 01 Jan 1970 00:00:00 GMT", b"Fri, 31 Dec 9999 23:59:59 GMT", b"nonsense", b"\xff"):
        more = b"If-Modified-Since: %s\r\nIf-Unmodified-Since: %s\r\n" % (date, date)
        assert ask(own.port, get(b"/", more) + LAST)[0].status == 200


# Answers


@pytest.mark.parametrize("path", [b"/split", b"/zero"])
def test_an_answer_with_a_line_break_in_a_header_is_not_sent(own, path):
    (got,) = ask(own.port, get(path) + LAST)
    assert (got.status, got.connection) == (500, "close")
    assert "set-cookie" not in got.headers


@pytest.mark.parametrize("path", [b"/204", b"/304"])
def test_answers_without_a_body_name_no_length(own, path):
    """RFC 9110, section 8.6: of 304 it would be the page's, and a cache would believe it."""
    got, last = ask(own.port, get(path) + LAST)
    assert ("content-length" in got.headers, last.status) == (False, 404)


def test_a_client_is_told_once_to_go_on(own):
    with line_to(own) as line:
        line.sendall(POST + b"Expect: 100-continue\r\nContent-Length: 6\r\n\r\n")
        assert line.recv(65536).startswith(b"HTTP/1.1 100 ")
        line.sendall(b"abc")
        until(lambda: own.server.connections and _is_waiting(own))
        line.sendall(b"def" + LAST)
        assert [got.status for got in cut(heard(line))] == [200, 404]


def _is_waiting(serving):
    (held,) = serving.server.connections
    return held.exchange is not None and held.exchange.body.missing == 3 and not held.exchange.arrived


# Remembered requests


def test_what_is_remembered_is_what_the_bytes_ask(own):
    """Clients that differ in a header that counts get their own answers, however often they ask."""
    tag = ask(own.port, GET + LAST)[0].headers["etag"].encode()
    kinds = {
        get(b"/"): (200, None),
        get(b"/", b"Accept-Encoding: br\r\n"): (200, "br"),
        get(b"/", b"Accept-Encoding: gzip\r\n"): (200, "gzip"),
        get(b"/", b"If-None-Match: %s\r\n" % tag): (304, None),
        get(b"/", b"Cookie: a=b\r\nAccept-Encoding: br\r\n"): (200, "br"),
        get(b"/nothing"): (404, None),
    }
    order = list(kinds) * 20
    random.Random(1).shuffle(order)
    answers = ask(own.port, b"".join(order), LAST)
    with line_to(own) as line:
        for data in order:  # one at a time: the shortest way
            line.sendall(data)
            answers.append(cut(_one(line))[0])
    seen = [(got.status, got.headers.get("content-encoding")) for got in answers]
    wanted = [kinds[data] for data in order]
    assert seen == [*wanted, (404, None), *wanted]


def _one(line):
    said = b""
    while True:
        said += line.recv(65536)
        with contextlib.suppress(AssertionError, ValueError):
            if cut(said):
                return said


def test_what_is_remembered_is_little(own):
    for number in range(10):
        more = b"If-None-Match: *\r\nX-Forwarded-For: 10.0.%d.%d\r\n"
        block = [get(b"/", more % (number, n)) for n in range(1_000)]
        ask(own.port, b"".join(block), LAST)
        ask(own.port, b"".join(block[:200]), LAST)
    ask(own.port, get(b"/echo") * 10, LAST)
    assert 0 < len(own.server.known) <= server.MAX_KNOWN
    assert all(block.startswith(b"GET / ") for block in own.server.known)  # no answer of the application
    assert 0 < len(own.server.seen) <= server.MAX_SEEN
    assert not any(len(block) > server.MAX_KNOWN_BYTES for block in own.server.known)


# Our time and memory


def test_a_head_is_looked_for_only_in_itself():
    """10,000 requests in one piece took 12 s: each of them looked through all behind it."""
    buffer = bytearray(GET + b"x" * (8 << 20))
    begin = time.process_time()
    for _ in range(1_000):
        assert head.end_of(buffer, 0) == len(GET) - 4
    assert time.process_time() - begin < 5  # s; it was 80, and is a thousandth of that


def test_ten_thousand_requests_in_one_piece_are_answered_and_nobody_waits(own):
    requests = [get(b"/", b"If-None-Match: *\r\nX: %d\r\n" % number) for number in range(10_000)]
    answers = []
    asking = threading.Thread(target=lambda: answers.extend(ask(own.port, b"".join(requests), LAST)))
    asking.start()
    while asking.is_alive():
        assert ask(own.port, GET + LAST)[0].status == 200
    assert [got.status for got in answers] == [304] * 10_000 + [404]


def test_empty_lines_without_end_are_refused(own):
    """They are looked through again with each piece that comes, so there may not be many."""
    (got,) = ask(own.port, b"\r\n" * 513)
    assert (got.status, got.connection) == (400, "close")
    assert [answer.status for answer in ask(own.port, b"\r\n" * 512 + GET + LAST)] == [200, 404]


@pytest.mark.parametrize(
    "sent", [b"1000\r\n" + b"a" * 4096 + b"\r\n", b"1\r\na\r\n", b"1;" + b"a" * 200 + b"\r\na\r\n"]
)
def test_an_upload_without_end_is_not_held(own, sent):
    """Nothing asks for this body, so it waits in the client's and the kernel's memory."""
    with line_to(own) as line:
        line.settimeout(1)
        line.sendall(b"POST /late HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        with pytest.raises(TimeoutError):  # it takes no more
            line.sendall(sent * (128 * 1024 * 1024 // len(sent)))
        (held,) = own.server.connections
        assert len(held.exchange.arrived) + len(held.buffer) < exchange.MAX_AHEAD_BYTES + 2 * 256 * 1024
        own.call(own.shelf.gate.set)


def test_whatever_comes_the_server_goes_on(own, caplog):
    """Requests with pieces put in, cut out and repeated, sent in pieces: answers are whole, nothing fails."""
    pieces = (b"\r\n", b"\r", b"\n", b" ", b":", b"\0", b"\xff", b"%", b"..", b"@", b"\r\n\r\n", b"0\r\n\r\n",
              b"Expect: 100-continue\r\n", b"/echo", b"/pieces", b"http://a", b"HTTP/1.0", b"5\r\nhello\r\n",
              b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n", b"HEAD",
              )  # fmt: skip
    chance = random.Random(5)
    for _ in range(300):
        data = GET + POST + b"Content-Length: 5\r\n\r\nhello" + get(b"/pieces")
        for _ in range(chance.randint(1, 4)):
            at = chance.randint(0, len(data))
            data = data[:at] + chance.choice(pieces) + data[at + chance.choice([0, 1, 5]) :]
        with line_to(own) as line, contextlib.suppress(ConnectionError):
            middle = chance.randint(0, len(data))
            line.sendall(data[:middle])
            line.sendall(data[middle:])
            line.shutdown(socket.SHUT_WR)
            assert heard(line)[:9] in (b"", b"HTTP/1.1 ")
    assert ask(own.port, GET + LAST)[0].body == PAGE
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]
    until(lambda: own.server.count == 0)


ALONE = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (400, 400))
import django
django.setup()
from tests.shelf import Serving
serving = Serving()
print(serving.port, flush=True)
sys.stdin.read()
"""


def test_more_connections_than_files_do_no_lasting_harm():
    """400 files, 200 of them kept for other things, and 600 clients that never finish their first line."""
    process = subprocess.Popen(
        [sys.executable, "-c", ALONE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    try:
        port = int(process.stdout.readline())
        with contextlib.ExitStack() as lines:
            for _ in range(600):
                line = lines.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
                with contextlib.suppress(ConnectionError):
                    line.sendall(b"GET / HT")
            with contextlib.suppress(ConnectionError):  # refused at once, with or without a word
                assert [got.status for got in ask(port, GET)] in ([503], [])
            assert len(list(Path(f"/proc/{process.pid}/fd").iterdir())) <= 330
        until(lambda: [got.status for got in _answers(port)] == [200, 404])
        assert process.poll() is None
    finally:
        process.communicate("", timeout=20)


def _answers(port):
    try:
        return ask(port, GET + LAST)
    except ConnectionError:
        return []


# The end


def test_a_stop_waits_for_requests_although_there_was_a_quiet_moment(own):
    """The server noticed long ago that it had no connections; that is not news at its end."""
    ask(own.port, GET + LAST)
    until(lambda: own.server.count == 0)
    with line_to(own) as line:
        line.sendall(get(b"/late"))
        until(lambda: "/late" in paths(own))
        own.loop.call_soon_threadsafe(own.stop.set)
        until(lambda: own.server.is_draining)
        time.sleep(0.2)
        own.call(own.shelf.gate.set)
        (got,) = cut(heard(line))
    assert (got.body, got.connection) == (b"late", "close")


def test_a_stop_ends_streams_and_lets_a_body_arrive(own):
    with line_to(own) as stream, line_to(own) as upload, line_to(own) as half:
        stream.sendall(get(b"/live"))
        assert b"data: 0" in stream.recv(65536)
        half.sendall(b"GET / HT")
        upload.sendall(POST + b"Content-Length: 6\r\n\r\nabc")
        until(lambda: "/echo" in paths(own))
        own.loop.call_soon_threadsafe(own.stop.set)
        assert heard(stream).endswith(b"0\r\n\r\n")
        upload.sendall(b"def")
        (got,) = cut(heard(upload))
        assert (got.body, got.connection) == (b"abcdef", "close")
        half.sendall(b"TP/1.1\r\nHost: a\r\n\r\n")
        (got,) = cut(heard(half))
        assert (got.body, got.connection) == (PAGE, "close")
