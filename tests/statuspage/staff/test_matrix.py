"""Who gets through which door: every address, asked by everybody, by GET and by POST."""

import hashlib
import re

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.test import Client
from django.urls import URLResolver

from components.models import Component
from statuspage.models import Role
from statuspage.staff.access import PUBLIC, marked_views, role_needed
from tests.everything import address, everything
from tests.faults.faults import length
from tests.people import person

LOGIN = "/accounts/login/"
NOBODY = "nobody"  # logged in, without a role
PEOPLE = (None, NOBODY, *Role)
# what is public asks nobody who they are: for those between the two, in the long form
SEE_PUBLIC = length((None, Role.ADMIN), PEOPLE)
OURS_TO_TURN = {"sessions.Session", "usersessions.UserSession", "statuspage.Throttle"}
TAKEN = {
    200,
    204,
    301,
    302,
    303,
    307,
    400,
    405,
    409,
    410,
    422,
    503,
}  # 503: no worker runs here, says /healthz
# how long a session or a mail may be used is told at these; asked plainly they have nothing to show
SIGNED = ("regions/work", "regions/results")  # whoever asks proves it by the request itself: nobody here can
MAY_BE_MISSING = ("metrics", "accounts/", "hooks/mail/", "console/incidents/<slug:public_id>/undo/")


@pytest.fixture
def world(db, settings, tmp_path):
    settings.VAR_DIR, settings.SECURITY_CONTACT = tmp_path, "mailto:security@example.org"
    return everything(tmp_path)


def come_in(who):
    """A browser of this person, after the login."""
    client = Client(raise_request_exception=False)
    if who is not None:
        user = person("someone", Role.VIEWER if who == NOBODY else who)
        if who == NOBODY:
            user.member.delete()
        client.force_login(user)
    return client


def rows():
    """What every table holds, as one short word each: sessions and counted guesses come and go."""
    return {
        model._meta.label: (
            model._base_manager.count(),
            hashlib.sha256(
                "\n".join(sorted(map(str, model._base_manager.values_list()))).encode()
            ).hexdigest(),
        )
        for model in apps.get_models()
        if model._meta.label not in OURS_TO_TURN
    }


def ask(client, method, path, **headers):
    """Answered, and whatever it did is undone."""
    with transaction.atomic():
        answer = getattr(client, method)(path, headers=headers)
        if method == "post":
            transaction.set_rollback(True)
    return answer


def verdict(answer, mark, who, method):
    """What is wrong with this answer; empty when nothing is."""
    status, to = answer.status_code, answer.headers.get("location", "")
    if status >= 500 and not (mark == PUBLIC and "application/health+json" in answer.headers["content-type"]):
        return "fails"
    is_in = mark == PUBLIC or (who not in (None, NOBODY) and who >= mark)
    if is_in:
        return "" if status in TAKEN and not (mark != PUBLIC and to.startswith(f"{LOGIN}?")) else "is refused"
    if status == 405:
        return ""  # not by this method, and said before anybody is asked who they are
    if who is None:
        return "" if status == 302 and to.startswith(f"{LOGIN}?next=") else "is no way to the login"
    return "" if status == 403 else "is not refused"


@pytest.mark.parametrize("who", PEOPLE, ids=lambda who: "stranger" if who is None else str(who).lower())
def test_each_door_opens_for_its_people_alone(world, who):
    client, wrong = come_in(who), []
    before = rows()
    doors = {
        pattern: role_needed(view) or PUBLIC for pattern, view in marked_views()
    }  # without a mark this is an error
    assert len(doors) > 100
    if who not in SEE_PUBLIC:
        doors = {pattern: mark for pattern, mark in doors.items() if mark != PUBLIC}
    for pattern, mark in doors.items():
        path = address(pattern, world)
        answer = ask(client, "get", path)
        problem = verdict(answer, mark, who, "get")
        if answer.status_code == 404 and pattern.startswith(MAY_BE_MISSING):
            problem = ""
        if problem:
            wrong.append(f"GET {path} {problem}: {answer.status_code}")
        if not answer.streaming and b">---------<" in answer.content:  # Django's own word for no choice
            wrong.append(f"GET {path} has a choice without a name")
    assert wrong == [], "\n".join(wrong)
    assert rows() == before, "a GET changed something"
    for pattern, mark in sorted(doors.items(), key=lambda door: "logout" in door[0]):  # that one last
        path = address(pattern, world)
        is_in = mark == PUBLIC or (who not in (None, NOBODY) and who >= mark)
        answer = client.post(path) if not is_in else ask(client, "post", path)
        problem = verdict(answer, mark, who, "post")
        if pattern in SIGNED:
            problem = "" if answer.status_code == 401 else "is open without a signature"
        if answer.status_code == 404 and is_in:  # the form was sent empty: it names nothing
            problem = ""
        if problem:
            wrong.append(f"POST {path} {problem}: {answer.status_code}")
        if who is None and not is_in:
            part = client.post(path, headers={"HX-Request": "true"})
            leads_to_login = part.headers.get("HX-Redirect", "").startswith(LOGIN)
            if part.status_code != 405 and not (part.status_code == 401 and leads_to_login):
                wrong.append(f"POST {path} as a fragment: {part.status_code}")
    assert wrong == [], "\n".join(wrong)
    assert rows() == before, "a POST by somebody with too low a role changed something"


def admin_paths():
    """Django's admin: its own pages, and those of each model with a real row of it."""
    for pattern in admin.site.get_urls():
        if not isinstance(pattern, URLResolver):
            yield str(pattern.pattern)
    for model in admin.site._registry:
        row = model._base_manager.first()
        base = f"{model._meta.app_label}/{model._meta.model_name}/"
        yield from (base, f"{base}add/")
        if row is not None:
            yield from (f"{base}{row.pk}/{what}/" for what in ("change", "delete", "history"))


def admin_words():
    kind = ContentType.objects.get_for_model(Component)
    return {
        "<path:content_type_id>": kind.pk, "<path:object_id>": Component.objects.first().pk,
        "^(?P<app_label>components|incidents|statuspage)/$": "components/",
    }  # fmt: skip


@pytest.mark.parametrize("who", PEOPLE, ids=lambda who: "stranger" if who is None else str(who).lower())
def test_djangos_admin_is_for_admins_alone(world, who):
    client, wrong = come_in(who), []
    before = rows()
    for pattern in admin_paths():
        if pattern in ("login/", "logout/", "password_change/", "password_change/done/"):
            continue
        path = re.sub(r"^\^\(\?P<app_label>.*\)/\$$", "components/", pattern)
        path = path.replace("(?P<url>.*)$", "nothing/")
        for method in ("get", "post"):
            full = f"/admin{address(path, admin_words())}"
            answer = ask(client, method, full)
            if answer.status_code >= 500:
                wrong.append(f"{method} {full} fails: {answer.status_code}")
            is_shown = answer.status_code not in (302, 403, 404, 405)
            if who is not Role.ADMIN and is_shown:
                wrong.append(f"{method} {full} is not refused: {answer.status_code}")
            if who is not Role.ADMIN and answer.status_code == 302 and LOGIN not in _final(client, answer):
                wrong.append(f"{method} {full} leads to {answer.headers['location']}")
            asks_more = path == "autocomplete/"  # refused when asked for no field of no model
            if who is Role.ADMIN and method == "get" and answer.status_code == 403 and not asks_more:
                wrong.append(f"{method} {full} is refused: {answer.status_code}")
    assert wrong == [], "\n".join(wrong)
    assert rows() == before


def _final(client, answer):
    """Where the admin's own login leads: to the one there is, or to a refusal for who is logged in."""
    again = client.get(answer.headers["location"])
    return LOGIN if again.status_code == 403 else again.headers.get("location", "")
