"""The audit log: everything that matters is in it, no secret is, and nobody takes it back."""

import importlib

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import DatabaseError, connection, transaction
from django.test import Client, RequestFactory

from components.models import Component, Group
from statuspage.models import Audit, Member, Role
from statuspage.models.audit import client_address

PASSWORD = "correct-horse-battery-9"
GUESS = "my-other-password"


@pytest.fixture
def ada(db):
    user = get_user_model().objects.create_user("ada", "ada@widgetify.example", PASSWORD)
    Member.objects.appoint(user, Role.ADMIN)
    return user


@pytest.fixture
def admin(ada):
    client = Client(REMOTE_ADDR="7.7.7.7")
    client.post("/accounts/login/", {"login": "ada", "password": PASSWORD})
    return client


def acts():
    return [(row.actor, row.act, row.thing) for row in Audit.objects.order_by("pk")]


def test_logins_right_and_wrong_and_where_from(admin):
    Client(REMOTE_ADDR="9.9.9.9").post("/accounts/login/", {"login": "ADA", "password": GUESS})
    Client(REMOTE_ADDR="9.9.9.9").post("/accounts/login/", {"login": GUESS, "password": "x"})
    admin.post("/accounts/logout/")
    assert acts() == [
        ("ada", "login", "ada"),
        ("a stranger", "login.failed", "ada"),
        ("a stranger", "login.failed", "an unknown name"),
        ("ada", "logout", "ada"),
    ]
    assert {row.address for row in Audit.objects.filter(act="login.failed")} == {"9.9.9.9"}
    text = str(list(Audit.objects.values_list()))
    assert GUESS not in text
    assert PASSWORD not in text


def test_a_changed_password(admin):
    new = "another-horse-battery-9"
    admin.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    assert acts()[-1] == ("ada", "password.change", "ada")
    assert new not in str(list(Audit.objects.values_list()))


def test_what_admins_do_to_people(admin):
    bob = get_user_model().objects.create_user("bob", "bob@widgetify.example", PASSWORD)
    Member.objects.appoint(bob, Role.VIEWER)
    admin.post(f"/console/people/{bob.pk}/role/", {"role": Role.EDITOR.value})
    admin.post(f"/console/people/{bob.pk}/deactivate/")
    admin.post("/console/people/invite/", {"email": "eve@widgetify.example", "role": 1})
    assert acts()[1:] == [
        ("ada", "person.role", "bob"),
        ("ada", "person.deactivate", "bob"),
        ("ada", "invitation.send", "eve@widgetify.example"),
    ]
    role = Audit.objects.get(act="person.role")
    assert (role.before, role.after, role.address) == ({"role": "Viewer"}, {"role": "Editor"}, "7.7.7.7")


def test_changes_in_djangos_admin_with_before_and_after(admin):
    admin.post("/admin/components/group/add/", {"name": "EU", "description": "", "position": 1})
    group = Group.objects.get()
    told = {"name": "Europe", "description": "", "position": 1}
    admin.post(f"/admin/components/group/{group.pk}/change/", told)
    for name in ("US", "Asia"):
        Group.objects.create(name=name)
    chosen = {"action": "delete_selected", "_selected_action": [one.pk for one in Group.objects.all()]}
    admin.post("/admin/components/group/", {**chosen, "post": "yes"})
    assert not Group.objects.exists()
    assert [act for _, act, _ in acts()[1:]] == ["admin.group.add", "admin.group.change"] + [
        "admin.group.delete"
    ] * 3
    change = Audit.objects.get(act="admin.group.change")
    assert (change.before, change.after) == ({"name": "EU"}, {"name": "Europe"})


def test_people_and_logins_are_not_changed_past_the_console(admin):
    for path in (
        "auth/user/",
        "auth/group/",
        "account/emailaddress/",
        "mfa/authenticator/",
        "socialaccount/socialapp/",
    ):
        assert admin.get(f"/admin/{path}").status_code == 404


def test_the_log_is_searched_and_paged(admin, ada):
    component = Component.objects.create(name="Search")
    for number in range(120):
        Audit.objects.note(None, "incident.post", f"Outage {number}", before={"title": f"old {number}"})
    Audit.objects.note(None, "component.change", component, before={"name": "Find"}, after={"name": "Search"})

    def shown(**asked):
        return admin.get("/console/audit/", asked).content.decode()

    assert "Page 1 of 3" in shown()
    assert "Outage 0" in shown(page=3)
    assert "Outage 77" in shown(words="outage 77")
    assert "Outage 78" not in shown(words="outage 77")
    assert "Find → Search" in shown(act="component.change")
    assert "Outage" not in shown(actor="ada")
    assert "No matching entries" in shown(until="2020-01-01")
    assert "Outage 119" in shown(since="2020-01-01")
    assert "This is before the first day" in shown(since="2026-02-02", until="2026-01-01")
    assert admin.get("/console/audit/", {"page": "x", "since": "nonsense"}).status_code == 200
    assert admin.post("/console/audit/").status_code == 405


def test_what_somebody_typed_is_shown_as_text(admin):
    Audit.objects.note(None, "x", "<script>alert(1)</script>", after={"name": "<img src=x>"})
    page = admin.get("/console/audit/").content.decode()
    assert "<script>alert" not in page
    assert "<img src=x>" not in page


@pytest.mark.parametrize(
    ("proxies", "header", "told"),
    [
        (0, "8.8.8.8", "127.0.0.1"),
        (1, "8.8.8.8", "8.8.8.8"),
        (1, "forged, 8.8.8.8", "8.8.8.8"),
        (2, "8.8.8.8", "127.0.0.1"),
        (2, "1.1.1.1, 8.8.8.8, 10.0.0.1", "8.8.8.8"),
        (1, "no address", "127.0.0.1"),
        (1, "", "127.0.0.1"),
        (1, " 2001:db8::1 ", "2001:db8::1"),
    ],
)
def test_the_address_is_what_our_own_proxies_saw(settings, proxies, header, told):
    settings.TRUSTED_PROXIES = proxies
    assert client_address(RequestFactory().get("/", HTTP_X_FORWARDED_FOR=header)) == told


def test_a_row_is_not_changed_by_our_own_code(db):
    row = Audit.objects.note(None, "x")
    row.act = "y"
    with pytest.raises(TypeError):
        row.save()
    with pytest.raises(TypeError):
        row.delete()


ROW = "(id, at, actor, act, thing, public_id, address) VALUES ({id}, '2026-01-01', 'nobody', 'x', '', '', '')"


@pytest.mark.parametrize(
    ("vendor", "sql"),
    [
        ("", "UPDATE statuspage_audit SET actor = 'nobody'"),
        ("", "DELETE FROM statuspage_audit"),
        ("", f"INSERT INTO statuspage_audit {ROW} ON CONFLICT (id) DO UPDATE SET actor = 'nobody'"),
        ("postgresql", "TRUNCATE statuspage_audit"),
        ("sqlite", f"REPLACE INTO statuspage_audit {ROW}"),
        ("sqlite", f"INSERT OR REPLACE INTO statuspage_audit {ROW}"),
        ("sqlite", "UPDATE OR REPLACE statuspage_audit SET id = 1"),
    ],
)
def test_the_database_refuses_to_forget(db, vendor, sql):
    if vendor not in ("", connection.vendor):
        pytest.skip("the other database knows no such statement")
    row = Audit.objects.note(None, "x")
    with connection.cursor() as cursor:
        for statement in refusing():  # the tests run without one of the triggers
            cursor.execute(statement)
        with pytest.raises(DatabaseError, match="the audit log is not changed"), transaction.atomic():
            cursor.execute(sql.format(id=row.pk))
    assert Audit.objects.get().actor == row.actor
    Audit.objects.note(None, "y")
    assert Audit.objects.count() == 2


def refusing():
    """What makes the database refuse, once more."""
    if settings.POSTGRES:
        migration = importlib.import_module("statuspage.migrations.0004_audit_append_only")
        return [migration.ALLOW, migration.REFUSE]
    migration = importlib.import_module("statuspage.migrations.0006_audit_append_only_on_sqlite")
    return [*migration.ALLOW, *migration.REFUSE]


def test_after_all_migrations_the_database_still_refuses(db):
    """A table that is made anew loses its triggers."""
    Audit.objects.note(None, "x")
    with pytest.raises(DatabaseError, match="the audit log is not changed"), transaction.atomic():
        Audit.objects.update(actor="nobody")
