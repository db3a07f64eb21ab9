"""Whatever a form of staff carries, and whenever it comes, a page of ours answers, and words stay.

A sample; FAULTS=long sends every odd value in every field.
"""

import os
import re

import pytest
from django.apps import apps
from django.db import transaction
from django.test import Client
from django.utils import timezone

from components.access_marks import PUBLIC
from components.models import Component, Group, Probe
from incidents.models import Draft, Incident, Maintenance, Postmortem, Template
from statuspage.models import Invitation, Member, Role
from statuspage.staff.access import marked_views
from subscribers.models import Subscriber
from tests.everything import address, everything
from tests.people import person
from tests.staff_forms import KEPT, URLENCODED, forms_of

IS_LONG = os.environ.get("FAULTS") == "long"
EACH = 1 if IS_LONG else 200  # of so many odd values one is sent
HERE = {"accept": "text/html,*/*", "sec-fetch-site": "same-origin"}
ODD = {
    "nothing": "", "no field": None, "superscript": "²²²", "digits": "9" * 5_000, "negative": "-1",
    "letters": "x" * 80_000, "NUL": "a\0b", "surrogate": b"\xed\xa0\x80", "line ends": "\r\n",
    "two": ["1", "2"], "1600": "1600-01-01T00:00", "9999": "9999-12-31T23:59", "no id": "999999999",
    "not UTF-8": b"\xff",
}  # fmt: skip
BARE = re.compile(r"Server Error|<h1>Bad Request|Traceback|Django|Method Not Allowed")


@pytest.fixture
def world(db, settings, tmp_path):
    settings.VAR_DIR = tmp_path
    return everything(tmp_path)


@pytest.fixture
def staff(world):
    return logged_in(person("chief", Role.ADMIN))


def logged_in(user, **more):
    client = Client(raise_request_exception=False, **more)
    client.post(
        "/accounts/login/", {"login": user.username, "password": "x"}
    )  # freshly: some pages ask for it
    assert client.session.get("_auth_user_id") == str(user.pk)
    return client


def doors(world):
    """The addresses for staff."""
    for pattern, view in marked_views():
        if view.access != PUBLIC or pattern.startswith("accounts/"):
            yield address(pattern, world)


def all_forms(client, world):
    """Every form that a page of staff shows, once."""
    found = {}
    for path in doors(world):
        answer = client.get(path, headers=HERE)
        if answer.status_code == 200 and "html" in answer.get("Content-Type", ""):
            for form in forms_of(path, answer.content.decode()):
                if "logout" not in form.action:
                    found.setdefault((form.action, tuple(sorted(form.names))), form)
    return list(found.values())


def send(client, form, body, path=None):
    """Answered, and whatever it did is undone."""
    with transaction.atomic():
        answer = post(client, path or form.action, body)
        transaction.set_rollback(True)
    return answer


def problem(answer, body=""):
    """What is wrong with this answer; empty when nothing is."""
    status, kind = answer.status_code, answer.headers.get("Content-Type", "")
    if status >= 500:
        error = getattr(answer, "exc_info", None)
        return f"{status} {error[1]!r:.200}" if error else str(status)
    text = answer.getvalue().decode(errors="replace")
    if status >= 400 and "json" not in kind and "html" not in kind:
        return f"{status} is bare: {kind} {text[:80]!r}"
    if BARE.search(text) and status >= 400:
        return f"{status} is Django's"
    if status >= 400 and "json" not in kind and len(text) < 60:
        return f"{status} has no sentence: {text!r}"
    is_lost = KEPT in body.replace("+", " ") and status in (200, 400, 403, 404, 409, 422) and KEPT not in text
    return f"{status} loses the words" if is_lost and "json" not in kind else ""


def post(client, path, body):
    return client.post(path, body, content_type=URLENCODED, headers=HERE)


def counts():
    """How many rows every table has; sessions, guesses and the log of deeds aside."""
    models = [one for one in apps.get_models() if one._meta.label not in ASIDE]
    return {one._meta.label: one._base_manager.count() for one in models}


ASIDE = {"sessions.Session", "usersessions.UserSession", "statuspage.Throttle", "statuspage.Audit"}
MAY_COME_AGAIN = ("/test", "/move")
MEANWHILE = {
    "incidents resolved": lambda now: Incident.objects.update(resolved_at=now, phase="resolved"),
    "incidents deleted": lambda now: Incident.objects.update(deleted_at=now),
    "incidents merged": lambda now: Incident.objects.filter(resolved_at=None).update(
        merged_into=Incident.objects.exclude(resolved_at=None).first(), deleted_at=now),
    "no incidents": lambda now: Incident.objects.all().delete(),
    "works over": lambda now: Maintenance.objects.update(state="completed", ended_at=now),
    "works cancelled": lambda now: Maintenance.objects.update(state="cancelled"),
    "no works": lambda now: Maintenance.objects.all().delete(),
    "reports withdrawn": lambda now: Postmortem.objects.update(published_at=None),
    "no reports": lambda now: Postmortem.objects.all().delete(),
    "no drafts": lambda now: Draft.objects.all().delete(),
    "no templates": lambda now: Template.objects.all().delete(),
    "no probes": lambda now: Probe.objects.all().delete(),
    "no components": lambda now: Component.objects.all().delete(),
    "no groups": lambda now: (Component.objects.update(group=None), Group.objects.all().delete()),
    "no subscribers": lambda now: Subscriber.objects.all().delete(),
    "no invitations": lambda now: Invitation.objects.all().delete(),
    "no roles": lambda now: Member.objects.exclude(user__username="chief").delete(),
}  # fmt: skip


def odd_values(staff, world, forms):
    wrong, number = [], 0
    ids = {"other id": [str(one) for one in (world["<int:pk>"], world["<slug:public_id>"])]}
    for form in forms:
        for name in form.names:
            for what, value in {**ODD, **ids}.items():
                for button in [None, *dict.fromkeys(form.buttons)]:
                    number += 1
                    if number % EACH:
                        continue
                    body = form.sent(button, **{name: value})
                    if found := problem(send(staff, form, body), body):
                        wrong.append(f"{form} {name}={what} by {button}: {found}")
    return wrong


def sent_twice(staff, world, forms):
    wrong = []
    for form in forms[:: 1 if IS_LONG else 6]:
        for button in [None, *dict.fromkeys(form.buttons)]:
            body = form.sent(button)
            with transaction.atomic():
                first, rows = post(staff, form.action, body), counts()
                second, then = post(staff, form.action, body), counts()
                transaction.set_rollback(True)
            twice = {label: n - rows[label] for label, n in then.items() if n != rows[label]}
            found = filter(None, (problem(answer, body) for answer in (first, second)))
            wrong += [f"{form} by {button}: {what}" for what in found]
            if twice and not form.action.endswith(MAY_COME_AGAIN):
                wrong.append(f"{form} by {button}: {first.status_code}, {second.status_code}: {twice}")
    return wrong


def gone_meanwhile(staff, world, forms):
    wrong = []
    for number, form in enumerate(forms):
        for turn, (what, deed) in enumerate(MEANWHILE.items()):
            if not IS_LONG and (number + turn) % 40:
                continue
            body = form.sent()
            with transaction.atomic():
                deed(timezone.now())
                answer = post(staff, form.action, body)
                transaction.set_rollback(True)
            if found := problem(answer, body):
                wrong.append(f"{form} with {what}: {found}")
    return wrong


def other_addresses(staff, world, forms):
    words = [str(world[blank]) for blank in world if "id>" in blank or "pk>" in blank]
    others = [*dict.fromkeys(word for word in words if "-" not in word), "0", "9" * 30, "nothing"]
    wrong, number = [], 0
    for form in forms:
        for piece in form.action.split("/"):
            for other in others if piece in words else ():
                number += 1
                if IS_LONG or number % 24 == 0:
                    path = form.action.replace(f"/{piece}", f"/{other}")
                    if found := problem(send(staff, form, form.sent(), path)):
                        wrong.append(f"{form} at {path}: {found}")
    return wrong


def other_people(staff, world, forms):
    low = logged_in(person("low", Role.VIEWER))
    gone = Client(raise_request_exception=False)
    old = Client(raise_request_exception=False, enforce_csrf_checks=True)
    old.force_login(person("late", Role.ADMIN))
    wrong = []
    people = {"viewer": low, "session gone": gone, "old token": old}
    for number, form in enumerate(forms):
        for turn, (who, client) in enumerate(people.items()):
            if not IS_LONG and (number + turn) % 6:
                continue
            body = form.sent()
            if found := problem(send(client, form, body), body):
                wrong.append(f"{form} by {who}: {found}")
    return wrong


def other_methods(staff, world, forms):
    wrong = []
    for path in [*doors(world)][:: 1 if IS_LONG else 8]:
        for method in ("get", "put", "delete", "post"):
            with transaction.atomic():
                answer = getattr(staff, method)(path, headers=HERE)
                transaction.set_rollback(True)
            if found := problem(answer):
                wrong.append(f"{method} {path}: {found}")
    return wrong


CHECKS = (odd_values, sent_twice, gone_meanwhile, other_addresses, other_people, other_methods)


def test_whatever_comes_and_whenever_a_page_of_ours_answers_and_words_stay(staff, world):
    forms = all_forms(staff, world)
    assert len(forms) > 50
    wrong = []
    for check in CHECKS:
        assert staff.get("/console/", headers=HERE).status_code == 200  # else nothing would be asked
        wrong += [f"{check.__name__}: {what}" for what in check(staff, world, forms)]
    assert wrong == [], "\n".join(wrong)


def test_words_about_what_is_gone_stand_there_to_be_copied(client, db):
    client.force_login(person("ada", Role.ADMIN))
    path = "/console/incidents/gone/note"
    page = client.post(path, f"body={KEPT}", content_type=URLENCODED, headers=HERE).content.decode()
    assert KEPT in page
    assert "no longer exists" in page
    assert "Send it now" not in page
    bare = client.post(
        path, f"body={KEPT}", content_type=URLENCODED, headers={"sec-fetch-site": "cross-site"}
    )
    assert (bare.status_code, KEPT in bare.content.decode()) == (404, False)


def test_words_of_a_role_that_was_taken_away_name_the_role(client, db):
    client.force_login(person("ada", Role.VIEWER))
    answer = client.post("/console/incidents/new", f"body={KEPT}", content_type=URLENCODED, headers=HERE)
    page = answer.content.decode()
    assert (answer.status_code, KEPT in page, "This needs the role Responder" in page) == (403, True, True)


NUL = {
    "urlencoded": ("name=A%00%00B&position=", URLENCODED, "AB"),
    "raw": (b"name=A\0B", URLENCODED, "AB"),
    "hidden in itself": ("name=A%%0000B", URLENCODED, "A%00B"),
    "multipart": (b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\nA\0B\r\n--x--\r\n',
                  "multipart/form-data; boundary=x", "AB"),
}  # fmt: skip


@pytest.mark.parametrize("how", NUL)
def test_a_nul_is_taken_out_of_a_form_of_staff(client, db, how):
    body, kind, name = NUL[how]
    client.force_login(person("ada", Role.ADMIN))
    answer = client.generic("POST", "/console/groups/new", body, content_type=kind)
    assert (answer.status_code, [one.name for one in Group.objects.all()]) == (302, [name])


def test_a_search_with_a_nul_hidden_in_itself_is_answered(client, db):
    client.force_login(person("ada", Role.ADMIN))
    assert client.get("/console/subscribers/?q=%%0000").status_code == 200
    assert b"\0" not in client.get("/console/subscribers/?q=%%0000").content
