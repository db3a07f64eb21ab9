"""A number probe is given what it measured before: one query for a whole batch."""

import time
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from components.checking import CheckRequest
from components.models import Check, Claim, Probe
from components.outcomes import Outcome, Reading
from incidents import tasks
from incidents.past_values import with_past
from tests.making import NOW, after, found, watched

pytestmark = [pytest.mark.data, pytest.mark.django_db]
RATIO = {"value": "$.used", "divided_by": "$.max", "limits": "degraded above 0.8, down above 0.98",
         "full_at": "1"}  # fmt: skip


def numbers(name="Chat", target="http://127.0.0.1:9/", **options):
    return watched(name, kind="numbers", target=target, options={**RATIO, **options})


def measured(value):
    return Reading(20.0, status_code=200, facts={"value": str(value), "server": "x"})


def request(probe, at=NOW):
    probe.refresh_from_db()
    return CheckRequest(Claim(probe.pk, int(at.timestamp()), 1, "local"), probe.kind, probe.order(), 10.0)


def past_of(*probes, at=NOW):
    requests = with_past([request(probe, at) for probe in probes], {probe.pk: probe for probe in probes})
    return [one.order.past for one in requests]


def test_the_value_of_a_good_check_is_kept_and_nothing_else_of_it():
    found(numbers(), measured(0.5), NOW)
    assert Check.objects.get().facts == {"value": "0.5"}


def test_its_past_is_in_seconds_before_the_check_oldest_first():
    probe = numbers()
    for minute in (3, 2, 1):
        found(probe, measured(1 - minute / 10), after(minutes=-minute))
    assert past_of(probe) == [((-180.0, 0.7), (-120.0, 0.8), (-60.0, 0.9))]


def test_what_is_too_old_or_no_number_or_still_to_come_is_left_out():
    probe = numbers()
    found(probe, measured(0.1), after(minutes=-31))
    found(probe, measured("much"), after(minutes=-3))
    found(probe, Reading(5.0), after(minutes=-2))
    found(probe, measured(0.4), after(minutes=-1))
    found(probe, measured(0.9), after(minutes=1))
    assert past_of(probe) == [((-60.0, 0.4),)]


def test_another_question_has_no_past():
    probe = numbers()
    found(probe, measured(0.4), after(minutes=-2))
    probe = Probe.objects.get(pk=probe.pk)
    probe.options = {**probe.options, "value": "$.other"}
    probe.save()
    assert past_of(probe) == [()]
    found(probe, measured(0.6), after(minutes=-1))
    assert past_of(probe) == [((-60.0, 0.6),)]


def test_a_batch_takes_one_query_and_none_without_a_probe_that_wants_its_past():
    probes = [numbers(f"Chat {number}") for number in range(4)]
    plain = [watched("API", kind="http"), numbers("No trend", full_at="")]
    for probe in probes:
        found(probe, measured(0.4), after(minutes=-1))
    requests = [request(probe) for probe in (*probes, *plain)]
    by_id = {probe.pk: probe for probe in (*probes, *plain)}
    with CaptureQueriesContext(
        connection,
    ) as queries:
        given = with_past(requests, by_id)
    assert len(queries) == 1
    assert [len(getattr(one.order, "past", ())) for one in given] == [1, 1, 1, 1, 0, 0]
    with CaptureQueriesContext(connection) as queries:
        assert with_past(requests[4:], by_id) == requests[4:]
    assert len(queries) == 0


def test_a_chat_server_that_fills_up_is_degraded_before_it_is_full(target, monkeypatch):
    """The real path: the worker's task gives the past, the engine checks, the result is settled."""
    probe = numbers(target=target.url, warn_minutes="60")
    for minute in range(20, 0, -1):
        found(probe, measured(0.7 - minute / 100), after(minutes=-minute))
    target.json({"used": 700, "max": 1000})
    findings = run(probe, NOW, monkeypatch)
    assert findings[0].reading.degraded.endswith("will reach 1 in about 30 minutes at this pace.")
    tasks.settle(findings, NOW)
    row = Check.objects.order_by("-slot").first()
    assert (row.outcome, row.facts["value"], row.facts["parts"]) == (Outcome.DEGRADED, "0.7", "700 of 1,000")
    target.json({"used": 990, "max": 1000})
    (finding,) = run(probe, NOW + timedelta(minutes=1), monkeypatch)
    assert finding.reading.failure == "limit"


def run(probe, at, monkeypatch):
    """Claim, begin and check as the worker does; what the engine found."""
    second = int(at.timestamp())
    Probe.objects.filter(pk=probe.pk).update(next_slot=second, claimed_slot=None)
    (claim,) = Probe.objects.claim_due(second)
    findings = []
    engine = tasks.Checker(findings.extend, egress=tasks.egress.through(tasks.egress.Door.PROBES))
    monkeypatch.setattr(tasks, "_checker", engine)
    tasks.run_checks([[claim.probe_id, claim.slot, claim.token, claim.region]])
    end = time.monotonic() + 20
    while not findings and time.monotonic() < end:
        time.sleep(0.02)
    engine.drain(10)
    return findings
