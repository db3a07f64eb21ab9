"""Redis probes, against a real Valkey, and against servers that refuse or speak something else."""

import pytest
import redis

from components.outcomes import Expectation, Failure, Outcome, classify
from components.probers import PROBERS, InvalidProbeError, services
from components.probers.base import Clock
from tests.components.test_probers import look
from tests.servers import Valkey
from tests.targets import Raw


@pytest.fixture(scope="module")
def valkey():
    server = Valkey(None, "--maxclients", "40")
    yield server
    server.close()


@pytest.fixture
def clients(valkey):
    """So many connections beside the probe's own."""
    opened = []

    def open_clients(number):
        for _ in range(number):
            opened.append(redis.Redis.from_url(valkey.url))
            opened[-1].ping()

    yield open_clients
    for client in opened:
        client.close()


def test_a_healthy_server_answers_and_says_how_many_are_connected(valkey):
    reading = look("redis", f"127.0.0.1:{valkey.port}")
    assert (reading.failure, reading.degraded) == (None, "")
    assert reading.facts["connections"].endswith("of 40")
    assert 0 < float(reading.facts["value"]) < 0.5
    assert None not in (reading.dns_ms, reading.connect_ms, reading.first_byte_ms, reading.transfer_ms)


def test_connections_near_their_maximum_are_degraded_then_down(valkey, clients):
    limits = {"degraded_above": "40", "down_above": "80"}
    assert look("redis", f"127.0.0.1:{valkey.port}", limits).degraded == ""
    clients(20)
    near = look("redis", f"127.0.0.1:{valkey.port}", limits)
    assert classify(near, Expectation())[0] is Outcome.DEGRADED
    assert "of 40 connections are in use" in near.degraded
    clients(14)
    full = look("redis", f"127.0.0.1:{valkey.port}", limits)
    assert full.failure is Failure.LIMIT
    assert "the limit is 80%" in full.detail


def test_a_server_without_a_free_connection_says_so(valkey, clients):
    valkey_admin = redis.Redis.from_url(valkey.url)
    valkey_admin.config_set("maxclients", 3)
    try:
        clients(2)
        reading = look("redis", f"127.0.0.1:{valkey.port}")
        assert reading.failure is Failure.STATUS
        assert "used up its connections" in reading.detail
        assert "max number of clients" in reading.excerpt
    finally:
        valkey_admin.config_set("maxclients", 40)
        valkey_admin.close()


def test_a_password_is_needed_wrong_or_right(valkey):
    with redis.Redis.from_url(valkey.url) as admin:
        admin.config_set("requirepass", "open sesame")
        try:
            target = f"127.0.0.1:{valkey.port}"
            none = look("redis", target)
            assert (none.failure, none.detail) == (Failure.STATUS, "The server requires a password.")
            wrong = look("redis", target, {"password": "guess"})
            assert (wrong.failure, wrong.detail) == (
                Failure.STATUS,
                "The server rejects the user or password.",
            )
            assert look("redis", target, {"password": "open sesame"}).failure is None
        finally:
            with redis.Redis.from_url(valkey.url, password="open sesame") as again:
                again.config_set("requirepass", "")


@pytest.mark.parametrize(
    ("said", "failure", "words"),
    [
        (b"-LOADING Redis is loading the dataset in memory\r\n", Failure.STATUS, "starting up"),
        (b"-MASTERDOWN Link with MASTER is down\r\n", Failure.STATUS, "lost its primary"),
        (b"-ERR max number of clients reached\r\n", Failure.STATUS, "used up its connections"),
        (b"-ODD \xff\x00 text\r\n", Failure.STATUS, "answers with an error"),
        (b"+OK\r\n", Failure.PROTOCOL, "not PONG"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", Failure.PROTOCOL, "not Redis"),
        (b"$-5\r\n", Failure.PROTOCOL, "not Redis"),
        (b"$99999999999\r\n", Failure.PROTOCOL, "not Redis"),
        (b"*64\r\n" * 70, Failure.PROTOCOL, "not Redis"),
        (b"x" * 200_000, Failure.PROTOCOL, "too long"),
        (b"+PO", Failure.RESET, "closed"),
        (b"", Failure.RESET, "closed"),
    ],
)  # fmt: skip
def test_what_a_server_may_say_instead(said, failure, words):
    async def behave(reader, writer):
        await reader.read(100)
        writer.write(said)
        await writer.drain()

    with Raw(behave) as server:
        reading = look("redis", f"127.0.0.1:{server.port}")
    assert reading.failure is failure
    assert words in reading.detail


def test_a_server_that_says_nothing_is_late():
    async def behave(reader, writer):
        await reader.read(-1)

    with Raw(behave) as server:
        reading = look("redis", f"127.0.0.1:{server.port}", deadline_s=0.5)
    assert reading.failure is Failure.TIMEOUT_FIRST_BYTE


def test_a_server_that_hides_its_clients_is_up_unless_they_are_limited():
    answers = {b"PING": b"+PONG\r\n", b"INFO": b"-NOPERM no\r\n", b"CONFIG": b"-NOPERM no\r\n"}

    async def behave(reader, writer):
        while data := await reader.read(1000):
            writer.write(next(answer for word, answer in answers.items() if word in data))

    with Raw(behave) as server:
        free = look("redis", f"127.0.0.1:{server.port}")
        limited = look("redis", f"127.0.0.1:{server.port}", {"down_above": "90"})
    assert (free.failure, "note" in free.facts) == (None, True)
    assert limited.failure is Failure.STATUS


@pytest.mark.parametrize("number", ["9" * 400, "-5", "9" * 5000, "many"])
def test_numbers_that_cannot_be_are_no_number_of_connections(number):
    info = f"connected_clients:{number}\r\nmaxclients:1\r\n".encode()
    answers = {b"PING": b"+PONG\r\n", b"INFO": b"$%d\r\n%b\r\n" % (len(info), info)}

    async def behave(reader, writer):
        while data := await reader.read(1000):
            writer.write(next(answer for word, answer in answers.items() if word in data))

    with Raw(behave) as server:
        reading = look("redis", f"127.0.0.1:{server.port}", {"down_above": "90"})
    assert reading.failure in (Failure.PROTOCOL, Failure.STATUS)


def test_a_server_that_repeats_the_password_does_not_get_it_stored():
    async def behave(reader, writer):
        data = await reader.read(1000)
        writer.write(b"-ERR you said " + data.replace(b"\r\n", b" ") + b"\r\n")
        await writer.drain()

    with Raw(behave) as server:
        reading = look("redis", f"127.0.0.1:{server.port}", {"password": "hunter2"})
    assert "you said" in reading.detail
    assert "hunter2" not in f"{reading.detail}{reading.excerpt}{reading.facts}"


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"user": "ada"}, "password"),
        ({"degraded_above": "90", "down_above": "80"}, "degraded_above"),
        ({"down_above": "101"}, "down_above"),
        ({"down_above": "many"}, "down_above"),
    ],
)
def test_what_cannot_be_meant_is_refused(options, field):
    with pytest.raises(InvalidProbeError) as refused:
        PROBERS["redis"].parse("127.0.0.1", options)
    assert refused.value.field == field


@pytest.mark.parametrize("most", [10, 60, 100, 151, 10_000])
def test_as_many_connections_as_the_limit_are_not_above_it(most):
    for limit in range(1, 101):
        limits = services.Limits(None, limit)
        used = most * limit // 100
        assert services.judged(used, most, limits, Clock()).failure is None
        assert services.judged(used + 1, most, limits, Clock()).failure is Failure.LIMIT
