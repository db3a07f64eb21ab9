"""Whatever is refused before a view is asked has a page of ours, with a sentence that names the mend."""

import pytest
from django.test import Client

from statuspage.models import Role
from tests.people import person


@pytest.mark.parametrize(
    ("method", "path"), [("post", "/accounts/login/"), ("post", "/"), ("put", "/"), ("delete", "/console/")]
)
def test_a_form_without_its_token(db, method, path):
    answer = getattr(Client(enforce_csrf_checks=True), method)(path)
    text = answer.content.decode()
    assert answer.status_code == 403
    assert "This form wasn't submitted" in text
    assert "reload the page, and submit it again" in text
    assert "Django" not in text


def test_a_host_that_is_not_ours(client, db, settings):
    settings.ALLOWED_HOSTS = ["status.example.org"]
    answer = client.get("/accounts/login/", headers={"host": "evil.example"})
    text = answer.content.decode()
    assert answer.status_code == 400
    assert "ALLOWED_HOSTS" in text
    assert "evil.example" not in text


@pytest.mark.parametrize(
    "path", ["/accounts/logout/", "/subscriptions/new-email", "/console/incidents/x/publish"]
)
def test_an_address_that_takes_forms_alone_says_so_in_a_browser(client, db, path):
    client.force_login(person("ada", Role.ADMIN))
    answer = client.get(path, headers={"accept": "text/html,*/*"})
    assert answer.status_code == 405
    assert "This page can't be opened directly" in answer.content.decode()
    assert "POST" in answer["Allow"]
    assert client.get(path, headers={"accept": "application/json"}).content == b""
