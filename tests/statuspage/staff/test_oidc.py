"""Single sign-on against a small real provider: who is let in, who is not, and what is never dialled."""

import socket

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from statuspage.models import Audit, Invitation, Member, Role
from statuspage.staff.login.oidc_http import Session
from tests import oidc
from tests.oidc import LEFT_OUT, LOGIN, invite, is_in, sign_on

provider, ada = pytest.fixture(oidc.provider), pytest.fixture(oidc.ada)


def test_an_invited_person_comes_in_and_again(client, ada, provider):
    invite(ada)
    assert sign_on(client, provider).headers["location"] == "/console/audit/"
    assert is_in(client)
    bob = get_user_model().objects.get(email="bob@widgetify.example")
    assert Member.objects.role_of(bob) is Role.EDITOR
    assert not Invitation.objects.open(timezone.now()).exists()
    assert "/jwks" in provider.seen
    other = Client()
    sign_on(other, provider)
    assert is_in(other)
    assert get_user_model().objects.count() == 2


def test_a_stranger_is_refused_and_nothing_is_made_for_them(client, ada, provider):
    answer = sign_on(client, provider)
    assert answer.status_code == 403
    assert "You're not invited" in answer.content.decode()
    assert not is_in(client)
    assert get_user_model().objects.count() == 1
    assert Audit.objects.filter(act="login.failed", thing="bob@widgetify.example").exists()


def test_an_address_the_provider_does_not_vouch_for_opens_nothing(client, ada, provider):
    invite(ada)
    provider.person["email_verified"] = False
    assert sign_on(client, provider).status_code == 403
    provider.person["email"] = "ada@widgetify.example"
    assert sign_on(client, provider).status_code == 403
    assert not is_in(client)


NOT_TRUE = ("false", "False", "0", "no", "unverified", "TRUE", "True", " true", "true ", "yes", "", 0, 1, 1.0,
            [], [True], ["true"], {}, {"value": True}, None, False, LEFT_OUT)  # fmt: skip
ADA = "ada@widgetify.example"


@pytest.fixture
def proven(ada):
    """Ada's address was proven here: a provider that vouches for it leads into her account."""
    EmailAddress.objects.create(user=ada, email=ADA, verified=True, primary=True)
    return ada


@pytest.mark.parametrize("value", [True, "true"])
def test_a_proven_address_leads_into_the_account(client, proven, provider, value):
    provider.person.update(email=ADA, email_verified=value)
    assert sign_on(client, provider).status_code == 302
    assert client.session["_auth_user_id"] == str(proven.pk)


@pytest.mark.parametrize("value", NOT_TRUE)
def test_what_is_not_true_proves_no_address_of_a_member(client, proven, provider, value):
    provider.person.update(email=ADA, email_verified=value)
    assert sign_on(client, provider).status_code == 403
    assert not is_in(client)


@pytest.mark.parametrize("value", NOT_TRUE)
def test_what_is_not_true_uses_up_no_invitation(client, ada, provider, value):
    invite(ada)
    provider.person["email_verified"] = value
    assert sign_on(client, provider).status_code == 403
    assert Invitation.objects.open(timezone.now()).exists()
    assert get_user_model().objects.count() == 1


@pytest.mark.parametrize(
    ("userinfo", "signed"),
    [
        ({"email_verified": "false"}, {"email_verified": False}),  # Amazon Cognito's shape
        ({"email_verified": "true"}, {"email_verified": False}),
        ({"email_verified": True}, {"email_verified": "False"}),
        ({"email_verified": True}, {"email_verified": None}),
        ({"email_verified": "false"}, {"email_verified": True}),
        ({"email_verified": LEFT_OUT}, {"email_verified": LEFT_OUT}),
        ({"email_verified": True}, {"email": "mallory@widgetify.example"}),
        ({"email": "mallory@widgetify.example"}, {"email": ADA}),
        ({"email": [ADA]}, {}),
        ({"email": {"value": ADA}}, {}),
        ({"email": "mallory@widgetify.example", "emails": [ADA]}, {"emails": [ADA]}),
        ({"email": LEFT_OUT, "emails": [{"value": ADA, "verified": True}]}, {}),
        ({"email": LEFT_OUT}, {"email_verified": False, "email": ADA}),
        ({"email": f"{ADA},mallory@widgetify.example"}, {}),
        ({"email": f"Ada <{ADA}>"}, {}),
        ({"email": "\uff41da@widgetify.example"}, {}),  # a wide a, which only looks like hers
    ],
)
def test_where_token_and_userinfo_differ_the_stricter_counts(client, proven, provider, userinfo, signed):
    provider.person.update({"email": ADA} | userinfo)
    provider.signed = signed
    assert sign_on(client, provider).status_code == 403
    assert not is_in(client)


@pytest.mark.parametrize(
    ("userinfo", "signed"),
    [
        ({"email_verified": "true"}, {"email_verified": True}),
        ({}, {"email": LEFT_OUT, "email_verified": LEFT_OUT}),
        ({"email": LEFT_OUT, "email_verified": LEFT_OUT}, {"email": ADA, "email_verified": True}),
        ({"email": "Ada@Widgetify.example"}, {}),
    ],
)
def test_one_of_them_may_be_silent_about_the_address(client, proven, provider, userinfo, signed):
    provider.person.update({"email": ADA} | userinfo)
    provider.signed = signed
    assert sign_on(client, provider).status_code == 302
    assert client.session["_auth_user_id"] == str(proven.pk)


@pytest.mark.parametrize("userinfo", [{"sub": "2"}, {"sub": LEFT_OUT}, {"sub": ""}, {"sub": ["1"]}])
def test_a_userinfo_of_somebody_else_is_refused(client, proven, provider, userinfo):
    provider.signed = {"sub": "1"}
    provider.person.update({"email": ADA} | userinfo)
    assert sign_on(client, provider).status_code == 401
    assert not is_in(client)


def test_an_address_that_was_only_typed_here_leads_into_no_account(client, ada, provider):
    EmailAddress.objects.create(user=ada, email="ada.l@widgetify.example", verified=False, primary=True)
    for email in (ADA, "ada.l@widgetify.example"):
        provider.person["email"] = email
        assert sign_on(client, provider).status_code == 403
    assert not is_in(client)


@pytest.mark.parametrize("value", [False, "false", LEFT_OUT])
def test_a_newcomer_does_not_bring_an_unproven_address(client, proven, provider, settings, value):
    settings.OIDC_ROLE = "viewer"
    provider.person.update(email=ADA, email_verified=value, name=["Ada"], preferred_username={"a": 1})
    assert sign_on(client, provider).status_code == 302
    newcomer = get_user_model().objects.exclude(pk=proven.pk).get()
    assert newcomer.email == ""
    assert not EmailAddress.objects.filter(user=newcomer).exists()
    assert (
        Client().post("/accounts/login/", {"login": ADA, "password": "correct-horse-battery-9"}).status_code
        == 302
    )


def test_newcomers_get_the_role_of_the_settings(client, ada, provider, settings):
    settings.OIDC_ROLE = "viewer"
    provider.person["preferred_username"] = "ada@widgetify.example"
    sign_on(client, provider)
    bob = get_user_model().objects.get(email="bob@widgetify.example")
    assert Member.objects.role_of(bob) is Role.VIEWER
    assert "@" not in bob.username


def test_whoever_was_shut_out_stays_out(client, ada, provider):
    invite(ada)
    sign_on(client, provider)
    Member.objects.shut_out(get_user_model().objects.get(email="bob@widgetify.example"))
    again = Client()
    assert sign_on(again, provider).headers["location"] == "/accounts/inactive/"
    assert not is_in(again)


@pytest.mark.parametrize("lie", [{"key": "forged"}, {"audience": "somebody else"}])
def test_a_forged_token_is_refused(client, ada, provider, lie):
    invite(ada)
    for name, value in lie.items():
        setattr(provider, name, value)
    answer = sign_on(client, provider)
    assert answer.status_code == 401
    assert not is_in(client)


def test_a_login_somebody_else_began_is_refused(client, ada, provider):
    invite(ada)
    assert sign_on(client, provider, state="stolen").status_code == 401
    assert client.get(f"{LOGIN}callback/", {"code": "c"}).status_code == 401
    assert not is_in(client)


def test_it_begins_with_a_form_of_ours(client, ada, provider):
    assert client.get(LOGIN).status_code == 405
    assert client.post(LOGIN + "?process=connect").status_code == 403
    assert client.post("/accounts/oidc/other/login/").status_code == 404
    assert provider.seen == []


@pytest.fixture
def dialled(monkeypatch):
    """Every address a socket was really connected to."""
    made = []
    theirs = socket.socket.connect

    def connect(self, address):
        made.append(address)
        return theirs(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    return made


def test_a_denied_address_is_never_dialled(client, ada, provider, settings, dialled):
    settings.EGRESS_ALLOW = []
    answer = client.post(LOGIN)
    assert answer.status_code == 401
    assert "Your provider didn't answer" in answer.content.decode()
    assert [one for one in dialled if one[:1] == ("127.0.0.1",)] == []
    assert provider.seen == []


def test_nor_is_one_the_provider_sends_us_to(client, ada, provider, settings, dialled):
    invite(ada)
    settings.EGRESS_ALLOW = ["127.0.0.1/32"]
    provider.token_url = "http://127.9.9.9:6379/token"
    assert sign_on(client, provider).status_code == 401
    assert {one[0] for one in dialled if isinstance(one, tuple)} <= {"127.0.0.1"}


@pytest.mark.parametrize("url", ["http://169.254.169.254/", "http://[::ffff:127.0.0.1]/", "http://2130706433/",
                                 "http://0x7f.1/", "http://localhost/", "http://[::1]/"])  # fmt: skip
def test_no_spelling_gets_past_the_door(settings, dialled, url):
    settings.EGRESS_ALLOW = []
    with pytest.raises(OSError, match="private or reserved"):
        Session().get(url)
    assert dialled == []
