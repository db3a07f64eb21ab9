"""httpx over the door: judged like every line, one deadline, caps, and nothing from the environment."""

import asyncio
import gzip
import time
import tracemalloc

import httpx
import pytest

from components import transport
from components.egress import Egress, EgressError
from components.outcomes import Failure
from tests import hostile, hostile2
from tests.http2 import Http2, tls, well
from tests.targets import Raw, Target, answer

OWN = ["127.0.0.0/8"]


def ask(url, *, method="GET", door=None, deadline_s=5.0, most_bytes=100_000, **given):
    """One request, and its answer."""
    of_client = {name: given.pop(name) for name in ("http2", "follow_redirects") if name in given}

    async def work():
        way = door or Egress(OWN)
        async with transport.client(way, deadline_s=deadline_s, most_bytes=most_bytes, **of_client) as client:
            return await client.request(method, url, **given)

    return asyncio.run(work())


def test_a_request_and_its_answer(target):
    target.says, target.headers = b"hello", {"X-Kind": "friendly"}
    came = ask(target.url, method="POST", json={"a": 1})
    assert (came.status_code, came.text, came.headers["x-kind"]) == (200, "hello", "friendly")
    (method, path, headers, body) = target.asked[0]
    assert (method, path, body) == ("POST", "/", b'{"a":1}')
    assert headers["Connection"] == "close"
    assert headers["Accept-Encoding"] == "gzip, deflate, br"


def test_a_switch_to_another_protocol_is_no_answer():
    async def serve(reader, writer):
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(1)

    with Raw(serve) as server, pytest.raises(httpx.RemoteProtocolError):
        ask(f"http://127.0.0.1:{server.port}/")


def test_each_request_has_a_line_of_its_own():
    lines = []

    async def serve(reader, writer):
        lines.append(1)
        while await reader.readuntil(b"\r\n\r\n"):
            await answer(writer)

    async def work(url):
        async with transport.client(Egress(OWN), deadline_s=5, most_bytes=100) as client:
            return [(await client.get(url)).status_code for _ in range(3)]

    with Raw(serve) as server:
        assert asyncio.run(work(f"http://127.0.0.1:{server.port}/")) == [200, 200, 200]
    assert len(lines) == 3


def test_what_the_door_refuses_is_not_dialled(target):
    with pytest.raises(httpx.ConnectError, match="EGRESS_ALLOW") as refused:
        ask(target.url, door=Egress())
    assert isinstance(refused.value.__cause__, EgressError)
    assert refused.value.__cause__.failure is Failure.DENIED
    assert target.asked == []


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "localhost", "[::ffff:127.0.0.1]", "１２７.0.0.1"])
def test_no_spelling_of_loopback_gets_past_the_door(target, host):
    with pytest.raises((httpx.ConnectError, httpx.InvalidURL)):
        ask(f"http://{host}:{target.port}/", door=Egress())
    assert target.asked == []


def test_a_port_where_nothing_listens_says_so(free_port):
    with pytest.raises(httpx.ConnectError, match=f"Nothing is listening on port {free_port}"):
        ask(f"http://127.0.0.1:{free_port}/")


ODD = (
    "ftp://127.0.0.1/", "javascript:alert(1)", "", "5", "/x", "//x", "http://", "http:///x", "http://127.0.0.1:0/",
    "http://127.0.0.1:99999/", "http://127.0.0.1:-1/", "http://1.2.3.4.5/", "http://exa\nmple/", "http://-\0-/",
    "http://xn--/", "http://a/\ud800", "http://\ud800.example/", "http://%31%32%37.0.0.1:9/",
)  # fmt: skip


@pytest.mark.parametrize("url", ODD)
def test_an_address_that_is_none_is_an_error_like_every_other(url):
    with pytest.raises(transport.ERRORS):
        ask(url)


def test_redirects_are_not_followed_unless_asked_for(target):
    target.paths["/"] = (302, {"Location": "/there"}, b"")
    assert ask(target.url).status_code == 302
    assert ask(target.url, follow_redirects=True).status_code == 200


@pytest.mark.parametrize("place", ["http://127.0.0.2:6379/", "http://169.254.169.254/", "//10.0.0.1/"])
def test_each_hop_is_judged_anew(target, place):
    target.paths["/"] = (302, {"Location": place}, b"")
    with pytest.raises(httpx.ConnectError, match="EGRESS_ALLOW"):
        ask(target.url, door=Egress(["127.0.0.1/32"]), follow_redirects=True)


def test_a_ring_of_redirects_ends(target):
    target.paths["/"] = (302, {"Location": "/"}, b"")
    with pytest.raises(httpx.TooManyRedirects):
        ask(target.url, follow_redirects=True)
    assert len(target.asked) == transport.MAX_REDIRECTS + 1


def test_one_deadline_holds_for_all_hops(target):
    target.waits_s = 0.4
    target.paths["/"] = (302, {"Location": "/"}, b"")
    with pytest.raises(httpx.TimeoutException):  # with one for each hop there would be too many redirects
        ask(target.url, follow_redirects=True, deadline_s=1.0)
    assert len(target.asked) <= 3


@pytest.mark.parametrize(
    ("behave", "kind"),
    [
        (hostile.hang_before_answer, httpx.ReadTimeout),
        (hostile.drip, httpx.ReadTimeout),
        (hostile.endless_headers, httpx.ReadError),
        (hostile.endless_body, httpx.ReadError),
        (hostile.bomb, httpx.ReadError),
        (hostile.reset_in_body, httpx.TransportError),
        (hostile.no_http, httpx.RemoteProtocolError),
        (hostile.says_nothing, httpx.TransportError),
    ],
)
def test_a_server_that_means_no_good_ends_in_an_error_of_httpx(behave, kind):
    hostile.packed_bomb()
    with Raw(behave) as server:
        began = time.monotonic()
        with pytest.raises(kind) as failed:
            ask(f"http://127.0.0.1:{server.port}/", deadline_s=1.0)
        assert time.monotonic() - began < 5  # they would go on for a minute
        assert failed.value.request.url.port == server.port
        assert str(failed.value).endswith(".")


async def endless_interim(reader, writer):
    while True:
        writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 100)
        await writer.drain()


async def endless_tiny_chunks(reader, writer):
    """Always something to read, so that no read ever waits; never more than the cap."""
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"1;" + b"x" * 4000 + b"\r\na\r\n")
        await writer.drain()


@pytest.mark.parametrize("behave", [endless_interim, endless_tiny_chunks])
def test_a_server_that_always_has_more_does_not_get_past_the_deadline(behave):
    with Raw(behave) as server:
        began = time.monotonic()
        with pytest.raises(httpx.TransportError):
            ask(f"http://127.0.0.1:{server.port}/", deadline_s=0.5, most_bytes=10**9)
        assert time.monotonic() - began < 5


def test_a_bomb_takes_no_more_memory_than_was_allowed():
    hostile.packed_bomb()
    tracemalloc.start()
    try:
        with Raw(hostile.bomb) as server:
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            with pytest.raises(transport.TooLarge):
                ask(f"http://127.0.0.1:{server.port}/", most_bytes=1_000_000)
            assert tracemalloc.get_traced_memory()[1] - before < 3_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("most", "is_taken"), [(5, True), (4, False)])
def test_the_cap_is_of_the_unpacked_body(target, most, is_taken):
    target.says, target.headers = gzip.compress(b"hello"), {"Content-Encoding": "gzip"}
    if is_taken:
        came = ask(target.url, most_bytes=most)
        assert came.content == b"hello"
        assert "content-encoding" not in came.headers
    else:
        with pytest.raises(transport.TooLarge):
            ask(target.url, most_bytes=most)


def test_a_head_without_body_keeps_its_headers(target):
    target.headers = {"Content-Encoding": "gzip"}
    assert ask(target.url, method="HEAD").status_code == 200


def test_what_is_not_packed_as_it_says_is_said(target):
    target.headers = {"Content-Encoding": "gzip"}
    with pytest.raises(httpx.DecodingError, match="compressed with gzip, but is not"):
        ask(target.url)
    target.headers = {"Content-Encoding": "zstd"}
    with pytest.raises(httpx.DecodingError, match="we did not request"):
        ask(target.url)


def test_no_proxy_and_no_netrc_of_the_environment_is_used(target, monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login ada password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    assert ask(target.url).status_code == 200
    assert "Authorization" not in target.asked[0][2]


@pytest.mark.parametrize("value", ["a\r\nX-More: b", "a\nb", "a\0b"])
def test_a_header_cannot_bring_another(target, value):
    with pytest.raises(httpx.LocalProtocolError):
        ask(target.url, headers={"X-One": value})
    assert target.asked == []


def test_a_login_stays_with_its_origin(target):
    with Target() as other:
        target.paths["/"] = (302, {"Location": other.url}, b"")
        ask(target.url, follow_redirects=True, auth=("ada", "secret"))
        assert "Authorization" in target.asked[0][2]
        assert "Authorization" not in other.asked[0][2]


def test_a_stream_keeps_cap_and_deadline():
    async def work(url):
        client = transport.client(Egress(OWN), deadline_s=0.6, most_bytes=10**6)
        async with client, client.stream("GET", url) as came:
            return [piece async for piece in came.aiter_bytes()]

    with Raw(hostile.drip) as server, pytest.raises(httpx.ReadTimeout, match=r"within 0\.6 s"):
        asyncio.run(work(f"http://127.0.0.1:{server.port}/"))


def test_what_is_cancelled_leaves_no_line_behind():
    left = []

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        try:
            left.append(await reader.read())
        except OSError:
            left.append(b"")

    async def work(url):
        async with transport.client(Egress(OWN), deadline_s=5, most_bytes=100) as client:
            task = asyncio.create_task(client.get(url))
            await asyncio.sleep(0.3)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        await asyncio.sleep(0.3)

    with Raw(serve) as server:
        asyncio.run(work(f"http://127.0.0.1:{server.port}/"))
        assert left == [b""]


def test_an_answer_that_is_refused_leaves_no_line_behind():
    left = []

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\n\r\n")
        await writer.drain()
        left.append(await asyncio.wait_for(reader.read(), 2))

    async def work(url):
        async with transport.client(Egress(OWN), deadline_s=5, most_bytes=100) as client:
            with pytest.raises(httpx.DecodingError) as failed:
                await client.get(url)
            await asyncio.sleep(0.3)
            return failed  # what holds the error holds the line, unless that was closed

    with Raw(serve) as server:
        asyncio.run(work(f"http://127.0.0.1:{server.port}/"))
    assert left == [b""]


# TLS, and HTTP/2 when it is asked for


@pytest.fixture
def secure(tmp_path):
    with well(tmp_path) as server:
        yield server


def test_http2_is_spoken_only_when_asked_for(secure):
    plain = ask(secure.url, door=secure.door)
    assert (plain.http_version, plain.text) == ("HTTP/1.1", "well")
    secure.headers = [("x-kind", "friendly")]
    came = ask(secure.url, door=secure.door, http2=True, method="POST", content=b"x" * 200_000)
    assert (came.http_version, came.text, came.headers["x-kind"]) == ("HTTP/2", "well", "friendly")
    spoken, given, body = secure.asked[1]
    assert (spoken, given[":method"], len(body)) == ("HTTP/2", "POST", 200_000)
    assert "connection" not in given


def test_a_server_without_http2_is_asked_as_before(tmp_path):
    context, vouches = tls(tmp_path, protocols=("http/1.1",))
    with Http2(context) as server:
        assert ask(server.url, door=Egress(OWN, ca_file=vouches), http2=True).http_version == "HTTP/1.1"


def test_a_certificate_that_nobody_vouches_for_is_refused(secure):
    with pytest.raises(httpx.ConnectError, match="certificate is not valid"):
        ask(secure.url, door=Egress(OWN), http2=True)


def test_a_context_is_made_once_for_all_lines(secure):
    for _ in range(3):
        ask(secure.url, door=secure.door, http2=True)
        ask(secure.url, door=secure.door)
    assert len(secure.door.contexts) == 2  # with http/1.1, with h2 before it


def test_the_cap_holds_for_http2_as_well(secure):
    secure.says = b"x" * 300_000
    assert len(ask(secure.url, door=secure.door, http2=True, most_bytes=300_000).content) == 300_000
    with pytest.raises(transport.TooLarge):
        ask(secure.url, door=secure.door, http2=True, most_bytes=299_999)


@pytest.mark.parametrize("name", [*hostile2.SOON, *hostile2.ON, "endless body"])
def test_what_goes_wrong_in_http2_is_an_error_of_httpx_in_time(tmp_path, name):
    behave = {**hostile2.SOON, **hostile2.ON, "endless body": hostile2.endless_body}[name]
    context, vouches = tls(tmp_path)
    with Raw(behave, tls=context) as server:
        began = time.monotonic()
        with pytest.raises(httpx.TransportError) as failed:
            ask(
                f"https://127.0.0.1:{server.port}/",
                door=Egress(OWN, ca_file=vouches),
                http2=True,
                deadline_s=1.0,
            )
        assert time.monotonic() - began < 5  # they would go on for a minute
        assert str(failed.value).endswith(".")


@pytest.mark.parametrize("value", ["a\r\nX-More: b", "a\nb", "a\0b"])
def test_a_header_cannot_bring_another_in_http2(secure, value):
    with pytest.raises(httpx.LocalProtocolError):
        ask(secure.url, door=secure.door, http2=True, headers={"X-One": value})
    assert secure.asked == []
