"""Regions without the database: a real web process, real agents, a line that is cut, and kills."""

import os
import signal
import subprocess
import time
from datetime import UTC, datetime, timedelta

import pytest

from components.models import Check, Component, Flip, Heartbeat, Probe, RemoteRegion
from components.status import Status
from incidents.models import Incident
from incidents.tasks import fall_silent
from tests.agents import Agent, Line
from tests.certificates import make
from tests.making import found, watched
from tests.targets import Target
from tests.web import Web
from tests.whole import wait_for

pytestmark = pytest.mark.data


@pytest.fixture
def line(web):
    made = Line(web.port)
    yield made
    made.close()


@pytest.fixture
def region(web, line, tmp_path):
    """Makes a region with its agent, which asks through the line."""
    agents = []

    def make(name="far", **env) -> Agent:
        _, key = RemoteRegion.objects.add(name, own="local")
        agents.append(Agent(tmp_path, name, line.url, key, **env))
        return agents[-1]

    yield make
    for agent in agents:
        agent.stop(by_force=True)


def now() -> datetime:
    return datetime.now(UTC)


def probe_of(target, region="far", **more) -> Probe:
    return watched(
        region=region, kind="http", target=target.url, interval_s=5, timeout_s=3, retry_s=1, **more
    )


def outcome(probe, wanted):
    def look():
        probe.refresh_from_db()
        return probe.outcome == wanted

    wait_for(look, 40)


def test_a_region_checks_what_is_due_there_and_nothing_else(region, target):
    there, here = probe_of(target), watched("Web", kind="http", target=target.url)
    agent = region()
    wait_for(lambda: Check.objects.filter(probe=there, region="far", outcome="up").exists(), 40)
    assert not Check.objects.filter(probe=here).exists()
    assert Probe.objects.claim_due(int(now().timestamp()))[0].probe_id == here.pk
    row = RemoteRegion.objects.get()
    assert row.is_seen(now())
    assert abs(row.skew_s) < 5
    assert Heartbeat.objects.newest(now(), "region") is not None
    assert agent.stop() == 0
    assert "region.connected" in agent.says


def test_two_of_three_regions_make_an_outage_and_one_does_not(region, target):
    main = watched(region="local", kind="http", target=target.url, interval_s=5, timeout_s=3, retry_s=1)
    main.set_regions(["far", "farther"])
    for name in ("far", "farther"):
        region(name)
    far, farther = main.others.order_by("pk")
    found(main, "up", now())
    outcome(far, "up")
    outcome(farther, "up")
    target.answers = 503
    outcome(far, "down")
    outcome(farther, "down")
    assert Status(Component.objects.get().status) is Status.MAJOR_OUTAGE
    assert Incident.objects.count() == 1
    target.answers = 200
    outcome(far, "up")
    outcome(farther, "up")
    assert Status(Component.objects.get().status) is Status.OPERATIONAL


def test_a_region_that_is_cut_off_is_unknown_without_an_incident_and_comes_back(region, line, target):
    probe = probe_of(target)
    region()
    outcome(probe, "up")
    line.cut()
    target.answers = 503  # what it does meanwhile, nobody knows
    time.sleep(2)
    later = now() + timedelta(minutes=3)
    fall_silent(later)
    probe.refresh_from_db()
    assert probe.outcome == "unknown"
    assert not Incident.objects.exists()
    assert not RemoteRegion.objects.get().is_seen(later)
    target.answers = 200
    Probe.objects.update(heard_s=int(now().timestamp()))
    line.mend()
    outcome(probe, "up")
    assert not Flip.objects.filter(new="down").exists()
    assert not Incident.objects.exists()


def test_a_kill_loses_nothing_that_was_found(region, line, target):
    probe = probe_of(target)
    agent = region()
    outcome(probe, "up")
    target.waits_s = 1.5
    asked = len(target.asked)
    wait_for(lambda: len(target.asked) > asked, 20)  # a check is under way
    line.cut()
    wait_for(lambda: agent.spooled >= 1, 20)
    agent.stop(by_force=True)
    before = set(Check.objects.values_list("slot", flat=True))
    held = probe_claim(probe)
    assert held not in before
    # the lease ends meanwhile: what comes is no verdict any more
    Probe.objects.filter(pk=probe.pk).update(lease_until=int(now().timestamp()) - 1, is_paused=True)
    heard = Probe.objects.get().heard_s
    line.mend()
    agent.start()
    wait_for(lambda: Check.objects.filter(slot=held).exists(), 40)
    assert Probe.objects.get().heard_s == heard
    wait_for(lambda: agent.spooled == 0, 10)


def probe_claim(probe):
    probe.refresh_from_db()
    return probe.claimed_slot


def test_an_answer_that_is_lost_is_sent_again_and_taken_once(region, line, target):
    probe = probe_of(target)
    agent = region()
    outcome(probe, "up")
    line.swallows = True
    time.sleep(6)
    line.mend()
    slots = Check.objects.count()
    wait_for(lambda: Check.objects.count() > slots and agent.spooled == 0, 40)
    probe.refresh_from_db()
    assert probe.outcome == "up"
    assert probe.attempts < 3  # answers that were lost are no crashes of its agent
    assert not Incident.objects.exists()


def test_a_stopped_agent_sends_what_it_has_and_a_frozen_one_is_no_failure(region, target):
    probe = probe_of(target)
    agent = region()
    outcome(probe, "up")
    agent.process.send_signal(signal.SIGSTOP)
    time.sleep(5)
    agent.process.send_signal(signal.SIGCONT)
    checks = Check.objects.count()
    wait_for(lambda: Check.objects.count() > checks, 40)
    assert not Check.objects.exclude(outcome__in=("up", "unknown")).exists()
    assert agent.stop() == 0
    assert agent.spooled == 0


def ip(*words, may_fail=False) -> bool:
    done = subprocess.run(["ip", *words], capture_output=True, check=False)
    assert may_fail or done.returncode == 0, done.stderr
    return done.returncode == 0


@pytest.fixture
def elsewhere():
    """A network namespace behind a cable: (its name, our end of the cable, our address there)."""
    name, near, far = (f"{word}{os.getpid() % 100_000}" for word in ("region", "rgn", "rgf"))
    net = f"10.201.{os.getpid() % 250}"
    if os.geteuid() != 0 or not ip("netns", "add", name, may_fail=True):
        pytest.skip("network namespaces cannot be made here")
    try:
        ip("link", "add", near, "type", "veth", "peer", "name", far)
        ip("link", "set", far, "netns", name)
        ip("addr", "add", f"{net}.1/24", "dev", near)
        ip("link", "set", near, "up")
        ip("-n", name, "addr", "add", f"{net}.2/24", "dev", far)
        ip("-n", name, "link", "set", far, "up")
        ip("-n", name, "link", "set", "lo", "up")
        yield name, near, f"{net}.1"
    finally:
        ip("link", "del", near, may_fail=True)
        ip("netns", "del", name, may_fail=True)


def test_a_region_whose_cable_is_pulled_is_unknown_and_what_it_spooled_comes_later(web, elsewhere, tmp_path):
    """Over TLS, from another network: the certificate is verified, and the cable is pulled twice."""
    name, cable, host = elsewhere
    key, chain = make(tmp_path, host)
    (tmp_path / "web").mkdir()
    web = Web(tmp_path / "web", ALLOWED_HOSTS=host)
    line, target = Line(web.port, host, (key, chain)), Target(host=host)
    probe = probe_of(target)
    secret = RemoteRegion.objects.add("far", own="local")[1]
    more = {"EGRESS_ALLOW": "10.201.0.0/16", "within": ["ip", "netns", "exec", name]}
    agent = Agent(tmp_path, "far", line.url, secret, **more)
    try:
        wait_for(lambda: "certificate is not valid" in agent.says, 40)  # nobody vouches for it
        assert agent.stop() == 0
        agent.env["SSL_CERT_FILE"] = str(chain)
        agent.start()
        outcome(probe, "up")
        ip("link", "set", cable, "down")
        wait_for(lambda: agent.says.count("region.cut_off") > 1, 40)
        later = now() + timedelta(minutes=3)
        fall_silent(later)
        outcome(probe, "unknown")
        assert not RemoteRegion.objects.get().is_seen(later)
        Probe.objects.update(heard_s=int(now().timestamp()))
        ip("link", "set", cable, "up")
        outcome(probe, "up")
        wait_for(lambda: agent.spooled == 0, 20)
        assert not Flip.objects.filter(new="down").exists()
        assert not Incident.objects.exists()
    finally:
        agent.stop(by_force=True)
        line.close()
        target.close()
        web.stop()
