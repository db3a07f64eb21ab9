"""/metrics: the same as /healthz, for Prometheus, and nothing for strangers."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from components.loops import LOOPS
from components.models import Heartbeat, Probe
from incidents import alerting
from statuspage.ops import metrics
from statuspage.ops.vitals import vitals
from statuspage.serving import disk_copies
from statuspage.serving.snapshot import Snapshot
from subscribers.alerts.outgoing import OutgoingHeartbeat
from tests.making import fell, found, watched
from tests.subscribers.pings import Pings

TOKEN = "sixteen characters or more"


@pytest.fixture
def well(db):
    now = timezone.now()
    for role in LOOPS:
        Heartbeat.objects.beat(role, "host.internal:8000", now)
    found(watched("Shop", target="http://10.9.8.7/secret"), "up", now)
    return now


def samples(text):
    families = text_string_to_metric_families(text if isinstance(text, str) else text.decode())
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def test_it_says_the_same_as_healthz(well):
    for now in (well, well + timedelta(seconds=61), well + timedelta(hours=2)):
        body, code = vitals(now)
        read = samples(metrics.text(now))
        assert read[("statuspage_healthy",)] == (code == 200)
        for name, (check,) in body["checks"].items():
            assert read["statuspage_check", name] == {"pass": 0, "warn": 1, "fail": 2}[check["status"]]
            if check.get("observedUnit") == "s":
                assert read["statuspage_check_observed_seconds", name] == pytest.approx(
                    check["observedValue"], abs=0.2
                )


def test_it_counts_what_there_is(well):
    fell(watched("API", position=2), well - timedelta(minutes=1))
    read = samples(metrics.text(well))
    assert (read["statuspage_probes", "up"], read["statuspage_probes", "down"]) == (1, 1)
    assert read["statuspage_checks_5m", "down"] == 2
    assert read["statuspage_incidents_open", "critical"] == 1
    assert read["statuspage_incidents_open", "minor"] == 0
    assert read["statuspage_heartbeat_age_seconds", "1", "beat"] == pytest.approx(0, abs=0.1)
    assert read[("statuspage_streams",)] == 0


def test_strangers_get_nothing(well, client, settings):
    settings.METRICS_TOKEN = ""
    assert client.get("/metrics").status_code == 404
    settings.METRICS_TOKEN = TOKEN
    for header in ("", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"bearer{TOKEN}"):
        answer = Client(headers={"authorization": header}).get("/metrics")
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    answer = client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
    assert (answer.status_code, answer["Content-Type"]) == (200, metrics.CONTENT_TYPE)
    assert "no-store" in answer["Cache-Control"]
    text = answer.content.decode()
    assert not [word for word in ("10.9.8.7", "host.internal", "Shop", "127.0.0.1") if word in text]


def test_a_heartbeat_goes_out_for_each_later_pass_from_the_target_onto_the_page(
    well, settings, monkeypatch, tmp_path
):
    snapshot = Snapshot(tmp_path)
    monkeypatch.setattr(disk_copies, "_serving", [(snapshot.copies, snapshot.stuck_s, snapshot)])
    snapshot.rendered_at = well.timestamp() + 1
    outgoing = OutgoingHeartbeat()
    Probe.objects.update(next_slot=2_000_000_000_000)  # nothing is due meanwhile
    with Pings() as service:
        settings.HEARTBEAT_URL = service.url

        def beat(now):
            outgoing.due_at = 0
            checks = alerting.vitals(now)
            passed_at = alerting.passed_at(checks, now)
            outgoing.look(is_well=alerting.is_well(checks), passed_at=passed_at, serves_page=True)
            if outgoing.request:
                outgoing.request.future.result(10)
            return len(service.heard)

        assert beat(well + timedelta(seconds=2)) == 1
        assert beat(well + timedelta(seconds=40)) == 1  # all is well, yet nothing has come through since
        snapshot.rendered_at += 30
        assert beat(well + timedelta(seconds=41)) == 1  # rendered again, of the same check
        Probe.objects.update(heard_s=int(well.timestamp()) + 40)
        assert beat(well + timedelta(seconds=42)) == 2


def test_a_page_that_does_not_render_new_results_fails(well, monkeypatch, tmp_path):
    snapshot = Snapshot(tmp_path)
    monkeypatch.setattr(disk_copies, "_serving", [(snapshot.copies, snapshot.stuck_s, snapshot)])
    snapshot.rendered_at = well.timestamp() - 300
    body, code = vitals(well)
    assert (body["checks"]["pipeline:lastPass"][0]["status"], code) == ("fail", 503)
    snapshot.rendered_at = well.timestamp()
    assert vitals(well)[1] == 200
