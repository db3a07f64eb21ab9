"""An undone update comes back as the form that its writer had sent, to be changed and sent again."""

import pytest

from incidents.models import Draft, Incident, Notice
from statuspage.models import Role
from tests.forms import as_shown
from tests.making import NOW, component, fell, watched
from tests.people import person

WORDS = {"phase": "identified", "body": "It does not work."}


@pytest.fixture
def ada(client, db, settings):
    settings.UNDO_S = 20
    user = person("ada", Role.RESPONDER)
    client.force_login(user)
    return user


def shown(client, path):
    """The composer's fields as they stand."""
    fields = as_shown(client.get(path).content.decode(), action="")
    return {name: values[-1] for name, values in fields.items()}


def sent(client, path, **more):
    """The form opened, filled in and published."""
    fields = shown(client, path) | WORDS | more | {"publish": "1"}
    assert client.post(path, fields).status_code == 302
    return fields


def undo(client, incident):
    number = incident.updates.filter(kind="post").last().number
    return client.post(f"/console/incidents/{incident.public_id}/undo/{number}").headers["location"]


def differing(sent, again):
    """The fields that do not come back as they were sent; a form's own marks are new."""
    return {
        name for name, value in sent.items()
        if name not in ("key", "opened", "seen", "publish", "csrfmiddlewaretoken", "told")
        and again.get(name, "").replace("\r\n", "\n") != value
    }  # fmt: skip


def test_a_new_incident_comes_back_with_all_that_was_chosen(client, ada):
    docs = component("Docs")
    docs.refresh(NOW)
    chosen = {"promise": "15", "quiet": "1", "workaround": "Wait.", "started_at": "2026-01-02T03:00",
              f"status-{docs.public_id}": "major_outage"}  # fmt: skip
    form = sent(client, "/console/incidents/new", title="Docs are down", **chosen)
    assert undo(client, Incident.objects.get()) == "/console/incidents/new"
    again = shown(client, "/console/incidents/new")
    assert differing(form, again) == set()
    sent(client, "/console/incidents/new")
    incident = Incident.objects.public().get()
    assert [(row.component, row.status) for row in incident.affected.all()] == [(docs, "major_outage")]
    assert (incident.title, incident.workaround) == ("Docs are down", "Wait.")
    assert not Notice.objects.exists()


def test_an_update_comes_back_with_status_promise_and_notify_nobody(client, ada):
    probe = watched(auto="suggest")
    fell(probe)
    docs = component("Docs")
    docs.refresh(NOW)
    incident = Incident.objects.get()
    path = f"/console/incidents/{incident.public_id}/compose"
    chosen = {f"status-{probe.component.public_id}": "partial_outage",
              f"status-{docs.public_id}": "degraded_performance"}  # fmt: skip
    form = sent(client, path, title="API is slow", promise="60", quiet="1", workaround="Wait.", **chosen)
    assert undo(client, incident) == path
    assert differing(form, shown(client, path)) == set()
    sent(client, path)
    incident.refresh_from_db()
    statuses = dict(incident.affected.values_list("component__name", "status"))
    assert statuses == {"API": "partial_outage", "Docs": "degraded_performance"}
    assert (incident.title, incident.workaround) == ("API is slow", "Wait.")
    assert not Notice.objects.exists()


def test_an_undone_reopening_is_one_again_when_it_is_sent_again(client, ada):
    fell(watched())
    incident = Incident.objects.get()
    path = f"/console/incidents/{incident.public_id}/compose"
    sent(client, path, phase="resolved", although_down="1")
    client.post(f"{path}?reopen=1", WORDS | {"phase": "investigating", "seen": "99", "publish": "1"})
    leads_to = undo(client, incident)
    incident.refresh_from_db()
    assert (leads_to, incident.phase) == (f"{path}?reopen=1", "resolved")
    client.post(leads_to, shown(client, leads_to) | {"publish": "1"})
    incident.refresh_from_db()
    assert incident.phase == "investigating"


def test_what_was_begun_since_stays_below_the_undone_words(client, ada):
    fell(watched())
    incident = Incident.objects.get()
    path = f"/console/incidents/{incident.public_id}"
    sent(client, f"{path}/compose")
    client.post(f"{path}/saved", shown(client, f"{path}/compose") | {"body": "One thing more."})
    undo(client, incident)
    assert Draft.objects.get().data["body"] == "It does not work.\n\nOne thing more."


def test_a_correction_of_the_advice_stands_and_is_not_overwritten(client, ada):
    fell(watched())
    incident = Incident.objects.get()
    path = f"/console/incidents/{incident.public_id}/compose"
    sent(client, path, workaround="Wait.")
    sent(client, path)
    Incident.objects.get().amend(Incident.objects.get().updated_at, workaround="Use the app.")
    undo(client, incident)
    assert shown(client, path)["workaround"] == "Use the app."
    sent(client, path)
    incident.refresh_from_db()
    assert incident.workaround == "Use the app."


def test_pressed_twice_it_says_that_it_is_undone(client, ada):
    fell(watched())
    incident = Incident.objects.get()
    sent(client, f"/console/incidents/{incident.public_id}/compose")
    number = incident.updates.last().number
    for _ in range(2):
        answer = client.post(f"/console/incidents/{incident.public_id}/undo/{number}", follow=True)
    assert "This update was already undone." in answer.content.decode()
