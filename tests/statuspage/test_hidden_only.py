"""What a person publishes of hidden components alone is public: asked once, never in the way of the words."""

import pytest
from django.core.management import CommandError, call_command

from incidents import hidden
from incidents.models import Draft, Incident, Maintenance
from statuspage.models import Role
from tests.making import component, fell, watched
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
    assert hidden.WARNING in text
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
    assert hidden.WARNING in page


def test_a_suggestion_is_asked_about_however_it_is_published(staff):
    fell(watched("Backstage", shown=False))
    incident = Incident.objects.get()
    address = f"/console/incidents/{incident.public_id}"
    assert 'name="although_hidden"' in staff.get(address).content.decode()
    told = staff.post(f"{address}/publish", follow=True).content.decode()
    assert hidden.WARNING in told
    assert staff.post(f"{address}/compose", form()).status_code == 400
    assert Incident.objects.public().count() == 0
    staff.post(f"{address}/publish", {"although_hidden": "1"})
    assert Incident.objects.public().count() == 1


def test_planned_work_on_hidden_components_is_asked_about_once(staff):
    place = component("Backstage", is_shown=False)
    asked = staff.post("/console/maintenance/new", WORK | {"components": [place.pk]})
    text = asked.content.decode()
    assert (asked.status_code, Maintenance.objects.count()) == (400, 0)
    assert hidden.WARNING in text
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
