"""Documents as bytes: rendered once, kept on disk, true by themselves as they age."""

import fcntl
import gzip
import os
import subprocess
import sys
import threading
import time
from datetime import timedelta

import brotli
import pytest
from django.db import connection
from django.http import Http404
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from components.models import Page, Probe
from statuspage.serving.rendering import Rendering
from statuspage.serving.snapshot import Snapshot
from tests.making import found, watched

EAGER = ["/", "/history", "/history.atom", "/history.rss", "/api/v2/summary.json", "/api/v2/status.json"]


@pytest.fixture
def snapshot(tmp_path, transactional_db):
    return Snapshot(tmp_path / "snapshots")


@pytest.mark.parametrize("path", EAGER)
def test_every_encoding_holds_the_same_bytes_under_one_etag(snapshot, path):
    found(watched(), "up", timezone.now())
    for variant in snapshot.fresh(path).variants:
        assert gzip.decompress(variant.gzip) == variant.plain
        assert brotli.decompress(variant.br) == variant.plain
        assert variant.etag.startswith('"')


def test_a_page_is_late_then_stale_without_anybody_rendering_it_again(snapshot):
    now = timezone.now()
    found(watched(interval_s=60), "up", now)
    document = snapshot.fresh("/")
    texts = [document.at(now.timestamp() + s).plain.decode() for s in (1, 130, 400)]
    assert "All systems are operational" in texts[0]
    assert "Monitoring delayed since" in texts[1]
    assert 'data-step="late"' in texts[1]
    assert "No monitoring data since" in texts[2]
    assert "<h1>We don’t currently know the status</h1>" in texts[2]
    assert len({document.at(now.timestamp() + s).etag for s in (1, 130, 400)}) == 3


def test_the_api_ages_too(snapshot):
    now = timezone.now()
    found(watched(), "up", now)
    document = snapshot.fresh("/api/v2/status.json")
    assert b'"none"' in document.at(now.timestamp() + 1).plain
    assert b'"none"' not in document.at(now.timestamp() + 400).plain


def test_what_is_in_memory_is_served_without_a_query(snapshot):
    found(watched(), "up", timezone.now())
    snapshot.fresh("/")
    with CaptureQueriesContext(connection) as asked:
        assert snapshot.fresh("/") is not None
    assert len(asked) == 0


def test_the_copy_on_disk_is_the_same_and_a_new_process_serves_it(snapshot):
    found(watched(), "up", timezone.now())
    document = snapshot.fresh("/")
    again = Snapshot(snapshot.folder).get("/")
    assert again == document


@pytest.mark.parametrize("harm", ["cut", "empty", "nonsense", "other"])
def test_a_broken_copy_is_not_used(snapshot, harm):
    snapshot.fresh("/")
    file = snapshot.copies.file("/")
    raw = file.read_bytes()
    if harm == "other":
        snapshot.fresh("/history")
        raw = snapshot.copies.file("/history").read_bytes()
    file.write_bytes({"cut": raw[:-10], "empty": b"", "nonsense": b"\0" * 100, "other": raw}[harm])
    assert Snapshot(snapshot.folder).get("/") is None


def test_many_who_ask_at_once_wait_for_one_rendering(snapshot, monkeypatch):
    found(watched(), "up", timezone.now())
    rendered, begin = [], Snapshot.begin

    def counted(self, path):
        rendered.append(path)
        time.sleep(0.2)
        return begin(self, path)

    monkeypatch.setattr(Snapshot, "begin", counted)
    processes = [Snapshot(snapshot.folder) for _ in range(3)]  # each its own memory, one disk
    threads = [threading.Thread(target=one.fresh, args=("/",)) for one in processes for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rendered == ["/"]


def test_what_is_shown_now_does_not_wait_for_what_is_shown_later(snapshot, monkeypatch):
    found(watched(), "up", timezone.now())
    whole, held = Rendering.whole, []

    def slow(self):
        held.append(snapshot.documents["/"])
        return whole(self)

    monkeypatch.setattr(Rendering, "whole", slow)
    document = snapshot.fresh("/")
    assert held[0].variants == document.variants[:1]
    assert (len(document.variants), document.old is None) == (3, False)
    assert snapshot.documents["/"] is document
    assert snapshot.size == document.size


def test_a_page_that_is_late_already_is_shown_once_it_is_whole(snapshot, monkeypatch):
    found(watched(), "up", timezone.now() - timedelta(minutes=10))
    whole, held = Rendering.whole, []
    monkeypatch.setattr(Rendering, "whole", lambda self: held.append(dict(snapshot.documents)) or whole(self))
    document = snapshot.fresh("/")
    assert held == [{}]
    assert b"No monitoring data since" in document.at(time.time()).plain


def test_when_only_its_later_ages_fail_the_last_copy_goes_on(snapshot, monkeypatch):
    found(watched(), "up", timezone.now())
    before = snapshot.fresh("/")

    def broken(self):
        raise RuntimeError("a bug in a template")

    monkeypatch.setattr(Rendering, "whole", broken)
    snapshot.version += 1
    assert snapshot.fresh("/") == before
    assert snapshot.documents["/"] is before
    assert snapshot.size == before.size


def test_when_rendering_fails_the_last_copy_goes_on(snapshot, monkeypatch):
    found(watched(), "up", timezone.now())
    before = snapshot.fresh("/")

    def broken(self, path):
        raise RuntimeError("a bug in a template")

    monkeypatch.setattr(Snapshot, "begin", broken)
    snapshot.version += 1
    assert snapshot.fresh("/") == before


def test_what_does_not_exist_is_a_404_and_leaves_nothing_behind(snapshot):
    with pytest.raises(Http404):
        snapshot.fresh("/components/zzzzzzzzzzzz")
    assert not list(snapshot.folder.glob("*.doc"))


def test_a_thousand_addresses_that_do_not_exist_leave_few_files(snapshot):
    for number in range(1000):
        with pytest.raises(Http404):
            snapshot.fresh(f"/components/z{number:011d}")
    assert 0 < len(list(snapshot.folder.iterdir())) <= 64


HOLD = """
import sys, django
django.setup()
from pathlib import Path
from statuspage.serving.rendering import Rendering
from statuspage.serving.snapshot import Snapshot
with Snapshot(Path(sys.argv[1])).copies.single_flight("/"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_another_process_that_renders_the_same_address_is_waited_for(snapshot):
    command = [sys.executable, "-c", HOLD, str(snapshot.folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        with snapshot.copies.lock_file("/").open("a") as lock, pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        other.stdin.close()
        with snapshot.copies.single_flight("/"):
            assert other.wait(10) == 0


def aged(file, seconds):
    file.touch()
    os.utime(file, (time.time() - seconds,) * 2)
    return file


def test_old_copies_go_but_not_those_that_everybody_reads(snapshot):
    watched()
    for path in ("/", "/history/2026-01", "/history/2026-02"):
        snapshot.fresh(path)
    month = 31 * 86_400
    for path in ("/", "/history/2026-01"):
        aged(snapshot.copies.file(path), month)
    stray = aged(snapshot.copies.file("/").with_suffix(".4711.1"), 7_200)
    young = aged(snapshot.copies.file("/").with_suffix(".4712.1"), 5)
    left_by_an_older_version = aged(snapshot.copies.file("/").with_suffix(".lock"), 7_200)
    lock, foreign = aged(snapshot.copies.lock_file("/"), month), aged(snapshot.folder / "readme.txt", month)
    snapshot.copies.prune(["/"], time.time())
    gone = (snapshot.copies.file("/history/2026-01"), stray, left_by_an_older_version)
    assert [file.exists() for file in gone] == [False, False, False]
    kept = (snapshot.copies.file("/"), snapshot.copies.file("/history/2026-02"), young, lock, foreign)
    assert all(file.exists() for file in kept)


def test_a_process_that_starts_removes_old_copies(snapshot):
    watched()
    snapshot.fresh("/history/2026-01")
    old = aged(snapshot.copies.file("/history/2026-01"), 31 * 86_400)
    snapshot.start()
    try:
        end = time.monotonic() + 10
        while old.exists() and time.monotonic() < end:
            time.sleep(0.05)
        assert not old.exists()
    finally:
        snapshot.stop()
        time.sleep(0.2)


def test_a_change_is_rendered_and_rung_within_seconds(snapshot):
    probe = watched()
    rung = []
    snapshot.on_change = rung.append
    snapshot.start()
    try:
        end = time.monotonic() + 10
        while not snapshot.is_ready and time.monotonic() < end:
            time.sleep(0.05)
        found(probe, "up", timezone.now())
        version = Page.objects.version()
        while version not in rung and time.monotonic() < end:
            time.sleep(0.05)
        assert version in rung
        assert b"All systems are operational" in snapshot.get("/").at(time.time()).plain
    finally:
        snapshot.stop()
        time.sleep(0.2)


def test_addresses_nobody_asks_for_make_room(snapshot, monkeypatch):
    monkeypatch.setattr("statuspage.serving.snapshot.MAX_DOCUMENTS", 3)
    watched()
    for month in ("2026-01", "2026-02", "2026-03", "2026-04"):
        snapshot.fresh(f"/history/{month}")
    assert len(snapshot.documents) == 3


def test_probes_alone_do_not_turn_the_page(snapshot):
    """A check that is as expected is no news: nobody is rung for it."""
    probe = watched()
    found(probe, "up", timezone.now())
    version = Page.objects.version()
    found(Probe.objects.get(), "up", timezone.now() + timedelta(seconds=60))
    assert Page.objects.version() == version
