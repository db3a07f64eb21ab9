"""The two forms of staff that take files: whatever comes, a page of ours answers, nothing counts twice."""

import pytest
from django.conf import settings as conf
from django.test import Client

from components.models import Page, Picture
from statuspage.models import Role
from subscribers.models import Delivery, Import, Purpose, Subscriber
from tests.forms import as_shown
from tests.people import person
from tests.pictures import png
from tests.statuspage.console.test_every_staff_form import HERE, problem

IMPORTS, LOOK = "/console/subscribers/imports", "/console/settings/look"
SHEET = b"email\na@x.example\n"
BOUNDARY = "x-a-boundary"
KIND = f"multipart/form-data; boundary={BOUNDARY}"


@pytest.fixture
def admin(db, settings, tmp_path):
    settings.VAR_DIR = tmp_path
    client = Client(raise_request_exception=False)
    client.force_login(person("chief", Role.ADMIN))
    return client


def part(name, value, *, file=None, kind=b"application/octet-stream"):
    """One part as bytes: names may hold anything."""
    head = b'Content-Disposition: form-data; name="' + name + b'"'
    if file is not None:
        head += b'; filename="' + file + b'"\r\nContent-Type: ' + kind
    return b"--" + BOUNDARY.encode() + b"\r\n" + head + b"\r\n\r\n" + value + b"\r\n"


def body(*parts, end=True):
    return b"".join(parts) + (b"--" + BOUNDARY.encode() + b"--\r\n" if end else b"")


def send(client, path, sent, kind=KIND, **headers):
    return client.generic("POST", path, sent, content_type=kind, headers=HERE | headers)


def fields(client, path):
    """What the page's own form sends beside its file."""
    shown = as_shown(client.get(path).content.decode(), action="")
    return [part(name.encode(), one.encode()) for name, values in shown.items() for one in values]


FILES = {
    "a sheet": SHEET, "a picture": png(), "nothing": b"", "NULs": b"\0" * 90,
    "NUL": b"email\na\0b@x.example\n", "html": b"<script>alert(1)</script>",
    "not UTF-8": b"email\n\xff\xfe\n", "UTF-16": "email\na@x.example\n".encode("utf-16"),
    "one long line": b"x" * 500_000, "CR alone": b"email\ra@x.example\r", "a cut picture": png()[:40],
    "open quote": b'email\n"a@x.example\n', "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "too large": b"\xff" * 1_200_000,
}  # fmt: skip
NAMES = {
    "usual": b"a.csv", "none": b"", "NUL": b"a\0.csv", "NUL alone": b"\0", "a path": b"../../etc/passwd",
    "long": b"x" * 300, "not UTF-8": b"\xff.csv", "line end": b"a%0D%0A.csv", "dots": b"..",
    "script": b"<script>.csv",
}  # fmt: skip


@pytest.mark.parametrize(("path", "field"), [(IMPORTS, b"file"), (LOOK, b"logo"), (LOOK, b"logo_dark")])
def test_whatever_file_comes_a_page_of_ours_answers(admin, path, field):
    usual, wrong = fields(admin, path), []
    for what, held in FILES.items():
        for name, told in NAMES.items() if what in ("a sheet", "a picture") else [("usual", b"a.csv")]:
            answer = send(admin, path, body(*usual, part(field, held, file=told)))
            if found := problem(answer):
                wrong.append(f"{what} called {name}: {found}")
            elif answer.status_code not in (302, 400):
                wrong.append(f"{what} called {name}: {answer.status_code}")
    assert wrong == []
    for one in Import.objects.all():
        assert "\0" not in one.name
        assert "/" not in one.name


@pytest.mark.parametrize(("path", "field"), [(IMPORTS, b"file"), (LOOK, b"logo")])
def test_whatever_shape_the_form_has_a_page_of_ours_answers(admin, path, field):
    usual, file = fields(admin, path), png() if path == LOOK else SHEET
    shapes = {
        "no file": body(*usual), "nothing at all": body(), "no body": b"",
        "cut": body(*usual, end=False)[:-9],
        "text for the file": body(*usual, part(field, file)),
        "a file for a text": body(part(b"name", b"x", file=b"n"), part(b"asks", b"1", file=b"n"), *usual),
        "NUL in the name of a field": body(*usual, part(b"na\0me", b"x"), part(field, file, file=b"a")),
        "NUL in a text": body(*usual, part(b"name", b"A\0B"), part(b"do", b"\0"), part(b"colour", b"\0")),
        "two files": body(*usual, part(field, file, file=b"a"), part(field, file, file=b"b")),
        "a file nobody asked for": body(*usual, part(b"other", file, file=b"a")),
        "many fields": body(*usual, *[part(b"f%d" % number, b"x") for number in range(1_100)]),
        "many files": body(*usual, *[part(b"f%d" % number, b"x", file=b"a") for number in range(110)]),
        "a long text": body(*usual, part(b"name", b"x" * 900_000)),
        "not UTF-8": body(*usual, part(b"name", b"\xff"), part(b"colour", b"\xed\xa0\x80")),
    }  # fmt: skip
    told = {what: problem(send(admin, path, sent)) for what, sent in shapes.items()}
    for kind in ("", "; boundary=", "; boundary=\xff"):
        told[kind] = problem(send(admin, path, body(*usual), kind=f"multipart/form-data{kind}"))
    assert {what: found for what, found in told.items() if found} == {}


def test_a_missing_file_is_asked_for_at_its_field(admin):
    for sent in (body(*fields(admin, IMPORTS)), body(), b""):
        answer = send(admin, IMPORTS, sent)
        assert answer.status_code == 400
        assert "This field is required." in answer.content.decode()
    assert not Import.objects.exists()


@pytest.mark.parametrize("field", [b"logo", b"logo_dark"])
def test_what_is_wrong_with_a_logo_is_said_and_the_other_fields_stay(admin, field):
    usual = [one for one in fields(admin, LOOK) if b'name="name"' not in one]
    told = body(*usual, part(b"name", b"Tern"), part(field, b"no picture", file=b"a.png"))
    text = send(admin, LOOK, told).content.decode()
    assert 'value="Tern"' in text
    assert 'class="error"' in text
    assert not Page.objects.filter(name="Tern").exists()


@pytest.mark.parametrize("more", [(), (part(b"asks", b"1"),)])
def test_of_a_sheet_sent_twice_nobody_is_added_or_asked_twice(admin, more):
    sent = body(*fields(admin, IMPORTS), *more, part(b"file", SHEET, file=b"a.csv"))
    for answer in [send(admin, IMPORTS, sent) for _ in range(2)]:
        assert answer.status_code == 302
        admin.post(f"{answer['Location']}/go-on", headers=HERE)
    assert Subscriber.objects.count() == 1
    assert Delivery.objects.filter(purpose=Purpose.CONFIRM).count() == len(more)
    assert [(one.added, one.known) for one in Import.objects.order_by("pk")] == [(1, 0), (0, 1)]


def test_a_logo_sent_twice_is_taken_once(admin):
    sent = body(*fields(admin, LOOK), part(b"logo", png(), file=b"a.png"))
    first, second = (send(admin, LOOK, sent) for _ in range(2))
    assert (first.status_code, second.status_code) == (302, 302)
    assert Picture.objects.count() == 1


def test_a_file_that_is_too_large_is_told_so_on_a_page(admin, settings):
    settings.IMPORT_MAX_BYTES = 1_000
    big = body(*fields(admin, IMPORTS), part(b"file", b"email\n" + b"a@x.example\n" * 200, file=b"a.csv"))
    text = send(admin, IMPORTS, big).content.decode()
    assert "The file is larger than" in text
    assert conf.IMPORT_MAX_BYTES == 1_000
