"""What counts as proven here: an address by a mailed link, a first password by another one."""

import re

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth import get_user_model
from django.core import mail
from django.test import Client

from statuspage.models import FirstPassword, Member, Role
from tests import oidc
from tests.oidc import is_in, sign_on

provider, ada = pytest.fixture(oidc.provider), pytest.fixture(oidc.ada)

CEO = "ceo@widgetify.example"
LINK = r"https://status\.widgetify\.example(/accounts/invitation/[^/\s\"]+/)"
FIRST = "given-horse-battery-7"


def join(ada, *, by_mail, settings, email=CEO):
    """An admin invites; whoever has the link makes the account."""
    settings.EMAIL_URL = "smtp://localhost" if by_mail else ""
    admin = Client()
    admin.force_login(ada)
    page = admin.post("/console/people/invite/", {"email": CEO, "role": "2"}).content.decode()
    text = mail.outbox[-1].body if by_mail else page
    told = {"name": "mallory", "email": email, "password": "another-horse-battery-9"}
    assert Client().post(re.search(LINK, text)[1], told).status_code == 302
    return get_user_model().objects.get(username="mallory")


@pytest.mark.parametrize(
    ("by_mail", "email", "is_proven"),
    [(True, CEO, True), (False, CEO, False), (True, "other@widgetify.example", False)],
)
def test_only_a_mailed_link_proves_the_address(ada, settings, by_mail, email, is_proven):
    user = join(ada, by_mail=by_mail, settings=settings, email=email)
    assert EmailAddress.objects.get(user=user).verified is is_proven


def test_single_sign_on_does_not_lead_into_an_account_made_by_a_link(client, ada, provider, settings):
    join(ada, by_mail=False, settings=settings)
    provider.person["email"] = CEO
    assert sign_on(client, provider).status_code == 403
    assert not is_in(client)


def test_the_first_password_typed_again_is_no_change(client, db):
    user = get_user_model().objects.create_user("staff", "", FIRST)
    Member.objects.appoint(user, Role.ADMIN)
    FirstPassword.objects.create(user=user, password=user.password)
    client.post("/accounts/login/", {"login": "staff", "password": FIRST})
    form = "/accounts/password/change/"
    labels = re.findall("<label[^>]*>([^<]+)", client.get(form).content.decode())
    assert [label.strip(" :\n") for label in labels] == [
        "Current password",
        "New password",
        "New password (again)",
    ]
    answer = client.post(form, {"oldpassword": FIRST, "password1": FIRST, "password2": FIRST})
    assert "choose another one" in answer.content.decode()
    assert client.get("/console/people/").headers["location"] == form
    new = "another-horse-battery-9"
    client.post(form, {"oldpassword": FIRST, "password1": new, "password2": new})
    assert client.get("/console/people/").status_code == 200
