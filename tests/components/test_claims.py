"""Due slots are claimed once, whoever asks, and a lost claim comes back."""

import threading

import pytest
from django.db import connection

from components.models import Component, Probe
from components.models.claims import LEASE_SLACK_S, REST_S

NOW = 1_800_000_000


def probes(count, **settings):
    made = []
    for number in range(count):
        component = Component.objects.create(name=f"C{number}")
        settings = {"interval_s": 60, "timeout_s": 10, **settings}
        made.append(Probe.objects.create(component=component, target="http://example.org", **settings))
    return made


def test_a_new_probe_is_due_at_once_and_then_in_its_own_second_of_the_interval(db):
    (probe,) = probes(1)
    (claim,) = Probe.objects.claim_due(NOW)
    probe.refresh_from_db()
    assert (claim.probe_id, claim.slot) == (probe.pk, NOW)
    assert NOW < probe.next_slot <= NOW + 60
    assert probe.next_slot % 60 == probe.phase_s


def test_what_is_claimed_is_not_claimed_again(db):
    probes(3)
    assert len(Probe.objects.claim_due(NOW)) == 3
    assert Probe.objects.claim_due(NOW) == []
    assert Probe.objects.claim_due(NOW + 1) == []


def test_two_ticks_at_once_claim_nothing_twice(transactional_db):
    probes(40)
    claims, gate = [], threading.Barrier(4)

    def tick():
        try:
            gate.wait()
            claims.extend(Probe.objects.claim_due(NOW))
        finally:
            connection.close()

    threads = [threading.Thread(target=tick) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claims) == 40
    assert len({claim.probe_id for claim in claims}) == 40


def test_a_claim_whose_worker_died_is_given_out_again_with_another_token(db):
    (probe,) = probes(1)
    (first,) = Probe.objects.claim_due(NOW)
    lease = probe.timeout_s + LEASE_SLACK_S
    assert Probe.objects.claim_due(NOW + lease) == []
    (second,) = Probe.objects.claim_due(NOW + lease + 1)
    assert (second.slot, second.probe_id) == (first.slot, first.probe_id)
    assert second.token != first.token
    assert Probe.objects.begin([first]) == []  # the old holder comes too late
    assert [one.pk for one in Probe.objects.begin([second])] == [probe.pk]


def test_missed_slots_are_not_caught_up_in_a_burst(db):
    (probe,) = probes(1)
    Probe.objects.update(next_slot=NOW - 3600)
    (claim,) = Probe.objects.claim_due(NOW)
    assert NOW - 60 < claim.slot <= NOW  # the newest of the sixty
    assert claim.slot % 60 == probe.phase_s
    Probe.objects.update(claimed_slot=None)
    assert Probe.objects.claim_due(NOW + 1) == []
    probe.refresh_from_db()
    assert probe.next_slot > NOW


def test_a_probe_that_takes_its_worker_down_three_times_rests_an_hour(db):
    (probe,) = probes(1)
    at = NOW
    for _ in range(3):
        claims = Probe.objects.claim_due(at)
        assert len(claims) == 1
        Probe.objects.begin(claims)
        at += probe.timeout_s + LEASE_SLACK_S + 1
    assert Probe.objects.claim_due(at) == []
    assert len(Probe.objects.claim_due(at + REST_S + 1)) == 1


def test_a_paused_probe_is_left_alone(db):
    probes(1, is_paused=True)
    assert Probe.objects.claim_due(NOW) == []


@pytest.mark.parametrize("interval_s", [5, 7, 60, 3600, 86_400])
def test_slots_stay_on_the_grid(db, interval_s):
    (probe,) = probes(1, interval_s=interval_s, timeout_s=3)
    at, slots = NOW, []
    for _ in range(4):
        slots += [claim.slot for claim in Probe.objects.claim_due(at)]
        Probe.objects.update(claimed_slot=None)
        probe.refresh_from_db()
        at = probe.next_slot
    on_grid = slots[1:]  # the first is now
    assert all(slot % interval_s == probe.phase_s for slot in on_grid)
    assert [b - a for a, b in zip(on_grid, on_grid[1:], strict=False)] == [interval_s] * (len(on_grid) - 1)
