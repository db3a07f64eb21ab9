"""A worker that comes late with its finding: somebody else has the slot by then."""

import math
from datetime import timedelta

import pytest

from components.checking import Finding
from components.models import Check, Probe
from incidents.models import Incident
from incidents.tasks import settle
from tests.making import NOW, after, found, reading, watched


def claim_at(probe, at):
    """This probe's check of this second, begun by one more worker."""
    second = math.floor(at.timestamp())
    Probe.objects.filter(pk=probe.pk).update(next_slot=second, claimed_slot=None)
    (claim,) = Probe.objects.claim_due(second)
    Probe.objects.begin([claim])
    return claim


@pytest.fixture
def twice(db):
    """A well probe whose next check two workers hold; the first of them lost it to the second."""
    probe = watched()
    found(probe, "up", NOW - timedelta(minutes=1))
    late, holder = claim_at(probe, NOW), claim_at(probe, NOW)
    assert late.slot == holder.slot
    assert late.token != holder.token
    return probe, late, holder


def test_a_finding_of_a_lost_slot_leaves_no_trace(twice):
    probe, late, _ = twice
    before = Check.objects.count()
    settle([Finding(late, reading("down"), NOW, 0)], NOW)
    probe.refresh_from_db()
    assert Check.objects.count() == before
    assert (probe.outcome, probe.run, probe.claimed_slot is not None) == ("up", [], True)


def test_two_findings_of_one_slot_do_not_confirm_an_outage(twice):
    probe, late, holder = twice
    settle([Finding(holder, reading("down"), NOW, 0)], NOW)
    settle([Finding(late, reading("down"), after(seconds=1), 0)], after(seconds=1))
    probe.refresh_from_db()
    assert probe.outcome == "up"
    assert not Incident.objects.exists()


def test_the_holder_of_the_slot_is_heard_after_the_late_one(twice):
    probe, late, holder = twice
    settle([Finding(late, reading("down"), NOW, 0)], NOW)
    settle([Finding(holder, reading("up"), NOW, 0)], NOW)
    probe.refresh_from_db()
    assert (probe.outcome, probe.run, probe.claimed_slot) == ("up", [], None)
