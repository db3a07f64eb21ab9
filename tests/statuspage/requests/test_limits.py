"""What strangers send reaches Django whole, small and in time, or not at all. Over real sockets."""

import contextlib
import re
import socket
import time
from pathlib import Path

import httpx
import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from tests.web import Web

KB = 1024
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"


def connect(web):
    return socket.create_connection(("127.0.0.1", web.port), timeout=20)


def head(path="/subscribe/email", method="POST", *, host="localhost", more=b""):
    return f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n".encode() + more + b"\r\n"


def heard(line, timeout_s=20):
    """All that comes until the other side ends."""
    line.settimeout(timeout_s)
    said = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := line.recv(65536):
            said += piece
    return said


def status(said):
    found = re.match(rb"HTTP/1.1 (\d+)", said)
    return int(found[1]) if found else None


def quick(web):
    """Login, the dead man's switch and a form answer while slow requests are still waited for (10 s)."""
    paths = ("/accounts/login/", "/healthz", "/subscribe")
    return all(httpx.get(f"{web.url}{path}", timeout=8).status_code in (200, 503) for path in paths)


SLOW = {
    "a body that stops": head(more=FORM + b"Content-Length: 1000\r\n") + b"a=",
    "a body that never begins": head(more=FORM + b"Content-Length: 1000\r\n"),
    "a chunk that stops": head(more=FORM + b"Transfer-Encoding: chunked\r\n") + b"3e8\r\na=",
    "chunks that stop": head(more=FORM + b"Transfer-Encoding: chunked\r\n") + b"2\r\na=\r\n",
    "a wait to be let go on": head(more=FORM + b"Content-Length: 1000\r\nExpect: 100-continue\r\n"),
    "a file that stops": head(
        more=b"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 9000\r\n"
    )
    + b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\nabc',
    "headers that stop": b"POST /subscribe/email HTTP/1.1\r\nHost: localhost\r\nX-A: ",
    "a body of a GET": head("/accounts/login/", "GET", more=b"Content-Length: 1000\r\n") + b"a",
    "a body of a DELETE": head("/api/v2/subscribers.json", "DELETE", more=b"Content-Length: 1000\r\n") + b"a",
}


@pytest.mark.parametrize("what", SLOW)
def test_fifty_slow_requests_keep_nobody_out(web, what):
    with contextlib.ExitStack() as open_lines:
        lines = [open_lines.enter_context(connect(web)) for _ in range(50)]
        for line in lines:
            line.sendall(SLOW[what])
        time.sleep(0.3)
        assert quick(web)


def test_a_body_that_does_not_come_ends_with_a_sentence(web):
    with connect(web) as line, connect(web) as dripping:
        line.sendall(SLOW["a body that stops"])
        dripping.sendall(SLOW["a body that never begins"])
        began = time.monotonic()
        dripping.settimeout(1)
        said = b""
        while time.monotonic() - began < 14 and not said:
            with contextlib.suppress(OSError):
                dripping.sendall(b"a")
            with contextlib.suppress(TimeoutError):
                said = dripping.recv(65536)
        assert status(said) == 408
        whole = heard(line)
    assert status(whole) == 408
    assert b"did not arrive within 10 s" in whole
    assert b"content-security-policy" in whole


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize(
    "path", ["/subscribe/email", "/api/v2/subscribers.json", "/accounts/login/", "/console/", "/admin/"]
)
def test_a_stranger_sends_64_kb_at_most(web, framing, path):
    with connect(web) as line:
        if framing == "length":
            line.sendall(head(path, more=FORM + b"Content-Length: 65537\r\n"))
        else:
            line.sendall(head(path, more=FORM + b"Transfer-Encoding: chunked\r\n"))
            with contextlib.suppress(OSError):
                for _ in range(80):
                    line.sendall(b"400\r\n" + b"a" * KB + b"\r\n")
        said = heard(line)
    assert status(said) == 413
    assert b"at most 64 kB" in said


def test_what_fits_is_taken_however_it_is_framed(web):
    body = b"address=reader%40example.org&x=" + b"a" * (64 * KB - 40)
    with connect(web) as line:
        line.sendall(head(more=FORM + b"Connection: close\r\nContent-Length: %d\r\n" % len(body)) + body)
        assert status(heard(line)) == 302
    with connect(web) as line:
        pieces = (
            b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (body[:7], body[7:])) + b"0\r\n\r\n"
        )
        line.sendall(head(more=FORM + b"Connection: close\r\nTransfer-Encoding: chunked\r\n") + pieces)
        assert status(heard(line)) == 302
    with connect(web) as line:
        line.sendall(head(more=FORM + b"Expect: 100-continue\r\nConnection: close\r\nContent-Length: 5\r\n"))
        assert line.recv(65536).startswith(b"HTTP/1.1 100")
        line.sendall(b"a=b&c")
        assert status(heard(line)) == 422


LIES = {
    "less than it says": b"Content-Length: 3\r\n\r\na=b&addressGET /nothing HTTP/1.1\r\n\r\n",
    "two lengths": b"Content-Length: 3\r\nContent-Length: 30\r\n\r\na=b",
    "length and chunks": b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
    "a signed length": b"Content-Length: +3\r\n\r\na=b",
    "a negative length": b"Content-Length: -3\r\n\r\na=b",
    "no number": b"Content-Length: abc\r\n\r\na=b",
    "a huge length": b"Content-Length: 99999999999999999999999999\r\n\r\na=b",
    "a chunk of no size": b"Transfer-Encoding: chunked\r\n\r\nxyz\r\na\r\n0\r\n\r\n",
    "another coding": b"Transfer-Encoding: gzip\r\n\r\na=b",
    "a zero in a name": b"X-\x00: a\r\nContent-Length: 3\r\n\r\na=b",
    "a space in a name": b"X A: a\r\nContent-Length: 3\r\n\r\na=b",
    "a folded line": b"X: a\r\n b\r\nContent-Length: 3\r\n\r\na=b",
    "two hosts": b"Host: evil.example\r\nContent-Length: 3\r\n\r\na=b",
    "a large header": b"X: " + b"a" * 100_000 + b"\r\nContent-Length: 3\r\n\r\na=b",
}


@pytest.mark.parametrize("what", LIES)
def test_a_request_that_lies_is_no_trouble(web, what):
    with connect(web) as line:
        line.sendall(head()[:-2] + FORM + LIES[what])
        line.shutdown(socket.SHUT_WR)
        said = heard(line)
    # 501 is what RFC 9112, section 6.1 asks for with an unknown coding
    assert not re.search(rb"HTTP/1.1 5(?!01)", said), said
    assert quick(web)


def test_requests_sent_in_one_go_are_answered_in_order(web):
    with connect(web) as line:
        line.sendall(
            head("/livez", "GET")
            + head("/subscribe", "GET")
            + head("/nothing", "GET", more=b"Connection: close\r\n")
        )
        said = heard(line)
    assert re.findall(rb"HTTP/1.1 (\d+)", said) == [b"200", b"200", b"404"]


def test_clients_that_leave_midway_leave_nothing_behind(web):
    for _ in range(30):
        with connect(web) as line:
            line.sendall(SLOW["a body that stops"])
        with connect(web) as line:
            line.sendall(head("/subscribe", "GET"))
    assert quick(web)


def test_readers_that_take_nothing_keep_nobody_out(web):
    with contextlib.ExitStack() as open_lines:
        for _ in range(30):
            line = open_lines.enter_context(socket.socket())
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            line.connect(("127.0.0.1", web.port))
            line.sendall(head("/subscribe", "GET") * 40)
        time.sleep(0.5)
        assert quick(web)


def test_cleartext_http2_is_not_spoken(web):
    with connect(web) as line:
        line.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00")
        line.shutdown(socket.SHUT_WR)
        said = heard(line)
    assert not said.startswith(b"\x00\x00")


def upload(size, *, name="file", path="/subscribe/email", cookie="", token=""):
    body = b"".join(
        [
            b'--xx\r\nContent-Disposition: form-data; name="address"\r\n\r\nreader@example.org\r\n',
            f'--xx\r\nContent-Disposition: form-data; name="csrfmiddlewaretoken"\r\n\r\n{token}\r\n'.encode(),
            f'--xx\r\nContent-Disposition: form-data; name="{name}"; filename="a.csv"\r\n\r\n'.encode(),
            b"channel,address\r\n",
            b"email,a@example.org\r\n" * (size // 21),
            b"\r\n--xx--\r\n",
        ]
    )
    more = f"Content-Type: multipart/form-data; boundary=xx\r\nContent-Length: {len(body)}\r\n"
    more += "Connection: close\r\n" + (f"Cookie: {cookie}\r\n" if cookie else "")
    return head(path, more=more.encode()) + body


@pytest.mark.parametrize(
    "path",
    ["/subscribe/email", "/accounts/login/", "/confirm/x", "/unsubscribe/x", "/hooks/mail/x/tracking/"],
)
def test_a_file_of_a_stranger_is_refused_and_kept_nowhere(web, path):
    before = set(Path("/tmp").glob("*.upload*"))
    with connect(web) as line:
        line.sendall(upload(1000, path=path))
        assert status(heard(line)) in (200, 400, 403, 404, 405)  # 200: no form is read there
    with connect(web) as line:
        with contextlib.suppress(OSError):
            line.sendall(upload(3_000_000, path=path))
        assert status(heard(line)) in (413, None)  # cut off while it was still sending
    assert set(Path("/tmp").glob("*.upload*")) == before


def signed_in(name="admin"):
    user = get_user_model().objects.create_superuser(name, password="x")
    client = Client()
    client.force_login(user)
    return (
        client.cookies["__Host-session"].value
        if "__Host-session" in client.cookies
        else client.cookies["session"].value
    )


def test_an_admin_imports_a_large_file_and_a_stranger_with_a_made_up_cookie_does_not(web):
    token = "a" * 32
    cookie = f"session={signed_in()}; csrf={token}"
    with connect(web) as line:
        line.sendall(upload(3_000_000, path="/console/subscribers/imports", cookie=cookie, token=token))
        said = heard(line)
    assert status(said) == 302, said[-400:]
    for stranger in ("", f"session={'b' * 32}; csrf={token}", "session="):
        with connect(web) as line:
            with contextlib.suppress(OSError):
                line.sendall(
                    upload(3_000_000, path="/console/subscribers/imports", cookie=stranger, token=token)
                )
            assert status(heard(line)) in (413, None)


@pytest.fixture(scope="module")
def proxied(tmp_path_factory, django_db_setup, django_db_blocker):
    """A web process behind so many trusted proxies, and what it takes for the client's address."""
    made = {}

    def start(proxies):
        if proxies not in made:
            with django_db_blocker.unblock():
                made[proxies] = Web(tmp_path_factory.mktemp(f"web{proxies}"), TRUSTED_PROXIES=str(proxies))
        return made[proxies]

    yield start
    for web in made.values():
        web.stop()


FORGED = (
    (b"x_forwarded_for", b"198.51.100.1"),
    (b"X_Forwarded_For", b"198.51.100.2"),
    (b"X-Forwarded_For", b"198.51.100.3"),
    (b"X.Forwarded.For", b"198.51.100.4"),
    (b"X~Forwarded~For", b"198.51.100.5"),
)


@pytest.mark.parametrize(
    ("proxies", "told", "address"),
    [
        (0, ["203.0.113.9"], "127.0.0.1"),
        (1, ["203.0.113.9"], "203.0.113.9"),
        (1, ["198.51.100.7, 203.0.113.9"], "203.0.113.9"),
        (1, ["198.51.100.7", "203.0.113.9"], "203.0.113.9"),
        (2, ["198.51.100.7, 203.0.113.9, 10.0.0.1"], "203.0.113.9"),
        (2, ["198.51.100.7", "203.0.113.9", "10.0.0.1"], "203.0.113.9"),
    ],
)
def test_no_header_forges_whom_a_proxy_saw(proxied, transactional_db, proxies, told, address):
    from statuspage.models import Audit

    web = proxied(proxies)
    sent = b"".join(b"X-Forwarded-For: %s\r\n" % text.encode() for text in told)
    forged = b"".join(b"%s: %s\r\n" % pair for pair in FORGED)
    token = "a" * 32
    user = get_user_model().objects.create_superuser("boss", password="correct horse battery")
    body = f"csrfmiddlewaretoken={token}&login={user.username}&password=wrong".encode()
    # as Go's proxies write them: by alphabet, so what a stranger added comes last
    more = (
        sent
        + forged
        + FORM
        + f"Cookie: csrf={token}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n".encode()
    )
    with connect(web) as line:
        line.sendall(head("/accounts/login/", more=more) + body)
        assert status(heard(line)) == 200
    assert [row.address for row in Audit.objects.filter(act__startswith="login")] == [address]
