"""Thousands of targets that change at once: nothing found is thrown away, and nobody waits for all of it."""

import threading
import time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from components.checking import BATCH_SIZE, Checker, Finding
from components.egress import Egress
from components.models import Check, Component, Flip, Probe
from components.models.claims import CRASHES_BEFORE_REST, LEASE_SLACK_S
from components.outcomes import Outcome
from incidents import settling
from incidents.results import Results
from incidents.settling import NEWS_AT_ONCE, settle
from tests.making import NOW, reading

SECOND = int(NOW.timestamp())
MANY = 3 * NEWS_AT_ONCE


def probes(count):
    component = Component.objects.create(name="API", auto_incidents="off")
    return Probe.objects.bulk_create(
        Probe(component=component, kind="http", target="http://127.0.0.1:9/") for _ in range(count)
    )


def begun(second):
    """Findings of all that is due, of checks that passed; begun as a worker does."""
    claims = Probe.queue.claim_due(second)
    Probe.queue.begin(claims)
    return [Finding(claim, reading("up"), NOW, 0) for claim in claims]


def known_up():
    return Probe.objects.filter(outcome=Outcome.UP).count()


@pytest.mark.django_db(transaction=True)
def test_first_results_of_many_probes_are_settled_a_few_at_a_turn():
    probes(MANY)
    results, seen = Results(), []
    is_owing = results.take(begun(SECOND))
    while is_owing:
        seen.append(known_up())
        is_owing = results.take([])
    assert seen == [NEWS_AT_ONCE, 2 * NEWS_AT_ONCE]
    assert (known_up(), Check.objects.count(), Flip.objects.count()) == (MANY, MANY, MANY)
    assert not Probe.objects.exclude(claimed_slot=None, attempts=0).exists()


@pytest.mark.django_db(transaction=True)
def test_what_is_no_news_is_written_before_the_news_that_came_with_it():
    quiet = [probe.pk for probe in probes(3)]
    Results().take(begun(SECOND))
    Probe.objects.update(next_slot=SECOND + 1, heard_s=SECOND)
    probes(MANY)
    results = Results()
    assert results.take(begun(SECOND + 1))
    assert Check.objects.filter(slot__gt=SECOND, probe__in=quiet).count() == 3
    assert len(results.news) == MANY - NEWS_AT_ONCE


@pytest.mark.django_db(transaction=True)
def test_news_does_not_starve_while_full_batches_of_other_results_arrive():
    probes(BATCH_SIZE)
    findings = begun(SECOND)
    results = Results()
    results.take(findings)
    assert known_up() == NEWS_AT_ONCE, "it has waited as long as it may"
    results.take(findings)
    assert known_up() == NEWS_AT_ONCE, "other results go first for a while"
    results._settled_news_at = time.monotonic() - 60
    results.take(findings)
    assert known_up() == 2 * NEWS_AT_ONCE


@pytest.mark.django_db(transaction=True)
def test_a_lease_is_renewed_while_its_result_waits_to_be_written():
    """Otherwise the slot is run again, its result waits as long again, and so on for ever."""
    probes(MANY)
    findings = begun(SECOND)
    Probe.objects.update(lease_until=int(time.time()) + 1)
    results = Results()
    assert results.take(findings)
    waiting = [finding.claim.probe_id for finding in results.news]
    ends = Probe.objects.filter(pk__in=waiting).values_list("lease_until", flat=True)
    assert min(ends) >= int(time.time()) + LEASE_SLACK_S - 1
    in_time = min(ends) - 1
    assert not [claim for claim in Probe.queue.claim_due(in_time) if claim.probe_id in waiting]


@pytest.mark.django_db(transaction=True)
def test_a_lease_that_another_worker_took_is_not_renewed():
    (probe,) = probes(1)
    (finding,) = begun(SECOND)
    Probe.objects.filter(pk=probe.pk).update(lease_until=SECOND - 1)
    (others,) = Probe.queue.claim_due(SECOND)
    assert others.token != finding.claim.token
    before = Probe.objects.get().lease_until
    Probe.queue.renew([finding.claim], SECOND + 1000)
    assert Probe.objects.get().lease_until == before


@pytest.mark.django_db(transaction=True)
def test_a_renewal_never_shortens_a_lease():
    probes(1)
    (finding,) = begun(SECOND)
    before = Probe.objects.get().lease_until
    Probe.queue.renew([finding.claim], SECOND - 1000)
    assert Probe.objects.get().lease_until == before


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_ends_with_results_in_hand_does_not_count_as_killed_by_them():
    probes(MANY)
    for turn in range(1, CRASHES_BEFORE_REST + 1):
        findings = begun(SECOND + 100 * turn)
        assert len(findings) >= MANY - turn * NEWS_AT_ONCE
        results = Results()
        results.take(findings)
        results.leave()
    assert not Probe.objects.filter(attempts__gt=0).exists()


@pytest.mark.django_db(transaction=True)
def test_giving_back_takes_few_statements_however_many_there_are():
    probes(MANY)
    claims = [finding.claim for finding in begun(SECOND)]
    with CaptureQueriesContext(connection) as asked:
        Probe.queue.give_back(claims)
    assert len(asked) <= 4  # with the savepoint
    assert not Probe.objects.filter(attempts__gt=0).exists()


def test_the_engine_asks_again_while_results_wait_and_before_it_ends():
    turns, done = [], threading.Event()

    def take(findings):
        turns.append(len(findings))
        done.set()
        return len(turns) < 4

    checker = Checker(take, egress=Egress(["127.0.0.0/8"]))
    checker.found.put("a finding")
    assert done.wait(10)
    checker.drain(10)
    assert not checker.threads[1].is_alive()
    assert turns == [1, 0, 0, 0]


@pytest.mark.django_db
def test_thousands_that_fall_silent_at_once_take_many_ticks_and_each_ends_soon(monkeypatch):
    """A tick that runs longer than its limit is rolled back, and all of it is begun again at the next."""
    monkeypatch.setattr(settling, "FALLING_SILENT_S", 0.0)
    probes(MANY)
    Probe.objects.update(outcome="up", since=NOW, heard_s=SECOND - 1000)
    seen = []
    for _ in range(4):
        settling.fall_silent(NOW)
        seen.append(Probe.objects.filter(outcome=Outcome.UNKNOWN).count())
    assert seen == [NEWS_AT_ONCE, 2 * NEWS_AT_ONCE, MANY, MANY]


@pytest.mark.django_db
def test_a_result_that_comes_before_its_silence_was_written_records_the_gap():
    probes(1)
    Probe.objects.update(outcome="up", since=NOW, passed_at=NOW, heard_s=SECOND - 1000)
    settle(begun(SECOND), NOW)
    assert list(Flip.objects.values_list("old", "new")) == [("up", "unknown"), ("unknown", "up")]
