"""Connections over real sockets: slow ones, broken ones, many, and the end of the server."""

import contextlib
import logging
import socket
import threading
import time

import pytest

from statuspage.serving.http1 import connection, exchange, server
from tests.answers import ask, cut, heard
from tests.shelf import LARGE, PAGE, Serving

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
LAST = b"GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def line_to(serving):
    return socket.create_connection(("127.0.0.1", serving.port), timeout=20)


def get(path, more="", *, version="1.1"):
    return f"GET {path} HTTP/{version}\r\nHost: a\r\n{more}\r\n".encode()


def until(holds, patience_s=20):
    end = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


@pytest.fixture
def quick(monkeypatch):
    """A server that loses its patience soon."""
    monkeypatch.setattr(server, "LOOK_S", 0.05)
    for name in ("HEAD_S", "STUCK_S", "STREAM_STUCK_S", "LINGER_S"):
        monkeypatch.setattr(connection, name, 0.5)
    serving = Serving()
    yield serving
    serving.close()


def test_answers_of_the_application_are_framed_as_the_client_understands(ours):
    chunked, _ = ask(ours.port, get("/pieces") + LAST)
    assert (chunked.headers["transfer-encoding"], chunked.body) == ("chunked", b"onetwothree")
    (old,) = ask(ours.port, get("/pieces", "Connection: keep-alive\r\n", version="1.0") + LAST)
    assert (old.connection, old.body) == ("close", b"onetwothree")
    at_once, _ = ask(ours.port, get("/echo") + LAST)
    assert at_once.headers["content-length"] == "0"


def test_what_is_answered_late_comes_in_order(ours):
    with line_to(ours) as line:
        line.sendall(get("/late") + GET + get("/echo") + LAST)
        until(lambda: any(scope["path"] == "/late" for scope in ours.shelf.scopes))
        ours.call(ours.shelf.gate.set)
        assert [got.body[:4] for got in cut(heard(line))] == [b"late", PAGE[:4], b"", b"Ther"]


@pytest.mark.parametrize("size", [1, 70_000, 3_000_000])
@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_a_body_arrives_as_it_was_sent(ours, size, framing):
    body = (b"0123456789" * (size // 10 + 1))[:size]
    if framing == "length":
        head, sent = f"Content-Length: {size}\r\n", body
    else:
        head, cuts = "Transfer-Encoding: chunked\r\n", [body[at : at + 9_999] for at in range(0, size, 9_999)]
        sent = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in cuts) + b"0\r\n\r\n"
    got, last = ask(ours.port, f"POST /echo HTTP/1.1\r\nHost: a\r\n{head}\r\n".encode() + sent, LAST)
    assert (got.body == body, last.status) == (True, 404)


BROKEN = {
    "no number": b"xyz\r\n",
    "a sign": b"+5\r\nhello\r\n",
    "a number too long": b"0" * 16 + b"5\r\nhello\r\n",
    "a chunk longer than it says": b"5\r\nhello!\r\n0\r\n\r\n",
    "a lone line feed": b"5\nhello\r\n0\r\n\r\n",
    "a lone line feed behind it": b"5\r\nhello\n0\r\n\r\n",
    "an endless extension": b"5;" + b"a" * 1_000,
    "an endless trailer": b"0\r\n" + b"A: b\r\n" * 3_000,
    "a zero byte in a trailer": b"0\r\nA: \x00\r\n\r\n",
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_chunk_ends_the_request_and_the_connection(ours, what):
    head = b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    (got,) = ask(ours.port, head + BROKEN[what] + LAST)
    assert got.body.startswith(b"(broken off)")
    assert got.connection == "close"


def test_an_answer_comes_although_the_client_has_ended_its_side(ours):
    for path, beginning in (("/", PAGE[:5]), ("/pieces", b"one")):
        with line_to(ours) as line:
            line.sendall(get(path))
            line.shutdown(socket.SHUT_WR)
            (got,) = cut(heard(line))
            assert got.body.startswith(beginning)


def test_all_that_was_asked_before_the_end_is_answered(ours):
    with line_to(ours) as line:
        line.sendall(get("/pieces") + GET + get("/pieces") + GET)
        line.shutdown(socket.SHUT_WR)
        assert [got.body[:3] for got in cut(heard(line))] == [b"one", PAGE[:3]] * 2


def test_a_failure_is_answered_and_logged_without_the_address(ours, caplog):
    with caplog.at_level(logging.ERROR):
        (got,) = ask(ours.port, get("/raises?secret") + LAST)
    assert (got.status, got.connection) == (500, "close")
    assert got.headers["x-content-type-options"] == "nosniff"
    assert "on purpose" in caplog.text
    assert "secret" not in caplog.text


def test_an_answer_that_is_shorter_than_it_says_is_cut(ours):
    with line_to(ours) as line:
        line.sendall(get("/short") + LAST)
        assert heard(line).endswith(b"four")  # and nothing that could be taken for its rest


def test_a_reader_that_goes_on_slowly_gets_it_all(quick, monkeypatch):
    monkeypatch.setattr(
        connection, "STUCK_S", 3
    )  # the kernel asks for more only when much of its own was taken
    with line_to(quick) as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        line.sendall(get("/large", "Connection: close\r\n"))
        said, end = b"", time.monotonic() + 5
        while time.monotonic() < end:
            said += line.recv(65536)
            time.sleep(0.05)
        said += heard(line)
    assert cut(said)[0].body == LARGE


def test_a_reader_that_takes_nothing_is_disconnected_and_costs_little(quick):
    with line_to(quick) as line:
        line.sendall(get("/large") * 1_000)
        until(lambda: quick.server.connections)
        (held,) = quick.server.connections
        until(lambda: held.is_stuck)
        assert held.transport.get_write_buffer_size() < 2 * len(LARGE)  # not a thousand of them
        until(lambda: not quick.server.connections)


@pytest.mark.parametrize("sent", [b"GET / HT", GET[:-2], b"\r\n\r\n", GET + b"GET /"])
def test_a_head_that_does_not_come_ends_the_connection(quick, sent):
    with line_to(quick) as line:
        line.sendall(sent)
        end = time.monotonic() + 15
        closed = False
        while not closed and time.monotonic() < end:  # dripping does not help
            time.sleep(0.1)
            with contextlib.suppress(TimeoutError):
                line.settimeout(0.01)
                try:
                    line.sendall(b"\r\n" if sent == b"\r\n\r\n" else b"a")
                    closed = line.recv(65536) == b""
                except (BrokenPipeError, ConnectionResetError):
                    closed = True
        assert closed


def test_requests_without_end_behind_a_late_one_are_not_kept(quick):
    with line_to(quick) as line:
        line.sendall(get("/late") + GET * 20_000)
        until(lambda: quick.shelf.scopes)
        until(lambda: any(held.exchange.is_overrun for held in quick.server.connections))
        assert all(len(held.buffer) <= exchange.MAX_AHEAD_BYTES for held in quick.server.connections)
        quick.call(quick.shelf.gate.set)
        answers = cut(heard(line))
    assert answers[0].body == b"late"
    assert len(answers) == 1


def test_when_there_are_too_many_the_idle_make_room(quick):
    quick.server.most = 20
    with contextlib.ExitStack() as lines:
        idle = [lines.enter_context(line_to(quick)) for _ in range(20)]
        for line in idle:
            line.sendall(GET)
            assert line.recv(65536)
        assert [got.status for got in ask(quick.port, GET + LAST)] == [200, 404]
    until(lambda: quick.server.count == 0)


def test_when_all_are_busy_a_new_one_is_refused(quick):
    quick.server.most = 5
    with contextlib.ExitStack() as lines:
        for _ in range(5):
            lines.enter_context(line_to(quick)).sendall(get("/late"))
        until(lambda: len(quick.shelf.scopes) == 5)
        (got,) = ask(quick.port, GET)
        assert (got.status, got.connection) == (503, "close")
        quick.call(quick.shelf.gate.set)


def test_bytes_that_say_who_asks_are_not_kept(ours):
    named = get("/", "Cookie: a=secret\r\n") + get("/", "Authorization: Basic secret\r\n")
    ask(ours.port, (named + GET) * 3 + LAST)
    assert not any(b"secret" in block for block in ours.server.known)
    assert GET in ours.server.known


def test_what_is_known_of_a_request_does_not_outlive_the_document(ours):
    with line_to(ours) as line:
        for _ in range(3):
            line.sendall(GET)
            assert cut(line.recv(65536))[0].status == 200
        answer = ours.shelf.answers.pop("/")
        try:
            line.sendall(GET)
            until(lambda: any(scope["path"] == "/" for scope in ours.shelf.scopes))
        finally:
            ours.shelf.answers["/"] = answer


def test_known_requests_are_few(ours):
    for number in range(5):
        ask(ours.port, *[get(f"/?{number}-{n}") for n in range(500)], LAST)
    assert 0 < len(ours.server.known) <= server.MAX_KNOWN


# Streams


def open_stream(serving, *, version="1.1"):
    line = line_to(serving)
    line.sendall(get("/live", version=version))
    said = b""
    while b"\n\ndata" not in said and b"data: 0\n\n" not in said:
        said += line.recv(65536)
    return line, said


def test_a_stream_is_told_what_happens_and_ends_with_the_server():
    serving = Serving()
    (new, said), (old, said_to_old) = open_stream(serving), open_stream(serving, version="1.0")
    serving.shelf.streams.ring(7)
    assert b"data: 7" in new.recv(65536)
    assert old.recv(65536) == b"id: 7\ndata: 7\n\n"
    serving.close()
    with new, old:
        assert heard(new) == b"0\r\n\r\n"
        assert heard(old) == b""
    assert b"transfer-encoding: chunked" in said
    assert b"connection: close" in said_to_old
    assert b"text/event-stream" in said


def test_a_stream_whose_reader_leaves_is_forgotten(quick):
    line, _ = open_stream(quick)
    assert quick.shelf.streams.count == quick.server.count == 1
    line.close()
    until(lambda: quick.shelf.streams.count == quick.server.count == 0)


def test_a_stream_that_takes_nothing_is_disconnected(quick):
    stuck, _ = open_stream(quick)
    well, _ = open_stream(quick)
    words = "x" * 500_000
    gone = threading.Event()

    def read():
        with contextlib.suppress(OSError):
            while not gone.is_set() and well.recv(1 << 20):
                pass

    reading = threading.Thread(target=read)
    reading.start()
    end = time.monotonic() + 20
    while quick.shelf.streams.count == 2 and time.monotonic() < end:
        quick.call(quick.shelf.streams._say, f"data: {words}\n\n".encode())
        time.sleep(0.05)
    assert quick.shelf.streams.count == 1
    gone.set()
    well.shutdown(socket.SHUT_RDWR)
    reading.join(10)
    stuck.close()
    well.close()


def test_more_streams_than_are_allowed_ask_instead(ours):
    ours.shelf.streams.most = 0
    try:
        got, last = ask(ours.port, get("/live") + LAST)
        assert (got.status, got.headers["retry-after"], last.status) == (503, "60", 404)
    finally:
        ours.shelf.streams.most = 1_000


# The end


def test_at_a_stop_requests_in_progress_are_answered_and_idle_connections_closed():
    serving = Serving()
    with line_to(serving) as busy, line_to(serving) as idle:
        idle.sendall(GET)
        assert idle.recv(65536)
        busy.sendall(get("/late"))
        until(lambda: serving.shelf.scopes)
        serving.loop.call_soon_threadsafe(serving.stop.set)
        assert heard(idle) == b""
        with pytest.raises(ConnectionRefusedError):
            until(lambda: not line_to(serving))
        serving.call(serving.shelf.gate.set)
        (got,) = cut(heard(busy))
        assert (got.body, got.connection) == (b"late", "close")
        serving.close()


def test_a_request_that_never_ends_does_not_hold_the_stop(monkeypatch):
    monkeypatch.setattr(server, "DRAIN_S", 0.3)
    serving = Serving()
    with line_to(serving) as line:
        line.sendall(get("/late"))
        until(lambda: serving.shelf.scopes)
        serving.close()
        assert heard(line) == b""
