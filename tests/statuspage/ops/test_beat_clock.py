"""The clock of beat, and what a wall clock that was put back does to what is owed."""

import platform
from datetime import UTC, datetime, timedelta

import pytest

from components.models import Heartbeat
from components.models.heartbeat import MAX_AHEAD
from incidents import tasks
from incidents.models import Notice
from incidents.tasks import tick
from statuspage.celery import app
from statuspage.ops.beat_clock import Metronome
from statuspage.ops.vitals import vitals
from subscribers.delivery import leases
from subscribers.models import Delivery, DeliveryState, Host, Purpose, Subscriber
from tests.making import watched

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def metronome():
    return Metronome(app, lazy=False)


def test_every_task_is_due_at_the_start_however_often_we_start(metronome):
    assert {entry.is_due()[0] for entry in metronome.schedule.values()} == {True}


@pytest.mark.parametrize(
    ("step_s", "begins_anew"),
    [(-150, True), (-3600, True), (7200, True), (0.5, False), (-0.5, False)],
)
def test_a_step_of_the_wall_clock_makes_every_task_due(metronome, step_s, begins_anew):
    ahead = datetime.now(UTC) + HOUR
    for entry in metronome.schedule.values():
        entry.last_run_at = ahead  # as they stand when the clock has gone back
    metronome.watch(100.0, 5_000.0)
    metronome.watch(101.0, 5_001.0 + step_s)
    assert all(entry.last_run_at < ahead for entry in metronome.schedule.values()) is begins_anew


def test_slewing_is_no_step(metronome):
    metronome._heap = marker = []
    for second in range(600):
        metronome.watch(float(second), 1.0005 * second)
    assert metronome._heap is marker


def test_a_sign_of_life_from_the_future_is_none(db):
    Heartbeat.objects.create(role="worker", name="a", at=NOW + HOUR)
    assert Heartbeat.objects.newest(NOW, "worker") is None
    Heartbeat.objects.create(role="worker", name="b", at=NOW - timedelta(minutes=2))
    assert Heartbeat.objects.newest(NOW, "worker") == NOW - timedelta(minutes=2)


def test_health_fails_on_times_from_the_future(db):
    probe = watched()
    probe.__class__.objects.filter(pk=probe.pk).update(heard_s=int((NOW + HOUR).timestamp()))
    for role in ("worker", "post"):
        Heartbeat.objects.create(role=role, name="a", at=NOW + HOUR)
    body, code = vitals(NOW)
    assert code == 503
    for name in ("probes:lastCheck", "worker:heartbeat", "deliveries:heartbeat"):
        assert "from the future" in body["checks"][name][0]["output"]


def test_only_one_caller_is_told_that_the_clock_was_put_back(db):
    Heartbeat.objects.create(role="post", name="a", at=NOW + HOUR)
    Heartbeat.objects.create(role="post", name="b", at=NOW + HOUR / 2)
    assert Heartbeat.objects.set_back("post", NOW) == HOUR
    assert Heartbeat.objects.set_back("post", NOW) is None
    assert not Heartbeat.objects.filter(at__gt=NOW + MAX_AHEAD).exists()


def test_a_small_difference_between_hosts_is_no_step(db):
    Heartbeat.objects.create(role="post", name="a", at=NOW + timedelta(seconds=5))
    assert Heartbeat.objects.set_back("post", NOW) is None


def test_what_is_owed_waits_no_longer_because_the_clock_was_put_back(db):
    """All of this was written an hour ahead; each was to wait for 20 seconds more."""
    soon, then = NOW + timedelta(seconds=20), NOW + HOUR + timedelta(seconds=20)
    notice = Notice.objects.create(created_at=NOW + HOUR, due_at=then)
    fields = {"created_at": NOW, "confirmed_at": NOW, "channel": "email"}
    reader = Subscriber.objects.create(fingerprint="a", next_at=then, lease_until=then, **fields)
    digest = Subscriber.objects.create(fingerprint="b", next_at=then, is_digest=True, **fields)
    owed = Delivery.objects.create(
        subscriber=reader,
        notice=notice,
        purpose=Purpose.NEWS,
        created_at=NOW,
        due_at=then,
        state=DeliveryState.OWED,
    )
    host = Host.objects.create(name="example.org", rests_until=then)
    leases.set_back(NOW, HOUR)
    for row in (notice, reader, digest, owed, host):
        row.refresh_from_db()
    assert (notice.due_at, owed.due_at, host.rests_until) == (soon, soon, soon)
    assert (reader.next_at, reader.lease_until) == (soon, soon)
    assert digest.next_at == then  # goes at its hour on the wall


def test_a_tick_after_the_clock_was_put_back_brings_checks_forward(db):
    probe = watched()
    ahead = datetime.now(UTC) + HOUR
    type(probe).objects.filter(pk=probe.pk).update(heard_s=int(ahead.timestamp()))
    Heartbeat.objects.create(role="worker", name=platform.node(), at=ahead)
    tick.run()
    probe.refresh_from_db()
    assert probe.heard_s <= datetime.now(UTC).timestamp() + 1
    assert Heartbeat.objects.get(role="worker").at <= datetime.now(UTC) + MAX_AHEAD


def test_a_failure_that_is_held_back_is_held_no_longer_because_the_clock_was_put_back(db):
    component = watched().component
    component.hold(NOW + HOUR + timedelta(minutes=2))
    component.judge_again(NOW + HOUR + timedelta(seconds=20))
    Heartbeat.objects.create(role="worker", name="a", at=NOW + HOUR)
    tasks._beat(NOW)
    component.refresh_from_db()
    assert component.held_until == NOW + timedelta(minutes=2)
    assert component.judge_at == NOW + timedelta(seconds=20)
