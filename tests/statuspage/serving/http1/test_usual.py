"""What is read on the short way means the same on the long one, whatever is done to a request."""

import random

import pytest

from statuspage.serving.http1 import usual
from statuspage.serving.http1.head import END, BadRequestError, parse

BROWSER = (
    b"GET /history?page=2&x=%20 HTTP/1.1\r\nHost: status.example.com:8000\r\nX-Forwarded-For: 10.0.0.1\r\n"
    b"Connection: keep-alive\r\nUser-Agent: Mozilla/5.0 (X11)\r\nAccept: */*;q=0.8\r\nCookie: a=b\r\n"
    b'Accept-Encoding:\tgzip, br \r\nIf-None-Match: "abc"\r\n\r\n'
)
USUAL = {
    "a browser's": BROWSER,
    "a short one": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "HEAD": b"HEAD / HTTP/1.1\r\nhost:a\r\nconnection:KEEP-alive\r\n\r\n",
    "empty values": b"GET /? HTTP/1.1\r\nHost: a\r\nAccept-Encoding:\r\nIf-None-Match: \t\r\nX:\r\n\r\n",
    "a header twice": b"GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: br\r\naccept-encoding: gzip\r\n\r\n",
    "bytes beyond ASCII": b"GET / HTTP/1.1\r\nHost: a\r\nX: \xff\r\n\r\n",
}
GET, HOST = b"GET / HTTP/1.1\r\n", b"Host: a\r\n"
# left to the long way: it refuses them, or there is more to them
LEFT = {
    "no end": BROWSER[:-2],
    "two requests": USUAL["a short one"] * 2,
    "a body behind it": USUAL["a short one"] + b"a",
    "another method": BROWSER.replace(b"GET", b"POST"),
    "percents": b"GET /%61 HTTP/1.1\r\n" + HOST + b"\r\n",
    "a fragment": b"GET /#a HTTP/1.1\r\n" + HOST + b"\r\n",
    "a fragment behind a query": b"GET /?a#a HTTP/1.1\r\n" + HOST + b"\r\n",
    "a whole address": b"GET http://a/ HTTP/1.1\r\n" + HOST + b"\r\n",
    "HTTP/1.0": b"GET / HTTP/1.0\r\n" + HOST + b"\r\n",
    "an end asked for": GET + HOST + b"Connection: close\r\n\r\n",
    "an end among other words": GET + HOST + b"Connection: keep-alive, close\r\n\r\n",
    "an end as another header": GET + HOST + b"Connection: keep-alive\r\nCONNECTION: close\r\n\r\n",
    "a length": GET + HOST + b"Content-Length: 0\r\n\r\n",
    "chunks": GET + b"TRANSFER-encoding: chunked\r\n" + HOST + b"\r\n",
    "an expectation": GET + HOST + b"Expect: 100-continue\r\n\r\n",
    "no host": GET + b"X-Host: a\r\n\r\n",
    "two hosts": GET + HOST + b"hOST: b\r\n\r\n",
    "a host with a slash": GET + b"Host: a/b\r\n\r\n",
    "a host with dots": GET + b"Host: a..b\r\n\r\n",
    "an empty host": GET + b"Host: \r\n\r\n",
    "a folded line": GET + HOST + b"X: a\r\n b\r\n\r\n",
    "a folded host": GET + b"Host:\r\n a\r\n\r\n",
    "a space behind a name": GET + HOST + b"X : a\r\n\r\n",
    "a line without a name": GET + HOST + b": a\r\n\r\n",
    "a line without a colon": GET + HOST + b"X\r\n\r\n",
    "an empty line in front": b"\r\n" + GET + HOST + b"\r\n",
    "a lone carriage return": GET + HOST + b"X: a\rb\r\n\r\n",
    "halves of a line end apart": GET + HOST + b"X: a\rb\nc\r\n\r\n",
    "a lone line feed": GET + HOST + b"X: a\nTransfer-Encoding: chunked\r\n\r\n",
    "a zero byte": GET + HOST + b"X: \0\r\n\r\n",
    "too many headers": GET + HOST + b"X: a\r\n" * 100 + b"\r\n",
    "too many bytes": GET + HOST + b"X: " + b"a" * usual.MAX_BYTES + b"\r\n\r\n",
}
PIECES = (
    b"\r\n", b"\r", b"\n", b" ", b"\t", b":", b"\0", b"\x7f", b"\xff", b"%", b"#", b"?", b"/", b"..", b"@",
    b"\r\n\r\n", b"\r\n ", b"Host: b\r\n", b"Content-Length: 5\r\n", b"transfer-encoding: chunked\r\n",
    b"Connection: close\r\n", b"close", b"keep-alive", b"Expect: 100-continue\r\n", b"host:", b" HTTP/1.0",
    b"If-None-Match: x\r\n", b"Accept-Encoding: br\r\n", b"GET", b"\x0b", b"\x85",
)  # fmt: skip


def long_way(block):
    """What the full parser makes of these bytes; None for what may not be answered at once."""
    if block.find(END) != len(block) - len(END):
        return None
    try:
        head = parse(block[: -len(END)])
    except BadRequestError:
        return None
    is_plain = head.method in ("GET", "HEAD") and not head.is_last and head.minor and not head.has_body
    return head.asked if is_plain and not head.expects_continue else None


@pytest.mark.parametrize("what", USUAL)
def test_usual_requests_go_the_short_way(what):
    assert usual.read(USUAL[what]) == long_way(USUAL[what]) is not None


@pytest.mark.parametrize("what", LEFT)
def test_all_others_go_the_long_way(what):
    assert usual.read(LEFT[what]) is None


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_done_to_them_both_ways_agree(seed):
    """Pieces put in, cut out and repeated at random: what the short way takes, the long way reads alike."""
    chance = random.Random(seed)
    taken = 0
    for _ in range(5_000):
        block = chance.choice([BROWSER, USUAL["HEAD"], USUAL["empty values"]])
        for _ in range(chance.randint(1, 3)):
            at = chance.randint(0, len(block))
            until = at + chance.choice([0, 0, 1, 2, 10])
            block = block[:at] + chance.choice([b"", *PIECES]) + block[until:]
        asked = usual.read(block)
        assert asked is None or asked == long_way(block), block
        taken += asked is not None
    assert taken > 500


def test_who_asks_is_noticed_in_any_case():
    assert usual.is_personal(BROWSER)
    assert usual.is_personal(BROWSER.replace(b"Cookie", b"COOKIE"))
    assert usual.is_personal(BROWSER.replace(b"Cookie", b"authorization"))
    assert not usual.is_personal(BROWSER.replace(b"Cookie", b"X-Cookie"))
