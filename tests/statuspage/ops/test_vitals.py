"""/healthz: this system's own health, for watchdogs that know nothing of it."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from components.health_documents import Health, read
from components.loops import LOOPS
from components.models import Component, Heartbeat, Page, Probe
from incidents import notification_status
from statuspage.console.vital_signs import system
from statuspage.ops.vitals import vitals
from statuspage.serving import disk_copies
from statuspage.serving.snapshot import Snapshot
from subscribers.models import Subscriber
from tests.incidents.hooks.making import hook as recovery_hook
from tests.making import found, watched
from tests.subscribers.making import webhook


@pytest.fixture
def well(db):
    now = timezone.now()
    for role in set(LOOPS) - {"hooks"}:
        Heartbeat.objects.beat(role, "w1", now)
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


def test_our_own_reader_of_health_documents_reads_it(well, client):
    answer = client.get("/healthz")
    document = read(answer.content, answer.headers["content-type"], answer.status_code)
    assert (document.format, document.status, document.failing) == ("health+json", Health.UP, ())
    Probe.objects.update(next_slot=int(well.timestamp()) - 16)
    answer = client.get("/healthz")
    document = read(answer.content, answer.headers["content-type"], answer.status_code)
    assert (answer.status_code, document.status) == (503, Health.DOWN)
    assert [part.name for part in document.failing] == ["probes:oldestDueSlot"]
    assert document.failing[0].words.endswith(" s")


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


def test_a_message_that_nobody_sends_for_two_minutes_fails(well):
    one = webhook("http://127.0.0.1:9/")
    Subscriber.objects.filter(pk=one.pk).update(next_at=well - timedelta(seconds=121))
    found_, code = states(well)
    assert (found_["deliveries:oldestDue"], code) == ("fail", 503)
    Subscriber.objects.filter(pk=one.pk).update(failing_since=well)  # its receiver is at fault, not we
    found_, code = states(well)
    assert (found_["deliveries:oldestDue"], code) == ("pass", 200)


def test_nobody_who_looks_for_messages_fails(well, client):
    Heartbeat.objects.filter(role="post").update(at=well - timedelta(seconds=61))
    found_, code = states(well)
    assert (found_["deliveries:heartbeat"], code) == ("fail", 503)
    Heartbeat.objects.filter(role="post").delete()
    assert states(well)[0]["deliveries:heartbeat"] == "fail"
    assert client.get("/healthz/pipeline").status_code == 503


def test_a_dead_broker_only_warns(well, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    found_, code = states(well)
    assert (found_["broker:responseTime"], code) == ("warn", 200)


def test_a_page_that_cannot_be_rendered_fails(transactional_db, well, tmp_path, monkeypatch):
    snapshot = Snapshot(tmp_path)
    monkeypatch.setattr(disk_copies, "_serving", [(snapshot.copies, snapshot.stuck_s, snapshot)])
    snapshot._turn(Page.objects.version())
    assert states(well)[0]["copies:rendered"] == "pass"

    def broken(self, path):
        raise ValueError("'gone' is not a valid Status")

    with monkeypatch.context() as patch:
        patch.setattr(Snapshot, "begin", broken)
        snapshot.documents.clear()
        snapshot._turn(Page.objects.version())
    assert states(well)[0]["copies:rendered"] == "pass"  # once may be chance
    monkeypatch.setattr("statuspage.ops.vitals.STUCK_S", -1)
    found_, code = states(well)
    assert (found_["copies:rendered"], code) == ("fail", 503)


def test_it_says_nothing_about_where_things_run(well, client):
    text = client.get("/healthz").content.decode()
    assert "127.0.0.1" not in text
    assert "redis://" not in text
    assert "w1" not in text


def test_staff_read_lengths_as_people_say_them(well):
    now = well + timedelta(seconds=525)
    told = {line.name: line.text for line in system(now, notification_status.Health((), 3725, ()))}
    assert told["Last beat"] == told["Message worker"] == "8 min ago"
    assert re.fullmatch(r"oldest due [78] min", told["Queue"])
    assert told["Oldest due message"] == "waiting 1 h 2 min"


def test_a_hook_runner_that_is_silent_fails_once_there_are_hooks(well):
    assert states(well)[0]["hooks:heartbeat"] == "pass"
    recovery_hook(Component.objects.get(), "http://127.0.0.1:9/restart")
    found_, code = states(well)
    assert (found_["hooks:heartbeat"], code) == ("fail", 503)
    Heartbeat.objects.beat("hooks", "here:1", well)
    assert states(well) == (dict.fromkeys(found_, "pass"), 200)
    Heartbeat.objects.beat("worker", "w1", well + timedelta(seconds=61))
    assert states(well + timedelta(seconds=61))[0]["hooks:heartbeat"] == "fail"
