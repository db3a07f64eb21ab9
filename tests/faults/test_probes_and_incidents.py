"""Checks 9, 10, 13, 14 of docs/faults.md: verdicts, speed, clocks, hostile targets."""

import random
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta

import psutil
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from components.checking import Checker, CheckRequest
from components.egress import Egress
from components.models import Claim, Component, Page, Probe
from components.outcomes import Failure
from components.probers import PROBERS
from components.status import Status
from incidents import automation
from incidents.models import Affected, Incident, Post
from incidents.tasks import fall_silent
from tests.faults.faults import length, only_long, p99, report
from tests.making import NOW, found, group, watched
from tests.targets import Target
from tests.whole import ROOT, wait_for


class Life(RuleBasedStateMachine):
    """Two probes of one group, checks of every outcome, people who post, time that passes."""

    def __init__(self):
        super().__init__()
        self.now = NOW
        Page.objects.this()
        ours = group()
        self.probes = [watched(name, group=ours) for name in ("Web app", "API")]

    @rule(which=st.integers(0, 1), outcome=st.sampled_from(["up", "down", "down", "unknown"]))
    def check(self, which, outcome):
        self.now += timedelta(seconds=15)
        found(self.probes[which], outcome, self.now, gap=True)

    @rule(minutes=st.integers(1, 6))
    def time_passes(self, minutes):
        self.now += timedelta(minutes=minutes)
        fall_silent(self.now)
        automation.advance(self.now)

    @rule(phase=st.sampled_from(["identified", "monitoring", "resolved"]))
    def a_person_posts(self, phase):
        incident = Incident.objects.filter(resolved_at=None).first()
        if incident:
            incident.post(Post("We are on it.", phase=phase), now=self.now)

    @invariant()
    def never_two_open_automatic_incidents_for_a_component(self):
        held = list(Affected.objects.filter(is_auto_open=True).values_list("component_id", flat=True))
        assert len(held) == len(set(held))
        assert not Affected.objects.filter(is_auto_open=True).exclude(incident__resolved_at=None).exists()

    @invariant()
    def a_component_shows_what_its_probe_thinks(self):
        for probe in Probe.objects.select_related("component"):
            assert Status(probe.component.status) is probe.status

    @invariant()
    def the_machine_is_silent_in_what_people_own(self):
        for incident in Incident.objects.filter(is_owned=True):
            numbers = list(incident.updates.values_list("number", "kind", "is_by_machine"))
            first = min(n for n, kind, machine in numbers if kind == "post" and not machine)
            assert not [n for n, kind, machine in numbers if kind == "post" and machine and n > first]

    @invariant()
    def numbers_have_no_holes(self):
        for incident in Incident.objects.all():
            numbers = list(incident.updates.values_list("number", flat=True))
            assert numbers == list(range(1, len(numbers) + 1))


class LifeInRegions(Life):
    """The same, where one of them is checked from three regions."""

    def __init__(self):
        super().__init__()
        main = self.probes[1]
        main.set_regions(["far", "farther"])
        self.probes = [self.probes[0], *main.everywhere]

    @rule(which=st.integers(0, 3), outcome=st.sampled_from(["up", "down", "down", "unknown"]))
    def check(self, which, outcome):
        self.now += timedelta(seconds=15)
        found(self.probes[which], outcome, self.now, gap=True)

    @invariant()
    def a_component_shows_what_its_probe_thinks(self):
        for component in Component.objects.prefetch_related("probes"):
            outcomes = ["unknown" if row.is_unproven else row.outcome for row in component.probes.all()]
            down, reporting = outcomes.count("down"), len(outcomes) - outcomes.count("unknown")
            status = "major_outage" if down * 2 > reporting else "operational" if reporting else "unknown"
            assert component.status == status, outcomes


LIVES = settings(
    max_examples=length(12, 200),
    stateful_step_count=length(40, 60),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


class LifeTest(Life.TestCase, TestCase):
    settings = LIVES


class LifeInRegionsTest(LifeInRegions.TestCase, TestCase):
    settings = LIVES


@only_long  # one round of it: tests/journeys/test_break_and_mend.py
def test_10_detection_and_recovery_time(whole):
    interval_s, retry_s, timeout_s, rounds = 5, 5, 2, 100
    whole.start()
    opened, closed = [], []
    with Target() as target:
        whole.watch(target.url, "Shop")
        wait_for(lambda: whole.status_of("Shop") == "operational", 30)
        for _ in range(rounds):
            time.sleep(random.uniform(0, interval_s))
            for answers, wanted, times in ((503, "major_outage", opened), (200, "operational", closed)):
                target.answers, began = answers, time.monotonic()
                wait_for(lambda: whole.status_of("Shop") == wanted, 60)  # noqa: B023
                times.append(time.monotonic() - began)
    report(10, rounds=rounds, opened_s_max=round(max(opened), 1), closed_s_max=round(max(closed), 1))
    # the next slot, one confirming look, its time-out, and 5 s for ourselves
    assert max(*opened, *closed) <= interval_s + retry_s + timeout_s + 5
    titles = [one["name"] for one in whole.incidents()]
    assert set(titles) == {"Shop is returning errors"}


SPRING = datetime(2026, 3, 29, 0, 59, 50, tzinfo=UTC)  # clocks in Berlin go forward at 01:00 UTC
AUTUMN = datetime(2026, 10, 25, 0, 59, 50, tzinfo=UTC)
NEW_YEAR = datetime(2026, 12, 31, 23, 59, 50, tzinfo=UTC)
LEAP = datetime(2016, 12, 31, 23, 59, 50, tzinfo=UTC)


@pytest.mark.parametrize("start", [SPRING, AUTUMN, NEW_YEAR, LEAP], ids=["spring", "autumn", "year", "leap"])
@pytest.mark.parametrize("jump_s", [0, 3600, -3600, 90, -90])
def test_13_clock_jumps(db, start, jump_s):
    """A clock that jumps skips no more than two intervals and asks for no slot twice, in any region."""
    probe = watched(interval_s=30, timeout_s=5)
    probe.set_regions(["far"])
    at = int(start.timestamp())
    slots, idle = {row.pk: [] for row in probe.everywhere}, {row.pk: 0 for row in probe.everywhere}
    for second in range(300):
        if second == 60:
            at += jump_s
        at += 1
        for claim in Probe.objects.claim_due(at):
            slots[claim.probe_id].append(claim.slot)
            Probe.objects.filter(pk=claim.probe_id).update(claimed_slot=None)
            idle[claim.probe_id] = 0
        idle = {pk: seconds + 1 for pk, seconds in idle.items()}
        assert max(idle.values()) <= 61, second
    # where time itself is lived twice, so may a slot be; its row is unique all the same
    for asked in slots.values():
        assert len(asked) - len(set(asked)) <= max(0, -jump_s) // 30
        assert len(asked) >= 5


BEHAVIOURS = (
    "drip", "endless_headers", "endless_body", "bomb", "reset_in_body", "hang_before_answer", "no_http",
)  # fmt: skip


@pytest.fixture
def hostile_ports():
    """Hostile servers, and in another process a good one: their work is neither ours nor each other's."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.hostile", *names], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        for names in (BEHAVIOURS, ())
    ]
    ports = [[int(port) for port in one.stdout.readline().split()] for one in processes]
    yield [*ports[0][:-1], ports[1][0]]
    for one in processes:
        one.kill()
        one.wait()
        one.stdout.close()


def check_all(addresses, deadline_s):
    """Every address at once by the worker's own engine: [(address, finding)], and how long it took (s)."""
    findings, done = {}, threading.Event()

    def keep(batch):
        findings.update({one.claim.probe_id: one for one in batch})
        if len(findings) == len(addresses):
            done.set()

    checker, slot = Checker(keep, egress=Egress(["127.0.0.0/8"])), int(time.time())
    began = time.monotonic()
    checker.submit(
        CheckRequest(Claim(n, slot, 1, "local"), "http", PROBERS["http"].parse(address, {}), deadline_s)
        for n, address in enumerate(addresses)
    )
    assert done.wait(deadline_s + 20)
    return [(addresses[n], one) for n, one in findings.items()], time.monotonic() - began


@pytest.fixture
def hanging_and_well():
    with subprocess.Popen(
        [sys.executable, "-m", "tests.hostile", "hang_before_answer", "well"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        ports = [int(port) for port in process.stdout.readline().split()]
        yield [f"http://127.0.0.1:{port}/" for port in ports[:2]]
        process.kill()


def test_a_hundred_that_hang_delay_nine_hundred_others_by_less_than_two_seconds(hanging_and_well):
    hanging, well = hanging_and_well
    addresses = [hanging] * 100 + [well] * 900
    random.Random(2).shuffle(addresses)
    found_, took = check_all(addresses, deadline_s=5.0)
    late = [one.lag_ms + one.reading.total_ms for address, one in found_ if address == well]
    report(14, hanging=100, others=900, worst_delay_ms=round(max(late)), took_s=round(took, 1))
    assert [one.reading.failure for address, one in found_ if address == well] == [None] * 900
    assert max(late) <= 3000  # the second of the slot, and at most two more


def test_14_hostile_targets_delay_nobody(hostile_ports):
    each, good = length(4, 20), length(80, 200)
    process, deadline_s = psutil.Process(), 3.0
    *bad_ports, well_port = hostile_ports
    well = f"http://127.0.0.1:{well_port}/"
    addresses = [f"http://127.0.0.1:{port}/" for port in bad_ports for _ in range(each)] + [well] * good
    random.Random(1).shuffle(addresses)
    time.sleep(0.5)
    memory = process.memory_info().rss
    found_, took = check_all(addresses, deadline_s)
    grown = (process.memory_info().rss - memory) / 2**20
    readings = [(address == well, one.reading, one.lag_ms) for address, one in found_]
    lag = [lag_ms + reading.total_ms for is_well, reading, lag_ms in readings if is_well]
    report(
        14, checks=len(addresses), took_s=round(took, 1), good_p99_ms=round(p99(lag)), grown_mb=round(grown)
    )
    for is_well, reading, _ in readings:
        # an endless answer with nothing to find in it is read as far as needed, and up
        assert reading.failure is None or not is_well, reading
        assert reading.failure is not Failure.OWN_FAULT
        assert reading.total_ms <= (deadline_s + 1) * 1000
    assert p99(lag) <= 3000  # begun in its second, and at most two more
    assert grown < length(120, 150)
