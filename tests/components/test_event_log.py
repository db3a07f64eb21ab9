"""The log: one line for each change of state, and nothing of what was rolled back."""

import json
import logging
import uuid

import pytest
from django.db import transaction
from django.test import Client

from components import event_log
from components.models import Flip
from incidents import automation
from incidents.models import Incident
from incidents.models.posting import Post
from statuspage.models import Audit
from statuspage.ops.logs import JSONFormatter, LineFormatter
from tests.incidents.test_maintenance import plan
from tests.making import NOW, after, component, found, watched
from tests.subscribers.making import webhook


def events(caplog):
    return [record.getMessage() for record in caplog.records if record.name == "events"]


def test_a_verdict_and_what_the_page_shows_are_one_line_each(db, caplog, django_capture_on_commit_callbacks):
    caplog.set_level(logging.INFO)
    probe = watched("Web site")
    found(probe, "up", NOW)
    with django_capture_on_commit_callbacks(execute=True):
        for minute in range(1, 4):
            found(probe, "down", after(minutes=minute))
    flip = Flip.objects.latest("pk")
    (verdict,) = [line for line in events(caplog) if line.startswith("probe.verdict ")]
    assert f'id={probe.pk} component="Web site" old={flip.old} new=down' in verdict
    shown = [line for line in events(caplog) if line.startswith("component.status ")]
    assert f"id={probe.component.public_id}" in shown[-1]
    assert shown[-1].endswith("new=major_outage")


def test_a_check_without_news_leaves_no_line(db, caplog, django_capture_on_commit_callbacks):
    probe = watched("Web site")
    found(probe, "up", NOW)
    caplog.set_level(logging.INFO)
    with django_capture_on_commit_callbacks(execute=True):
        found(probe, "up", after(minutes=1))
    assert events(caplog) == []


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_was_never_logged(caplog):
    caplog.set_level(logging.INFO)
    with transaction.atomic():
        event_log.record("incident.opened", id="y")
        transaction.set_rollback(True)
    assert events(caplog) == []
    event_log.record("incident.opened", id="x")
    assert events(caplog) == ["incident.opened id=x"]


def test_a_subscriber_is_named_by_its_id_never_by_its_address(db, caplog, django_capture_on_commit_callbacks):
    one = webhook("https://hooks.example.org/secret-of-mine")
    caplog.set_level(logging.INFO)
    with django_capture_on_commit_callbacks(execute=True):
        one.quarantine(NOW, "The endpoint is gone.")
        one.restore(NOW)
        one.leave(NOW)
        one.erase()
    assert events(caplog) == [
        f"subscriber.{what} id={one.public_id} channel=webhook"
        for what in ("stopped", "restored", "left", "erased")
    ]
    assert "secret-of-mine" not in caplog.text


def test_each_row_of_the_audit_log_is_a_line(db, caplog, django_capture_on_commit_callbacks):
    caplog.set_level(logging.INFO)
    with django_capture_on_commit_callbacks(execute=True):
        Audit.objects.note(None, "login", "ada", after={"password": "x y z"})
    (line,) = events(caplog)
    assert line.startswith("audit.login actor=")
    assert line.endswith("thing=ada")
    assert "x y z" not in line


@pytest.mark.parametrize(
    ("value", "spelled"),
    [("plain", "plain"), ("two words", '"two words"'), ('a"b', '"a\\"b"'), ("a=b", '"a=b"'),
     ("a\nb", '"a\\nb"'), (True, "true"), (7, "7"), ("", ""), (None, "")],
)  # fmt: skip
def test_a_value_is_spelled_so_that_the_line_can_be_read_back(
    value, spelled, caplog, db, django_capture_on_commit_callbacks
):
    caplog.set_level(logging.INFO)
    with django_capture_on_commit_callbacks(execute=True):
        event_log.record("x.y", a=value)
    assert events(caplog) == [f"x.y a={spelled}".removesuffix(" a=")]


def lines_of(formatter, caplog):
    return [formatter.format(record) for record in caplog.records if record.name == "events"]


def test_a_line_names_the_request_it_belongs_to_in_both_forms(caplog, db, django_capture_on_commit_callbacks):
    caplog.set_level(logging.INFO)
    with django_capture_on_commit_callbacks(execute=True), event_log.within(request="abc123"):
        event_log.record("audit.login", actor="ada", tries=2)
    (text,) = lines_of(LineFormatter("%(levelname)s %(name)s %(message)s"), caplog)
    assert text == "INFO events audit.login actor=ada tries=2 request=abc123"
    (told,) = map(json.loads, lines_of(JSONFormatter(), caplog))
    assert told.pop("time").endswith("+00:00")
    assert told == {"level": "INFO", "logger": "events", "event": "audit.login", "actor": "ada", "tries": 2,
                    "request": "abc123"}  # fmt: skip


def test_a_proxys_request_id_is_taken_over_and_a_strange_one_is_not(db):
    mine = uuid.uuid4().hex
    assert Client(headers={"X-Request-ID": mine}).get("/healthz")["X-Request-ID"] == mine
    made = Client(headers={"X-Request-ID": 'a"b c'}).get("/healthz")["X-Request-ID"]
    assert len(made) == 12


def test_the_life_of_an_incident_is_a_line_for_each_change(db, caplog, django_capture_on_commit_callbacks):
    probe = watched("Chat")
    found(probe, "up", NOW)
    caplog.set_level(logging.INFO)
    with django_capture_on_commit_callbacks(execute=True):
        for minute in (1, 2):
            found(probe, "down", after(minutes=minute))
        incident = Incident.objects.get()
        incident.post(Post("We found it.", phase="identified"), now=after(minutes=4))
        incident.post(Post("It works again.", phase="resolved"), now=after(minutes=6))
        incident.post(Post("It fails again.", phase="investigating", reopens=True), now=after(minutes=7))
        incident.delete_softly(after(minutes=8))
    told = [line.split()[0] for line in events(caplog) if line.startswith("incident.")]
    assert told == [
        "incident.opened", "incident.posted", "incident.posted", "incident.posted", "incident.resolved",
        "incident.reopened", "incident.posted", "incident.deleted",
    ]  # fmt: skip
    assert all(f"id={incident.public_id}" in line for line in events(caplog) if line.startswith("incident."))


def test_planned_work_says_when_it_begins_and_ends(db, caplog, django_capture_on_commit_callbacks):
    caplog.set_level(logging.INFO)
    with django_capture_on_commit_callbacks(execute=True):
        work = plan(component("Chat"), starts=after(hours=1), now=NOW, title="New disks")
        automation.advance_maintenance(after(hours=1))
    told = [line for line in events(caplog) if line.startswith("maintenance.")]
    assert told == [
        f'maintenance.planned id={work.public_id} title="New disks"',
        f'maintenance.in_progress id={work.public_id} title="New disks"',
    ]
