"""The disk is a help, never a condition; and an old copy is neither false grey nor false green."""

import asyncio
import contextlib
import logging
import os
import shutil
import subprocess
import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from django.http import Http404
from django.utils import timezone

from components.models import Page
from statuspage.ops.vitals import vitals
from statuspage.serving import disk_copies as copies_module
from statuspage.serving.door import RENDER_WAIT_S, SLOW_WAIT_S, Door, judged
from statuspage.serving.event_stream import Streams
from statuspage.serving.snapshot import Snapshot
from tests.making import fell, found, watched
from tests.statuspage.serving.test_door import ask, no_django

# A folder that takes nothing


def taken_by_a_file(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.write_text("a file stands here")


def removed_for_good(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.symlink_to("/proc/nowhere/at/all")


def fill(file):
    """Until nothing more goes in."""
    with file.open("wb", buffering=0) as out, contextlib.suppress(OSError):
        while out.write(b"x" * 4096):
            pass


def mounted(options):
    def harm(folder):
        folder.mkdir(exist_ok=True)
        mount = ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)]
        if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("mounting needs root")
        if "nr_inodes" not in options and "ro" not in options.split(","):
            fill(folder / "filler")

    return harm


HARMS = {
    "read-only": mounted("ro"),
    "full": mounted("size=64k"),
    "no inodes left": mounted("nr_inodes=1"),
    "a file in its place": taken_by_a_file,
    "gone for good": removed_for_good,
}


@pytest.fixture
def harmed(tmp_path, request):
    folder = tmp_path / "snapshots"
    folder.mkdir()
    yield folder
    subprocess.run(["umount", str(folder)], capture_output=True, check=False)


@pytest.mark.parametrize("harm", HARMS)
def test_news_goes_on_from_memory_and_the_disk_is_named(harmed, transactional_db, caplog, harm):
    probe = watched("API")
    found(probe, "up", timezone.now())
    HARMS[harm](harmed)
    snapshot = Snapshot(harmed)
    copies_module.serve_here(snapshot.copies)
    caplog.set_level(logging.WARNING)
    try:
        snapshot._turn(Page.objects.version())
        assert b"All systems are operational" in snapshot.get("/").at(time.time()).plain
        fell(probe, timezone.now())
        snapshot._turn(Page.objects.version())
        snapshot.copies.make_room(["/"])
        snapshot.copies.prune(["/"], time.time())
        snapshot.forget(0)
        assert b"API" in snapshot.get("/").at(time.time()).plain
        assert b"All systems are operational" not in snapshot.get("/").at(time.time()).plain
        body, code = vitals(timezone.now())
        (copies,) = body["checks"]["copies:disk"]
        assert (copies["status"], code) == ("fail", 503)
        assert copies["output"].startswith("Copies of the page cannot be saved to disk: ")
        assert str(harmed) not in copies["output"]
        lines = [one for one in caplog.records if "copies.not_written" in one.getMessage()]
        assert len(lines) == 1
        assert all(one.exc_info is None for one in caplog.records)
    finally:
        copies_module._serving.clear()


def test_a_folder_that_was_removed_is_made_again(harmed, transactional_db):
    snapshot = Snapshot(harmed)
    snapshot.fresh("/")
    shutil.rmtree(harmed)
    snapshot.version += 1
    snapshot.fresh("/")
    assert Snapshot(harmed).get("/") is not None
    assert snapshot.copies.fault == ""


def test_the_fault_is_over_as_soon_as_the_disk_takes_copies_again(harmed, transactional_db):
    taken_by_a_file(harmed)
    snapshot = Snapshot(harmed)
    snapshot.fresh("/")
    assert "exists" in snapshot.copies.fault or "directory" in snapshot.copies.fault
    harmed.unlink()
    snapshot.version += 1
    snapshot.fresh("/")
    assert snapshot.copies.fault == ""


def test_copies_are_counted_and_the_oldest_make_room(tmp_path, transactional_db, monkeypatch):
    monkeypatch.setattr(copies_module, "MAX_FILES", 3)
    monkeypatch.setattr(copies_module, "COUNT_EVERY", 1)
    snapshot = Snapshot(tmp_path)
    watched()
    for age, path in enumerate(("/", "/history", "/maintenance", "/how-we-count", "/history.atom")):
        snapshot.fresh(path)
        os.utime(snapshot.copies.file(path), (time.time() - 100 + age,) * 2)
    snapshot.copies.make_room(["/"])
    left = {file.name for file in tmp_path.glob("*.doc")}
    kept = ("/", "/maintenance", "/how-we-count", "/history.atom")
    assert left == {snapshot.copies.file(path).name for path in kept}


def test_memory_is_counted_too(tmp_path, transactional_db, monkeypatch):
    snapshot = Snapshot(tmp_path)
    for path in ("/", "/history", "/maintenance"):
        snapshot.fresh(path)
    assert snapshot.size == sum(one.size for one in snapshot.documents.values())
    monkeypatch.setattr("statuspage.serving.snapshot.MAX_BYTES", snapshot.size - 1)
    snapshot._keep(snapshot.documents["/maintenance"])
    assert list(snapshot.documents) == ["/history", "/maintenance"]
    assert snapshot.size == sum(one.size for one in snapshot.documents.values())


# A web process by itself


def test_a_web_process_that_serves_good_copies_is_ready(tmp_path, transactional_db):
    found(watched(), "up", timezone.now())
    alone = Door(no_django, Snapshot(tmp_path), Streams(10))
    assert ask(alone, "/readyz")[0].status_code == 503  # nothing to show
    Snapshot(tmp_path).fresh("/")
    assert ask(alone, "/readyz")[0].status_code == 503  # it will be made anew in a moment
    alone.snapshot.is_alone = True  # as the first look at a dead database finds
    assert ask(alone, "/readyz")[0].status_code == 200
    alone.streams.is_closing = True
    assert ask(alone, "/readyz")[0].status_code == 503


# Old copies


@pytest.fixture
def seen(tmp_path, transactional_db):
    """A component's page as it was made when the probe had just been heard."""
    probe = watched("API")
    found(probe, "up", timezone.now())
    snapshot = Snapshot(tmp_path)
    return snapshot, snapshot.fresh(probe.component.get_absolute_url())


def test_a_copy_is_judged_by_the_newest_check_and_says_since_when_it_is_shown(seen):
    _, document = seen
    later = document.rendered_at + 420
    words = judged(document, later - 5, later).plain.decode()
    assert "<h1>We don’t currently know" not in words
    assert "don’t currently know the status of" not in words
    assert "0 of" not in words
    assert "Shown as of</b>" in words
    assert "Monitoring data is current" not in words


def test_nothing_newer_is_known_so_it_goes_grey(seen):
    _, document = seen
    later = document.rendered_at + 420
    assert (
        "We don’t currently know the status of API"
        in judged(document, document.checked_at, later).plain.decode()
    )
    assert "We don’t currently know the status of API" in judged(document, 0.0, later).plain.decode()


def test_the_newest_check_is_late_or_old_itself(seen):
    _, document = seen
    later = document.rendered_at + 3600
    late = judged(document, later - 130, later).plain.decode()
    assert "Monitoring delayed since" not in late  # there were checks after the last one it knows of
    assert "Shown as of</b>" in late
    assert "We don’t currently know the status of API" in judged(document, later - 400, later).plain.decode()


def test_a_copy_that_was_grey_when_it_was_made_does_not_turn_green(tmp_path, transactional_db):
    probe = watched("API")
    found(probe, "up", timezone.now() - timedelta(minutes=30))
    document = Snapshot(tmp_path).fresh(probe.component.get_absolute_url())
    now = document.rendered_at + 100
    assert "We don’t currently know the status of API" in judged(document, now - 1, now).plain.decode()


def test_a_check_from_the_future_is_no_newest_check(seen):
    snapshot, document = seen
    snapshot._keep(replace(document, path="/x", checked_at=time.time() + 3600))
    assert snapshot.checked_at == document.checked_at


def test_a_young_copy_says_nothing_of_its_age(seen):
    _, document = seen
    soon = document.rendered_at + 30
    assert judged(document, soon - 1, soon) is document.variants[0]


def test_an_old_copy_survives_the_disk_and_tells_script_of_the_newest_check(seen, monkeypatch):
    snapshot, document = seen
    assert Snapshot(snapshot.folder).get(document.path) == document
    door = Door(no_django, snapshot, Streams(10))
    old = replace(document, rendered_at=document.rendered_at - 420, checked_at=document.checked_at - 420)
    snapshot.documents[document.path] = old
    answer, raw = ask(door, document.path)
    assert b"Shown as of" in raw
    assert answer.headers["server-timing"] == f"checked;dur={document.checked_at * 1000:.0f}"
    assert "server-timing" not in ask(door, "/history")[0].headers


def test_who_comes_while_a_page_is_rendered_gets_the_old_bytes_at_once(seen, monkeypatch):
    snapshot, document = seen
    asked = []

    def slow(self, path):
        asked.append(path)
        time.sleep(3)
        raise OSError("and then it fails")

    monkeypatch.setattr(Snapshot, "begin", slow)
    snapshot.version = document.version + 1
    door = Door(no_django, snapshot, Streams(10))

    async def crowd():
        began = time.monotonic()
        answers = await asyncio.gather(*(door._fresh(document.path) for _ in range(20)))
        return answers, time.monotonic() - began

    answers, took_s = asyncio.run(crowd())
    assert answers == [document] * 20
    assert took_s < 2.5
    assert asked == [document.path]


def test_while_rendering_is_slow_one_reader_alone_waits_long_with_nothing_at_hand(seen, monkeypatch):
    snapshot, _ = seen
    go_on, waits = threading.Event(), []
    wait_for = asyncio.wait_for

    async def noted(awaited, wait_s):
        waits.append(wait_s)
        return await wait_for(awaited, wait_s / 10)

    def slow(self, path):
        go_on.wait(20)
        raise Http404

    monkeypatch.setattr(Snapshot, "begin", slow)
    monkeypatch.setattr(asyncio, "wait_for", noted)
    door = Door(no_django, snapshot, Streams(10))

    async def strangers():
        return [await door._fresh(f"/incidents/{number:012d}") for number in range(4)]

    assert asyncio.run(strangers()) == [None] * 4
    go_on.set()
    assert waits == [RENDER_WAIT_S, SLOW_WAIT_S, SLOW_WAIT_S, SLOW_WAIT_S]


# Made with other settings


def test_a_restart_with_another_name_shows_no_copy_of_the_old_one_as_current(
    tmp_path, transactional_db, settings
):
    first = Snapshot(tmp_path)
    for path in ("/", "/history", "/history.atom"):
        first.fresh(path)
    settings.PAGE_NAME = "Tern"
    second = Snapshot(tmp_path)
    assert b"Widgetify" in second.get("/").at(0).plain  # there is nothing better while all else is away
    assert not second.is_shown(second.get("/history"))
    for path in ("/", "/history", "/history.atom"):
        body = second.fresh(path).at(time.time()).plain
        assert b"Tern" in body
        assert b"Widgetify" not in body


def test_a_restart_at_another_address_makes_them_anew_too(tmp_path, transactional_db, settings):
    Snapshot(tmp_path).fresh("/history.atom")
    settings.PUBLIC_URL = "https://other.example"
    found = Snapshot(tmp_path).fresh("/history.atom")
    assert b'href="https://other.example' in found.at(0).plain


def test_a_restart_with_the_same_settings_shows_them_at_once(tmp_path, transactional_db):
    first = Snapshot(tmp_path)
    made = first.fresh("/history")
    second = Snapshot(tmp_path)
    assert second.fresh("/history") == made
    assert second.is_shown(made)


def test_a_new_name_reaches_what_is_in_memory_with_the_next_version(tmp_path, transactional_db):
    snapshot = Snapshot(tmp_path)
    before = snapshot.fresh("/history")
    Page.objects.filter(pk=1).update(name="Tern")
    Page.objects.bump_version()
    snapshot._turn(Page.objects.version())
    assert not snapshot.is_shown(before)
    assert b"Tern" in snapshot.fresh("/history").at(time.time()).plain
