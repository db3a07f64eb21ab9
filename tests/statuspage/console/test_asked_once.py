"""Asked once before it is public: words about hidden components alone, and blanks that nobody filled in."""

import re
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from incidents import hidden_components
from incidents.models import Draft, Incident, Maintenance, Post
from statuspage.models import Role
from tests.forms import as_shown
from tests.incidents.test_relapses_and_sight import blind
from tests.making import NOW, component, fell, rose, watched
from tests.people import person

WORK = {"title": "Move", "body": "We move it.", "starts_at": "2030-01-01T01:00",
        "ends_at": "2030-01-01T02:00", "notice_h": 24}  # fmt: skip


@pytest.fixture
def staff(client, db):
    client.force_login(person("ada", Role.RESPONDER))
    return client


def form(*places, **more):
    chosen = {f"status-{one.public_id}": "major_outage" for one in places}
    return {"title": "Backstage is down", "phase": "investigating", "body": "We look into it.",
            "promise": "none", "publish": "1", **chosen, **more}  # fmt: skip


@pytest.mark.parametrize("more", [{}, {"started_at": "2026-01-01T01:00", "ended_at": "2026-01-01T02:00"}])
def test_a_new_incident_of_hidden_components_is_asked_about_once(staff, more):
    place = component("Backstage", is_shown=False)
    asked = staff.post("/console/incidents/new", form(place, **more))
    text = asked.content.decode()
    assert (asked.status_code, Incident.objects.count()) == (400, 0)
    assert hidden_components.WARNING in text
    assert 'name="although_hidden"' in text
    assert "We look into it." in text
    assert Draft.objects.get().data["body"] == "We look into it."
    answer = staff.post("/console/incidents/new", form(place, although_hidden="1", **more))
    assert answer.status_code == 302
    assert Incident.objects.public().get().title == "Backstage is down"
    # public already: its updates ask no more
    address = f"/console/incidents/{Incident.objects.get().public_id}/compose"
    again = staff.post(address, form(phase="resolved"))
    assert again.status_code == 302


def test_where_customers_see_a_component_or_none_is_named_nothing_is_asked(staff):
    places = component("Backstage", is_shown=False), component("API")
    for chosen in (places, places[1:], ()):
        assert staff.post("/console/incidents/new", form(*chosen)).status_code == 302
    assert Incident.objects.public().count() == 3


def test_the_warning_stands_in_the_form_before_anything_is_sent(staff):
    place = component("Backstage", is_shown=False)
    page = staff.get(f"/console/incidents/new?component={place.public_id}").content.decode()
    assert hidden_components.WARNING in page


def test_a_suggestion_is_asked_about_however_it_is_published(staff):
    fell(watched("Backstage", shown=False))
    incident = Incident.objects.get()
    address = f"/console/incidents/{incident.public_id}"
    assert 'name="although_hidden"' in staff.get(address).content.decode()
    told = staff.post(f"{address}/publish", follow=True).content.decode()
    assert hidden_components.WARNING in told
    assert staff.post(f"{address}/compose", form()).status_code == 400
    assert Incident.objects.public().count() == 0
    staff.post(f"{address}/publish", {"although_hidden": "1"})
    assert Incident.objects.public().count() == 1


def test_planned_work_on_hidden_components_is_asked_about_once(staff):
    place = component("Backstage", is_shown=False)
    asked = staff.post("/console/maintenance/new", WORK | {"components": [place.pk]})
    text = asked.content.decode()
    assert (asked.status_code, Maintenance.objects.count()) == (400, 0)
    assert hidden_components.WARNING in text
    assert '<input type="checkbox" name="although_hidden"' in text
    assert "We move it." in text
    answer = staff.post(
        "/console/maintenance/new", WORK | {"components": [place.pk], "although_hidden": "on"}
    )
    assert answer.status_code == 302
    work = Maintenance.objects.get()
    changed = WORK | {"components": [place.pk], "title": "Move more"}
    assert staff.post(f"/console/maintenance/{work.public_id}/edit", changed).status_code == 302


def test_planned_work_that_customers_see_or_that_names_nothing_asks_nothing(staff):
    shown, out_of_sight = component("API"), component("Backstage", is_shown=False)
    for chosen in ([shown.pk, out_of_sight.pk], []):
        assert staff.post("/console/maintenance/new", WORK | {"components": chosen}).status_code == 302


def test_the_command_asks_for_a_word_more(db):
    component("Backstage", is_shown=False)
    new = ("post", "new", "--title", "Down", "--body", "We look.", "--component", "Backstage")
    with pytest.raises(CommandError, match="--although-hidden"):
        call_command(*new)
    assert not Incident.objects.exists()
    call_command(*new, "--although-hidden")
    call_command("post", "last", "--body", "We still look.")
    fell(watched("Cellar", shown=False))
    suggestion = Incident.objects.get(published_at=None)
    with pytest.raises(CommandError, match="--although-hidden"):
        call_command("post", suggestion.public_id, "--body", "We look.")
    call_command("post", suggestion.public_id, "--body", "We look.", "--although-hidden")
    assert Incident.objects.public().count() == 2


# Blanks


BLANK = "{Cause in one sentence}. We are on it."


def test_a_blank_is_asked_about_once_and_nothing_is_lost(staff):
    told = form(component("API"), body=BLANK)
    asked = staff.post("/console/incidents/new", told)
    text = asked.content.decode()
    assert (asked.status_code, Incident.objects.count()) == (400, 0)
    assert "Not filled in yet: {Cause in one sentence}." in text
    assert re.search(r'name="although_blank" value="1"\s+aria-invalid', text)
    assert Draft.objects.get().data["body"] == BLANK
    assert staff.post("/console/incidents/new", told | {"although_blank": "1"}).status_code == 302
    assert Incident.objects.get().updates.get().body == BLANK


@pytest.mark.parametrize("where", ["title", "body", "workaround"])
def test_wherever_customers_would_read_it(staff, where):
    asked = staff.post("/console/incidents/new", form(component("API"), **{where: "Wait for {whom|all}."}))
    assert asked.status_code == 400
    assert "{whom|all}" in asked.content.decode()


def test_hidden_components_and_blanks_are_asked_about_together(staff):
    asked = staff.post("/console/incidents/new", form(component("Backstage", is_shown=False), body=BLANK))
    text = asked.content.decode()
    assert hidden_components.WARNING in text
    assert "Not filled in yet" in text


def test_the_untouched_text_of_planned_work_is_asked_about(staff):
    place = component("API")
    usual = as_shown(staff.get("/console/maintenance/new").content.decode(), action="")
    told = usual | {"components": [place.pk]}
    asked = staff.post("/console/maintenance/new", told)
    text = asked.content.decode()
    assert (asked.status_code, Maintenance.objects.count()) == (400, 0)
    assert "Not filled in yet: {work}, {Effect}." in text
    assert '<input type="checkbox" name="although_blank"' in text
    mended = as_shown(text, action="") | {"components": [place.pk]}
    mended["body"] = "On {date}, {start} to {end}, we move it."
    assert staff.post("/console/maintenance/new", mended).status_code == 302
    work = Maintenance.objects.get()
    assert "{" not in work.body
    address = f"/console/maintenance/{work.public_id}/edit"
    again = as_shown(staff.get(address).content.decode(), action="")
    assert staff.post(address, again | {"body": "On {date} we {work}."}).status_code == 400
    assert staff.post(address, again | {"body": "On {date} we move."}).status_code == 302
    work.refresh_from_db()
    assert "{" not in work.body


# Still down


def resolving(incident):
    return f"/console/incidents/{incident.public_id}/compose", form(title="", phase="resolved")


def test_what_still_fails_is_asked_about_before_it_is_resolved_and_nothing_is_lost(staff):
    probe = watched("API")
    fell(probe)
    incident = Incident.objects.get()
    address, told = resolving(incident)
    asked = staff.post(address, told)
    text = asked.content.decode()
    incident.refresh_from_db()
    assert (asked.status_code, incident.resolved_at) == (400, None)
    assert "Our checks still fail for API. Keep it open until they pass" in text
    assert re.search(r'name="although_down" value="1"\s+aria-invalid', text)
    assert "We look into it." in text
    draft = Draft.objects.get().data
    assert (draft["body"], draft["phase"]) == ("We look into it.", "resolved")
    assert staff.post(address, told | {"although_down": "1"}).status_code == 302
    incident.refresh_from_db()
    assert incident.resolved_at is not None
    # over already: more words ask no more
    assert staff.post(address, told | {"body": "And thanks."}).status_code == 302


def test_calling_it_working_in_the_form_does_not_make_checks_pass(staff):
    probe = watched("API")
    fell(probe)
    address, told = resolving(Incident.objects.get())
    told |= {
        f"was-{probe.component.public_id}": "major_outage",
        f"status-{probe.component.public_id}": "operational",
    }
    assert staff.post(address, told).status_code == 400


def test_a_new_incident_that_is_resolved_at_once_is_asked_about_and_a_past_one_is_not(staff):
    probe = watched("API", auto="off")
    fell(probe)
    told = form(probe.component, phase="resolved")
    assert staff.post("/console/incidents/new", told).status_code == 400
    past = {"started_at": "2026-01-01T01:00", "ended_at": "2026-01-01T02:00"}
    assert staff.post("/console/incidents/new", told | past).status_code == 302


def test_of_many_that_still_fail_some_are_named_and_not_those_that_work(staff):
    probes = [watched(name, position=at) for at, name in enumerate(("Web", "API", "Chat", "Files", "Mail"))]
    for at, probe in enumerate(probes):
        fell(probe, NOW + timedelta(seconds=at))
    rose(probes[0], NOW + timedelta(minutes=5))
    text = staff.post(*resolving(Incident.objects.get())).content.decode()
    assert "Our checks still fail for API, Chat and 2 more." in text


def well(probe, incident):
    rose(probe, NOW + timedelta(minutes=5))


def paused(probe, incident):
    probe.pause(NOW + timedelta(minutes=5))


def by_hand(probe, incident):
    incident.post(
        Post("It works.", phase="monitoring", statuses={probe.component: "operational"}), now=timezone.now()
    )


def unseen(probe, incident):
    blind(NOW + timedelta(hours=1))


@pytest.mark.parametrize("meanwhile", [well, paused, by_hand, unseen])
def test_nothing_is_asked_of_what_passes_is_not_watched_or_was_set_by_hand(staff, meanwhile):
    probe = watched("API")
    fell(probe)
    incident = Incident.objects.get()
    meanwhile(probe, incident)
    assert staff.post(*resolving(incident)).status_code == 302


def test_taking_the_end_back_asks_nothing_and_publishing_it_again_does(staff, settings):
    settings.UNDO_S = 60
    fell(watched("API"))
    incident = Incident.objects.get()
    address, told = resolving(incident)
    staff.post(address, told | {"although_down": "1"})
    number = incident.updates.latest("number").number
    assert staff.post(f"/console/incidents/{incident.public_id}/undo/{number}").status_code == 302
    incident.refresh_from_db()
    assert incident.resolved_at is None
    page = staff.get(address).content.decode()
    assert "although_down" not in page
    usual = as_shown(page, action="")
    assert usual["phase"] == ["resolved"]
    assert staff.post(address, usual | {"publish": "1"}).status_code == 400
