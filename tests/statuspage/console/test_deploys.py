"""Settings, Deploys: an address that is shown once, and what was reported lately."""

import re

import pytest
from django.test import Client
from django.utils import timezone

from components.models import Component, DeployAddress, DeployMarker
from components.models.inbox import hash_of
from statuspage.models import Audit, Role
from tests.people import person

ADDRESS = re.compile(r"/deploy/([a-z0-9]{32})")
PAGE = "/console/settings/deploys"


@pytest.fixture
def admin(db):
    client = Client()
    client.force_login(person("root", Role.ADMIN))
    return client


def test_an_address_is_shown_once_and_removed_with_a_second_step(admin):
    api = Component.objects.create(name="API")
    said = admin.post(PAGE, {"name": "CI", "component": api.pk}).content.decode()
    (key,) = ADDRESS.findall(said)
    address = DeployAddress.objects.get()
    assert (address.key_hash, address.component) == (hash_of(key), api)
    shown = admin.get(PAGE).content.decode()
    assert not ADDRESS.search(shown)
    assert "Remove “" in shown
    admin.post(f"{PAGE}/{address.pk}/remove")
    assert not DeployAddress.objects.exists()
    acts = (
        Audit.objects.filter(act__startswith="deploy_address.").order_by("id").values_list("act", flat=True)
    )
    assert list(acts) == ["deploy_address.add", "deploy_address.remove"]
    assert key not in str(list(Audit.objects.values()))


def test_what_is_entered_wrongly_is_said(admin):
    response = admin.post(PAGE, {"name": "", "component": "999"})
    assert response.status_code == 400
    assert not DeployAddress.objects.exists()


def test_the_newest_deploys_are_listed(admin):
    DeployMarker.objects.create(at=timezone.now(), text="v41")
    assert "v41" in admin.get(PAGE).content.decode()
