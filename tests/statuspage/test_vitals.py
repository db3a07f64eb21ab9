"""/healthz: this system's own health, for watchdogs that know nothing of it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from components.models import Heartbeat, Probe
from statuspage.vitals import vitals
from tests.making import found, watched


@pytest.fixture
def well(db):
    now = timezone.now()
    Heartbeat.objects.beat("worker", "w1", now)
    found(watched(), "up", now)
    return now


def states(now):
    body, code = vitals(now)
    return {name: check["status"] for name, (check,) in body["checks"].items()}, code


def test_all_well(well, client):
    found_, code = states(well)
    assert (set(found_.values()), code) == ({"pass"}, 200)
    answer = client.get("/healthz")
    assert answer.headers["content-type"] == "application/health+json"
    assert "no-store" in answer.headers["cache-control"]


def test_a_worker_that_is_silent_for_a_minute_fails(well):
    found_, code = states(well + timedelta(seconds=61))
    assert (found_["worker:heartbeat"], code) == ("fail", 503)


def test_no_check_for_three_intervals_fails(well):
    Heartbeat.objects.beat("worker", "w1", well + timedelta(seconds=181))
    found_, code = states(well + timedelta(seconds=181))
    assert (found_["probes:lastCheck"], code) == ("fail", 503)


def test_a_slot_that_nobody_claims_fails(well):
    Probe.objects.update(next_slot=int(well.timestamp()) - 16)
    found_, code = states(well)
    assert (found_["probes:oldestDueSlot"], code) == ("fail", 503)


def test_a_dead_broker_only_warns(well, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    found_, code = states(well)
    assert (found_["broker:responseTime"], code) == ("warn", 200)


def test_it_says_nothing_about_where_things_run(well, client):
    text = client.get("/healthz").content.decode()
    assert "127.0.0.1" not in text
    assert "redis://" not in text
    assert "w1" not in text
