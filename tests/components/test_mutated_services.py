"""Whatever a service says, a check says something of it: never that the check itself failed."""

import asyncio
import random
import struct

import pytest

from components.outcomes import Failure
from tests.components.test_mysql_probe import OK, greeting, packet, result
from tests.components.test_postgres_probe import FINE, READY, message
from tests.components.test_probers import look
from tests.targets import Raw

ONE = message(b"D", struct.pack("!hi", 1, 1) + b"1")
NUMBERS = message(b"D", struct.pack("!hi", 2, 1) + b"4" + struct.pack("!i", 2) + b"10")
LOGIN = {"user": "ada", "password": "open sesame"}
SAID = {
    "redis": ({"password": "x"}, b"+OK\r\n+PONG\r\n$38\r\nconnected_clients:4\r\nmaxclients:10000\r\n\r\n"),
    "smtp": ({"tls": "none"}, b"220 mail ready\r\n250-mail\r\n250 AUTH PLAIN\r\n221 bye\r\n"),
    "imap": ({"tls": "none"}, b"* OK ready\r\n* CAPABILITY IMAP4rev1\r\na1 OK done\r\na5 OK bye\r\n"),
    "postgres": ({**LOGIN, "tls": "off"}, FINE + READY + ONE + READY + NUMBERS + READY),
    "mysql": (
        {**LOGIN, "tls": "off"},
        greeting()
        + packet(2, OK)
        + result(1, b"1")
        + result(1, b"Threads_connected", b"7")
        + result(1, b"9"),
    ),
    "grpc": (
        {"tls": "off"},
        b"\0\0\0\4\0\0\0\0\0" + b"\0\0\1\1\4\0\0\0\1\x88" + b"\0\0\7\0\1\0\0\0\1" + b"\0" * 7,
    ),
}


def mutated(data, seed):
    """The same with a few bytes changed, cut, doubled, or followed by others."""
    chance = random.Random(seed)
    data = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(data) or 1)
        kind = chance.randrange(4)
        if kind == 0 and data:
            data[place] = chance.randrange(256)
        elif kind == 1:
            del data[place:]
        elif kind == 2:
            data[place:place] = data[place : place + chance.randint(1, 40)]
        else:
            data[place:place] = chance.randbytes(chance.randint(1, 30))
    return bytes(data)


@pytest.mark.parametrize("kind", SAID)
def test_what_is_nearly_right_is_up_or_their_fault(kind, caplog):
    options, said = SAID[kind]
    answers = iter([said, *(mutated(said, seed) for seed in range(60))])

    async def behave(reader, writer):
        writer.write(next(answers))
        await writer.drain()
        await asyncio.sleep(0.02)

    failures = set()
    with Raw(behave) as server:
        whole = look(kind, f"127.0.0.1:{server.port}", options, deadline_s=0.5)
        for seed in range(60):
            reading = look(kind, f"127.0.0.1:{server.port}", options, deadline_s=0.5)
            failures.add(reading.failure)
            assert reading.failure is not Failure.OWN_FAULT, (seed, reading.detail)
            assert reading.failure is None or reading.detail, seed
    if kind != "grpc":
        assert whole.failure is None, whole.detail
    assert failures - {None}
    assert "unexpected error" not in caplog.text
