"""The settings page of the console."""

import pytest
from django.test import Client

from components.models import Page
from statuspage.models import Audit, Role
from tests.people import person


@pytest.fixture
def admin(db):
    client = Client()
    client.force_login(person("root", Role.ADMIN))
    return client


def test_which_failures_share_an_incident_is_chosen_and_written_down(admin):
    assert 'value="all" selected' in admin.get("/console/settings").content.decode()
    assert admin.post("/console/settings", {"joining": "group"}).status_code == 302
    assert Page.objects.this().joining == "group"
    row = Audit.objects.get(act="page.settings")
    assert (row.before, row.after) == ({"joining": "all"}, {"joining": "group"})
    admin.post("/console/settings", {"joining": "group"})
    assert Audit.objects.filter(act="page.settings").count() == 1


def test_an_unknown_choice_is_refused(admin):
    assert admin.post("/console/settings", {"joining": "some"}).status_code == 400
    assert Page.objects.this().joining == "all"


def test_editors_may_not_open_it(db):
    client = Client()
    client.force_login(person("ed", Role.EDITOR))
    assert client.get("/console/settings").status_code == 403
