"""PostgreSQL probes, against a real server: logins, TLS, full, shutting down, starting up."""

import asyncio
import hashlib
import signal
import ssl
import struct
import time

import psycopg
import pytest

from components.egress import Egress
from components.outcomes import Expectation, Failure, Outcome, classify
from components.probers import PROBERS, InvalidProbeError
from components.probers.scram import Scram, ScramError, prepared
from tests.certificates import make
from tests.components.test_probers import OWN, look
from tests.servers import PostgreSQL
from tests.targets import Raw

PLAIN = {"tls": "off"}
LOGINS = (("scram", "scram-sha-256", "pä$$ wörd"), ("old", "md5", "old"), ("clear", "md5", "clear"))
RULES = "host all scram all scram-sha-256\nhost all old all md5\nhost all clear all password\n"


@pytest.fixture(scope="module")
def server():
    made = PostgreSQL(max_connections="12", superuser_reserved_connections="2")
    try:
        with psycopg.connect(made.url("postgres"), autocommit=True) as admin:
            for user, kind, word in LOGINS:
                admin.execute(f"SET password_encryption = '{kind}'")
                admin.execute(f"CREATE ROLE {user} LOGIN PASSWORD '{word}'")
            admin.execute("CREATE ROLE plain LOGIN")
            hba = made.data / "pg_hba.conf"
            hba.write_text(RULES + hba.read_text())
            admin.execute("SELECT pg_reload_conf()")
        time.sleep(0.3)
        yield made
    finally:
        made.close()


@pytest.fixture
def secured(server, tmp_path):
    """The same server with TLS in front, which the wheel's own build has not."""
    key, certificate = make(tmp_path, "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def behave(reader, writer):
        await reader.readexactly(8)
        writer.write(b"S")
        await writer.start_tls(context)
        inner, outer = await asyncio.open_connection("127.0.0.1", server.port)
        try:
            await asyncio.gather(pump(reader, outer), pump(inner, writer), return_exceptions=True)
        finally:
            for end in (outer, writer):
                end.transport.abort()

    async def pump(source, sink):
        while data := await source.read(65536):
            sink.write(data)
        sink.close()

    with Raw(behave) as proxy:
        proxy.egress = Egress(OWN, ca_file=str(certificate))
        yield proxy


def at(server, options=None, **more):
    return look("postgres", f"127.0.0.1:{server.port}", options, **more)


def test_a_healthy_server_answers_and_counts_its_connections(server):
    reading = at(server, {"user": "plain", **PLAIN})
    assert (reading.failure, reading.detail) == (None, "")
    assert reading.facts["connections"].endswith(" of 10")
    assert 0 < float(reading.facts["value"]) <= 0.5
    assert None not in (reading.connect_ms, reading.first_byte_ms, reading.transfer_ms)


@pytest.mark.parametrize(("user", "_", "word"), LOGINS)
def test_each_kind_of_login_is_right_or_wrong(secured, user, _, word):
    right = at(secured, {"user": user, "password": word}, egress=secured.egress)
    assert (right.failure, right.detail, right.days_left) == (None, "", 30)
    assert right.tls_ms is not None
    wrong = at(secured, {"user": user, "password": "guess"}, egress=secured.egress)
    assert (wrong.failure, "rejects the user or password" in wrong.detail) == (Failure.STATUS, True)
    none = at(secured, {"user": user}, egress=secured.egress)
    assert none.detail == "The server requires a password."


def test_a_password_in_plain_text_is_sent_with_tls_only(server):
    reading = at(server, {"user": "clear", "password": "clear", **PLAIN})
    assert (reading.failure, "only with TLS" in reading.detail) == (Failure.STATUS, True)


def test_a_certificate_nobody_vouches_for_is_down(secured):
    assert at(secured, {"user": "plain"}).failure is Failure.TLS


def test_a_server_without_tls_is_down_until_the_probe_does_not_want_it(server):
    reading = at(server, {"user": "plain"})
    assert (reading.failure, "does not offer TLS" in reading.detail) == (Failure.STATUS, True)


def test_a_database_that_is_not_there_is_named(server):
    reading = at(server, {"user": "plain", "database": "nowhere", **PLAIN})
    assert (reading.failure, "no such database" in reading.detail) == (Failure.STATUS, True)


def test_connections_near_their_maximum_are_degraded_then_down_then_used_up(server):
    options = {"user": "plain", "degraded_above": "60", "down_above": "80", **PLAIN}
    assert at(server, options).degraded == ""
    url = f"postgresql://plain@127.0.0.1:{server.port}/postgres"
    held = [psycopg.connect(url) for _ in range(6)]
    try:
        near = at(server, options)
        assert classify(near, Expectation())[0] is Outcome.DEGRADED
        assert "of 10 connections are in use" in near.degraded
        held += [psycopg.connect(url) for _ in range(2)]
        over = at(server, options)
        assert (over.failure, "limit is 80%" in over.detail) == (Failure.LIMIT, True)
        held += [psycopg.connect(url) for _ in range(2)]
        full = at(server, options)
        assert full.failure is Failure.STATUS
        assert full.detail == "The server has used up its connections (SQLSTATE 53300)."
        assert "53300" in full.excerpt
    finally:
        for connection in held:
            connection.close()


def test_a_server_that_shuts_down_starts_up_or_is_gone_says_so(server):
    options = {"user": "plain", **PLAIN}
    held = psycopg.connect(server.url("postgres"))
    server.process.send_signal(signal.SIGTERM)  # a smart shutdown: it waits for the session
    time.sleep(0.3)
    leaving = at(server, options)
    held.close()
    server.process.wait(30)
    assert (leaving.failure, leaving.detail) == (
        Failure.STATUS,
        "The server is shutting down (SQLSTATE 57P03).",
    )
    assert at(server, options).failure is Failure.REFUSED
    waits = server.data / "standby.signal"
    waits.touch()
    server.options |= {"hot_standby": "off", "restore_command": "false"}
    try:
        server.start(is_awaited=False)
        end = time.monotonic() + 20
        while (coming := at(server, options)).failure is Failure.REFUSED and time.monotonic() < end:
            time.sleep(0.1)
        assert coming.failure is Failure.STATUS
        assert "SQLSTATE 57P03" in coming.detail
    finally:
        server.stop_at_once()
        waits.unlink()
        del server.options["hot_standby"], server.options["restore_command"]
        server.start()


def message(kind, body):
    return kind + struct.pack("!i", len(body) + 4) + body


READY, FINE = message(b"Z", b"I"), message(b"R", struct.pack("!i", 0))


@pytest.mark.parametrize(
    ("said", "failure", "words"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", Failure.PROTOCOL, "not PostgreSQL"),
        (message(b"R", b"\0"), Failure.PROTOCOL, "not PostgreSQL"),
        (message(b"R", struct.pack("!i", 7)), Failure.STATUS, "not supported (number 7)"),
        (FINE + message(b"N", b"\0") * 2000, Failure.PROTOCOL, "does not end"),
        (b"R\xff\xff\xff\xff", Failure.PROTOCOL, "not PostgreSQL"),
        (FINE + b"Z\0", Failure.RESET, "closed"),
        (FINE + READY + message(b"D", b"\0\x05\0\0") + READY, Failure.PROTOCOL, "not PostgreSQL"),
        (FINE + READY + message(b"D", struct.pack("!hi", 1, 1) + b"2") + READY, Failure.PROTOCOL, "not 1"),
        (message(b"E", b"SFATAL\0C57P01\0Mbye\0\0"), Failure.STATUS, "shutting down (SQLSTATE 57P01)"),
        (message(b"E", b"SFATAL\0C57P03\0Mdas Datenbanksystem startet\0\0"), Failure.STATUS, "57P03"),
        (message(b"E", b"\xff\0C\0"), Failure.STATUS, "answers with an error"),
        (b"", Failure.RESET, "closed"),
    ],
)  # fmt: skip
def test_what_a_server_may_say_instead(said, failure, words):
    async def behave(reader, writer):
        await reader.read(1000)
        writer.write(said)
        await writer.drain()
        await asyncio.sleep(0.1)

    with Raw(behave) as server:
        reading = at(server, PLAIN, deadline_s=1.0)
    assert (reading.failure, reading.detail) == (failure, reading.detail)
    assert words in reading.detail


@pytest.mark.parametrize(
    ("said", "failure", "words"),
    [
        (b"N", Failure.STATUS, "does not offer TLS"),
        (b"Sinjected", Failure.PROTOCOL, "plain text after"),
        (b"EFATAL", Failure.PROTOCOL, "not PostgreSQL"),
        (b"", Failure.RESET, "closed"),
    ],
)
def test_what_a_server_may_say_to_the_wish_for_tls(said, failure, words):
    async def behave(reader, writer):
        await reader.readexactly(8)
        writer.write(said)
        await writer.drain()

    with Raw(behave) as server:
        reading = at(server)
    assert reading.failure is failure
    assert words in reading.detail


def test_scram_is_that_of_the_standard():
    """The example of RFC 7677, section 3."""
    scram = Scram("pencil", nonce="rOprNGfwEbeRWgbNEkqO")
    challenge = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    assert scram.first("user") == "n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    assert scram.final(challenge, "user").endswith(",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
    scram.verify("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
    with pytest.raises(ScramError):
        scram.verify("v=" + "A" * 43 + "=")


@pytest.mark.parametrize(
    "challenge",
    ["", "r=other,s=QQ==,i=4096", "r=n1,s=QQ==,i=99999999", "r=n1,s=!!,i=1", "r=n1,s=,i=1", "r=n1,i=1"],
)
def test_a_hostile_challenge_is_refused(challenge):
    with pytest.raises(ScramError):
        Scram("x", nonce="n").final(challenge)


def test_passwords_are_prepared_as_the_server_does():
    assert prepared("a\u00a0b\u00adc\uff11") == b"a bc1"
    assert hashlib.sha256(prepared("plain")).digest() == hashlib.sha256(b"plain").digest()


@pytest.mark.parametrize(
    ("options", "field"), [({"user": "a\nb"}, "user"), ({"database": "a\0"}, "database")]
)
def test_what_cannot_be_meant_is_refused(options, field):
    with pytest.raises(InvalidProbeError) as refused:
        PROBERS["postgres"].parse("db.example.org", options)
    assert refused.value.field == field
