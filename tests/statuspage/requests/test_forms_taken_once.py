"""A form of staff is taken once; what was typed outlives a session, a login in another tab, and Back."""

import re
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.test import Client

from components.models import Component, Group
from incidents.models import Draft, Incident, Maintenance, MaintenanceUpdate, TakenForm, Template, Update
from statuspage.models import Role
from subscribers.models import Subscriber
from tests.forms import as_shown
from tests.incidents.test_maintenance import plan
from tests.making import NOW, component, watched
from tests.people import person

TEMPLATES = Path(__file__).parents[3] / "templates" / "console"
WORK = {"title": "Move", "body": "We move it.", "starts_at": "2030-01-01T01:00",
        "ends_at": "2030-01-01T02:00", "notice_h": 24}  # fmt: skip


@pytest.fixture
def ada(db):
    return person("ada", Role.ADMIN)


@pytest.fixture
def staff(client, ada):
    client.force_login(ada)
    return client


def filled(staff, page, action="", **typed):
    """The form with this action as the page shows it, with some of it typed."""
    return as_shown(staff.get(page).content.decode(), action=action) | typed


def deeds():
    place = component("API")
    incident = Incident.objects.open("Chat is slow", "We look.", components=[place], now=NOW)
    work = plan(place)
    story, planned = f"/console/incidents/{incident.public_id}", f"/console/maintenance/{work.public_id}"
    return {
        "planned work": ("/console/maintenance/new", "", WORK | {"components": [place.pk]}, Maintenance),
        "component": ("/console/components/new", "", {"name": "New"}, Component),
        "group": ("/console/groups/new", "", {"name": "Group"}, Group),
        "note": (story, f"{story}/note", {"body": "Ask Bo."}, Update),
        "word on work": (planned, f"{planned}/post", {"body": "It goes on."}, MaintenanceUpdate),
        "template": ("/console/templates/new", "", {"name": "N", "body": "B", "do": "save"}, Template),
        "subscriber": ("/console/subscribers/add", "", {"address": "a@example.org"}, Subscriber),
    }


@pytest.mark.parametrize(
    "deed", ["planned work", "component", "group", "note", "word on work", "template", "subscriber"]
)
def test_the_same_form_twice_is_one_deed(staff, deed):
    page, action, typed, model = deeds()[deed]
    data, before = filled(staff, page, action, **typed), model.objects.count()
    first = staff.post(action or page, data)
    assert first.status_code == 302, first.content.decode()
    assert model.objects.count() == before + 1
    again = staff.post(action or page, data)
    assert (again.status_code, again["Location"]) == (302, first["Location"])
    assert model.objects.count() == before + 1
    assert "already sent" in staff.get(again["Location"], follow=True).content.decode()


def test_changed_words_are_another_form_and_nobody_elses(staff):
    page = "/console/components/new"
    data = filled(staff, page, name="One")
    staff.post(page, data)
    staff.post(page, data | {"name": "Two"})
    bo = Client()
    bo.force_login(person("bo", Role.ADMIN))
    bo.post(page, data)
    assert Component.objects.count() == 3


def test_a_form_that_was_refused_may_be_sent_again(staff):
    data = filled(staff, "/console/components/new", name="")
    assert [staff.post("/console/components/new", data).status_code for _ in range(2)] == [400, 400]


# what may be sent again and again, or has a key of its own
WITHOUT = {
    "_arrows.html": "moves by one place, again and again",
    "_leave.html": "logs out",
    "alerts.html": "tests go over the network; the same channel is refused",
    "compose.html": "has a key of its own",
    "hook.html": "shows the request that would be sent, and sends nothing",
    "imports.html": "a file: who is in it already is not added again",
    "_import.html": "goes on where it stopped",
    "settings.html": "saves the same again",
}


def test_every_form_of_the_console_is_taken_once_or_says_why_not():
    bare = {}
    for file in TEMPLATES.rglob("*.html"):
        for form in re.findall(r'<form\b[^>]*method="post".*?</form>', file.read_text(), re.DOTALL):
            if "form_key" not in form and "data-autosave" not in form:
                bare.setdefault(file.name, form)
    assert set(bare) <= set(WITHOUT), {name: bare[name] for name in set(bare) - set(WITHOUT)}


# Back to the composer


def composed(**more):
    return {"title": "Chat is down", "phase": "investigating", "body": "We look into it.",
            "promise": "none", "publish": "1", "key": "k" * 32, **more}  # fmt: skip


def test_words_changed_after_publishing_become_a_draft_of_the_next_update(staff, ada):
    staff.post("/console/incidents/new", composed())
    incident = Incident.objects.get()
    same = staff.post("/console/incidents/new", composed())
    assert same["Location"] == f"/console/incidents/{incident.public_id}"
    answer = staff.post("/console/incidents/new", composed(body="We found it."))
    assert answer["Location"] == f"/console/incidents/{incident.public_id}/compose"
    assert Incident.objects.count() == 1
    assert Draft.objects.of(incident, ada).data["body"] == "We found it."
    page = staff.get(answer["Location"]).content.decode()
    assert "What you have changed since is here" in page
    assert "We found it." in page
    key = re.search(r'name="key" value="(\w+)"', page)[1]
    staff.post(answer["Location"], composed(body="We found it.", key=key))
    assert list(incident.updates.values_list("body", flat=True)) == ["We look into it.", "We found it."]


# A session that ended

FORM = "application/x-www-form-urlencoded"
OURS = {"headers": {"sec-fetch-site": "same-origin"}}


def test_what_is_sent_after_the_session_ended_stays_on_the_page(client, db):
    words = composed(body='We look.\n\n"Both" <lines> & all.')
    answer = client.post("/console/incidents/new", urlencode(words), content_type=FORM, **OURS)
    page = answer.content.decode()
    assert answer.status_code == 403
    assert "You're logged out" in page
    assert "We look.\n\n&quot;Both&quot; &lt;lines&gt; &amp; all." in page
    assert f'name="key" value="{"k" * 32}"' in page
    assert 'action="/console/incidents/new"' in page
    assert answer["Cache-Control"] == "private, no-store"
    assert not Incident.objects.exists()


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_a_form_of_another_site_is_not_kept(client, db, site):
    answer = client.post(
        "/console/incidents/new",
        urlencode(composed()),
        content_type=FORM,
        headers={"sec-fetch-site": site},
    )
    assert answer.status_code == 302


def test_a_token_of_before_the_login_costs_no_words(ada):
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    refused = client.post("/console/incidents/new", urlencode(composed()), content_type=FORM, **OURS)
    page = refused.content.decode()
    assert refused.status_code == 403
    assert "You have logged in again" in page
    form = dict(re.findall(r'<input type="hidden" name="([\w-]+)" value="([^"]*)"', page))
    form |= {"title": "Chat is down", "body": "We look into it."}
    assert client.post("/console/incidents/new", form, **OURS).status_code == 302
    assert Incident.objects.get().title == "Chat is down"


def test_a_fragment_leads_back_to_the_page_it_is_part_of(client, db):
    hx = {"hx-request": "true", "hx-current-url": "http://testserver/console/probes?which=up"}
    answer = client.get("/console/", headers=hx)
    assert answer["HX-Redirect"] == "/accounts/login/?next=%2Fconsole%2Fprobes"


def test_trying_a_probe_is_no_taking(staff):
    address = f"/console/probes/{watched().public_id}/edit"
    data = filled(staff, address, do="try")
    assert "form_key" in data
    assert [staff.post(address, data).status_code for _ in range(2)] == [200, 200]


def test_where_a_form_led_is_kept_however_long_its_words_are(staff, ada):
    text = Template.objects.create(kind="update", name="Ours", body="Words", position=1)
    data = {"form_key": "k" * 16, "way": "9" * 5_000}
    first, second = (staff.post(f"/console/templates/{text.pk}/move", data) for _ in range(2))
    assert (first.status_code, second.status_code) == (302, 302)
    assert len(first["Location"]) < 100
    TakenForm.objects.take("long", ada, now=NOW, led_to=f"/console/probes?q={'x' * 5_000}")
    assert TakenForm.objects.get(key="long").led_to == "/console/probes"
