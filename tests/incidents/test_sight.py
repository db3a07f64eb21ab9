"""A region that is blind: unknown for customers, an alert for staff, no incident."""

import pytest

from components.canaries import Canaries
from components.egress import Egress
from components.models import Component, Heartbeat
from components.status import Status
from incidents import sight
from incidents.models import Incident
from subscribers.alerts.kinds import KINDS
from subscribers.alerts.owed import World
from tests.making import NOW, after, found, watched

pytestmark = pytest.mark.data


@pytest.fixture
def canaries(monkeypatch):
    monkeypatch.setattr(sight, "_known", {})
    return Canaries([], egress=Egress([]))


def owed(at):
    return [owed.title for owed in KINDS["blind"].find(World(at, {}))]


def test_staff_hear_of_a_blind_region_until_it_sees_again(db, canaries):
    sight.note("eu", canaries, NOW)
    assert owed(NOW) == []
    canaries.is_blind = True
    sight.note("eu", canaries, after(seconds=5))
    assert owed(after(seconds=6)) == ["Region eu cannot see anything."]
    canaries.is_blind = False
    sight.note("eu", canaries, after(seconds=60))
    assert owed(after(seconds=61)) == []
    assert not Heartbeat.objects.filter(role=sight.BLIND).exists()


def test_a_worker_that_was_blind_and_is_gone_is_not_blind_for_ever(db, canaries):
    canaries.is_blind = True
    sight.note("eu", canaries, NOW)
    assert owed(after(minutes=2))
    assert owed(after(minutes=4)) == []


def test_a_blind_region_opens_no_incident(db):
    probe = watched()
    found(probe, "up", after(seconds=-60))
    for second in (0, 10, 20, 60, 120, 240):
        found(probe, "unknown", after(seconds=second))
    assert not Incident.objects.exists()
    component = Component.objects.get()
    assert component.status == Status.UNKNOWN
