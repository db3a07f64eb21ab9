"""Whatever stands where a form carries a number, staff keep their words and read no error of ours."""

import pytest

from incidents.models import Draft, Incident
from statuspage.models import Role
from tests.making import NOW, component
from tests.people import person

ODD = ["9" * 5_000, "²", "٣", "-1", "1e309", "NaN", "9" * 18]
WRITTEN = {"title": "Chat is slow", "phase": "investigating", "body": "We look into it.", "promise": "none"}


@pytest.fixture
def staff(client, db):
    client.force_login(person("ada", Role.RESPONDER))
    return client


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("name", ["seen", "promise", "opened", "filled", "told", "key"])
def test_an_update_with_an_odd_number_keeps_its_words(staff, name, odd):
    incident = Incident.objects.open("Chat is slow", "We look.", components=[component()], now=NOW)
    at = f"/console/incidents/{incident.public_id}"
    assert staff.post(f"{at}/compose", {**WRITTEN, name: odd}).status_code in (200, 400)
    assert staff.post(f"{at}/saved", {**WRITTEN, name: odd}).status_code in (200, 400)
    assert Draft.objects.get().data["body"] == "We look into it."


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_template_is_none(staff, odd):
    assert staff.post("/console/incidents/new", {**WRITTEN, "template": odd}).status_code == 404
    assert staff.get("/console/maintenance/new", {"text": odd}).status_code == 200


@pytest.mark.parametrize("odd", ODD)
def test_odd_components_of_planned_work_are_refused_with_the_words_kept(staff, odd):
    typed = {"title": "Move", "body": "We move it.", "components": [odd]}
    refused = staff.post("/console/maintenance/new", typed)
    assert (refused.status_code, "We move it." in refused.content.decode()) == (400, True)
    assert staff.post("/console/maintenance/new/audience", typed).status_code == 200
