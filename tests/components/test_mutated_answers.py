"""Answers (ten thousand in the long form), each a tidy one with some bytes gone, changed or put in."""

import asyncio
import gc
import random
import re
import tracemalloc
import zlib

import brotli
import pytest

from components import probers
from components.egress import Egress
from components.outcomes import Failure
from components.probers import PROBERS
from tests.components.test_answers import WELL, chunked, sized, zipped
from tests.components.test_probers import OWN
from tests.faults.faults import length
from tests.targets import Raw

ROOM = 1024 * 1024  # of a body
BOMB = brotli.compress("日本".encode("utf-16-le") * ROOM)
DEADLINE_S = 1.0
SLACK_MS = 1000  # of a busy machine, on which these threads wait for a core

SAMPLES = [
    sized(b"Content-Type: text/html\r\nContent-Encoding: gzip\r\n", zipped(b"x" * 5000)),
    sized(b"Content-Encoding: gzip, deflate\r\n", zlib.compress(zipped(WELL * 9))),
    sized(b"Content-Encoding: br\r\n", brotli.compress(WELL * 9)),
    chunked(
        b"5;a=b\r\nall i\r\n6\r\ns well\r\n0\r\nX: 1\r\n\r\n", b"Content-Type: text/plain;charset=big5\r\n"
    ),
    b"HTTP/1.1 302 Found\r\nLocation: /x?y\r\nSet-Cookie: a=b; Max-Age=5\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 103 Hints\r\n\r\nHTTP/1.0 200 OK\nX: 1\n  2\n\nwell",
    # more than a body may hold, in letters of two bytes and more, so that copies would be seen
    sized(b"Content-Encoding: gzip\r\n", zipped("ж".encode() * ROOM)),
    sized(b"Content-Type: text/plain; charset=utf-16le\r\nContent-Encoding: br\r\n", BOMB),
    chunked(b"%x\r\n%s\r\n0\r\n\r\n" % (len(BOMB), BOMB), b"Content-Encoding: br\r\n"),
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
MUTATED = length(1_500, 10_000)
HELD = 100  # whose line is held until the deadline, all at once


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


@pytest.fixture
def reading_of():
    """What a probe that looks for a text reads of an answer; with `holds` nobody hangs up."""
    waiting = {}

    async def behave(reader, writer):
        asked = await reader.readuntil(b"\r\n\r\n")
        answer, holds = waiting[int(re.search(rb"number=(\d+)", asked)[1])]
        writer.write(answer)
        await writer.drain()
        await asyncio.sleep(30 if holds else 0)

    with Raw(behave) as server:
        egress = Egress(OWN)

        async def look(number, answer, *, holds=False):
            waiting[number] = (answer, holds)
            cookie = {"Cookie": f"number={number}"}  # goes along when the answer redirects to itself
            options = {"expect_text": "well\nand good", "headers": cookie}
            order = PROBERS["http"].parse(f"http://127.0.0.1:{server.port}/", options)
            reading = await probers.check("http", order, deadline_s=DEADLINE_S, egress=egress)
            del waiting[number]
            return reading

        yield look


def is_ours(reading):
    return reading.failure is Failure.OWN_FAULT or "was not valid" in reading.detail


def test_mutated_answers_are_never_our_fault_nor_out_of_bounds(reading_of):
    chance = random.Random(9)

    async def go():
        for number in range(MUTATED):
            answer = mutated(chance)
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            reading = await reading_of(number, answer)
            took = tracemalloc.get_traced_memory()[1] - before
            assert took < 2 * ROOM, (answer, f"{took / ROOM:.1f} MB")
            assert not is_ours(reading), (answer, reading)
            assert reading.total_ms < 1000 * DEADLINE_S + SLACK_MS, (answer, reading)

    tracemalloc.start()
    try:
        asyncio.run(go())
        gc.collect()  # the collector is spared while there are checks
        assert tracemalloc.get_traced_memory()[0] < ROOM, "kept from one check to the next"
    finally:
        tracemalloc.stop()


def test_mutated_answers_that_stay_open_end_with_the_deadline(reading_of):
    chance = random.Random(10)

    async def go():
        looks = (reading_of(number, mutated(chance), holds=True) for number in range(HELD))
        return await asyncio.gather(*looks)

    for reading in asyncio.run(go()):
        assert not is_ours(reading), reading
        assert reading.total_ms < 1000 * DEADLINE_S + SLACK_MS, reading
