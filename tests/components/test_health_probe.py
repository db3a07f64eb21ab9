"""Health document probes: the part that fails is named, and degraded is told from down by the document."""

import asyncio
import gzip
import json

import pytest

from components.outcomes import Expectation, Failure, Outcome, classify
from components.probers import PROBERS
from tests.components.test_health_documents import (
    ASP_NET_UI,
    DJANGO,
    ELASTIC,
    HEALTH_JSON,
    KUBERNETES,
    MICROPROFILE,
    SPRING_3,
    TERMINUS,
)
from tests.components.test_probers import look
from tests.targets import Raw


def told(reading):
    outcome, why = classify(reading, Expectation())
    return outcome.value, why


@pytest.mark.parametrize(
    ("value", "code", "expected"),
    [
        (HEALTH_JSON, 503, ("down", "It reports that it is down: cpu:utilization.20b7d8cb (99 percent),"
                                    " cassandra:connections (75).")),
        (SPRING_3, 503, ("down", "It reports that it is down: db.replica (org.springframework.jdbc."
                                 "CannotGetJdbcConnectionException: Failed to obtain).")),
        (ASP_NET_UI, 200, ("degraded", "It reports that it is degraded: rabbitmq"
                                       " (None of the endpoints were reachable).")),
        (ASP_NET_UI, 503, ("degraded", "It reports that it is degraded: rabbitmq"
                                       " (None of the endpoints were reachable).")),
        (b"Unhealthy", 503, ("down", "It reports that it is down.")),
        (DJANGO, 500, ("down", "It reports that it is down: Database(alias='default')"
                       ' (unavailable: connection to server at "127.0.0.1" failed).')),
        (MICROPROFILE, 503, ("down", "It reports that it is down: Database connections health check"
                                     " (Unable to connect).")),
        (KUBERNETES, 500, ("down", "It reports that it is down: etcd,"
                                   " poststarthook/rbac/bootstrap-roles (not finished).")),
        (TERMINUS, 503, ("down", "It reports that it is down: redis (connect ECONNREFUSED 127.0.0.1:6379).")),
        (ELASTIC, 200, ("degraded", "It reports that it is degraded: shards (5 unassigned).")),
        ({"status": "DOWN"}, 200, ("down", "It reports that it is down.")),
        ({"status": "UNKNOWN", "components": {}}, 200, ("unknown", "It reports that its status is unknown.")),
        ({"status": "shutting_down", "info": {}, "error": {}, "details": {}}, 503,
         ("down", "It reports that it is being taken out of service.")),
        ({"status": "UP"}, 200, ("up", "")),
        (b"ok", 200, ("up", "")),
        ({"status": "UP"}, 503, ("down", "Responded with 503, which is not expected."
                                         " Its health document says that it is up.")),
        (b"<html>fine", 200, ("up", "")),
        (b"", 200, ("up", "")),
        (b"<html>Service Unavailable", 503, ("down",
            "Responded with 503, which is not expected. The body is in no known health format: judged by the"
            " status code alone.")),
        (json.dumps(SPRING_3).encode()[:60], 503, ("down", "It reports that it is down: db.")),
        (b'{"status": "UP", "components": {"db": {"status": "UP"}, "mai', 200, ("unknown",
            "The health document ends too soon: what is missing may not be up.")),
    ],
)  # fmt: skip
def test_the_document_decides_and_names_the_part(target, value, code, expected):
    target.answers, target.headers = code, {"Content-Type": "application/json"}
    target.says = value if isinstance(value, bytes) else json.dumps(value).encode()
    reading = look("health", target.url)
    assert told(reading) == expected
    assert reading.status_code == code


def test_a_body_in_no_format_is_judged_by_its_code_and_says_so(target):
    reading = look("health", target.url)
    assert reading.facts["note"] == "The body is in no known health format: judged by the status code alone."


def test_the_facts_name_format_and_parts_and_the_excerpt_shows_the_words(target):
    target.answers = 503
    target.json(TERMINUS)
    reading = look("health", target.url)
    facts = {name: reading.facts[name] for name in ("format", "health", "failing")}
    assert facts == {"format": "NestJS Terminus", "health": "down", "failing": "redis"}
    assert "ECONNREFUSED" in reading.excerpt
    assert reading.failure is Failure.REPORTED


def test_only_three_parts_are_named(target):
    target.json({"status": "fail", "checks": {f"part{n}": [{"status": "fail"}] for n in range(9)}})
    expected = "It reports that it is down: part0, part1, part2 and 6 more."
    assert told(look("health", target.url)) == ("down", expected)


def test_a_document_is_asked_for_and_read_through_gzip_and_redirects(target):
    target.paths["/old"] = (307, {"Location": "/health"}, b"")
    packed = gzip.compress(json.dumps(MICROPROFILE).encode())
    target.paths["/health"] = (503, {"Content-Encoding": "gzip"}, packed)
    reading = look("health", f"{target.url}old")
    assert told(reading)[0] == "down"
    assert target.asked[0][2]["Accept"].startswith("application/health+json")


def test_a_large_body_is_judged_by_the_code(target):
    target.says = b'{"status": "DOWN", "x": "' + b"x" * 1024 * 1024 + b'"}'
    reading = look("health", target.url)
    assert (told(reading)[0], "no known health format" in reading.facts["note"]) == ("up", True)


def test_a_server_that_keeps_the_connection_open_is_read_as_soon_as_the_document_is_whole():
    async def behave(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b'HTTP/1.1 200 OK\r\n\r\n{"status": "DOWN"')
        await writer.drain()
        await asyncio.sleep(0.2)
        writer.write(b', "checks": []}')
        await writer.drain()
        await reader.read()

    with Raw(behave) as server:
        reading = look("health", f"http://127.0.0.1:{server.port}/", deadline_s=4.0)
    assert told(reading) == ("down", "It reports that it is down.")


def test_a_stream_that_is_no_document_is_judged_by_its_code():
    async def behave(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + b"<p>tick\n" * 10_000)
        await writer.drain()
        await reader.read()

    with Raw(behave) as server:
        reading = look("health", f"http://127.0.0.1:{server.port}/", deadline_s=4.0)
    assert told(reading) == ("up", "")
    assert "judged by the status code alone" in reading.facts["note"]


def test_what_is_said_of_another_counts_and_nobody_there_does_not(target):
    prober = PROBERS["health"]
    assert prober.is_indirect({"unread": "unknown"})
    target.json({"status": "DOWN"})
    indirect = Expectation(is_indirect=True)
    assert classify(look("health", target.url), indirect)[0] is Outcome.DOWN
    assert classify(look("health", "http://127.0.0.1:9/"), indirect)[0] is Outcome.UNKNOWN


@pytest.mark.parametrize(("code", "outcome"), [(200, "unknown"), (503, "down")])
def test_a_document_that_is_too_deep_to_be_read_is_never_taken_for_good(target, code, outcome):
    target.answers, target.headers = code, {"Content-Type": "application/health+json"}
    target.says = b'{"status": "fail", "checks": ' + b'{"a": ' * 3_000 + b"1" + b"}" * 3_000 + b"}"
    assert told(look("health", target.url))[0] == outcome
