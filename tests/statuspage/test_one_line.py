"""Line breaks and control characters in names and titles: every way in, and rows of before on the way out."""

import os
import subprocess
import sys

import feedparser
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from icalendar import Calendar

from components.models import Component, Group, Probe
from incidents import postmortem_draft
from incidents.models import ActionItem, Incident, Maintenance, Postmortem, Template
from statuspage.models import Audit, Role
from statuspage.staff.login import claims
from tests.incidents.test_maintenance import plan
from tests.incidents.test_staff import form as admin_form
from tests.making import NOW, fell, watched
from tests.people import person
from tests.statuspage.test_exports import table
from tests.statuspage.test_feeds import read
from tests.statuspage.test_page import html

ODD = "API\r\nBcc: x@evil.example\u2028is\x1b[2J \u202edown"
PLAIN = "API Bcc: x@evil.example is[2J down"
NOTHING = "\u202e\u2066\x07"


@pytest.fixture
def staff(client, db):
    user = person("ada", Role.ADMIN)
    client.force_login(user)
    return client


def stored(model, column="title"):
    """What the row holds, read past our own column."""
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT "{column}" FROM "{model._meta.db_table}" ORDER BY id DESC LIMIT 1')
        return cursor.fetchone()[0]


def test_components_groups_and_probes_of_the_console(staff):
    staff.post("/console/components/new", {"name": ODD, "description": ODD, "is_shown": "on",
                                            "auto_incidents": "publish"})  # fmt: skip
    assert (stored(Component, "name"), stored(Component, "description")) == (PLAIN, PLAIN)
    staff.post("/console/groups/new", {"name": ODD, "description": "a\tb"})
    assert (stored(Group, "name"), stored(Group, "description")) == (PLAIN, "a b")
    assert stored(Audit, "thing") == PLAIN


def test_a_name_of_which_nothing_is_seen_is_none(staff):
    answer = staff.post("/console/components/new", {"name": NOTHING, "auto_incidents": "publish"})
    assert answer.status_code == 400
    assert not Component.objects.exists()


def test_titles_of_the_composer(staff):
    place = watched().component
    form = {"title": ODD, "phase": "investigating", "body": "We look.", "promise": "none", "publish": "1",
            f"status-{place.public_id}": "major_outage"}  # fmt: skip
    staff.post("/console/incidents/new", form)
    incident = Incident.objects.get()
    assert stored(Incident) == PLAIN
    staff.post(f"/console/incidents/{incident.public_id}/compose", {**form, "title": f"New {ODD}"})
    assert stored(Incident) == f"New {PLAIN}"
    amended = {"title": ODD, "cause": ODD, "started_at": "2026-01-01T00:00"}
    staff.post(f"/console/incidents/{incident.public_id}/amend", amended)
    assert (stored(Incident), stored(Incident, "cause")) == (PLAIN, PLAIN)
    answer = staff.post("/console/incidents/new", {**form, "title": NOTHING, "key": "k" * 32})
    assert (answer.status_code, "has no title" in answer.content.decode()) == (400, True)


def test_titles_of_planned_work_templates_and_postmortems(staff):
    work = {"title": ODD, "body": "We move.", "starts_at": "2030-01-01T01:00", "ends_at": "2030-01-01T02:00",
            "notice_h": 24}  # fmt: skip
    assert staff.post("/console/maintenance/new", work).status_code == 302
    assert stored(Maintenance) == PLAIN
    staff.post("/console/templates/new", {"kind": "incident", "name": ODD, "title": ODD, "body": "x"})
    assert (stored(Template, "name"), stored(Template)) == (PLAIN, PLAIN)


def test_the_command_line(db):
    call_command("post", "new", "--title", ODD, "--body", "We look.")
    assert stored(Incident) == PLAIN
    with pytest.raises(CommandError, match="title"):
        call_command("post", "new", "--title", NOTHING, "--body", "We look.")
    Probe.objects.save_from_target("http", "https://example.org/", {}, ODD)
    assert stored(Component, "name") == PLAIN
    call_command("post", "new", "--title", "x", "--body", "We look.", "--component", ODD)


def test_djangos_admin(staff):
    staff.post(
        "/admin/incidents/incident/add/", admin_form(title=ODD, post_phase="investigating", post_body="x")
    )
    assert stored(Incident) == PLAIN


def test_what_is_written_without_a_form(db):
    made = Group.objects.create(name=ODD)
    assert (made.name, stored(Group, "name")) == (PLAIN, PLAIN)
    Group.objects.update(name=f"2 {ODD}")
    assert stored(Group, "name") == f"2 {PLAIN}"
    Group.objects.bulk_create([Group(name=ODD)])
    assert stored(Group, "name") == PLAIN


def test_names_that_an_identity_provider_sends():
    told = claims.settle({"sub": "1", "name": ODD, "given_name": "Ada\nL"})
    assert (told["name"], told["given_name"]) == (PLAIN, "Ada L")


def raw(model, text, column="title"):
    with connection.cursor() as cursor:
        cursor.execute(f'UPDATE "{model._meta.db_table}" SET "{column}" = %s', [text])


def test_rows_of_before_are_harmless_on_every_surface(db):
    probe = watched()
    fell(probe)
    work = plan(probe.component)
    raw(Incident, ODD), raw(Component, ODD, "name"), raw(Maintenance, ODD)
    (row,) = table("history_csv")
    assert (row["title"], row["components"]) == (PLAIN, PLAIN)
    (event,) = Calendar.from_ical(read("/maintenance.ics", NOW)).events
    assert (str(event["SUMMARY"]), str(event["LOCATION"])) == (PLAIN, PLAIN)
    assert PLAIN in {entry.title for entry in feedparser.parse(read("/history.atom", NOW)).entries}
    assert Maintenance.objects.values_list("title", flat=True).get(pk=work.pk) == PLAIN
    assert "\u202e" not in html(NOW)


def test_an_action_item_and_an_author(db):
    fell(watched())
    Incident.objects.update(resolved_at=NOW, phase="resolved")
    report = postmortem_draft.create(Incident.objects.get(), author=None, now=NOW)
    Postmortem.objects.filter(pk=report.pk).update(authors=ODD)
    ActionItem.objects.create(postmortem=report, text=ODD, team=ODD)
    assert stored(Postmortem, "authors") == stored(ActionItem, "text") == stored(ActionItem, "team") == PLAIN


def test_the_name_of_the_page(tmp_path):
    read = "from statuspage import settings as s; print([s.PAGE_NAME, s.OIDC_NAME])"
    told = os.environ | {"PAGE_NAME": ODD, "OIDC_NAME": NOTHING, "VAR_DIR": str(tmp_path)}
    told.pop("DJANGO_SETTINGS_MODULE", None)
    shown = subprocess.run([sys.executable, "-c", read], env=told, capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == str([PLAIN, "single sign-on"])
