"""Default deny: no view without a mark, no secret in an answer, no way in without a login."""

import pytest
from django.contrib.auth import get_user_model
from django.http import HttpResponse
from django.test import override_settings
from django.urls import path

from statuspage.ops import bootstrap
from statuspage.staff import access
from statuspage.staff.access import every_view_is_marked, public


def unmarked(request):
    return HttpResponse()


urlpatterns = [path("forgotten/", unmarked), path("meant/", public(lambda request: HttpResponse()))]


def test_every_view_of_ours_carries_a_mark():
    assert every_view_is_marked() == []


@override_settings(ROOT_URLCONF=__name__)
def test_an_unmarked_view_that_slipped_in_is_refused(client, db):
    assert client.get("/forgotten/").status_code == 403
    assert client.get("/meant/").status_code == 200


@override_settings(ROOT_URLCONF=__name__)
def test_an_unmarked_view_stops_the_start():
    (error,) = every_view_is_marked()
    assert error.id == "statuspage.E001"
    assert "forgotten/" in error.msg
    assert access.PUBLIC == "public"


@pytest.mark.parametrize("address", ["/admin/", "/admin/components/probe/", "/admin/incidents/incident/add/"])
def test_staff_pages_ask_for_a_login(client, db, address):
    assert client.get(address).headers["location"].startswith("/admin/login/")


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
@pytest.mark.parametrize("address", ["/", "/history", "/api/v2/summary.json", "/history.atom"])
def test_public_addresses_take_nothing(client, db, address, method):
    assert getattr(client, method)(address).status_code == 405


@pytest.mark.parametrize(
    "address",
    [
        "/components/zzzzzzzzzzzz",
        "/incidents/zzzzzzzzzzzz",
        "/history/1999-01x",
        "/nothing",
        "/components/../etc",
    ],
)
def test_what_does_not_exist_is_a_plain_404(client, db, address):
    answer = client.get(address)
    assert answer.status_code == 404
    assert "Traceback" not in answer.content.decode()


def test_the_first_password_must_be_changed_before_anything_else(client, db):
    login, password = bootstrap.prepare("127.0.0.1", 8000)
    assert client.login(username=login, password=password)
    assert client.get("/admin/components/component/").headers["location"] == "/accounts/password/change/"
    new = "correct-horse-battery-9"
    client.post(
        "/accounts/password/change/",
        {"oldpassword": password, "password1": new, "password2": new},
    )
    assert client.get("/admin/components/component/").status_code == 200


def test_the_first_start_makes_a_login_once(db):
    assert bootstrap.prepare("127.0.0.1", 8000) is not None
    assert bootstrap.prepare("127.0.0.1", 8000) is None
    assert get_user_model().objects.count() == 1


def test_our_own_probes_follow_the_port(db):
    from components.models import Probe

    bootstrap.prepare("127.0.0.1", 8000)
    bootstrap.prepare("0.0.0.0", 9001)
    assert {probe.target.split("/")[2] for probe in Probe.objects.all()} == {"127.0.0.1:9001"}
