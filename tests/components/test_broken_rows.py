"""A probe whose row no form could make hurts itself alone: it is unknown, and staff read why."""

import html
import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from components.models import Check, Probe
from incidents import tasks
from incidents.tasks import fall_silent, run_checks
from statuspage.models import Role
from statuspage.public import views
from tests.making import found, watched
from tests.people import person

BROKEN = {
    "options are a list": {"options": json.dumps(["a"])},
    "options are a text": {"options": json.dumps("GET")},
    "options are null": {"options": json.dumps(None)},
    "options are a number": {"options": json.dumps(7)},
    "options are of other kinds": {"options": json.dumps({"headers": [1], "method": {}, "body": []})},
    "a kind that is not known": {"kind": "gopher"},
    "no kind": {"kind": ""},
    "no interval": {"interval_s": 0},
    "an interval below nothing": {"interval_s": -60},
    "an absurd interval": {"interval_s": 2_147_483_647},
    "no timeout": {"timeout_s": 0},
    "a timeout below nothing": {"timeout_s": -2_147_483_648},
    "an absurd timeout": {"timeout_s": 2_147_483_647},
    "no retry": {"retry_s": 0},
    "a retry below nothing": {"retry_s": -1_000_000},
    "no place to be checked": {"target": ""},
}


class Engine:
    """Takes what it is given; what it would run is another matter."""

    is_behind = False

    def __init__(self):
        self.orders = []

    def submit(self, orders):
        self.orders += orders


@pytest.fixture
def engine(monkeypatch):
    made = Engine()
    monkeypatch.setattr(tasks, "checker", lambda: made)
    return made


def spoil(probe, columns):
    with connection.cursor() as cursor:
        for name, value in columns.items():
            cursor.execute(f"UPDATE components_probe SET {name} = %s WHERE id = %s", [value, probe.pk])


@pytest.mark.parametrize("how", BROKEN)
def test_all_other_checks_run_and_this_one_is_unknown_with_a_sentence(transactional_db, engine, client, how):
    now = datetime.now(UTC)
    bad, *good = [watched(name, kind="http") for name in ("Broken", "API", "Shop")]
    for probe in (bad, *good):
        found(probe, "up", now - timedelta(minutes=10))
    spoil(bad, BROKEN[how])
    second = int(now.timestamp())
    Probe.objects.update(next_slot=second, claimed_slot=None)
    claims = Probe.objects.claim_due(second)
    assert {claim.probe_id for claim in claims} == {bad.pk, *(one.pk for one in good)}
    run_checks([[one.probe_id, one.slot, one.token, one.region] for one in claims])
    assert {order.claim.probe_id for order in engine.orders} == {one.pk for one in good}
    check = Check.objects.get(probe=bad, slot=second)
    assert (check.outcome, check.failure) == ("unknown", "own_fault")
    assert len(check.detail) > 20
    after = Probe.objects.get(pk=bad.pk)
    assert second < after.next_slot <= second + 86_400
    assert Probe.objects.claim_due(second) == []  # it does not spin
    fall_silent(now + timedelta(minutes=1))
    after.component.refresh_from_db()
    assert after.component.status == "unknown"
    assert "Broken" in views.overview.gather(now).render(now).decode()
    bad_url = f"/console/probes/{bad.public_id}"
    client.force_login(person("ada", Role.EDITOR))
    assert client.get(bad_url).status_code == 200
    assert check.detail in html.unescape(client.get(bad_url).content.decode())
    assert client.get(f"{bad_url}/edit").status_code == 200


MEMORIES = {
    "a run of numbers": {"run": json.dumps([1])},
    "a run that is none": {"run": json.dumps(7)},
    "a run of unknown outcomes": {"run": json.dumps([["gone", 1]])},
    "moments that are none": {"recent_bad": json.dumps({"a": 1})},
    "moments of another age": {"recent_bad": json.dumps([10**30])},
    "an unknown unsteadiness": {"unsteady": 9},
    "an unknown outcome": {"outcome": "gone"},
    "heard in another age": {"heard_s": 10**15},
}


@pytest.mark.parametrize("how", MEMORIES)
def test_a_memory_that_no_check_left_costs_nobody_else_a_check_and_heals(transactional_db, client, how):
    now = datetime.now(UTC)
    bad, *good = [watched(name, kind="http") for name in ("Broken", "API", "Shop")]
    for probe in (bad, *good):
        found(probe, "up", now - timedelta(minutes=10))
    spoil(bad, MEMORIES[how])
    fall_silent(now)
    assert {Probe.objects.get(pk=one.pk).outcome for one in good} == {"unknown"}
    assert "Broken" in views.overview.gather(now).render(now).decode()
    client.force_login(person("ada", Role.EDITOR))
    assert client.get(f"/console/probes/{bad.public_id}").status_code == 200
    for probe in (bad, *good):
        for seconds in (0, 10):
            found(probe, "up", now + timedelta(seconds=seconds))
    assert {probe.outcome for probe in Probe.objects.all()} == {"up"}


def test_a_component_of_no_status_stops_no_check(transactional_db, monkeypatch):
    now = datetime.now(UTC)
    bad, good = watched("Broken"), watched("API")
    for probe in (bad, good):
        found(probe, "up", now - timedelta(minutes=10))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE components_component SET status = 'gone' WHERE id = %s", [bad.component_id])
    fall_silent(now)
    assert Probe.objects.get(pk=good.pk).outcome == "unknown"
    Probe.objects.update(next_slot=int(now.timestamp()), claimed_slot=None)
    sent = []
    monkeypatch.setattr(tasks.run_checks, "apply_async", lambda **told: sent.extend(told["args"][0]))
    tasks.tick()
    assert {row[0] for row in sent} == {bad.pk, good.pk}
