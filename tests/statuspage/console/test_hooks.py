"""Recovery hooks in the console: who may do what, what is refused, and what is shown of a secret."""

import pytest
from django.test import Client
from django.utils import timezone
from standardwebhooks.webhooks import Webhook

from incidents.models import Act, Brake, Hook, Incident
from statuspage.models import Audit, Role
from tests.incidents.hooks.making import Rounds, failing, hook, secret
from tests.making import component
from tests.people import person

FIELDS = {
    "name": "Restart chat", "action": "restart", "url": "https://ops.example/restart?unit=chat",
    "failures": ["refused"], "causes": ["not_started"], "budget": "3", "window_s": "3600",
    "cooldown_s": "300", "settle_s": "120", "deadline_s": "10", "secret": "",
}  # fmt: skip


def client(role):
    made = Client()
    made.force_login(person(role.name.lower(), role))
    return made


@pytest.fixture
def editor(db):
    return client(Role.EDITOR)


def test_a_new_hook_is_not_armed_and_has_a_secret_of_its_own(editor):
    made = component("Chat")
    answer = editor.post(f"/console/components/{made.public_id}/hook", FIELDS)
    row = Hook.objects.get()
    assert answer["Location"] == f"/console/hooks/{row.public_id}"
    assert (row.is_armed, row.target, row.failures) == (False, "ops.example/restart", ["refused"])
    assert row.secret.startswith("whsec_")
    assert row.secret not in row.sealed_secret
    shown = editor.get(answer["Location"]).content.decode()
    assert row.secret not in shown
    assert "unit=…" in shown
    log = Audit.objects.get(act="hook.create")
    assert "chat" not in log.after["target"]
    assert "secret" not in log.after


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("url", "ops.example", "Enter the full address"),
        ("url", "http://10.0.0.1/", "private or reserved network"),
        ("url", "http://ada:x@ops.example/", "Remove the login from the address"),
        ("budget", "0", "Use at least 1."),
        ("window_s", "5", "Use at least 60."),
        ("deadline_s", "61", "Use at most 60."),
        ("settle_s", "4000", "Use at most 3,600."),
        ("secret", "geheim", "This is not a signing secret"),
        ("secret", "whsec_YWJj", "24 to 64 random bytes"),
        ("causes", ["certificate"], "not one of the available choices"),
        ("failures", ["tls"], "not one of the available choices"),
    ],
)
def test_what_cannot_work_is_refused_with_a_sentence(editor, field, value, sentence, settings):
    settings.EGRESS_ALLOW = []
    made = component("Chat")
    answer = editor.post(f"/console/components/{made.public_id}/hook", {**FIELDS, field: value})
    assert (answer.status_code, Hook.objects.count()) == (400, 0)
    assert sentence in answer.content.decode()


def test_an_edit_keeps_the_secret_unless_another_is_typed(editor):
    row = hook(component("Chat"), "https://ops.example/restart", is_armed=True)
    editor.post(f"/console/hooks/{row.public_id}/edit", {**FIELDS, "url": "https://ops.example/other"})
    row.refresh_from_db()
    assert (row.secret, row.target, row.is_armed) == (secret, "ops.example/other", True)
    other = "whsec_" + "YW5kZXJz" * 5
    editor.post(f"/console/hooks/{row.public_id}/edit", {**FIELDS, "secret": other})
    row.refresh_from_db()
    assert row.secret == other
    assert other not in str([(log.before, log.after) for log in Audit.objects.all()])


def test_editors_alone_arm_and_responders_may_disarm(db):
    row = hook(component("Chat"), "https://ops.example/restart", is_armed=False)
    responder, editor = client(Role.RESPONDER), client(Role.EDITOR)
    assert responder.post(f"/console/hooks/{row.public_id}/arm").status_code == 403
    assert editor.post(f"/console/hooks/{row.public_id}/arm").status_code == 302
    assert Hook.objects.get().is_armed
    assert responder.post(f"/console/hooks/{row.public_id}/disarm").status_code == 302
    assert not Hook.objects.get().is_armed
    for what in ("secret", "try", "delete", "edit"):
        assert responder.post(f"/console/hooks/{row.public_id}/{what}").status_code == 403


def test_a_trial_shows_the_exact_signed_request_and_sends_nothing(editor, target):
    probe = failing()
    row = hook(probe.component, f"{target.url}restart?unit=chat", is_armed=False)
    answer = editor.post(f"/console/hooks/{row.public_id}/try")
    text = answer.context["trial"].request
    head, _, body = text.partition("\n\n")
    line, *rows = head.split("\n")
    assert line == "POST /restart?unit=chat HTTP/1.1"
    headers = {name.lower(): value for name, value in (one.split(": ", 1) for one in rows)}
    assert Webhook(secret).verify(body.encode(), headers)["data"]["component"]["name"] == "Chat"
    assert int(headers["content-length"]) == len(body.encode())
    assert "The hook is not armed." in answer.content.decode()
    assert (target.asked, Act.objects.count()) == ([], 0)


def test_the_secret_is_shown_only_when_asked_for_and_that_is_written_down(editor):
    row = hook(component("Chat"), "https://ops.example/restart")
    assert secret in editor.post(f"/console/hooks/{row.public_id}/secret").content.decode()
    editor.post(f"/console/hooks/{row.public_id}/secret", {"renew": "yes"})
    assert Hook.objects.get().secret != secret
    assert Hook.objects.get().secrets(timezone.now())[1:] == [secret]
    page = editor.get(f"/console/hooks/{row.public_id}").content.decode()
    assert "valid until" in page
    acts = list(Audit.objects.values_list("act", flat=True))
    assert {"hook.show_signing", "hook.renew_signing"} <= set(acts)


def test_a_responder_approves_a_proposal_on_the_incidents_page(db, target):
    rounds = Rounds()
    probe = failing(at=timezone.now())
    hook(probe.component, target.url, needs_approval=True)
    rounds.at(timezone.now())
    act, incident = Act.objects.get(), Incident.objects.get()
    page = f"/console/incidents/{incident.public_id}"
    viewer, responder = client(Role.VIEWER), client(Role.RESPONDER)
    assert "Approve" not in viewer.get(page).content.decode()
    assert viewer.post(f"/console/acts/{act.key}", {"verdict": "approve"}).status_code == 403
    assert "Call “Restart chat”?" in responder.get(page).content.decode()
    assert "Call “Restart chat”?" in responder.get("/console/").content.decode()
    responder.post(f"/console/acts/{act.key}", {"verdict": "approve"})
    assert "Call “Restart chat”?" not in responder.get("/console/").content.decode()
    again = responder.post(f"/console/acts/{act.key}", {"verdict": "refuse"}, follow=True)
    assert "decided already" in again.content.decode()
    rounds.at(timezone.now())
    rounds.close()
    assert len(target.asked) == 1
    assert "Answered 200" in responder.get(page).content.decode()
    assert Audit.objects.filter(act="act.approve").count() == 1


def test_a_hook_of_another_component_cannot_be_called_for_an_incident(db):
    failing()
    other = hook(component("Mail"), "https://ops.example/restart")
    page = f"/console/incidents/{Incident.objects.get().public_id}"
    answer = client(Role.RESPONDER).post(f"{page}/call", {"hook": other.public_id})
    assert (answer.status_code, Act.objects.count()) == (404, 0)


def test_while_the_brake_is_on_no_hook_can_be_armed(editor):
    row = hook(component("Chat"), "https://ops.example/restart")
    Brake.objects.engage(5, timezone.now())
    answer = editor.post(f"/console/hooks/{row.public_id}/arm", follow=True).content.decode()
    assert "release it first" in answer
    assert "The global brake is on" in answer
    editor.post("/console/hooks/brake")
    editor.post(f"/console/hooks/{row.public_id}/arm")
    assert (Hook.objects.get().is_armed, Brake.objects.engaged()) == (True, None)


def test_a_deleted_hook_leaves_its_calls_on_the_timeline(editor, target):
    rounds = Rounds()
    probe = failing(at=timezone.now())
    row = hook(probe.component, target.url)
    rounds.at(timezone.now())
    editor.post(f"/console/hooks/{row.public_id}/delete")
    assert Act.objects.get().hook_name == "Restart chat"
    page = editor.get(f"/console/incidents/{Incident.objects.get().public_id}").content.decode()
    assert "Restart chat" in page
    rounds.at(Act.objects.get().judge_at)
    rounds.close()
