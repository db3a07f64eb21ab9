"""Who the page is: staff's word first, then the environment's; known everywhere within seconds."""

import asyncio
import json
import re
import time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from components import identity
from components.models import Page
from tests.whole import ROOT


@pytest.fixture(autouse=True)
def as_in_service(who_we_are, monkeypatch):
    monkeypatch.setattr(identity, "READ_AGAIN_S", 2.0)
    identity.forget()


def test_nothing_set_is_the_environment(db, settings):
    settings.SUPPORT_URL = "mailto:help@example.org"
    here = identity.current()
    assert (here.name, here.time_zone, here.support_url) == ("Widgetify", "UTC", "mailto:help@example.org")
    assert (here.colour, here.logo, here.logo_dark) == ("", "", "")


def test_what_staff_set_counts_and_the_rest_stays(db, settings):
    settings.SUPPORT_URL = "mailto:help@example.org"
    Page.objects.this()
    Page.objects.filter(pk=1).update(name="Tern", time_zone="Asia/Kolkata")
    identity.forget()
    here = identity.current()
    assert (here.name, here.support_url) == ("Tern", "mailto:help@example.org")
    assert (str(here.zone), here.is_utc) == ("Asia/Kolkata", False)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", "Europe", "a\0b"])
def test_what_a_hand_wrote_into_the_database_costs_itself_alone(zone):
    here = identity.merged({"name": "Tern", "colour": "blue;}", "time_zone": zone})
    assert (here.name, here.colour, here.time_zone) == ("Tern", "", "UTC")


def test_it_is_asked_seldom(db):
    identity.current()
    with CaptureQueriesContext(connection) as asked:
        for _ in range(100):
            identity.current()
    assert len(asked) == 0


def test_another_process_changed_it_and_we_know_within_seconds(db, monkeypatch):
    Page.objects.this()
    assert identity.current().name == "Widgetify"
    Page.objects.filter(pk=1).update(name="Tern")
    assert identity.current().name == "Widgetify"
    now = time.monotonic()
    monkeypatch.setattr(identity.time, "monotonic", lambda: now + identity.READ_AGAIN_S)
    assert identity.current().name == "Tern"


def test_a_newer_version_of_the_page_is_asked_for_at_once(db):
    Page.objects.this()
    identity.current()
    Page.objects.filter(pk=1).update(name="Tern", version=7)
    identity.heed(7)
    assert identity.current().name == "Tern"
    with CaptureQueriesContext(connection) as asked:
        identity.heed(7)
        identity.current()
    assert len(asked) == 0


def test_a_row_read_for_something_else_is_not_read_again(db):
    Page.objects.this()
    Page.objects.filter(pk=1).update(name="Tern")
    identity.learn(Page.objects.get(pk=1))
    with CaptureQueriesContext(connection) as asked:
        assert identity.current().name == "Tern"
    assert len(asked) == 0


def test_a_row_that_was_read_before_a_newer_one_is_left_out():
    identity.learn(Page(name="Tern", version=8))
    identity.learn(Page(name="Old", version=7))
    assert identity.last_known().name == "Tern"


def test_the_last_value_goes_on_without_a_database(settings, tmp_path):
    settings.SNAPSHOT_DIR = tmp_path
    assert identity.current().name == "Widgetify"  # no test without `db` may ask one
    identity.learn(Page(name="Tern", version=3))
    identity.keep(tmp_path)
    identity.forget()
    assert identity.current().name == "Tern"  # of the file, as after a restart
    identity.forget()
    assert identity.last_known().name == "Tern"


@pytest.mark.parametrize(
    "text", ["", "[", "7", "[1]", '["a","","","","","",""]', json.dumps([1, *"1234567"])]
)
def test_a_broken_file_is_nothing(settings, tmp_path, text):
    settings.SNAPSHOT_DIR = tmp_path
    (tmp_path / identity.KEPT).write_text(text)
    assert identity.last_known().name == "Widgetify"


def test_a_folder_that_takes_nothing_costs_nothing(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    identity.learn(Page(name="Tern"))
    identity.keep(tmp_path / "file")
    assert "identity.not_kept" in caplog.text


def test_an_event_loop_is_never_held_up(db):
    Page.objects.this()
    Page.objects.filter(pk=1).update(name="Tern")

    async def ask():
        return identity.current().name

    assert asyncio.run(ask()) == "Widgetify"  # what is known without asking
    assert identity.current().name == "Tern"


def test_nobody_else_reads_these_settings():
    """But the checks of the environment, and a migration of the time before."""
    may = {"components/identity.py", "statuspage/checks.py",
           "components/models/inbox.py",  # a model, which identity reads: it cannot ask there
           "statuspage/ops/doctor/findings.py",  # reads every secret, by its name
           "incidents/migrations/0013_series_zone.py"}  # fmt: skip
    pattern = re.compile(r"settings\.(PAGE_NAME|PAGE_TIME_ZONE|SUPPORT_URL)|getattr\(settings")
    folders = ("components", "incidents", "subscribers", "statuspage")
    files = [file for folder in folders for file in (ROOT / folder).rglob("*.py")]
    found = {str(file.relative_to(ROOT)) for file in files if pattern.search(file.read_text())}
    assert found <= may
