"""The outgoing heartbeat: a service elsewhere hears that all is well, or at once that it is not."""

import time
from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.utils import timezone

from components import self_test
from components.loops import LOOPS
from components.models import Heartbeat, Probe
from incidents import alerting
from statuspage.serving import disk_copies
from statuspage.serving.snapshot import Snapshot
from subscribers.alerts import outgoing
from subscribers.alerts.outgoing import EVERY_S, STARTING_S, OutgoingHeartbeat
from subscribers.alerts.watch import Watch
from tests.making import found, watched
from tests.subscribers.pings import Pings

LOOK_S = 5


@pytest.fixture
def service(settings):
    with Pings() as made:
        settings.HEARTBEAT_URL, settings.HEARTBEAT_FAIL_URL = made.url, made.fail_url
        yield made


class Life:
    """A process that looks every five seconds, whose clocks the test moves on.

    `stopped`: the loops that write no heartbeat.
    """

    def __init__(self, *, serves_page=True):
        self.s, self.began, self.serves_page = 0.0, timezone.now(), serves_page
        self.stopped = set()
        self.outgoing = OutgoingHeartbeat(lambda: self.s)

    @property
    def now(self):
        return self.began + timedelta(seconds=self.s)

    def live(self, seconds):
        """Looks, and what the others do meanwhile: loops beat, and a check comes through."""
        end = self.s + seconds
        while self.s < end:
            self.s += LOOK_S
            for role in set(LOOPS) - self.stopped:
                Heartbeat.objects.beat(role, "host:8000", self.now)
            if "worker" not in self.stopped:
                Probe.objects.update(heard_s=int(self.now.timestamp()))
            self.look()

    def look(self):
        checks = alerting.vitals(self.now)
        self.outgoing.look(
            is_well=alerting.is_well(checks),
            passed_at=alerting.passed_at(checks, self.now),
            serves_page=self.serves_page,
        )
        if self.outgoing.request:
            self.outgoing.request.future.result(15)  # the next look is five seconds later


@pytest.fixture
def life(transactional_db, settings, tmp_path, monkeypatch):
    settings.SELF_TEST = True
    made = Life()
    found(watched("Shop"), "up", made.now)
    Probe.objects.update(next_slot=2_000_000_000_000)  # nothing is overdue meanwhile
    snapshot = Snapshot(tmp_path)
    monkeypatch.setattr(disk_copies, "_serving", [(snapshot.copies, snapshot.stuck_s, snapshot)])
    snapshot.rendered_at = made.now.timestamp() + 10_000
    made.snapshot = snapshot
    return made


@pytest.mark.parametrize("role", sorted(set(LOOPS) - {"hooks"}))
def test_a_loop_that_stops_is_reported_once_and_so_is_the_recovery(life, service, role):
    life.live(STARTING_S + 5)
    assert service.heard == ["/alive", "/alive"]
    life.stopped = {role}
    life.live(LOOPS[role].deadline_s + 30)
    assert service.heard.count("/alive/fail") == 1
    assert service.heard[-1] == "/alive/fail"  # and from then on nothing says that all is well
    life.live(600)
    assert service.heard.count("/alive/fail") == 1
    assert service.heard[-1] == "/alive/fail"
    life.stopped = set()
    life.live(2 * LOOK_S)
    assert service.heard[-1] == "/alive"  # at once, not after the rest of the minute
    life.stopped = {role}
    life.live(LOOPS[role].deadline_s + 30)
    assert service.heard.count("/alive/fail") == 2  # the next episode


def test_a_self_test_that_no_one_noticed_is_reported(life, service):
    life.live(STARTING_S + 5)
    Heartbeat.objects.beat(self_test.ROLE, self_test.SINCE, life.now - timedelta(hours=1))
    life.live(3 * LOOK_S)
    assert service.heard[-1] == "/alive/fail"


def test_results_that_do_not_reach_the_page_are_reported(life, service):
    life.live(STARTING_S + 5)
    life.snapshot.rendered_at = life.now.timestamp() - 600
    life.live(3 * LOOK_S)
    assert service.heard[-1] == "/alive/fail"


def test_two_processes_report_it_once(life, service):
    other = Life(serves_page=False)  # the message worker, for when it is the page that stands still
    other.began = life.began
    life.live(STARTING_S + 5)
    other.s = STARTING_S + 5
    life.stopped = other.stopped = {"worker"}
    for _ in range(30):
        life.live(LOOK_S)
        other.live(LOOK_S)
    assert service.heard.count("/alive/fail") == 1
    life.stopped = other.stopped = set()
    life.live(2 * LOOK_S)
    other.live(2 * LOOK_S)
    assert service.heard[-1] == "/alive"
    assert service.heard.count("/alive/fail") == 1


def test_a_restart_in_the_middle_of_an_episode_reports_nothing_new(life, service):
    life.live(STARTING_S + 5)
    life.stopped = {"worker"}
    life.live(100)
    assert service.heard.count("/alive/fail") == 1
    life.outgoing = OutgoingHeartbeat(lambda: life.s)
    life.live(300)
    assert service.heard.count("/alive/fail") == 1


def test_a_start_after_a_pause_is_no_failure(life, service):
    """Every heartbeat in the table is an hour old when the program starts again."""
    for role in LOOPS:
        Heartbeat.objects.beat(role, "host:8000", life.now - timedelta(hours=1))
    for _ in range(6):
        life.s += LOOK_S
        life.look()
    life.live(30)
    assert set(service.heard) == {"/alive"}


def test_a_short_failure_is_not_reported(life, service):
    life.live(STARTING_S + 5)
    life.s += LOOK_S
    for role in LOOPS:
        Heartbeat.objects.filter(role=role).update(at=life.now - timedelta(hours=1))
    life.look()
    life.live(120)
    assert "/alive/fail" not in service.heard


def test_a_failure_that_no_one_took_is_reported_again(life, service):
    service.answers["/alive/fail"] = 503
    life.live(STARTING_S + 5)
    life.stopped = {"worker"}
    life.live(LOOPS["worker"].deadline_s + 2 * EVERY_S)
    tries = service.heard.count("/alive/fail")
    assert tries in (2, 3)  # once a minute
    service.answers.clear()
    life.live(600)
    assert service.heard.count("/alive/fail") == tries + 1


def test_without_an_address_for_failures_there_is_silence(life, service, settings):
    settings.HEARTBEAT_FAIL_URL = ""
    life.live(STARTING_S + 5)
    life.stopped = {"worker"}
    life.live(65)
    before = len(service.heard)
    life.live(300)
    assert len(service.heard) == before
    assert set(service.heard) == {"/alive"}


def test_a_service_that_hangs_delays_no_look(life, service):
    service.answers["/alive"] = service.answers["/alive/fail"] = "hang"
    sender, began = OutgoingHeartbeat(lambda: life.s), time.monotonic()
    sender.look(is_well=True, passed_at=None, serves_page=True)
    for _ in range(40):
        life.s += LOOK_S
        sender.look(is_well=False, passed_at=None, serves_page=True)
        sender.look(is_well=True, passed_at=None, serves_page=True)
    assert time.monotonic() - began < 2  # one request alone would take ten seconds
    assert len(service.heard) <= 1  # and no second one is begun beside it
    sender.request.future.cancel()


def test_the_database_is_away_and_it_is_reported_without_it(life, service, monkeypatch):
    watch = Watch()
    watch.node, watch.outgoing = "here", life.outgoing
    monkeypatch.setattr(watch.last_resort, "remember", raise_database_error)
    monkeypatch.setattr(watch.last_resort, "tell", lambda now: None)
    monkeypatch.setattr(outgoing.Heartbeat.objects, "get_or_create", raise_database_error)
    life.s = STARTING_S
    for _ in range(20):
        life.s += LOOK_S
        watch.look()
        if life.outgoing.request:
            life.outgoing.request.future.result(15)
    assert service.heard == ["/alive/fail"]


def raise_database_error(*_, **__):
    raise DatabaseError("it is away")


def test_the_message_worker_does_not_speak_for_the_page(life, service):
    life.serves_page = False
    life.live(300)
    assert service.heard == []


def test_an_address_that_the_door_refuses_is_only_logged(life, settings, caplog):
    settings.HEARTBEAT_URL = settings.HEARTBEAT_FAIL_URL = "http://10.1.2.3/key-in-the-path"
    life.live(LOOK_S)
    assert "heartbeat.failed" in caplog.text
    assert "key-in-the-path" not in caplog.text
