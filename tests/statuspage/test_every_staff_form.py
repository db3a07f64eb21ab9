"""Whatever a form of staff carries, and whenever it comes, a page of ours answers, and words stay.

A sample; FAULTS=long sends every odd value in every field.
"""

import os
import re
from urllib.parse import urlsplit

import pytest
from django.apps import apps
from django.db import transaction
from django.test import Client
from django.utils import timezone

from components.gate import PUBLIC
from components.models import Component, Group, Probe
from incidents.models import Draft, Incident, Maintenance, Postmortem, Template
from statuspage.access import marked_views
from statuspage.models import Invitation, Member, Role
from subscribers.models import Subscriber
from tests.everything import address, everything
from tests.people import person
from tests.staff_forms import KEPT, URLENCODED, forms_of

IS_LONG = os.environ.get("FAULTS") == "long"
LOG = open(os.environ.get("JLOG", "/dev/null"), "w")
EACH = int(os.environ.get("EACHJ", 1)) if IS_LONG else 40  # of so many odd values one is sent
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
    client.post("/accounts/login/", {"login": user.username, "password": "x"})  # freshly: some pages ask for it
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
    if status >= 400 and len(text) < 60:
        return f"{status} has no sentence: {text!r}"
    is_lost = KEPT in body.replace("+", " ") and status in (200, 400, 403, 409, 422) and KEPT not in text
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
    "works over": lambda now: Maintenance.objects.update(phase="completed", completed_at=now),
    "works cancelled": lambda now: Maintenance.objects.update(phase="cancelled"),
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


def test_an_odd_value_in_any_field_is_answered_by_a_page_of_ours(staff, world):
    wrong, number = [], 0
    if IS_LONG:
        print(*[f"{one} {one.names} {one.buttons}" for one in all_forms(staff, world)], sep="\n", file=LOG, flush=True)
    ids = {"other id": [str(one) for one in (world["<int:pk>"], world["<slug:public_id>"])]}
    for form in all_forms(staff, world):
        for name in form.names:
            for what, value in {**ODD, **ids}.items():
                for button in [None, *dict.fromkeys(form.buttons)]:
                    number += 1
                    if number % EACH:
                        continue
                    body = form.sent(button, **{name: value})
                    if found := problem(send(staff, form, body), body):
                        print(f"{form} {name}={what} by {button}: {found}", file=LOG, flush=True)
                        wrong.append(f"{form} {name}={what} by {button}: {found}")
    assert wrong == [], f"{number}\n" + "\n".join(wrong)


def test_a_form_twice_is_done_once(staff, world):
    wrong = []
    for form in all_forms(staff, world):
        for button in [None, *dict.fromkeys(form.buttons)]:
            body = form.sent(button)
            with transaction.atomic():
                first, rows = post(staff, form.action, body), counts()
                second, then = post(staff, form.action, body), counts()
                transaction.set_rollback(True)
            twice = {label: n - rows[label] for label, n in then.items() if n != rows[label]}
            for answer in (first, second):
                if found := problem(answer, body):
                    wrong.append(f"{form} by {button}: {found}")
            if twice and not form.action.endswith(MAY_COME_AGAIN):
                wrong.append(f"{form} by {button}: {first.status_code}, {second.status_code}: {twice}")
    assert wrong == [], "\n".join(wrong)


def test_what_is_gone_meanwhile_is_told_and_words_stay(staff, world):
    wrong = []
    forms = all_forms(staff, world)
    for number, form in enumerate(forms):
        for turn, (what, deed) in enumerate(MEANWHILE.items()):
            if not IS_LONG and (number + turn) % 6:
                continue
            body = form.sent()
            with transaction.atomic():
                deed(timezone.now())
                answer = post(staff, form.action, body)
                transaction.set_rollback(True)
            if found := problem(answer, body):
                wrong.append(f"{form} with {what}: {found}")
    assert wrong == [], "\n".join(wrong)


def test_an_address_of_another_kind_is_a_page_of_ours(staff, world):
    words = [str(world[blank]) for blank in world if "id>" in blank or "pk>" in blank]
    others = [*dict.fromkeys(word for word in words if "-" not in word), "0", "9" * 30, "nothing"]
    wrong, number = [], 0
    for form in all_forms(staff, world):
        for piece in form.action.split("/"):
            for other in others if piece in words else ():
                number += 1
                if IS_LONG or number % 5 == 0:
                    path = form.action.replace(f"/{piece}", f"/{other}")
                    if found := problem(send(staff, form, form.sent(), path)):
                        wrong.append(f"{form} at {path}: {found}")
    assert wrong == [], "\n".join(wrong)


def test_who_may_not_or_no_longer_gets_a_page_of_ours(staff, world):
    forms, low = all_forms(staff, world), logged_in(person("low", Role.VIEWER))
    gone, old = Client(raise_request_exception=False), Client(raise_request_exception=False, enforce_csrf_checks=True)
    old.force_login(person("late", Role.ADMIN))
    wrong = []
    for form in forms:
        for who, client in {"viewer": low, "session gone": gone, "old token": old}.items():
            body = form.sent()
            if found := problem(send(client, form, body), body):
                wrong.append(f"{form} by {who}: {found}")
    assert wrong == [], "\n".join(wrong)


def test_the_other_method_is_answered_by_a_page_of_ours(staff, world):
    wrong = []
    for path in doors(world):
        for method in ("get", "put", "delete", "post"):
            with transaction.atomic():
                answer = getattr(staff, method)(path, headers=HERE)
                transaction.set_rollback(True)
            if found := problem(answer):
                wrong.append(f"{method} {path}: {found}")
    assert wrong == [], "\n".join(wrong)


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
