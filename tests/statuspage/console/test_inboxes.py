"""The address of a passive probe is renewed, and an alert that nobody resolves is forgotten."""

import pytest
from django.test import Client
from django.utils import timezone

from components.models import Inbox, Probe
from components.passive.alerts import Alert, AlertState
from components.passive.reports import Kind, Report
from incidents.models import Incident
from statuspage.models import Audit, Role
from tests.components.passive.judging import arrive, judge_now
from tests.forms import as_shown
from tests.making import watched
from tests.people import person


def client(role):
    made = Client()
    made.force_login(person(role.name.lower(), role))
    return made


@pytest.fixture
def job(db):
    return watched("Backup", kind="heartbeat", target="1 h")


@pytest.fixture
def alerts(db):
    return watched("Disk", kind="inbound", target="generic", confirm_down=1, confirm_up=1)


def page_of(someone, probe):
    return someone.get(f"/console/probes/{probe.public_id}").content.decode()


def test_an_editor_makes_a_new_address(job):
    ada, old = client(Role.EDITOR), job.inbox.key
    assert "Make a new address" in page_of(ada, job)
    answer = ada.post(f"/console/probes/{job.public_id}/address", follow=True)
    text, new = answer.content.decode(), Inbox.objects.get().key
    assert new != old
    assert f"/ping/{new}" in text
    assert old not in text
    assert "The old one is refused" in text
    log = Audit.objects.get(act="probe.renew_address")
    assert (log.actor, log.public_id) == ("editor", job.public_id)
    assert new not in f"{log.before}{log.after}{log.thing}"


def test_nobody_below_an_editor_does(job):
    for role in (Role.VIEWER, Role.RESPONDER):
        someone, key = client(role), Inbox.objects.get().key
        assert "Make a new address" not in page_of(someone, job)
        assert someone.post(f"/console/probes/{job.public_id}/address").status_code == 403
        assert Inbox.objects.get().key == key


def test_a_form_sent_twice_renews_once(job):
    ada = client(Role.EDITOR)
    path = f"/console/probes/{job.public_id}/address"
    form = dict(as_shown(page_of(ada, job), action=path))
    keys = set()
    for _ in range(2):
        ada.post(path, form)
        keys.add(Inbox.objects.get().key)
    assert len(keys) == 1


@pytest.mark.parametrize("act", ["address", "forget"])
def test_a_probe_that_is_not_reported_to_has_no_address(db, act):
    probe = watched()
    assert client(Role.EDITOR).post(f"/console/probes/{probe.public_id}/{act}").status_code == 404


def test_a_responder_forgets_an_alert_and_the_component_recovers(alerts):
    now = timezone.now()
    fires = [Report(now, Kind.FIRING, source=source, name=source.upper(), text="full") for source in "ab"]
    arrive(alerts, *fires, now=now)
    assert judge_now(alerts, now).outcome == "down"
    Probe.objects.update(next_slot=int(now.timestamp()) + 3_000)
    rob = client(Role.RESPONDER)
    assert page_of(rob, alerts).count("Forget this alert") == 2
    answer = rob.post(f"/console/probes/{alerts.public_id}/forget", {"source": "a"}, follow=True)
    assert "“A” was forgotten" in answer.content.decode()
    assert page_of(rob, alerts).count("Forget this alert") == 1
    assert Probe.objects.get().next_slot <= timezone.now().timestamp()
    assert judge_now(alerts, timezone.now()).outcome == "down"
    rob.post(f"/console/probes/{alerts.public_id}/forget", {"source": "b"})
    assert judge_now(alerts, timezone.now()).outcome == "up"
    alerts.component.refresh_from_db()
    assert alerts.component.status == "operational"
    assert Incident.objects.get().updates.filter(body__contains="has recovered").exists()
    log = Audit.objects.filter(act="probe.forget_alert").latest("id")
    assert (log.actor, log.before) == ("responder", {"alert": "B", "source": "b", "state": "firing"})


def test_one_without_data_can_be_forgotten_too(alerts):
    now = timezone.now()
    arrive(alerts, Report(now, Kind.NO_DATA, source="q", name="Queue"), now=now)
    assert judge_now(alerts, now).outcome == "unknown"
    client(Role.EDITOR).post(f"/console/probes/{alerts.public_id}/forget", {"source": "q"})
    assert judge_now(alerts, timezone.now()).outcome == "up"


@pytest.mark.parametrize("source", ["", "gone", "over", "x" * 5_000, "\0"])
def test_what_is_not_open_cannot_be_forgotten(alerts, source):
    state = AlertState(9.0, {"over": Alert("resolved", 9.0, 9.0, "Over", "")})
    Inbox.objects.update(state=state.as_json)
    ada = client(Role.EDITOR)
    answer = ada.post(f"/console/probes/{alerts.public_id}/forget", {"source": source}, follow=True)
    assert "This alert is not open any more." in answer.content.decode()
    assert Inbox.objects.get().state == state.as_json
    assert not Audit.objects.filter(act="probe.forget_alert").exists()


def test_a_viewer_sees_open_alerts_and_forgets_none(alerts):
    now = timezone.now()
    arrive(alerts, Report(now, Kind.FIRING, source="<b>", name="<i>Disk"), now=now)
    vera = client(Role.VIEWER)
    text = page_of(vera, alerts)
    assert "&lt;i&gt;Disk" in text
    assert "Forget this alert" not in text
    assert vera.post(f"/console/probes/{alerts.public_id}/forget", {"source": "<b>"}).status_code == 403
    assert 'value="&lt;b&gt;"' in page_of(client(Role.EDITOR), alerts)
