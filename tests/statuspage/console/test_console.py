"""Staff at work: every step by plain forms, as without script."""

import json
import re
from datetime import timedelta

import pytest
from django.utils import timezone

from components.models import Component
from incidents.lifecycle import Kind
from incidents.models import Draft, Incident, Maintenance, Postmortem, Template
from statuspage.models import Audit, Role
from tests.making import fell, found, group, rose, watched
from tests.people import person


@pytest.fixture
def ada(client, db):
    user = person("ada", Role.RESPONDER)
    client.force_login(user)
    return user


@pytest.fixture
def texts(db):
    return [
        Template.objects.get_or_create(kind=kind, name=name, defaults={"phase": phase, "body": body})[0]
        for kind, name, phase, body in (
            ("update", "Ours: cause", "identified", "{Cause in one sentence}. We write again by {next}."),
            ("update", "Ours: over", "resolved", "{components} did not work from {started} to {now}."),
        )
    ]


def suggestion(**more):
    probe = watched("Chat", auto="suggest", **more)
    fell(probe, timezone.now() - timedelta(minutes=5))
    return probe, Incident.objects.get()


def form(incident=None, **changes):
    told = {
        "phase": "identified",
        "body": "Chat does not work. Search works.",
        "promise": "30",
        "publish": "1",
    }
    if incident:
        told["seen"] = incident.updates.order_by("number").last().number
    return told | changes


def page(client, path):
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.content.decode()


def test_a_suggestion_says_why_and_is_published_in_two_steps(client, ada):
    ours = group()
    watched_beside = watched("Search", group=ours, auto="off")
    found(watched_beside, "up", timezone.now() - timedelta(minutes=6))
    _, incident = suggestion(group=ours)
    shown = page(client, "/console/")
    assert "Suggested, not public yet" in shown
    assert "Responded with 503" in shown
    assert "Search in the same group answers normally" in shown
    assert "Not explained by planned maintenance" in shown
    shown = page(client, f"/console/incidents/{incident.public_id}/compose")
    assert "Chat is returning errors (since" in shown
    answer = client.post(f"/console/incidents/{incident.public_id}/compose",
                         form(incident, title="Chat is down"))  # fmt: skip
    assert answer.headers["location"] == f"/console/incidents/{incident.public_id}"
    incident.refresh_from_db()
    assert (incident.title, incident.phase, incident.is_owned) == ("Chat is down", "identified", True)
    assert incident.published_at is not None
    assert Audit.objects.get(act="incident.post").actor == "ada"


def test_what_is_refused_is_said_and_kept(client, ada):
    _, incident = suggestion()
    path = f"/console/incidents/{incident.public_id}/compose"
    answer = client.post(path, form(incident, promise="other", promise_at="soon"))
    assert answer.status_code == 400
    shown = answer.content.decode()
    assert "“soon” is not a time" in shown
    assert "Chat does not work. Search works." in shown
    assert not incident.updates.filter(author=ada).exists()
    assert Draft.objects.get().data["body"] == "Chat does not work. Search works."
    assert client.post(path, form(incident, body="  ")).status_code == 400


def test_only_statuses_that_were_chosen_are_set(client, ada):
    probe, incident = suggestion()
    key = probe.component.public_id
    rose(probe, timezone.now() - timedelta(minutes=1))  # it came back while ada was writing
    untouched = {f"was-{key}": "major_outage", f"status-{key}": "major_outage"}
    client.post(f"/console/incidents/{incident.public_id}/compose",
                form(incident, seen=99, **untouched))  # fmt: skip
    assert Component.objects.get().manual_status == ""
    chosen = {f"was-{key}": "operational", f"status-{key}": "degraded_performance"}
    client.post(f"/console/incidents/{incident.public_id}/compose", form(incident, seen=99, **chosen))
    assert Component.objects.get().status == "degraded_performance"


def test_an_undone_update_comes_back_as_a_draft(client, ada, settings):
    settings.UNDO_S = 20
    _, incident = suggestion()
    client.post(f"/console/incidents/{incident.public_id}/compose", form(incident))
    shown = page(client, f"/console/incidents/{incident.public_id}")
    assert "Undo" in shown
    number = incident.updates.last().number
    answer = client.post(f"/console/incidents/{incident.public_id}/undo/{number}")
    assert answer.headers["location"].endswith("/compose")
    incident.refresh_from_db()
    assert incident.is_suggestion
    assert "Chat does not work. Search works." in page(client, answer.headers["location"])


def test_a_new_incident_can_be_undone_too(client, ada, settings):
    settings.UNDO_S = 20
    probe = watched()
    key = probe.component.public_id
    client.post("/console/incidents/new",
                form(title="Slow", workaround="Wait a little.", workaround_was="",
                     **{f"status-{key}": "degraded_performance"}))  # fmt: skip
    incident = Incident.objects.get()
    assert incident.workaround == "Wait a little."
    assert Component.objects.get().status == "degraded_performance"
    answer = client.post(f"/console/incidents/{incident.public_id}/undo/1")
    shown = page(client, answer.headers["location"])
    assert 'value="Slow"' in shown
    assert ">Wait a little.</textarea>" in shown
    assert "Chat does not work" in shown
    assert not Incident.objects.public().exists()


def test_without_an_undo_time_there_is_no_undo(client, ada, settings):
    settings.UNDO_S = 0
    _, incident = suggestion()
    client.post(f"/console/incidents/{incident.public_id}/compose", form(incident))
    assert incident.updates.last().undo_until is None
    assert "data-undo" not in page(client, f"/console/incidents/{incident.public_id}")


def test_a_template_fills_what_the_system_knows_and_keeps_what_was_typed(client, ada, texts):
    _, incident = suggestion()
    path = f"/console/incidents/{incident.public_id}/compose"
    answer = client.post(path, form(incident, body="", publish="", template=texts[0].pk))
    shown = answer.content.decode()
    body = re.search(r'<textarea id="body"[^>]*>([^<]*)', shown)[1]
    assert re.fullmatch(r"\{Cause in one sentence\}\. We write again by (\d+ \w{3}, )?\d\d:\d\d UTC\.", body)
    assert re.search(r'value="identified"\s+checked', shown)
    client.post(path, form(incident, body="My own words.", publish="", template=texts[1].pk))
    kept = Draft.objects.get().data["body"]
    assert kept.startswith("My own words.\n\nChat did not work from ")


def test_what_is_typed_is_saved_and_looked_at(client, ada):
    _, incident = suggestion()
    answer = client.post(f"/console/incidents/{incident.public_id}/saved",
                         form(incident, body="Our **pod** is down!"))  # fmt: skip
    shown = answer.content.decode()
    assert "<strong>pod</strong>" in shown
    assert "What still works?" in shown
    assert "explain or leave out?" in shown
    assert "[Identified] Chat is returning errors" in shown
    assert "Draft saved" in shown
    mail, chat, webhook = (
        re.search(rf"pane--{way}.*?<pre>(.*?)</pre>", shown, re.DOTALL)[1]
        for way in ("mail", "chat", "webhook")
    )
    assert "\n\nOur pod is down!\n\n" in mail
    assert "\nOur pod is down!\n" in chat
    told = json.loads(webhook.replace("&quot;", '"'))["incident"]
    assert told["status"] == "identified"
    assert told["incident_updates"][0]["body"] == "Our **pod** is down!"  # as it is sent


def test_two_people_see_each_others_words_and_lose_none(client, ada, django_user_model):
    from django.test import Client

    bo, his = person("bo", Role.RESPONDER), Client()
    his.force_login(bo)
    _, incident = suggestion()
    path = f"/console/incidents/{incident.public_id}"
    his.post(f"{path}/saved", form(incident, body="Bo is typing this."))
    mine = client.post(f"{path}/saved", form(incident, body="Ada too.")).content.decode()
    assert "Bo is typing this." in mine
    assert "bo is also writing" in mine
    seen = incident.updates.last().number
    his.post(f"{path}/compose", form(incident, body="Bo was first. It does not work."))
    refused = client.post(f"{path}/compose", form(incident, body="Ada too.", seen=seen))
    assert refused.status_code == 400
    assert "bo posted in the meantime: “Bo was first." in refused.content.decode()
    seen = re.search(r'name="seen" value="(\d+)"', refused.content.decode())[1]
    client.post(f"{path}/compose", form(incident, body="Ada too.", seen=seen))
    assert [one.body for one in incident.updates.filter(kind=Kind.POST, author__isnull=False)] == [
        "Bo was first. It does not work.", "Ada too.",
    ]  # fmt: skip


def advised(client, path):
    """What the composer shows as standing: typed, and as it was."""
    shown = page(client, path)
    typed = re.search(r'<textarea id="workaround"[^>]*>([^<]*)', shown)[1]
    return typed, re.search(r'name="workaround_was" value="([^"]*)"', shown)[1]


def test_what_customers_can_do_is_written_kept_previewed_and_taken_away(client, ada):
    _, incident = suggestion()
    path = f"/console/incidents/{incident.public_id}"
    assert advised(client, f"{path}/compose") == ("", "")
    told = {"workaround": "Use the **app**.", "workaround_was": ""}
    answer = client.post(f"{path}/saved", form(incident, **told)).content.decode()
    assert "What you can do</p>" in answer
    assert "<p>Use the <strong>app</strong>.</p>" in answer
    assert "What you can do:\nUse the app." in answer
    assert (
        "What you can do"
        not in client.post(f"{path}/saved", form(incident, phase="resolved", **told)).content.decode()
    )
    assert advised(client, f"{path}/compose") == ("Use the **app**.", "")
    client.post(f"{path}/compose", form(incident, **told))
    incident.refresh_from_db()
    assert incident.workaround == "Use the **app**."
    row = Audit.objects.get(act="incident.post")
    assert (row.before["workaround"], row.after["workaround"]) == ("", "Use the **app**.")
    stands = ("Use the **app**.", "Use the **app**.")
    assert advised(client, f"{path}/compose") == stands
    long = {"workaround": "x" * 501, "workaround_was": stands[0]}
    refused = client.post(f"{path}/compose", form(incident, **long))
    assert refused.status_code == 400
    assert '<a href="#workaround">What customers can do is longer' in refused.content.decode()
    client.post(f"{path}/compose", form(incident, workaround="", workaround_was=stands[0]))
    incident.refresh_from_db()
    assert incident.workaround == ""


def test_the_preview_is_green_only_once_it_is_over(client, ada):
    incident = Incident.objects.open("Odd things", "We look.", now=timezone.now())
    for phase, status, words in (
        ("identified", "degraded_performance", "Odd things"),
        ("resolved", "operational", "All systems are operational"),
    ):
        answer = client.post(f"/console/incidents/{incident.public_id}/saved", form(incident, phase=phase))
        banner = re.search(
            r'(?s)class="banner" data-status="(\w+)".*?pane__headline">([^<]*)', answer.content.decode()
        )
        assert banner.groups() == (status, words)


def test_advice_that_was_not_touched_follows_what_stands(client, ada):
    _, incident = suggestion()
    path = f"/console/incidents/{incident.public_id}"
    client.post(f"{path}/compose", form(incident, workaround="One.", workaround_was=""))
    client.post(f"{path}/saved", form(incident, workaround="One.", workaround_was="One."))
    corrected = {"title": "New", "started_at": "2026-01-02T03:00", "workaround": "Two."}
    client.post(f"{path}/amend", corrected)  # while the form is open
    assert Audit.objects.get(act="incident.amend").before["workaround"] == "One."
    assert advised(client, f"{path}/compose") == ("Two.", "Two.")
    client.post(f"{path}/compose", form(incident, workaround="One.", workaround_was="One."))
    client.post(f"{path}/compose", form(incident))  # as a program posts it that does not know the field
    incident.refresh_from_db()
    assert incident.workaround == "Two."
    assert "What customers can do</h3>" in page(client, path)


def test_an_undone_update_gives_its_advice_back_to_its_writer(client, ada, settings):
    settings.UNDO_S = 20
    _, incident = suggestion()
    path = f"/console/incidents/{incident.public_id}"
    client.post(f"{path}/compose", form(incident, workaround="One.", workaround_was=""))
    client.post(f"{path}/compose", form(incident, workaround="Two.", workaround_was="One."))
    client.post(f"{path}/undo/{incident.updates.last().number}")
    incident.refresh_from_db()
    assert incident.workaround == "One."
    assert advised(client, f"{path}/compose") == ("Two.", "One.")


def test_a_past_incident_is_written_down(client, ada):
    key = watched().component.public_id
    told = {"title": "Old", "started_at": "2026-01-02T03:00", "ended_at": "2026-01-02T04:30",
            f"status-{key}": "major_outage"}  # fmt: skip
    client.post("/console/incidents/new", form(**told))
    incident = Incident.objects.get()
    assert (incident.phase, incident.impact) == ("resolved", "critical")
    assert f"{incident.resolved_at:%Y-%m-%d %H:%M}" == "2026-01-02 04:30"
    refused = client.post("/console/incidents/new", form(**told | {"ended_at": "2026-01-01T00:00"}))
    assert "end must be after the start" in refused.content.decode()


ACTS = {
    "take-over": {}, "hand-back": {}, "publish": {}, "hold": {}, "note": {"body": "Seen."}, "delete": {},
    "restore": {}, "amend": {"title": "New", "started_at": "2026-01-02T03:00"},
}  # fmt: skip


@pytest.mark.parametrize("name", ACTS)
def test_every_verb_is_a_form_and_is_written_down(client, ada, name):
    _, incident = suggestion()
    answer = client.post(f"/console/incidents/{incident.public_id}/{name}", ACTS[name])
    assert answer.status_code == 302
    act = "incident." + name.replace("-", "_")
    row = Audit.objects.get(act=act)
    assert (row.actor, row.thing) in (("ada", "Chat is returning errors"), ("ada", "New"))


def test_a_verb_that_is_refused_says_why(client, ada):
    _, incident = suggestion()
    answer = client.post(f"/console/incidents/{incident.public_id}/merge", {"other": "x"}, follow=True)
    assert "Choose the incident to merge this one into." in answer.content.decode()
    assert not Audit.objects.filter(act__startswith="incident").exists()


def test_an_edit_keeps_the_first_words(client, ada):
    _, incident = suggestion()
    number = incident.updates.filter(kind=Kind.POST).get().number
    path = f"/console/incidents/{incident.public_id}/edit/{number}"
    assert client.post(path, {"body": " "}).status_code == 400
    client.post(path, {"body": "Corrected."})
    update = incident.updates.get(number=number)
    assert (update.body, update.versions.count()) == ("Corrected.", 1)
    assert "1 earlier text" in page(client, f"/console/incidents/{incident.public_id}")


def test_planned_work_from_plan_to_end(client, ada):
    component = watched().component
    start = (timezone.now() + timedelta(hours=3)).replace(second=0, microsecond=0)
    told = {"title": "Index", "body": "On {date} we work.", "starts_at": f"{start:%Y-%m-%dT%H:%M}",
            "ends_at": f"{start + timedelta(hours=1):%Y-%m-%dT%H:%M}", "components": [component.pk],
            "notice_h": 0, "starts_by_itself": "on", "repeats": ""}  # fmt: skip
    bad = client.post("/console/maintenance/new", told | {"ends_at": told["starts_at"]})
    assert bad.status_code == 400
    assert "The end must be after the start." in bad.content.decode()
    client.post("/console/maintenance/new", told)
    work = Maintenance.objects.get()
    assert f"On {start.day} {start:%B} we work." == work.body
    later = told | {"ends_at": f"{start + timedelta(hours=2):%Y-%m-%dT%H:%M}", "rule": ""}
    client.post(f"/console/maintenance/{work.public_id}/edit", later)
    assert work.plan_rows.count() == 2
    for verb, state in (("begin", "in_progress"), ("complete", "completed")):
        client.post(f"/console/maintenance/{work.public_id}/{verb}")
        work.refresh_from_db()
        assert work.state == state
    refused = client.post(f"/console/maintenance/{work.public_id}/cancel", follow=True)
    assert "It is over" in refused.content.decode()
    assert "What was announced" in page(client, f"/console/maintenance/{work.public_id}")
    assert "Index" in page(client, "/console/maintenance")


def test_planned_work_begins_from_the_text_that_was_asked_for(client, ada):
    for name in ("Database", "Network"):
        Template.objects.create(
            kind="maintenance", name=name, title=f"{name} work", body=f"{name} on {{date}}."
        )
    wanted = Template.objects.get(name="Network")
    shown = page(client, f"/console/maintenance/new?text={wanted.pk}")
    assert "Network on {date}." in shown
    assert 'value="Network work"' in shown
    for odd in ("x", "9" * 30, "²"):
        page(client, f"/console/maintenance/new?text={odd}")


def test_a_bad_rule_is_refused_with_a_sentence(client, ada):
    start = timezone.now() + timedelta(hours=3)
    told = {"title": "x", "body": "y", "starts_at": f"{start:%Y-%m-%dT%H:%M}", "notice_h": 24,
            "ends_at": f"{start + timedelta(hours=1):%Y-%m-%dT%H:%M}", "rule": "FREQ=SECONDLY"}  # fmt: skip
    answer = client.post("/console/maintenance/new", told)
    assert answer.status_code == 400
    assert not Maintenance.objects.exists()


def test_a_postmortem_from_one_click_to_publication(client, ada):
    _, incident = suggestion()
    client.post(
        f"/console/incidents/{incident.public_id}/compose",
        form(incident, phase="resolved", promise="none", although_down="1"),
    )
    client.post(f"/console/postmortems/{incident.public_id}/begin")
    shown = page(client, f"/console/postmortems/{incident.public_id}")
    assert "first failed check" in shown
    postmortem = Postmortem.objects.get()
    refused = client.post(f"/console/postmortems/{incident.public_id}/publish", follow=True)
    assert "Fill in root cause before you publish." in refused.content.decode()
    fields = {
        "title": "Chat was down", "started_at": "2026-11-20T03:00:00", "ended_at": "2026-11-20T04:00:00",
        "summary": "It was.", "root_cause": "The pool.", "line-at": ["2026-11-20T03:00:00", ""],
        "line-tag": ["Start", ""], "line-text": ["It began.", ""], "misled-saw": ["Load was low"],
        "misled-true": ["Nobody could connect"], "action-id": [""], "action-text": ["Watch the pool"],
        "action-kind": ["detect"], "action-team": ["Platform"], "action-due": ["2026-12-01"],
        "action-state": ["todo"], "action-link": [""],
    }  # fmt: skip
    bad = client.post(f"/console/postmortems/{incident.public_id}", fields | {"line-at": ["noon", ""]})
    assert bad.status_code == 400
    assert "“noon” is not a time" in bad.content.decode()
    assert not postmortem.actions.exists()
    answer = client.post(f"/console/postmortems/{incident.public_id}/saved", fields)
    assert answer.status_code == 200
    postmortem.refresh_from_db()
    assert postmortem.timeline == [["2026-11-20T03:00:00Z", "Start", "It began."]]
    assert postmortem.misled == [["Load was low", "Nobody could connect"]]
    client.post(f"/console/postmortems/{incident.public_id}/publish", {"quiet": "1"})
    postmortem.refresh_from_db()
    assert postmortem.published_at is not None
    assert not postmortem.notifies
    item = postmortem.actions.get()
    client.post(f"/console/actions/{item.pk}", {"state": "done"})
    item.refresh_from_db()
    assert item.done_at is not None
    refused = client.post(f"/console/postmortems/{incident.public_id}/review", follow=True)
    assert "A second person must review" in refused.content.decode()
    assert "Chat was down" in page(client, "/console/postmortems")


def test_a_postmortem_waits_for_the_end(client, ada):
    _, incident = suggestion()
    answer = client.post(f"/console/postmortems/{incident.public_id}/begin", follow=True)
    assert "resolve it first" in answer.content.decode()


def test_incidents_are_found_by_words_and_component(client, ada):
    suggestion()
    for words in ("errors", "Chat", "monitoring detected"):
        assert "Chat is returning errors" in page(client, f"/console/incidents?q={words}")
    assert "No incidents match" in page(client, "/console/incidents?q=zzz")
    for which in ("open", "suggested", "deleted", "nonsense"):
        page(client, f"/console/incidents?which={which}&page=99")


def fill_up(components, incidents):
    probes = [watched(f"C{n}", position=n, auto="off") for n in range(components)]
    for n in range(incidents):
        probe = probes[n % len(probes)]
        Incident.objects.open(f"I{n}", "We look.", now=timezone.now() - timedelta(minutes=5),
                              statuses={probe.component: "degraded_performance"})  # fmt: skip
    return probes


def test_the_overview_asks_the_same_number_of_questions_however_much_there_is(client, ada):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    fill_up(3, 1)
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(
            connection,
        ) as asked:
            page(client, "/console/")
        counts.append(len(asked))
        fill_up(20, 12)
    assert counts[0] == counts[1]


def test_the_overview_shows_the_worst_first_and_counts_the_rest(client, ada):
    fill_up(45, 0)
    Component.objects.filter(name__in=[f"C{n}" for n in range(37, 45)]).update(status="major_outage")
    text = page(client, "/console/?part=live")
    board = text[text.index('id="components-title"') :]
    assert board.index(">C37<") < board.index(">C0<")
    assert "and 2 more with problems" in text
    assert "and 5 more:" in text
    assert "0 of 45" in text
