"""The steps of a failed check: what was reached is never said to have failed, timed or not."""

import pytest
from django.db.models import Prefetch

from components.management.commands import probe as probe_command
from components.models import Check
from components.outcomes import Failure, Reading
from incidents.models import Incident
from statuspage.console.probe_detail import results
from statuspage.public.evidence import evidence
from tests.making import after, fell, found, watched

LITERAL = {"status_code": 503, "connect_ms": 3, "first_byte_ms": 9}  # no name to look up
FULL = {"dns_ms": 1, "connect_ms": 3, "tls_ms": 4, "first_byte_ms": 9}


TARGETS = {"http": "http://127.0.0.1:9/", "sse": "http://127.0.0.1:9/", "websocket": "ws://127.0.0.1:9/"}


def ladder():
    """As the page of the incident reads it."""
    incident = Incident.objects.prefetch_related(Prefetch("affected", to_attr="all_affected")).get()
    return evidence(incident, after(minutes=2)).ladder


def told(kind, failure, facts):
    """Name, state and words of each step on the page of the incident."""
    probe = watched("API", kind=kind, target=TARGETS.get(kind, "127.0.0.1:9"))
    fell(probe)
    found(probe, Reading(20.0, failure, "Oh.", **facts), after(minutes=1))
    return [(rung.name, rung.state, rung.text) for rung in ladder()]


OK_DNS, OK_TCP = ("DNS", "ok", "resolves"), ("Connect", "ok", "3 ms")


@pytest.mark.parametrize(
    ("kind", "failure", "facts", "steps"),
    [
        ("http", Failure.STATUS, LITERAL,
         [("DNS", "ok", ""), OK_TCP, ("HTTP 503", "failed", "503 Service Unavailable")]),
        ("http", Failure.STATUS, {"status_code": 503},
         [("DNS", "ok", ""), ("Connect", "ok", ""), ("HTTP 503", "failed", "503 Service Unavailable")]),
        ("http", Failure.STATUS, {**FULL, "status_code": 503, "connect_ms": None},
         [OK_DNS, ("Connect", "ok", ""), ("TLS", "ok", "valid"),
          ("HTTP 503", "failed", "503 Service Unavailable")]),
        ("http", Failure.ASSERTION, {**FULL, "status_code": 200},
         [OK_DNS, OK_TCP, ("TLS", "ok", "valid"), ("HTTP 200", "ok", "9 ms"),
          ("Response", "failed", "Unexpected content")]),
        ("http", Failure.TOO_LARGE, {**FULL, "status_code": 200, "tls_ms": None},
         [OK_DNS, OK_TCP, ("HTTP 200", "ok", "9 ms"), ("Response", "failed", "Response too large")]),
        ("http", Failure.REFUSED, {},
         [("DNS", "ok", ""), ("Connect", "failed", "Connection refused"), ("HTTP", "open", "")]),
        ("http", Failure.DNS, {},
         [("DNS", "failed", "Name not found"), ("Connect", "open", ""), ("HTTP", "open", "")]),
        ("http", Failure.TLS, {"connect_ms": 3},
         [("DNS", "ok", ""), OK_TCP, ("TLS", "failed", "No secure connection"), ("HTTP", "open", "")]),
        ("http", Failure.TIMEOUT_TLS, {},
         [("DNS", "ok", ""), ("Connect", "ok", ""), ("TLS", "failed", "Secure connection timed out"),
          ("HTTP", "open", "")]),
        ("http", Failure.TLS, {**FULL, "first_byte_ms": None},
         [OK_DNS, OK_TCP, ("TLS", "ok", "valid"), ("HTTP", "failed", "No secure connection")]),
        ("http", Failure.RESET, {"dns_ms": 1, "connect_ms": 3},
         [OK_DNS, OK_TCP, ("HTTP", "failed", "Connection closed")]),
        ("http", Failure.TIMEOUT_FIRST_BYTE, {},
         [("DNS", "ok", ""), ("Connect", "ok", ""), ("HTTP", "failed", "No response")]),
        ("tcp", Failure.ASSERTION, {"dns_ms": 1, "connect_ms": 3},
         [OK_DNS, OK_TCP, ("Response", "failed", "Unexpected content")]),
        ("tcp", Failure.TIMEOUT_FIRST_BYTE, {"connect_ms": 3},
         [("DNS", "ok", ""), OK_TCP, ("Response", "failed", "No response")]),
        ("tcp", Failure.REFUSED, {}, [("DNS", "ok", ""), ("Connect", "failed", "Connection refused")]),
        ("dns", Failure.ASSERTION, {"dns_ms": 1}, [OK_DNS, ("Response", "failed", "Unexpected content")]),
        ("dns", Failure.DNS, {}, [("DNS", "failed", "Name not found")]),
        ("tls", Failure.TLS, {"dns_ms": 1, "connect_ms": 3},
         [OK_DNS, OK_TCP, ("TLS", "failed", "No secure connection")]),
        ("websocket", Failure.STATUS, {**FULL, "status_code": 503, "tls_ms": None},
         [OK_DNS, OK_TCP, ("Upgrade", "failed", "503 Service Unavailable"), ("First message", "open", "")]),
        ("websocket", Failure.TIMEOUT_FIRST_BYTE, {"connect_ms": 3},
         [("DNS", "ok", ""), OK_TCP, ("Upgrade", "failed", "No response"), ("First message", "open", "")]),
        ("websocket", Failure.TIMEOUT_TRANSFER, {**FULL, "tls_ms": None},
         [OK_DNS, OK_TCP, ("Upgrade", "ok", "9 ms"), ("First message", "failed", "Response did not finish")]),
        ("websocket", Failure.RESET, {**FULL, "transfer_ms": 2},
         [OK_DNS, OK_TCP, ("TLS", "ok", "valid"), ("Upgrade", "ok", "9 ms"), ("First message", "ok", "2 ms"),
          ("Response", "failed", "Connection closed")]),
        ("sse", Failure.TIMEOUT_TRANSFER, {**FULL, "tls_ms": None},
         [OK_DNS, OK_TCP, ("HTTP", "ok", "9 ms"), ("First event", "failed", "Response did not finish")]),
    ],
)  # fmt: skip
def test_the_page_of_an_incident_names_the_step_that_failed(db, kind, failure, facts, steps):
    assert told(kind, failure, facts) == steps


def test_a_word_of_an_older_version_costs_no_page(db):
    probe = watched("API")
    fell(probe)
    Check.objects.update(failure="older", status_code=None)
    assert [rung.state for rung in ladder()] == ["failed", "open"]
    assert ladder()[0].text == "Failed"


@pytest.mark.parametrize(
    ("kind", "failure", "facts", "failed"),
    [
        ("http", Failure.STATUS, LITERAL, "As expected"),
        ("http", Failure.STATUS, {"status_code": 503}, "As expected"),
        ("http", Failure.ASSERTION, {"status_code": 200, "transfer_ms": 3}, "As expected"),
        ("http", Failure.PROTOCOL, {"status_code": 200, "connect_ms": 3}, "Transfer"),
        ("http", Failure.REFUSED, {}, "Connect"),
        ("http", Failure.TIMEOUT_TRANSFER, {"connect_ms": 3}, "Transfer"),
        ("http", Failure.TLS, {"connect_ms": 3}, "TLS"),
        ("tcp", Failure.ASSERTION, {}, "As expected"),
        ("tcp", Failure.UNREACHABLE, {}, "Connect"),
        ("dns", Failure.ASSERTION, {"dns_ms": 1}, "As expected"),
        ("tls", Failure.TIMEOUT_TLS, {}, "TLS"),
        ("http", Failure.DNS, {}, "DNS"),
    ],
)
def test_staff_are_told_the_same_step_on_the_page_and_in_the_shell(kind, failure, facts, failed):
    check = Check(outcome="down", total_ms=20, failure=failure, **facts)
    rungs = results.ladder(check, kind)
    assert [rung.name for rung in rungs if rung.state == "failed"] == [failed]
    lines = probe_command.ladder(kind, Reading(20.0, failure, "Oh.", **facts))
    (line,) = [line for line in lines if "✗" in line]
    assert line.split("✗")[1].split("Oh.")[0].strip() == failed.replace("As expected", "Assertion")
    order = "".join(line.strip()[0] for line in lines)
    assert order.rstrip("–").rstrip("✗").strip("✓") == ""  # nothing is passed behind what failed
