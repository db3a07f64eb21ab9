"""What no server can do to a check: hide its failure, keep the worker busy, or speak to a terminal."""

import asyncio
import base64
import struct

import pytest

from components.egress import Egress
from components.outcomes import Failure
from components.probers.scram import MAX_ITERATIONS, Scram, ScramError
from tests.components.test_postgres_probe import message
from tests.components.test_probers import OWN, look
from tests.targets import Raw

CHALLENGES = 40
ODD = "we\0ird \x1b[2J\x9b31m \u202egnp.exe\u2066 \x85 \u2028 end"


def test_a_server_cannot_have_a_login_computed_again_and_again():
    """Each round of hashing holds up every other check of the worker."""
    proofs = []

    async def behave(reader, writer):
        (length,) = struct.unpack("!i", await reader.readexactly(4))
        await reader.readexactly(length - 4)
        writer.write(message(b"R", struct.pack("!i", 10) + b"SCRAM-SHA-256\0\0"))
        await reader.readuntil(b"r=")
        nonce = await reader.read(100)
        salt = base64.b64encode(b"salt").decode()
        challenge = f"r={nonce.decode()}x,s={salt},i={MAX_ITERATIONS}".encode()
        writer.write(message(b"R", struct.pack("!i", 11) + challenge) * CHALLENGES)
        proofs.append((await reader.read(-1)).count(b"c=biws"))

    with Raw(behave) as server:
        options = {"user": "ada", "password": "open sesame", "tls": "off"}
        reading = look("postgres", f"127.0.0.1:{server.port}", options, deadline_s=10)
    assert (reading.failure, reading.detail) == (
        Failure.STATUS,
        "The server's side of the login by password is not valid.",
    )
    assert proofs == [1]


def test_one_login_answers_one_challenge():
    scram = Scram("pencil", nonce="abc")
    scram.final("r=abcd,s=c2FsdA==,i=1")
    with pytest.raises(ScramError):
        scram.final("r=abce,s=c2FsdA==,i=1")


GREETINGS = {
    "smtp": b"220 %s\r\n",
    "imap": b"* OK %s\r\n",
    "mysql": None,
}


def greeting(kind):
    said = ODD.encode()
    if kind != "mysql":
        return GREETINGS[kind] % said
    body = (
        b"\x0a"
        + ODD.replace("\0", "").encode()
        + b"\0"
        + b"\1\0\0\0"
        + b"n" * 8
        + b"\0"
        + b"\xff" * 30
        + b"\0" * 30
    )
    return struct.pack("<I", len(body))[:3] + b"\0" + body


@pytest.mark.parametrize("kind", GREETINGS)
def test_a_greeting_that_no_database_takes_hides_no_silence(kind):
    """It greets with letters that cannot be stored, and says nothing more: that is stored all the same."""

    async def behave(reader, writer):
        writer.write(greeting(kind))
        await reader.read(-1)
        await asyncio.sleep(30)

    options = {"tls": "none"} if kind != "mysql" else {"tls": "off"}
    with Raw(behave) as server:
        reading = look(kind, f"127.0.0.1:{server.port}", options, deadline_s=0.5)
    assert reading.failure in (Failure.TIMEOUT_TRANSFER, Failure.TIMEOUT_FIRST_BYTE)
    said = reading.facts["greeting" if kind != "mysql" else "server"]
    assert (said.removeprefix("* OK ")[:2], said[-3:]) == ("we", "end")
    assert said.isprintable()


@pytest.mark.parametrize("kind", ["smtp", "imap", "redis"])
def test_what_a_server_says_is_nothing_to_a_terminal(kind):
    said = {"smtp": b"421 %s\r\n", "imap": b"* BYE %s\r\n", "redis": b"-%s\r\n"}[kind] % ODD.encode()

    async def behave(reader, writer):
        writer.write(said)
        await reader.read(-1)

    with Raw(behave) as server:
        reading = look(kind, f"127.0.0.1:{server.port}", {"tls": "none"} if kind != "redis" else {})
    assert reading.failure is Failure.STATUS
    for text in (reading.detail, reading.excerpt, *reading.facts.values()):
        assert text.replace("\n", " ").isprintable(), text


@pytest.mark.parametrize("kind", ["postgres", "redis"])
def test_a_password_in_an_error_is_hidden_however_it_is_quoted(kind):
    word = "op\"en \\ 'sesame'"
    quoted = word.replace("\\", "\\\\").replace('"', '\\"')
    text = f'login "{quoted}" or {word.replace(chr(39), chr(39) * 2)} is wrong'.encode()
    said = {
        "postgres": message(b"E", b"SFATAL\0C99999\0M" + text + b"\0\0"),
        "redis": b"-ERR " + text + b"\r\n",
    }[kind]

    async def behave(reader, writer):
        writer.write(said)
        await reader.read(-1)

    options = {"user": "ada", "password": word, **({"tls": "off"} if kind == "postgres" else {})}
    with Raw(behave) as server:
        reading = look(kind, f"127.0.0.1:{server.port}", options, egress=Egress(OWN))
    assert reading.failure is Failure.STATUS
    for text in (reading.detail, reading.excerpt):
        assert "sesame" not in text
        assert "•••" in text
