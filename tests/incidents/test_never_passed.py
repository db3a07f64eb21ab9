"""A probe that never passed a check shows no outage and opens nothing; it asks staff."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client

from components.checking import Finding
from components.models import Component, Probe
from components.outcomes import Failure
from components.status import Status
from incidents import staff_questions
from incidents.models import Incident
from incidents.tasks import settle
from statuspage.models import Role
from tests.making import NOW, after, fell, found, reading, rose, watched
from tests.people import person


def down(probe, at=NOW):
    found(probe, "down", at)
    found(probe, "down", after(seconds=(at - NOW).total_seconds() + 10))
    probe.refresh_from_db()


def status():
    return Component.objects.get().status


@pytest.mark.parametrize("failure", ["dns", "refused", "status", "assertion", "tls", "timeout_connect"])
def test_whatever_is_wrong_with_a_new_probe_it_is_unknown_and_staff_are_asked(db, failure):
    probe = watched()
    for second in (0, 10, 20):
        found(probe, "down", after(seconds=second), failure=Failure(failure))
    assert status() == Status.UNKNOWN
    assert not Incident.objects.exists()
    (question,) = staff_questions.questions(after(minutes=1))
    assert question.text == "API has never passed a check: is the address right?"


def test_it_passes_once_and_then_a_failure_is_an_outage(db):
    probe = watched()
    down(probe)
    found(probe, "up", after(minutes=1))
    assert status() == Status.OPERATIONAL
    assert staff_questions.questions(after(minutes=1)) == []
    probe.refresh_from_db()
    down(probe, after(minutes=2))
    assert status() == Status.MAJOR_OUTAGE
    assert Incident.objects.public().count() == 1


@pytest.mark.parametrize(
    "change", [{"target": "http://127.0.0.1:9/typo"}, {"options": {"expect_text": "typo"}}, {"kind": "tcp"}]
)
def test_a_probe_that_is_pointed_elsewhere_has_never_passed_there(db, change):
    probe = watched()
    found(probe, "up", NOW)
    probe = Probe.objects.get()
    for name, value in change.items():
        setattr(probe, name, value)
    if "kind" in change:
        probe.target, probe.options = "127.0.0.1:9", {}
    probe.save()
    probe.component.refresh(after(seconds=5))
    down(probe, after(seconds=10))
    assert status() == Status.UNKNOWN
    assert not Incident.objects.exists()


def test_a_check_of_the_old_address_proves_nothing_of_the_new_one(db):
    probe = watched()
    second = int(NOW.timestamp())
    (claim,) = Probe.objects.claim_due(second)
    probe = Probe.objects.get()
    probe.target = "http://127.0.0.1:9/new"
    probe.save(update_fields=["target"])
    settle([Finding(claim, reading("up"), NOW, 0)], NOW)
    assert Probe.objects.get().passed_at is None


def test_another_interval_is_the_same_probe(db):
    probe = watched()
    found(probe, "up", NOW)
    probe = Probe.objects.get()
    probe.interval_s, probe.latency_limit_ms = 30, 500
    probe.save()
    assert Probe.objects.get().outcome == "up"


def test_after_a_pause_it_is_the_probe_that_passed_before(db):
    probe = watched()
    found(probe, "up", NOW)
    probe.pause(after(minutes=1))
    probe.resume(after(minutes=2))
    probe.refresh_from_db()
    down(probe, after(minutes=3))
    assert status() == Status.MAJOR_OUTAGE
    assert Incident.objects.count() == 1


def test_a_copy_has_passed_nothing(db):
    probe = watched()
    found(probe, "up", NOW)
    copy = Probe.objects.get()
    copy.pk, copy.outcome, copy.public_id = None, "unknown", "copycopycopy"
    copy.save()
    assert copy.passed_at is None


def test_beside_a_healthy_probe_one_that_never_passed_makes_it_unknown(db):
    good = watched()
    bad = Probe.objects.create(component=good.component, target="http://127.0.0.1:9/typo")
    found(good, "up", NOW)
    down(bad)
    assert status() == Status.UNKNOWN
    fell(good, after(minutes=2))
    assert status() == Status.MAJOR_OUTAGE
    assert Incident.objects.count() == 1


def test_a_probe_that_never_passed_opens_nothing_though_another_is_slow(db):
    good = watched(latency_limit_ms=100)
    bad = Probe.objects.create(component=good.component, target="http://127.0.0.1:9/typo")
    found(good, "up", NOW)
    for second in (10, 20):
        found(good, "up", after(seconds=second), ms=450)
    down(bad, after(seconds=30))
    assert not Incident.objects.exists()


def test_saved_from_the_shell_it_says_that_it_is_no_outage_yet(db, free_port):
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("probe", f"http://127.0.0.1:{free_port}/", "--save", stdout=out)
    assert "shown as unknown, not as an outage, until a check passes" in out.getvalue()


def test_the_console_asks_with_a_way_to_the_probe_and_to_an_incident(db):
    probe = watched("Shop")
    down(probe)
    client = Client()
    client.force_login(person("ed", Role.EDITOR))
    shown = client.get("/console/").content.decode()
    assert "Shop has never passed a check: is the address right?" in shown
    assert f"/console/probes/{probe.public_id}/edit" in shown
    assert f"/console/incidents/new?component={probe.component.public_id}" in shown
    rose(probe, after(minutes=1))
    assert "never passed" not in client.get("/console/").content.decode()
