"""A head that comes in one piece is read at once, others line by line: both must read the same."""

import asyncio

import pytest

from components import wire
from components.egress import Line

GOOD = b"HTTP/1.1 200 OK\r\nServer: a\r\nX: 1\r\n 2\r\nx: 3\r\n\r\nbody"
HEADS = {
    "plain": GOOD,
    "no headers": b"HTTP/1.0 204\r\n\r\n",
    "interim": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + GOOD,
    "bare line feeds": GOOD.replace(b"\r\n", b"\n"),
    "mixed ends": b"HTTP/1.1 200 OK\r\nA: 1\nB: 2\r\n\nbody",
    "blank lines first": b"\r\n\r\n" + GOOD,
    "stray returns": b"HTTP/1.1 200 OK\r\nA: 1\r2\r\r\n\r\nbody",
    "null": b"HTTP/1.1 200 OK\r\nA: 1\0\r\n\0B: 2\r\n\r\nbody",
    "not a name": b"HTTP/1.1 200 OK\r\nnonsense\r\n: x\r\nA:\r\n\r\nbody",
    "bad status": b"HTTP/1.1 099 No\r\n\r\n",
    "another protocol": b"SSH-2.0-OpenSSH\r\n\r\n",
    "version 2": b"HTTP/2.0 200 OK\r\n\r\n",
    "cut": b"HTTP/1.1 200 OK\r\nA: 1\r\n",
    "nothing": b"",
    "too large": b"HTTP/1.1 200 OK\r\nA: " + b"x" * 70_000 + b"\r\n\r\n",
    "nearly too large": b"HTTP/1.1 200 OK\r\nA: " + b"x" * 65_000 + b"\r\n\r\nbody",
    "too large together": (b"HTTP/1.1 100 Wait\r\nA: " + b"x" * 40_000 + b"\r\n\r\n") * 2,
}  # fmt: skip


async def read(pieces):
    reader = asyncio.StreamReader(limit=2**20)
    line = Line(reader, None, "192.0.2.1", 4, None, 0.0)

    async def feed():
        for piece in pieces:
            reader.feed_data(piece)
            await asyncio.sleep(0)
        reader.feed_eof()

    feeding = asyncio.create_task(feed())
    try:
        head = await wire.read_head(line)
    except (wire.MalformedAnswerError, wire.TooLargeError, OSError) as error:
        return type(error), str(error)
    finally:
        await feeding
    return head, bytes(line.unread) + await reader.read()


@pytest.mark.parametrize("name", HEADS)
def test_a_head_is_the_same_in_one_piece_and_in_many(name):
    answer = HEADS[name]
    by_line = [row + b"\n" for row in answer.split(b"\n")[:-1]] + [answer.split(b"\n")[-1]]
    at_once = asyncio.run(read([answer] if answer else []))
    assert asyncio.run(read([piece for piece in by_line if piece])) == at_once
    if len(answer) < 1000:
        assert asyncio.run(read([answer[at : at + 1] for at in range(len(answer))])) == at_once
    assert name not in ("plain", "interim") or (at_once[0].values("x"), at_once[1]) == (["1 2", "3"], b"body")
