"""What is done with `manage.py` is in the audit log as what is done in the console is."""

import io
import os
import pwd
import subprocess
import sys

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command, get_commands, load_command_class
from django.db import DatabaseError

from components.models import Component
from incidents.models import Incident
from statuspage.models import Audit, Member
from statuspage.ops import bootstrap
from statuspage.ops.demo import seeds
from subscribers.models import Subscriber

ME = f"the shell ({pwd.getpwuid(os.getuid()).pw_name})"
PASSWORD = "correct-horse-battery-9"


def run(name, /, *arguments, **options):
    call_command(name, *arguments, stdout=io.StringIO(), stderr=io.StringIO(), **options)


def only_row():
    row = Audit.objects.get()
    assert (row.actor, row.actor_id, row.address) == (ME, None, "")
    return row


@pytest.fixture
def people_csv(tmp_path):
    file = tmp_path / "people.csv"
    file.write_text("address\na@example.org\nb@example.org\n")
    return str(file)


@pytest.fixture
def no_log(monkeypatch):
    """The log cannot be written: the disk is full, or the database refuses."""

    def refuse(*_, **__):
        raise DatabaseError("no log")

    monkeypatch.setattr(Audit, "save", refuse)


def test_an_incident_opened_and_continued(db):
    Component.objects.create(name="Shop")
    run("post", "new", title="Slow", body="We look.", component=["Shop"], status="partial_outage")
    row, incident = only_row(), Incident.objects.get()
    assert (row.act, row.thing, row.public_id) == ("incident.open", "Slow", incident.public_id)
    assert (row.after["phase"], row.after["body"], row.after["notifies"]) == (
        "investigating",
        "We look.",
        True,
    )
    run("post", "last", phase="identified", body="A cable.", workaround="Use the app.")
    row = Audit.objects.first()
    assert (row.act, row.before) == ("incident.post", {"workaround": ""})
    assert (row.after["body"], row.after["workaround"]) == ("A cable.", "Use the app.")
    assert Audit.objects.count() == 2


def test_what_is_refused_leaves_no_row(db, tmp_path):
    Component.objects.create(name="Shop")
    for command, arguments, options in (
        ("post", ["new"], {"title": "", "body": "x"}),
        ("post", ["last"], {"body": "x"}),
        ("probe", ["http://127.0.0.1:9/"], {"save": True, "interval": 0, "timeout": 1}),
        ("import_subscribers", [str(tmp_path / "none.csv")], {}),
        ("export_subscribers", [str(tmp_path / "none" / "x.csv")], {}),
        ("break_glass", ["no spaces"], {}),
    ):
        with pytest.raises(CommandError):
            run(command, *arguments, **options)
    assert not Audit.objects.exists()
    assert Component.objects.count() == 1


def test_a_saved_probe_without_its_secrets(db, target):
    run("probe", f"{target.url}?key=hidden", save=True, name="Shop", option=["headers=X-Key: hidden"])
    row = only_row()
    assert (row.act, row.after["component"], row.after["options"]) == ("probe.create", "Shop", "headers")
    assert "hidden" not in str(list(Audit.objects.values_list()))
    run("probe", target.url)
    assert Audit.objects.count() == 1


def test_a_file_of_subscribers(db, people_csv, tmp_path):
    run("import_subscribers", people_csv)
    row = only_row()
    assert (row.act, row.thing, row.after) == (
        "subscriber.import",
        "people.csv",
        {"lines": 2, "asks": False},
    )
    run("export_subscribers", str(tmp_path / "out.csv"))
    run("export_subscribers")
    assert [(row.act, row.thing) for row in Audit.objects.all()[:2]] == [
        ("subscriber.export", "the screen"),
        ("subscriber.export", "out.csv"),
    ]


@pytest.mark.parametrize("tail", [b"\xff\n", b'"' + b"x" * 140_000 + b'"\n'])
def test_a_file_that_breaks_off_adds_nobody(db, tmp_path, tail):
    file = tmp_path / "people.csv"
    file.write_bytes(b"address\n" + b"".join(b"p%d@example.org\n" % n for n in range(1500)) + tail)
    with pytest.raises(CommandError):
        run("import_subscribers", str(file))
    assert not Subscriber.objects.exists()
    assert not Audit.objects.exists()


def test_a_pipe_is_read_as_a_file(db, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    told = f"open({str(pipe)!r}, 'w').write('address\\na@example.org\\n')"
    with subprocess.Popen([sys.executable, "-c", told]):
        run("import_subscribers", str(pipe))
    assert (Subscriber.objects.count(), only_row().after["lines"]) == (1, 1)


def test_people_made_and_let_in(db, monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    run("createsuperuser", interactive=False, username="ada", email="ada@widgetify.example")
    row = only_row()
    assert (row.act, row.thing, row.after) == ("person.create", "ada", {"role": "Admin"})
    command = load_command_class("statuspage", "changepassword")
    monkeypatch.setattr(command, "_get_pass", lambda *_: PASSWORD + "9")
    command.stdout, command.stderr = io.StringIO(), io.StringIO()
    command.handle(username="ada", database="default")
    assert Audit.objects.first().act == "password.change"
    assert get_user_model().objects.get().check_password(PASSWORD + "9")
    assert PASSWORD not in str(list(Audit.objects.values_list()))


def test_the_program_runs_our_commands_for_people():
    found = get_commands()
    assert (found["changepassword"], found["createsuperuser"]) == ("statuspage", "statuspage")


def test_the_first_start_and_the_demo(db):
    bootstrap.prepare("127.0.0.1", 8000)
    assert [(row.actor, row.act, row.thing) for row in Audit.objects.order_by("pk")] == [
        (ME, "group.create", "This status page"),
        (ME, "person.create", "staff"),
    ]
    bootstrap.prepare("127.0.0.1", 8000)
    assert Audit.objects.count() == 2
    seeds.seed("widgetify", "http://127.0.0.1:9", "", "")
    assert Audit.objects.first().act == "demo.seed"


@pytest.mark.django_db(transaction=True)
def test_without_its_row_a_deed_is_not_done(no_log, target, people_csv, tmp_path, monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    deeds = [
        ("post", ["new"], {"title": "Slow", "body": "We look."}),
        ("probe", [target.url], {"save": True}),
        ("import_subscribers", [people_csv], {}),
        ("createsuperuser", [], {"interactive": False, "username": "ada", "email": "a@widgetify.example"}),
        ("break_glass", ["ada"], {}),
    ]
    for command, arguments, options in deeds:
        with pytest.raises(DatabaseError, match="no log"):
            run(command, *arguments, **options)
    for model in (Incident, Component, Subscriber, get_user_model(), Member):
        assert not model.objects.exists()
