"""A body means the same however it is cut into packets: whole, byte by byte, or anyhow."""

import random

import pytest

from statuspage.serving.http1.body import Body
from statuspage.serving.http1.head import BadRequestError

CHUNKS = b'5\r\nhello\r\n1A ; a="b"\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\nX: y\r\n\r\n'
BEHIND = b"GET /behind HTTP/1.1\r\n\r\n"
PIECES = (
    b"\r\n",
    b"\r",
    b"\n",
    b"0\r\n\r\n",
    b"5\r\n",
    b"f" * 20,
    b" ",
    b";",
    b"\0",
    b"x" * 250,
    b"-",
    b"0x",
    b"0",
)


def read(data, sizes, length=None):
    """(body, what is left behind it or None) when it comes in packets of these sizes."""
    body, buffer, got = Body(length), bytearray(), b""
    while data and not body.is_over:
        size = next(sizes)
        buffer += data[:size]
        data = data[size:]
        try:
            got += body.take(buffer)
        except BadRequestError:
            return "malformed"
    return (got, bytes(buffer) + data) if body.is_over else "incomplete"


def always(size):
    while True:
        yield size


def by_chance(chance):
    while True:
        yield chance.randint(1, 12)


def test_it_is_whole_and_what_is_behind_it_stays():
    body = b"helloabcdefghijklmnopqrstuvwxyz"
    for size in (1, 2, 7, 1_000):
        assert read(CHUNKS + BEHIND, always(size)) == (body, BEHIND)
        assert read(body + BEHIND, always(size), len(body)) == (body, BEHIND)


@pytest.mark.parametrize("seed", range(4))
def test_packets_do_not_change_what_it_means(seed):
    chance, kinds = random.Random(seed), set()
    for _ in range(3_000):
        data = CHUNKS + BEHIND
        for _ in range(chance.randint(0, 3)):
            at = chance.randint(0, len(data))
            data = data[:at] + chance.choice([b"", *PIECES]) + data[at + chance.choice([0, 0, 1, 3]) :]
        whole = read(data, always(len(data)))
        assert read(data, always(1)) == read(data, by_chance(chance)) == whole, data
        kinds.add(whole if isinstance(whole, str) else "whole")
    assert kinds == {"malformed", "incomplete", "whole"}
