"""People: invited, given a role, shut out; never without an admin; and a way in when all else fails."""

import re
from datetime import timedelta
from io import StringIO

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.auth import get_user_model
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from statuspage.models import Audit, Invitation, InvitationGoneError, LastAdminError, Member, Role

PASSWORD = "correct-horse-battery-9"


def person(name, role=None):
    user = get_user_model().objects.create_user(name, f"{name}@widgetify.example", PASSWORD)
    if role:
        Member.objects.appoint(user, role)
    return user


@pytest.fixture
def ada(db):
    return person("ada", Role.ADMIN)


@pytest.fixture
def admin(ada):
    return logged_in("ada")


def logged_in(name, password=PASSWORD, **more):
    client = Client(**more)
    assert client.post("/accounts/login/", {"login": name, "password": password}).status_code == 302
    return client


def invited(admin, email="bob@widgetify.example", role=Role.RESPONDER):
    page = admin.post("/console/people/invite/", {"email": email, "role": role.value}, follow=True)
    return re.search(r"/accounts/invitation/[^/]+/", page.content.decode() + _mailed())[0]


def _mailed():
    return "".join(letter.body for letter in mail.outbox)


def accept(link, client=None, **told):
    told = {"name": "bob", "email": "bob@widgetify.example", "password": PASSWORD, **told}
    return (client or Client()).post(link, told)


def page_of(admin):
    return admin.get("/console/people/").content.decode()


def test_an_invited_person_comes_in_with_their_role(admin):
    link, bob = invited(admin), Client()
    assert "Responder" in bob.get(link).content.decode()
    assert accept(link, bob).status_code == 302
    assert bob.get("/accounts/2fa/").status_code == 200
    user = get_user_model().objects.get(username="bob")
    assert Member.objects.role_of(user) is Role.RESPONDER
    assert not EmailAddress.objects.get(user=user).verified  # the link was handed over, not mailed


def test_an_invitation_works_once(admin):
    link = invited(admin)
    accept(link)
    again = accept(link, name="eve", email="eve@widgetify.example")
    assert again.status_code == 410
    assert not get_user_model().objects.filter(username="eve").exists()


def test_of_two_who_accept_at_once_one_is_told(admin):
    invited(admin)
    one, other = Invitation.objects.get(), Invitation.objects.get()
    one.accept(person("one"), now=timezone.now())
    with pytest.raises(InvitationGoneError):
        other.accept(person("other"), now=timezone.now())


def test_an_invitation_ends_after_a_week_or_when_it_is_taken_back(admin):
    link = invited(admin)
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert Client().get(link).status_code == 410
    link = invited(admin)
    newer = invited(admin)
    assert Client().get(link).status_code == 410
    admin.post(f"/console/people/invitations/{Invitation.objects.latest('pk').pk}/withdraw/")
    assert Client().get(newer).status_code == 410


def test_the_token_is_kept_nowhere(admin):
    token = invited(admin).split("/")[-2]
    assert len(token) >= 43
    rows = [str(row) for model in (Invitation, Audit) for row in model.objects.values_list()]
    assert token not in "".join(rows)
    assert token not in page_of(admin)


def test_with_a_mail_server_the_link_is_mailed_and_not_shown(admin, settings):
    settings.EMAIL_URL = "smtp://mail.example"
    page = admin.post(
        "/console/people/invite/",
        {"email": "bob@widgetify.example", "role": 2},
        follow=True,
        HTTP_HOST="evil.example",
    )
    (letter,) = mail.outbox
    assert letter.to == ["bob@widgetify.example"]
    assert "https://status.widgetify.example/accounts/invitation/" in letter.body
    assert "/accounts/invitation/" not in page.content.decode()
    assert "on its way to bob@widgetify.example" in page.content.decode()


def test_a_mail_server_that_is_away_leaves_the_link_to_hand_over(admin, settings, free_port):
    settings.EMAIL_URL = "smtp://127.0.0.1"
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port
    page = admin.post("/console/people/invite/", {"email": "bob@widgetify.example", "role": 2})
    assert "The email could not be sent" in page.content.decode()
    assert accept(re.search(r"/accounts/invitation/[^/]+/", page.content.decode())[0]).status_code == 302


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"password": "12345678"}, "too common"),
        ({"password": "bob@widgetify"}, "too similar"),
        ({"name": "ada"}, "already exists"),
        ({"name": "ADA"}, "already exists"),
        ({"name": "ada@widgetify.example"}, "cannot contain @"),
        ({"email": "ada@widgetify.example"}, "already has this address"),
        ({"name": ""}, "required"),
    ],
)
def test_what_cannot_be_is_told_at_the_field(admin, told, words):
    page = accept(invited(admin), **told).content.decode()
    assert words in page
    assert 'role="alert"' in page
    assert get_user_model().objects.count() == 1


def test_another_address_than_the_invited_one_is_not_taken_as_proven(admin):
    accept(invited(admin), email="boss@widgetify.example")
    assert not EmailAddress.objects.get(email="boss@widgetify.example").verified


def test_whom_we_know_is_not_invited_again(admin):
    page = admin.post("/console/people/invite/", {"email": "ADA@widgetify.example", "role": 2})
    assert page.status_code == 422
    assert "already has this address" in page.content.decode()


def test_the_list_tells_role_last_login_and_second_factor(admin):
    bob = person("bob", Role.VIEWER)
    Authenticator.objects.create(user=bob, type="totp", data={"secret": "x"})
    page = page_of(admin)
    row = re.split(r'<th scope="row">\s*bob', page)[1].split("</tr>")[0]
    assert re.search(r'<option value="1"\s+selected>Viewer', row)
    assert re.search(r"<td>\s*never\s*</td>", row)
    assert re.search(r"<td>\s*yes", row)


def test_who_lost_the_phone_and_the_codes_is_helped_by_an_admin(admin):
    bob = person("bob", Role.VIEWER)
    Authenticator.objects.create(user=bob, type="totp", data={"secret": "JBSWY3DPEHPK3PXP"})
    waiting = logged_in("bob")
    assert waiting.get("/accounts/2fa/").status_code == 302
    admin.post(f"/console/people/{bob.pk}/factors/")
    assert logged_in("bob").get("/accounts/2fa/").status_code == 200
    assert Audit.objects.filter(act="factor.remove", thing="bob", actor="ada").exists()


def test_a_changed_role_counts_at_once(admin):
    bob = person("bob", Role.ADMIN)
    client = logged_in("bob")
    assert client.get("/console/people/").status_code == 200
    admin.post(f"/console/people/{bob.pk}/role/", {"role": Role.VIEWER.value})
    assert client.get("/console/people/").status_code == 403
    assert client.get("/admin/", follow=True).status_code == 403


def test_who_is_shut_out_is_out_at_once_and_can_come_back(admin):
    bob = person("bob", Role.EDITOR)
    client = logged_in("bob")
    admin.post(f"/console/people/{bob.pk}/deactivate/")
    assert client.get("/accounts/2fa/").status_code == 302
    refused = Client().post("/accounts/login/", {"login": "bob", "password": PASSWORD}, follow=True)
    assert "Your account is deactivated" in refused.content.decode()
    admin.post(f"/console/people/{bob.pk}/reactivate/")
    assert logged_in("bob").get("/accounts/2fa/").status_code == 200
    assert Member.objects.role_of(get_user_model().objects.get(pk=bob.pk)) is Role.EDITOR


def test_the_last_admin_stays(admin, ada):
    person("bob", Role.EDITOR)
    for path, told in ((f"{ada.pk}/role/", {"role": 1}), (f"{ada.pk}/deactivate/", {})):
        page = admin.post(f"/console/people/{path}", told, follow=True)
        assert LastAdminError.__doc__ in page.content.decode()
    ada.refresh_from_db()
    assert ada.is_active
    assert Member.objects.role_of(ada) is Role.ADMIN


@pytest.mark.parametrize("role", [Role.VIEWER, Role.RESPONDER, Role.EDITOR])
def test_only_admins_manage_people(ada, role):
    bob = person("bob", role)
    client = logged_in("bob")
    paths = ["", "invite/", "invitations/1/withdraw/", f"{bob.pk}/role/", f"{ada.pk}/deactivate/"]
    for path in paths:
        assert client.get(f"/console/people/{path}").status_code == 403
        assert client.post(f"/console/people/{path}", {"role": 4}).status_code == 403
    assert client.get("/console/audit/").status_code == 403
    assert Member.objects.role_of(bob) is role


def test_a_person_without_a_role_sees_nothing(ada):
    person("bob")
    client = logged_in("bob")
    for path in ("/console/people/", "/console/audit/", "/accounts/2fa/", "/accounts/sessions/"):
        assert client.get(path).status_code == 403


def break_glass(name):
    out = StringIO()
    call_command("break_glass", name, stdout=out)
    return re.search(rf"{name} / (\S+)", out.getvalue())[1]


def test_breaking_the_glass_makes_an_admin_who_must_change_the_password(db):
    password = break_glass("rescue")
    client = logged_in("rescue", password)
    assert client.get("/console/people/").headers["location"] == "/accounts/password/change/"
    assert client.get("/accounts/2fa/").headers["location"] == "/accounts/password/change/"
    new = "another-horse-battery-9"
    client.post("/accounts/password/change/", {"oldpassword": password, "password1": new, "password2": new})
    assert client.get("/console/people/").status_code == 200


def test_breaking_the_glass_opens_an_account_that_was_lost(ada, admin):
    Authenticator.objects.create(user=ada, type="totp", data={"secret": "JBSWY3DPEHPK3PXP"})
    get_user_model().objects.filter(pk=ada.pk).update(is_active=False)
    password = break_glass("ada")
    assert admin.get("/accounts/2fa/").status_code == 302
    assert (
        logged_in("ada", password, REMOTE_ADDR="9.9.9.9").get("/accounts/password/change/").status_code == 200
    )
    row = Audit.objects.get(act="break-glass")
    assert row.actor.startswith("the shell (")
    assert (row.thing, row.after["factors_removed"]) == ("ada", 1)
    assert password not in str(list(Audit.objects.values_list()))


def test_breaking_the_glass_for_an_impossible_name(db):
    with pytest.raises(CommandError):
        call_command("break_glass", "no spaces")
