"""Every loop has a heartbeat and a deadline, and a target of our own that fails must be noticed."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from components import loops, self_test
from components.checking import Checker
from components.egress import Door, through
from components.models import Check, Component, Flip, Heartbeat, Probe
from components.outcomes import Failure, Reading
from components.probers.self_test import KIND, PERIOD_S, is_failing
from components.tasks import prune
from incidents.models import Incident
from incidents.tasks import settle, tick
from statuspage.ops import vitals as vitals_module
from statuspage.ops.vitals import vitals
from subscribers.alerts.kinds import World, parts
from tests.making import found, watched

NOW = datetime(2026, 11, 12, 8, 0, tzinfo=UTC)


def after(seconds):
    return NOW + timedelta(seconds=seconds)


@pytest.fixture
def on(db, settings, monkeypatch):
    settings.SELF_TEST = True
    monkeypatch.setattr(self_test, "KEEP_EVERY_S", -1.0)


def checks(now):
    return {name: rows[0] for name, rows in vitals(now)[0]["checks"].items()}


def alerts(now):
    return {owed.subject: owed.title for owed in parts(World(now, checks(now), "node"))}


@pytest.fixture
def all_report(db):
    for loop in loops.LOOPS.values():
        Heartbeat.objects.beat(loop.role, "a", NOW)
    found(watched(interval_s=3600), "up", NOW)


def test_all_loops_are_checked_and_each_has_its_deadline(all_report):
    assert {loop.check for loop in loops.LOOPS.values()} <= set(checks(NOW))
    assert vitals(NOW)[1] == 200


@pytest.mark.parametrize("role", [role for role in loops.LOOPS if role != "hooks"])
def test_one_loop_that_is_silent_fails_at_its_deadline_and_staff_hear_of_it(all_report, role):
    loop = loops.LOOPS[role]
    late = after(loop.deadline_s + 1)
    Heartbeat.objects.exclude(role=role).update(at=late)
    bad = {name: check["status"] for name, check in checks(late).items() if check["status"] != "pass"}
    assert bad == {loop.check: "fail"}
    assert vitals(late)[1] == 503
    assert list(alerts(late)) == ["clock" if role == "beat" else loop.check]
    assert vitals(after(loop.deadline_s - 1))[1] == 200


def test_one_of_two_that_is_silent_warns_until_it_has_left(all_report):
    Heartbeat.objects.beat("renderer", "b", NOW - timedelta(seconds=61))
    assert checks(NOW)["renderer:heartbeat"]["status"] == "warn"
    assert vitals(NOW)[1] == 200
    assert alerts(NOW) == {"renderer:heartbeat:some": "1 of 2 of these do not report: renderer."}
    Heartbeat.objects.filter(name="b").update(at=NOW - timedelta(hours=2))
    assert checks(NOW)["renderer:heartbeat"]["status"] == "pass"


def test_a_heartbeat_from_the_future_fails(all_report):
    Heartbeat.objects.filter(role="dispatcher").update(at=after(3600))
    check = checks(NOW)["dispatcher:heartbeat"]
    assert (check["status"], check["output"]) == ("fail", vitals_module.AHEAD)


def test_a_broker_that_is_away_is_one_alert_though_all_else_is_silent(all_report, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    late = after(120)
    Heartbeat.objects.filter(role__in=["web", "renderer", "spooler", "alerts"]).update(at=late)
    assert list(alerts(late)) == ["broker:responseTime"]


def test_a_region_that_is_silent_warns(all_report):
    probe = watched("Far", region="far", interval_s=60)
    Probe.objects.filter(pk=probe.pk).update(heard_s=int(NOW.timestamp()) - 181, next_slot=2_000_000_000_000)
    Probe.objects.exclude(pk=probe.pk).update(next_slot=2_000_000_000_000)
    assert checks(NOW)["regions:lastCheck"]["output"] == "1 of 2 regions do not report."
    assert vitals(NOW)[1] == 200


def test_marks_are_written_when_made_and_a_loop_that_hangs_grows_old(db, monkeypatch):
    monkeypatch.setattr(loops, "_marks", {})
    monkeypatch.setattr(loops, "_written", {})
    loops.mark("renderer")
    loops.write_marks()
    first = Heartbeat.objects.get(role="renderer").at
    assert abs((timezone.now() - first).total_seconds()) < 30
    loops.write_marks()  # no new round
    assert Heartbeat.objects.get(role="renderer").at == first
    loops.mark("renderer")
    loops.write_marks()
    assert Heartbeat.objects.get(role="renderer").at > first


# The self-test


def test_it_is_made_once_and_in_no_list(on):
    tick()
    tick()
    probe = Probe.queue.get()
    assert (probe.kind, Probe.objects.count(), Component.objects.count()) == (KIND, 0, 0)
    assert Component.everything.get().is_internal
    assert Probe.queue.get().claimed_slot is not None  # it is due at once, as any new probe


def test_switched_off_it_goes_away(on, settings):
    tick()
    settings.SELF_TEST = False
    tick()
    assert not Component.everything.exists()
    assert not Heartbeat.objects.filter(role=self_test.ROLE).exists()


def test_its_failures_are_noticed_and_concern_nobody(on):
    self_test.keep(NOW)
    probe = Probe.queue.get()
    for second, failure in ((0, None), (20, None), (40, Failure.STATUS), (45, Failure.STATUS)):
        Probe.queue.filter(pk=probe.pk).update(next_slot=int(after(second).timestamp()), claimed_slot=None)
        (claim,) = Probe.queue.claim_due(int(after(second).timestamp()))
        Probe.queue.begin([claim])
        from components.checking import Finding

        settle(
            [Finding(claim, Reading(5.0, failure, "It fails on purpose."), after(second), 0)], after(second)
        )
    assert [flip.new for flip in Flip.objects.all()] == ["up", "down"]
    assert Component.everything.get().status == "unknown"
    assert not Incident.objects.exists()
    assert not Check.objects.exists()
    assert self_test.noticed_age_s(after(45)) == pytest.approx(0, abs=1)


def test_a_failure_that_is_not_noticed_in_time_fails_and_a_pause_begins_anew(on, all_report):
    self_test.keep(NOW)
    Heartbeat.objects.filter(role=self_test.ROLE, name="kept").update(at=after(self_test.LIMIT_S))
    Heartbeat.objects.exclude(role=self_test.ROLE).update(at=after(self_test.LIMIT_S))
    Probe.queue.update(next_slot=2_000_000_000_000)
    assert checks(after(self_test.LIMIT_S - 1))["selfTest:lastNoticed"]["status"] == "pass"
    late = after(self_test.LIMIT_S + 1)
    assert checks(late)["selfTest:lastNoticed"]["status"] == "fail"
    assert vitals(late)[1] == 503
    assert list(alerts(late)) == ["selfTest:lastNoticed"]
    self_test.keep(after(self_test.LIMIT_S + 3600))  # the program was down meanwhile
    assert checks(after(self_test.LIMIT_S + 3601))["selfTest:lastNoticed"]["status"] == "pass"


@pytest.mark.parametrize("step_s", [-3600, 3600])
def test_a_clock_that_steps_begins_the_self_test_anew(on, step_s):
    self_test.keep(NOW)
    probe = Probe.queue.get()
    Flip.objects.create(probe=probe, old="up", new="down", at=NOW, noticed_at=NOW)
    self_test.keep(after(step_s))
    assert self_test.noticed_age_s(after(step_s + 10)) == pytest.approx(10)
    assert self_test.noticed_age_s(after(step_s + self_test.LIMIT_S + 1)) > self_test.LIMIT_S


def test_old_flips_of_it_are_removed(on):
    self_test.keep(NOW)
    probe = Probe.queue.get()
    long_ago = timezone.now() - timedelta(days=2)
    Flip.objects.create(probe=probe, old="up", new="down", at=long_ago, noticed_at=long_ago)
    other = watched()
    Flip.objects.create(probe=other, old="up", new="down", at=long_ago, noticed_at=long_ago)
    prune()
    assert Flip.objects.get().probe_id == other.pk


@pytest.mark.parametrize("is_bad", [True, False])
def test_the_target_answers_as_its_time_says_through_the_engine(monkeypatch, is_bad):
    from components.checking import CheckRequest
    from components.models import Claim
    from components.probers import EVERY_PROBER

    monkeypatch.setattr("components.probers.self_test.is_failing", lambda now: is_bad)
    findings = []
    engine = Checker(findings.extend, egress=through(Door.PROBES))
    order = EVERY_PROBER[KIND].parse("", {})
    engine.submit([CheckRequest(Claim(1, int(time.time()), 1, "local"), KIND, order, 5.0)])
    deadline = time.monotonic() + 20
    while not findings and time.monotonic() < deadline:
        time.sleep(0.05)
    engine.drain(1)
    (finding,) = findings
    assert finding.reading.failure == (Failure.STATUS if is_bad else None)
    assert finding.reading.status_code == (503 if is_bad else 200)


def test_it_fails_in_the_first_minute_of_every_three():
    assert [is_failing(second) for second in (0, 59, 60, PERIOD_S - 1, PERIOD_S)] == [
        True, True, False, False, True,
    ]  # fmt: skip
