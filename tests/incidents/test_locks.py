"""Locks of the database: who takes them in one order never waits in a circle, and nothing found is lost."""

import threading
from contextlib import contextmanager

import psycopg
import pytest
from django.conf import settings
from django.db import connection, connections, transaction

from components.checking import Finding
from components.models import Check, Page, Probe
from components.outcomes import Outcome
from incidents import results
from incidents.settling import settle, settle_news
from tests.making import NOW, found, reading, watched
from tests.whole import wait_for

pytestmark = [
    pytest.mark.skipif(not settings.POSTGRES, reason="on SQLite one writer at a time has the whole file"),
    pytest.mark.django_db(transaction=True),
]
SECOND = int(NOW.timestamp())


@contextmanager
def another(work):
    """Runs `work` in a thread with a connection of its own; what it raised is raised at the end."""
    raised = []

    def run():
        try:
            work()
        except Exception as error:
            raised.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    yield thread
    thread.join(20)
    assert not raised, raised


@contextmanager
def held(sql):
    """A stranger's transaction that has run this statement; gone with a rollback."""
    with psycopg.connect(settings.POSTGRES.url(connection.settings_dict["NAME"])) as stranger:
        stranger.execute(sql)
        yield
        stranger.rollback()


def somebody_waits():
    """Whether a session waits for a lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return cursor.fetchone()[0]


def a_finding(outcome, failure=None):
    probe = watched(confirm_down=1)
    found(probe, Outcome.UP, NOW)
    (claim,) = Probe.objects.claim_due(SECOND + 600)
    Probe.objects.begin([claim])
    return Finding(claim, reading(outcome), NOW, 0)


def test_whoever_has_the_page_and_wants_a_probe_never_meets_a_result_that_wants_the_page():
    finding = a_finding("down")
    thread = another(lambda: settle([finding]))
    with transaction.atomic():
        Page.objects.lock()
        thread.__enter__()
        wait_for(somebody_waits, 10)
        Probe.objects.select_for_update().get(pk=finding.claim.probe_id)
    thread.__exit__(None, None, None)
    assert Check.objects.filter(slot=finding.claim.slot).exists()


def test_a_claim_does_not_wait_for_a_probe_that_is_being_written():
    probes = [watched(f"C{number}", kind="http") for number in range(4)]
    claims = []
    with held(f"SELECT 1 FROM components_probe WHERE id = {probes[1].pk} FOR UPDATE"):
        claims += Probe.objects.claim_due(SECOND)
    assert {claim.probe_id for claim in claims} == {one.pk for one in probes} - {probes[1].pk}
    assert [claim.probe_id for claim in Probe.objects.claim_due(SECOND + 1)] == [probes[1].pk]


@pytest.fixture
def impatient(monkeypatch):
    """New connections wait for a lock no longer than this."""
    told = connections.settings["default"]
    options = told["OPTIONS"] | {"options": "-c lock_timeout=100"}
    monkeypatch.setitem(told, "OPTIONS", options)


@pytest.fixture
def tries(monkeypatch):
    """How often something was tried to be written."""
    counted = []
    monkeypatch.setattr(results, "settle_news", lambda *args: (counted.append(1), settle_news(*args)))
    return counted


def take(finding):
    """As the engine hands it over."""
    results.Results().take([finding])


def test_a_result_that_meets_a_lock_is_written_once_the_lock_is_gone(impatient, tries):
    finding = a_finding("down")
    with another(lambda: take(finding)), held("LOCK TABLE components_page"):
        wait_for(lambda: len(tries) > 1, 10)
    assert Check.objects.filter(slot=finding.claim.slot).exists()
    assert Probe.objects.get().attempts == 0


def test_a_result_that_is_lost_to_a_lock_is_no_death_of_a_worker(impatient, tries, monkeypatch):
    """Three deaths rest a probe for an hour; here the worker lives."""
    monkeypatch.setattr(results, "KEEP_TRYING_S", 0)
    finding = a_finding("down")
    for after in range(1, 5):
        with held("LOCK TABLE components_page"), another(lambda one=finding: take(one)):
            pass
        (claim,) = Probe.objects.claim_due(SECOND + 600 + 100 * after)
        Probe.objects.begin([claim])
        finding = Finding(claim, reading("down"), NOW, 0)
    assert len(tries) == 4
    assert not Check.objects.filter(slot__gt=SECOND).exists()
