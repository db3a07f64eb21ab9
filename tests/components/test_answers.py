"""Answers as real servers send them, from the tidy to the hostile: what each means, and what it may cost."""

import asyncio
import contextlib
import functools
import gzip
import socket
import ssl
import threading
import time
import zlib

import brotli
import pytest

from components import cookies
from components.egress import Egress
from components.outcomes import Expectation, Failure, Outcome, classify
from components.probers import PROBERS, InvalidProbeError
from components.web_addresses import split_address
from tests.certificates import make, make_chain
from tests.components.test_probers import OWN, look
from tests.hostile import bomb, endless_body, packed_bomb
from tests.targets import Raw, Target

WELL = b"all is well"
zipped = functools.partial(gzip.compress, mtime=0)  # the same bytes in every process


def saying(data, *, holds=False):
    """A server that sends exactly this, and hangs up, unless it holds the line."""

    async def behave(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(data)
        await writer.drain()
        await asyncio.sleep(30 if holds else 0)

    return behave


def seen(data, options=None, *, holds=False, deadline_s=3.0):
    with Raw(saying(data, holds=holds)) as server:
        return look("http", f"http://127.0.0.1:{server.port}/", options, deadline_s=deadline_s)


def raw_deflate(data):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def sized(head, body):
    return b"HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s" % (head, len(body), body)


def chunked(body, head=b""):
    return b"HTTP/1.1 200 OK\r\n%sTransfer-Encoding: chunked\r\n\r\n%s" % (head, body)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\nContent-Length: 11\n\n" + WELL,
        b"\r\nHTTP/1.1 200\r\nContent-Length: 11\r\n\r\n" + WELL,
        b"HTTP/1.1  200  Gr\xc3\xbc\xc3\x9fe\r\nContent-Length: 11\r\n\r\n" + WELL,
        b"HTTP/1.0 200 OK\r\n\r\n" + WELL,
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" + sized(b"", WELL),
        sized(b"X-Long: a\r\n  b\r\nno colon here\r\n", WELL),
        sized(b"Content-Length: 11\r\n", WELL),
        sized(b"Content-Encoding: identity\r\n", WELL),
        chunked(b"5;a=b\r\nall i\r\n6 \r\ns well\r\n0\r\nX-Trailer: 1\r\n\r\n"),
        chunked(b"b\nall is well\n0\n\n"),
        chunked(b"0" * 18 + b"b\r\nall is well\r\n0\r\n\r\n"),
        sized(b"Content-Encoding: UTF-8\r\n", WELL),
        sized(b"Content-Encoding: none, gzip\r\n", zipped(WELL)),
        chunked(b"b\r\nall is well\r\n0\r\n\r\n", b"Content-Length: 3\r\n"),
        sized(b"Content-Encoding: deflate\r\n", raw_deflate(WELL)),
        sized(b"Content-Encoding: deflate\r\n", zlib.compress(WELL)),
        sized(b"Content-Encoding: gzip, gzip\r\n", zipped(zipped(WELL))),
        sized(b"Content-Encoding: identity, GZip\r\n", zipped(WELL)),
        sized(b"Content-Encoding: x-gzip\r\n", zipped(WELL[:3]) + zipped(WELL[3:]) + b"\0"),
        sized(b"Content-Encoding: gzip\r\nContent-Encoding: br\r\n", brotli.compress(zipped(WELL))),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"
        + b"%x\r\n%s\r\n0\r\n\r\n" % (len(zipped(WELL)), zipped(WELL)),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n" + WELL,
    ],
)
def test_what_browsers_read_is_read(answer):
    reading = seen(answer, {"expect_text": "all is well"})
    assert (reading.failure, reading.detail) == (None, "")


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (chunked(b"%s\r\nabc\r\n0\r\n\r\n" % size), Failure.PROTOCOL)
        for size in (b"-1", b"+5", b"0x5", b"1_0", b"", b"zz", b"f" * 17)
    ]
    + [
        (b"HTTP/1.1 099 No\r\n\r\n", Failure.PROTOCOL),
        (b"HTTP/1.1 1000 No\r\n\r\n", Failure.PROTOCOL),
        (b"HTTP/1.1 \xb2\xb2\xb2 No\r\n\r\n", Failure.PROTOCOL),
        (b"HTTP/1.1 600 No\r\nContent-Length: 0\r\n\r\n", Failure.STATUS),
        (b"<h1>as HTTP/0.9 was</h1>\n", Failure.PROTOCOL),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", Failure.PROTOCOL),
        (b"HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nabc", Failure.PROTOCOL),
        (b"HTTP/1.1 200 OK\r\nContent-Length: \xb2\r\n\r\nabc", Failure.PROTOCOL),
        (b"HTTP/1.1 200 OK\r\nX: 1", Failure.PROTOCOL),
        (sized(b"Content-Encoding: gzip\r\n", zipped(WELL)[:-12]), Failure.PROTOCOL),
        (sized(b"Content-Encoding: gzip\r\n", WELL), Failure.PROTOCOL),
    ],
)
def test_what_no_browser_would_read_is_down_and_never_our_own_fault(answer, failure):
    reading = seen(answer)
    assert reading.failure is failure
    assert reading.detail.endswith(".")


def test_a_packing_we_did_not_ask_for_matters_only_to_who_looks_inside():
    answer = sized(b"Content-Encoding: zstd\r\n", b"(\xb5/\xfd")
    assert seen(answer).failure is None
    reading = seen(answer, {"expect_text": "well"})
    assert reading.failure is Failure.PROTOCOL
    assert "zstd" in reading.detail


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_an_answer_without_a_body_is_not_waited_for(status):
    answer = b"HTTP/1.1 %s\r\nContent-Length: 50\r\n\r\n" % status
    assert seen(answer, {"expected_status": "200-399"}, holds=True).failure is None


@pytest.mark.parametrize(
    ("kind", "charset"),
    [("text/plain; charset=iso-8859-1", "latin-1"), ("text/plain; charset=Shift_JIS", "cp932"),
     ('text/html; charset="UTF-16"', "utf-16-le"), ("text/plain", "utf-16"), ("text/plain", "utf-8-sig"),
     ("text/plain; charset=nonsense", "utf-8"), ("text/plain; charset=idna", "utf-8")],
)  # fmt: skip
def test_text_is_found_in_the_letters_the_answer_is_written_in(kind, charset):
    word = "状態良好" if charset == "cp932" else "Größe"
    answer = sized(f"Content-Type: {kind}\r\n".encode(), f"a {word} b".encode(charset))
    for option in ("expect_text", "expect_regex"):
        assert seen(answer, {option: word}).failure is None
    other = seen(answer, {"expect_text": "missing"})
    assert word in other.excerpt


@pytest.mark.parametrize(
    ("label", "charset", "word"),
    [("latin2", "iso8859-2", "Łódź"), ("ISO_8859-2:1987", "iso8859-2", "Łódź"), ("x-cp1251", "cp1251", "Всё"),
     ("koi8", "koi8-r", "Всё"), ("cp866", "cp866", "Всё"), ("ms_kanji", "cp932", "状態"),
     ("x-euc-jp", "euc-jp", "状態"), ("big5-hkscs", "big5", "狀態"), ("GB_2312-80", "gbk", "状态"),
     ("korean", "euc-kr", "상태"), ("iso88591", "latin-1", "Größe"), ("utf-16be", "utf-16-be", "Größe"),
     ("nonsense", "latin-1", "Größe")],
)  # fmt: skip
def test_a_charset_goes_by_every_name_that_browsers_know(label, charset, word):
    answer = sized(f"Content-Type: text/plain; charset={label}\r\n".encode(), f"a {word} b".encode(charset))
    assert seen(answer, {"expect_text": word}).failure is None


@pytest.mark.parametrize("kind", ["application/json; charset=iso-8859-1", "application/json"])
def test_json_in_a_charset_of_its_own_is_read(kind):
    answer = sized(f"Content-Type: {kind}\r\n".encode(), '{"s": "Größe"}'.encode("latin-1"))
    assert seen(answer, {"json_path": "$.s", "json_equals": "Größe"}).failure is None


def test_a_page_may_name_its_charset_itself():
    page = '<html><meta charset="iso-8859-1"><p>Größe'.encode("latin-1")
    assert seen(sized(b"Content-Type: text/html\r\n", page), {"expect_text": "Größe"}).failure is None


def test_a_pattern_finds_the_end_of_a_line_whatever_ends_it():
    assert seen(sized(b"", b"a: ok\r\nb: ok\r\n"), {"expect_regex": "(?m)^a: ok$"}).failure is None


def test_two_lines_typed_into_a_textarea_match_whatever_ends_the_lines():
    for body in (b"status:\nall is well", b"status:\r\nall is well"):
        assert seen(sized(b"", body), {"expect_text": "status:\r\nall is well"}).failure is None
    assert PROBERS["http"].parse("http://a.example/", {"body": "a\r\nb"}).body == b"a\nb"
    assert PROBERS["tcp"].parse("a.example:7", {"send": "a\r\n", "expect": "b\r\nc"}).send == b"a\n"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: well\n\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\n\r\nwell",
        b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\nwell",
        chunked(b"4\r\nwell\r\n"),
    ],
)
@pytest.mark.parametrize("options", [{}, {"expect_text": "well"}])
def test_what_goes_on_without_an_end_is_up_with_a_note(answer, options):
    reading = seen(answer, options, holds=True, deadline_s=2.0)
    assert reading.failure is None
    assert reading.facts["note"] == "The body continues: read as far as needed."
    assert (
        seen(answer, {"expect_text": "absent"}, holds=True, deadline_s=1).failure is Failure.TIMEOUT_TRANSFER
    )


@pytest.mark.parametrize("behave", [endless_body, bomb])
def test_a_body_over_the_cap_is_up_with_a_note_unless_the_text_did_not_come(behave):
    packed_bomb()
    with Raw(behave) as server:
        url = f"http://127.0.0.1:{server.port}/"
        reading, other = look("http", url), look("http", url, {"expect_text": "absent"})
    assert (reading.failure, reading.facts["note"]) == (None, "Larger than 1 MB: read the first 1 MB.")
    assert other.failure is Failure.TOO_LARGE


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("http://bücher.example/", "http://xn--bcher-kva.example/"),
        ("http://a.example/日本/x", "http://a.example/%E6%97%A5%E6%9C%AC/x"),
        (
            "http://a.example/gr%C3%BC%c3%9fe?ü=ß&a=%zz#part",
            "http://a.example/gr%C3%BC%c3%9fe?%C3%BC=%C3%9F&a=%zz",
        ),
        ("http://a.example/a b?c d'\"", "http://a.example/a%20b?c%20d%27%22"),
        ("http:\\\\a.example\\b?c\\d", "http://a.example/b?c\\d"),
        ("http://a.example:80/x/./y/../%2e%2E/z", "http://a.example/z"),
        ("http://a.example/50%", "http://a.example/50%"),
        ("https://a.example:443", "https://a.example/"),
        ("http://[::1]:8080/", "http://[::1]:8080/"),
    ],
)
def test_an_address_leaves_as_browsers_send_it(typed, sent):
    assert split_address(typed).geturl() == sent


@pytest.mark.parametrize(
    "bad", ["http://u:p@a.example/", "http://a.example/\x01", "http://[::1", "ftp://a.example"]
)
def test_an_address_nobody_could_mean_is_refused(bad):
    with pytest.raises(InvalidProbeError):
        split_address(bad)


def test_digits_of_other_scripts_are_refused_by_the_field_itself():
    for text in ("²²²", "٢٠٠", "200-²²²"):
        with pytest.raises(InvalidProbeError):
            PROBERS["http"].parse("http://a.example/", {"expected_status": text})
    for port in ("²²", "٢٢"):
        with pytest.raises(InvalidProbeError):
            PROBERS["tcp"].parse(f"a.example:{port}", {})


def test_what_staff_typed_stays_with_the_origin_they_named(target):
    with Target() as other:
        target.paths["/"] = (307, {"Location": f"{other.url}x"}, b"")
        headers = "Host: app.example\nX-Api-Key: s3cret\nContent-Type: text/plain\nCookie: a=1\nCookie: b=2"
        reading = look("http", target.url, {"method": "POST", "body": "b", "headers": headers})
        ((_, _, first, _),), ((method, _, second, body),) = target.asked, other.asked
    assert reading.failure is None
    assert (first["Host"], first["Cookie"]) == ("app.example", "a=1; b=2")
    assert (second["Host"], method, body) == (f"127.0.0.1:{other.port}", "POST", b"b")
    assert not {"X-Api-Key", "Cookie"} & set(second)


def test_a_cookie_set_on_the_way_opens_the_next_door(target):
    target.paths["/"] = (302, {"Location": "/in", "Set-Cookie": "seen=1; Path=/; HttpOnly"}, b"")
    assert look("http", target.url).failure is None
    assert target.asked[1][2]["Cookie"] == "seen=1"


@pytest.mark.parametrize(
    ("line", "of", "to", "sent"),
    [
        ("a=1", "https://x.example/b/c", "https://x.example/b/d", "a=1"),
        ("a=1", "https://x.example/b/c", "https://x.example/", ""),
        ("a=1", "https://x.example/", "https://y.x.example/", ""),
        ("a=1; Domain=.x.example", "https://x.example/", "https://y.x.example/", "a=1"),
        ("a=1; Domain=example", "https://x.example/", "https://y.example/", ""),
        ("a=1; Domain=y.example", "https://x.example/", "https://y.example/", ""),
        ("a=1; Secure", "https://x.example/", "http://x.example/", ""),
        ("a=1; Secure", "http://x.example/", "https://x.example/", ""),
        ("a=1; Max-Age=0", "https://x.example/", "https://x.example/", ""),
        ("a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "https://x.example/", "https://x.example/", ""),
        ("__Host-a=1; Secure; Domain=x.example; Path=/", "https://x.example/", "https://x.example/", ""),
    ],
)
def test_a_cookie_goes_where_it_may(line, of, to, sent):
    assert cookies.header(cookies.updated((), [line], split_address(of)), split_address(to)) == sent


def test_a_post_without_a_body_says_its_length(target):
    look("http", target.url, {"method": "POST"})
    assert target.asked[0][2]["Content-Length"] == "0"


@pytest.mark.parametrize(
    ("status", "method"), [(301, "GET"), (302, "GET"), (303, "GET"), (307, "POST"), (308, "POST")]
)
def test_a_redirect_keeps_or_drops_the_method_as_browsers_do(target, status, method):
    target.paths["/"] = (status, {"Location": "/x"}, b"")
    look("http", target.url, {"method": "POST", "body": "b"})
    assert target.asked[1][0] == method


def test_a_redirect_may_carry_a_login_and_raw_letters(target):
    at = f"http://user:p%40ss@127.0.0.1:{target.port}/gr\u00fc\u00df"
    target.paths["/"] = (302, {"Location": at.encode().decode("latin-1")}, b"")
    assert look("http", target.url).failure is None
    assert target.asked[1][1] == "/gr%C3%BC%C3%9F"
    assert target.asked[1][2]["Authorization"] == "Basic dXNlcjpwQHNz"


def test_a_redirect_to_a_dead_address_names_it_and_claims_nothing_of_the_first(target, free_port):
    target.paths["/"] = (302, {"Location": f"http://localhost:{free_port}/"}, b"")
    reading = look("http", target.url)
    assert reading.failure is Failure.REFUSED
    assert (reading.first_byte_ms, reading.status_code, reading.address) == (None, None, "")
    assert (reading.facts["hop"], reading.facts["host"]) == ("2", "localhost")
    assert reading.facts["address"]
    assert f"localhost, port {free_port}" in reading.detail


def asking_for_a_certificate(context, listener):
    """As nginx and all of OpenSSL do: the alert comes behind the handshake (TLS 1.3)."""
    line, _ = listener.accept()
    with context.wrap_socket(line, server_side=True, do_handshake_on_connect=False) as secure:
        with contextlib.suppress(OSError):
            secure.do_handshake()
            secure.recv(1000)
        time.sleep(0.3)  # a close with the request unread would be a reset, and overtake the alert


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_certificate_asked_for_is_a_fault_of_the_secure_connection(tmp_path, version):
    key, file = make(tmp_path, "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = version
    context.load_cert_chain(file, key)
    context.load_verify_locations(file)
    context.verify_mode = ssl.CERT_REQUIRED
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=asking_for_a_certificate, args=(context, listener))
        thread.start()
        url, egress = f"https://127.0.0.1:{listener.getsockname()[1]}/", Egress(OWN, ca_file=str(file))
        reading = look("http", url, egress=egress)
        thread.join(5)
    assert reading.failure is Failure.TLS
    if version is ssl.TLSVersion.TLSv1_3:
        assert reading.detail == "The server requires a client certificate, but none was presented."


def test_the_link_of_a_chain_that_ends_first_counts(tmp_path):
    root, middle, leaf = tmp_path / "root.pem", tmp_path / "middle.pem", tmp_path / "chain.pem"
    key = make_chain(root, middle, leaf, days=3)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(leaf, key)
    with Raw(saying(sized(b"", WELL)), tls=context) as server:
        egress = Egress(OWN, ca_file=str(root))
        for kind, at in (("http", "https://127.0.0.1:{}/"), ("tls", "127.0.0.1:{}")):
            reading = look(kind, at.format(server.port), egress=egress)
            assert (reading.failure, reading.days_left) == (None, 3)
            assert reading.facts["cert_name"] == "middle"
            assert classify(reading, Expectation(least_days_left=30))[0] is Outcome.DEGRADED


@pytest.mark.parametrize("before", [64 * 1024 - n for n in range(1, 6)])
@pytest.mark.parametrize(
    ("charset", "end"), [("utf-8", "\r\n"), ("utf-16le", "\r\n"), ("shift_jis", "\n"), ("gb18030", "\r\n")]
)
def test_a_text_is_found_wherever_a_large_body_is_cut(before, charset, end):
    words = f"日本{end}{end}は"
    filler = "x" * (before // len("x".encode(charset)))
    body = f"{filler}{words}{'y' * 70_000}".encode(charset)
    answer = sized(f"Content-Type: text/plain; charset={charset}\r\n".encode(), body)
    assert seen(answer, {"expect_text": "日本\n\nは"}).failure is None
    assert seen(answer, {"expect_text": "日本\nは"}).failure is Failure.ASSERTION
