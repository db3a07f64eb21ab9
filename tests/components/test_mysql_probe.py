"""MySQL probes: a real MariaDB, and recorded or hostile servers for what it cannot show."""

import asyncio
import hashlib
import struct

import pymysql
import pytest

from components.egress import Egress
from components.outcomes import Expectation, Failure, Outcome, classify
from components.probers.mysql_line import _proof
from tests.certificates import make
from tests.components.test_probers import OWN, look
from tests.mariadb import MISSING, MariaDB
from tests.targets import Raw

PLAIN = {"tls": "off"}
ADA = {"user": "ada", "password": "open sesame"}
BEGIN = """
CREATE OR REPLACE USER ada@'127.0.0.1' IDENTIFIED BY 'open sesame';
CREATE OR REPLACE USER nobody@'127.0.0.1';
CREATE OR REPLACE USER strict@'127.0.0.1' IDENTIFIED BY 'x' REQUIRE SSL;
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    if MISSING:
        pytest.skip(MISSING)
    key, certificate = make(tmp_path_factory.mktemp("tls"), "127.0.0.1")
    made = MariaDB(key, certificate, BEGIN, **{"max-connections": "10"})
    made.egress = Egress(OWN, ca_file=str(certificate))
    yield made
    made.close()


def at(server, options=None, **more):
    return look("mysql", f"127.0.0.1:{server.port}", options, **more)


def test_a_healthy_server_answers_and_counts_its_connections(server):
    reading = at(server, ADA, egress=server.egress)
    assert (reading.failure, reading.detail, reading.days_left) == (None, "", 30)
    assert reading.facts["connections"].endswith(" of 10")
    assert "MariaDB" in reading.facts["server"]
    assert None not in (reading.connect_ms, reading.tls_ms, reading.first_byte_ms, reading.transfer_ms)
    assert at(server, {**ADA, **PLAIN}).failure is None
    assert at(server, {"user": "nobody", **PLAIN}).failure is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({**ADA, "password": "guess"}, "rejects the user or password (error 1045)"),
        ({"user": "ada"}, "rejects the user or password (error 1045)"),
        ({**ADA, "database": "nowhere"}, "(error 1044)"),
        ({"user": "root", "database": "nowhere"}, "no such database (error 1049)"),
        ({"user": "strict", "password": "x"}, "rejects the user or password"),
    ],
)
def test_a_login_that_is_refused_is_explained(server, options, words):
    reading = at(server, {**options, **PLAIN})
    assert reading.failure is Failure.STATUS
    assert words in reading.detail


def test_a_certificate_nobody_vouches_for_is_down(server):
    assert at(server, ADA).failure is Failure.TLS


def test_connections_near_their_maximum_are_degraded_then_down_then_used_up(server):
    options = {**ADA, "degraded_above": "60", "down_above": "80", **PLAIN}
    held = [pymysql.connect(host="127.0.0.1", port=server.port, user="nobody") for _ in range(6)]
    try:
        near = at(server, options)
        assert classify(near, Expectation())[0] is Outcome.DEGRADED
        held += [pymysql.connect(host="127.0.0.1", port=server.port, user="nobody") for _ in range(2)]
        over = at(server, options)
        assert (over.failure, "9 of 10" in over.detail) == (Failure.LIMIT, True)
        held += [pymysql.connect(host="127.0.0.1", port=server.port, user="nobody") for _ in range(2)]
        full = at(server, options)
        assert full.failure is Failure.STATUS
        assert full.detail == "The server has used up its connections (error 1040)."
    finally:
        for connection in held:
            connection.close()


def packet(number, body):
    return struct.pack("<I", len(body))[:3] + bytes([number]) + body


NONCE = bytes(range(1, 21))
FLAGS = 0x8_A200  # PLUGIN_AUTH, SECURE_CONNECTION, TRANSACTIONS, PROTOCOL_41


def greeting(plugin=b"caching_sha2_password", flags=FLAGS):
    """As MySQL 8.0 sends it (recorded, without its version's tail)."""
    low, high = struct.pack("<H", flags & 0xFFFF), struct.pack("<H", flags >> 16)
    body = b"\x0a8.0.36\0" + struct.pack("<I", 7) + NONCE[:8] + b"\0" + low + b"\xff\x02\0" + high
    return packet(0, body + b"\x15" + b"\0" * 10 + NONCE[8:] + b"\0" + plugin + b"\0")


OK = b"\0\0\0\x02\0\0\0"


def result(first, *values):
    """A result set of one row."""
    row = b"".join(bytes([len(value)]) + value for value in values)
    parts = [bytes([len(values)]), *[b"\x03def" for _ in values], b"\xfe\0\0\x02\0", row, b"\xfe\0\0\x02\0"]
    return b"".join(packet(first + number, part) for number, part in enumerate(parts))


class MySQL8(Raw):
    """Talks as MySQL 8 with caching_sha2_password: `word` is the right password, known already or not."""

    def __init__(self, word, *, is_cached=True):
        self.word, self.is_cached, self.heard = word, is_cached, []
        super().__init__(self.talk)

    async def read(self, reader):
        head = await reader.readexactly(4)
        return await reader.readexactly(int.from_bytes(head[:3], "little"))

    async def talk(self, reader, writer):
        writer.write(greeting())
        login = await self.read(reader)
        self.heard.append(login)
        once = hashlib.sha256(self.word).digest()
        twice = hashlib.sha256(hashlib.sha256(once).digest() + NONCE).digest()
        right = bytes(a ^ b for a, b in zip(once, twice, strict=True))
        if right not in login:
            writer.write(packet(2, b"\xff\x15\x04#28000Access denied"))
            await writer.drain()
            return
        if not self.is_cached:
            writer.write(packet(2, b"\x01\x04"))
            self.heard.append(await self.read(reader))
        writer.write(packet(2, b"\x01\x03") + packet(3, OK))
        for values in ((b"1",), (b"Threads_connected", b"7"), (b"151",)):
            await self.read(reader)
            writer.write(result(1, *values))
        await reader.read(100)


def test_mysql_8_is_logged_in_to():
    with MySQL8(b"open sesame") as server:
        right = at(server, {**ADA, **PLAIN})
        wrong = at(server, {**ADA, "password": "x", **PLAIN})
    assert (right.failure, right.facts["connections"]) == (None, "7 of 151")
    assert wrong.detail == "The server rejects the user or password (error 1045)."


def test_a_password_in_plain_text_is_sent_with_tls_only():
    with MySQL8(b"open sesame", is_cached=False) as server:
        reading = at(server, {**ADA, **PLAIN})
    assert (reading.failure, "only with TLS" in reading.detail) == (Failure.STATUS, True)
    assert b"open sesame" not in b"".join(server.heard)


def test_proofs_are_those_of_a_known_driver():
    from pymysql import _auth

    for word in ("open sesame", "pä$$", "x" * 300):
        assert _proof("mysql_native_password", word, NONCE) == _auth.scramble_native_password(
            word.encode(), NONCE
        )
        assert _proof("caching_sha2_password", word, NONCE) == _auth.scramble_caching_sha2(
            word.encode(), NONCE
        )


@pytest.mark.parametrize(
    ("said", "failure", "words"),
    [
        (packet(0, b"\xff\x10\x04Too many connections"), Failure.STATUS, "used up its connections"),
        (packet(0, b"\xff\x10\x04#08004Trop de connexions"), Failure.STATUS, "used up its connections"),
        (packet(0, b"\xff\x1d\x04Server shutdown in progress"), Failure.STATUS, "shutting down"),
        (packet(0, b"\xff\x69\x04blocked"), Failure.STATUS, "blocks our address"),
        (packet(0, b"\xff\x6a\x04no"), Failure.STATUS, "does not allow connections from our address"),
        (packet(0, b"\xff\xe8\x03odd \xff\x00"), Failure.STATUS, "answers with an error"),
        (packet(0, b"\xff"), Failure.PROTOCOL, "not MySQL"),
        (packet(0, b"\x09old\0"), Failure.PROTOCOL, "not MySQL"),
        (packet(0, b"\x0a" + b"x" * 90), Failure.PROTOCOL, "not MySQL"),
        (b"SSH-2.0-OpenSSH_9.2\r\n" + b"x" * 99, Failure.PROTOCOL, "not MySQL"),
        (packet(0, b""), Failure.PROTOCOL, "not MySQL"),
        (greeting(b"dialog"), Failure.STATUS, "not supported (dialog)"),
        (greeting() + packet(2, b"\xfedialog\0" + NONCE), Failure.STATUS, "not supported (dialog)"),
        (greeting() + packet(2, b"\x01\x03") * 2000, Failure.PROTOCOL, "does not end"),
        (greeting() + packet(2, b"\x05"), Failure.PROTOCOL, "not MySQL"),
        (greeting() + packet(2, OK) + packet(1, b"\xfb"), Failure.PROTOCOL, "not MySQL"),
        (greeting() + packet(2, OK) + result(1, b"2"), Failure.PROTOCOL, "not 1"),
        (greeting() + packet(2, OK) + packet(1, b"\xff\x1d\x04bye"), Failure.STATUS, "shutting down"),
        (greeting()[:30], Failure.RESET, "closed"),
        (b"", Failure.RESET, "closed"),
    ],
)  # fmt: skip
def test_what_a_server_may_say_instead(said, failure, words):
    async def behave(reader, writer):
        writer.write(said)
        await writer.drain()
        await asyncio.sleep(0.1)

    with Raw(behave) as server:
        reading = at(server, {**ADA, **PLAIN}, deadline_s=1.0)
    assert reading.failure is failure
    assert words in reading.detail


def test_what_is_said_in_plain_text_before_tls_is_not_taken_as_said_in_it():
    async def behave(reader, writer):
        writer.write(greeting(flags=FLAGS | 0x800) + packet(2, OK))
        await writer.drain()
        await reader.read(100)

    with Raw(behave) as server:
        reading = at(server, ADA)
    assert (reading.failure, "plain text after" in reading.detail) == (Failure.PROTOCOL, True)


def test_a_server_without_tls_is_down_until_the_probe_does_not_want_it():
    with MySQL8(b"open sesame") as server:
        assert "does not offer TLS" in at(server, ADA).detail
