"""Answers (ten thousand in the long form), each a tidy one with some bytes gone, changed or put in."""

import asyncio
import random
import tracemalloc
import zlib

import brotli

from components import probers
from components.egress import Egress
from components.outcomes import Failure
from components.probers import PROBERS
from tests.components.test_answers import WELL, chunked, sized, zipped
from tests.components.test_probers import OWN
from tests.faults.faults import length
from tests.targets import Raw

ROOM = 1024 * 1024  # of a body


SAMPLES = [
    sized(b"Content-Type: text/html\r\nContent-Encoding: gzip\r\n", zipped(b"x" * 5000)),
    sized(b"Content-Encoding: gzip, deflate\r\n", zlib.compress(zipped(WELL * 9))),
    sized(b"Content-Encoding: br\r\n", brotli.compress(WELL * 9)),
    chunked(
        b"5;a=b\r\nall i\r\n6\r\ns well\r\n0\r\nX: 1\r\n\r\n", b"Content-Type: text/plain;charset=big5\r\n"
    ),
    b"HTTP/1.1 302 Found\r\nLocation: /x?y\r\nSet-Cookie: a=b; Max-Age=5\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 103 Hints\r\n\r\nHTTP/1.0 200 OK\nX: 1\n  2\n\nwell",
]
ODD = [
    b"\r\n",
    b"\n",
    b"\0",
    b"-1",
    b"\xff",
    b":",
    b" ",
    b"\xb2",
    b"9" * 30,
    b"ffffffff\r\n",
    b"chunked",
    b"[",
    b"://",
]
MUTATED = length(2_500, 10_000)


def mutated(chance):
    data = bytearray(chance.choice(SAMPLES))
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(data) + 1)
        if chance.random() < 0.4:
            del data[at : at + chance.randint(1, 30)]
        elif chance.random() < 0.5:
            data[at:at] = chance.choice(ODD)
        else:
            data[at : at + 1] = bytes([chance.randrange(256)])
    return bytes(data)


def test_mutated_answers_are_never_our_fault_nor_out_of_bounds():
    chance = random.Random(9)
    waiting = []

    async def behave(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(waiting.pop())
        await writer.drain()

    async def go(port):
        egress, worst_ms, ours = Egress(OWN), 0.0, []
        order = PROBERS["http"].parse(f"http://127.0.0.1:{port}/", {"expect_text": "well"})
        for _ in range(MUTATED):
            answer = mutated(chance)
            waiting[:] = [answer] * 7
            reading = await probers.check("http", order, deadline_s=1.0, egress=egress)
            worst_ms = max(worst_ms, reading.total_ms)
            if reading.failure is Failure.OWN_FAULT or "could not be understood" in reading.detail:
                ours.append((answer, reading.detail))
        return worst_ms, ours

    with Raw(behave) as server:
        tracemalloc.start()
        worst_ms, ours = asyncio.run(go(server.port))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert ours == []
    assert most < 2 * ROOM
    assert worst_ms < 3000
