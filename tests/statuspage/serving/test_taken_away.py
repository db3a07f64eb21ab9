"""What was deleted, hidden, withdrawn or merged does not come back, whatever dies afterwards."""

import time
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import transaction
from django.http import Http404
from django.utils import timezone

from components import removal_mark
from components.models import Component, Page
from incidents import automation, postmortem_draft, undoing
from incidents.models import Incident, Post
from statuspage.serving.snapshot import Snapshot
from statuspage.staff.admin_site import Audited
from tests.making import component, found, watched

SECRET = "LEAKEDSECRET"


def opened(title=f"Outage {SECRET}", **more):
    return Incident.objects.open(title, f"Words {SECRET}", now=timezone.now(), **more)


def dead(*_):
    raise OSError("the database is away")


@pytest.fixture
def var(tmp_path, settings, transactional_db):
    settings.SNAPSHOT_DIR = tmp_path / "snapshots"
    return settings.SNAPSHOT_DIR


def read(snapshot, *paths):
    """Everybody reads these, as things are now."""
    snapshot.version = Page.objects.version()
    for path in paths:
        assert snapshot.fresh(path) is not None


def without_database(snapshot, monkeypatch, path):
    """What a web process that starts with the database dead serves here."""
    monkeypatch.setattr(Snapshot, "begin", dead)
    again = Snapshot(snapshot.folder)
    served = again.fresh(path)
    monkeypatch.undo()
    return None if served is None else served.at(time.time()).plain.decode()


def delete(one, now):
    one.delete_softly(now)


def merge(one, now):
    automation.merge(one, opened("Another"), now)


def edit(one, now):
    one.edit(one.updates.get(kind="post"), "Harmless", now)
    one.amend(now, title="Harmless")


def rename(one, now):
    one.post(Post("Harmless", phase="identified", title="Harmless"), now=now)
    one.edit(one.updates.get(number=1), "Harmless", now)


def undo(one, now):
    update = one.post(Post(f"More {SECRET}", phase="identified", undo_s=20), now=now)
    snapshot = Snapshot(settings.SNAPSHOT_DIR)
    snapshot.version = Page.objects.version()
    snapshot.fresh(one.get_absolute_url())
    one.edit(one.updates.get(number=1), "Harmless", now)
    one.amend(now, title="Harmless")
    undoing.undo(one, update, now)


EVERYWHERE = ["/", "/history", "/history.atom", "/history.rss", "/feed.json", "/api/v2/summary.json",
              "/api/v2/incidents.json", "/history.json", "/history.csv"]  # fmt: skip


@pytest.mark.parametrize("act", [delete, merge, edit, rename, undo])
def test_no_copy_of_it_is_served_while_the_database_is_away(var, monkeypatch, act):
    one = opened()
    snapshot = Snapshot(var)
    paths = [*EVERYWHERE, one.get_absolute_url()]
    read(snapshot, *paths)
    act(one, timezone.now())
    # nobody has rendered or looked since: as after a crash right behind the commit
    for path in paths:
        assert SECRET not in (without_database(snapshot, monkeypatch, path) or "")


def test_what_is_hidden_is_gone_as_well(var, monkeypatch):
    one = component(SECRET)
    snapshot = Snapshot(var)
    read(snapshot, "/", one.get_absolute_url(), "/history")
    with transaction.atomic():
        Component.objects.update(is_shown=False)
        Page.objects.bump_version(takes_away=True)
    for path in ("/", one.get_absolute_url(), "/history"):
        assert SECRET not in (without_database(snapshot, monkeypatch, path) or "")


def test_a_withdrawn_postmortem_is_gone_with_its_files(var, monkeypatch):
    one = opened("Outage")
    now = timezone.now()
    one.post(Post("Over", phase="resolved"), now=now + timedelta(minutes=5))
    report = postmortem_draft.create(one, author=None, now=now + timedelta(minutes=6))
    report.summary, report.root_cause = SECRET, "x"
    report.save()
    report.publish(now, notifies=False)
    base = f"/postmortems/{one.public_id}"
    snapshot = Snapshot(var)
    paths = [base, f"{base}.md", f"{base}.json", "/postmortems"]
    read(snapshot, *paths)
    report.withdraw()
    for path in paths:
        assert SECRET not in (without_database(snapshot, monkeypatch, path) or "")


def test_a_change_that_is_not_committed_takes_nothing_away_for_long(var, monkeypatch):
    opened()
    snapshot = Snapshot(var)
    read(snapshot, "/")
    with transaction.atomic():
        Page.objects.bump_version(takes_away=True)
        transaction.set_rollback(True)
    assert snapshot.copies.forgotten() > Page.objects.version()
    monkeypatch.setattr(removal_mark, "SETTLED_S", -1.0)
    snapshot._heed(Page.objects.marks()[1])
    assert snapshot.copies.forgotten() == snapshot.forgotten == Page.objects.marks()[1]
    read(snapshot, "/")
    assert SECRET in without_database(snapshot, monkeypatch, "/")


def test_its_bytes_leave_memory_and_disk_of_every_web_process(var, tmp_path):
    """The second one is on another machine: a folder of its own, and only the database in common."""
    one = opened()
    both = [Snapshot(var), Snapshot(tmp_path / "elsewhere")]
    for snapshot in both:
        read(snapshot, "/", "/history", one.get_absolute_url())
    one.delete_softly(timezone.now())
    for snapshot in both:
        version, forgotten = Page.objects.marks()
        snapshot._heed(forgotten)
        assert not snapshot.documents
        assert not [file for file in snapshot.folder.iterdir() if SECRET.encode() in file.read_bytes()]
        snapshot._turn(version)
        snapshot._render_again()
        assert {"/", "/history"} <= set(snapshot.documents)
        assert one.get_absolute_url() not in snapshot.documents
        assert Snapshot(snapshot.folder).forgotten == forgotten  # also after a restart


def test_a_rendering_that_began_before_does_not_bring_it_back(var, monkeypatch):
    one = opened()
    snapshot = Snapshot(var)
    begin, path = Snapshot.begin, one.get_absolute_url()
    slow = begin(snapshot, path).whole()
    one.delete_softly(timezone.now())
    snapshot._heed(Page.objects.marks()[1])
    snapshot._keep(slow)
    snapshot.copies.save(slow)
    assert snapshot.get(path) is None


def test_copies_of_other_pages_are_made_anew(var, monkeypatch):
    probe = watched("API")
    found(probe, "up", timezone.now())
    one = opened()
    snapshot = Snapshot(var)
    read(snapshot, "/", probe.component.get_absolute_url(), "/history/2026-11")
    one.delete_softly(timezone.now())
    snapshot._heed(Page.objects.marks()[1])
    snapshot._render_again()
    for path in (probe.component.get_absolute_url(), "/history/2026-11"):
        assert "API" in without_database(snapshot, monkeypatch, path)


def test_what_is_not_there_any_more_leaves_no_copy(var):
    one = opened()
    snapshot = Snapshot(var)
    read(snapshot, one.get_absolute_url())
    Incident.objects.all().delete()  # however it went
    snapshot.version += 1
    with pytest.raises(Http404):
        snapshot.fresh(one.get_absolute_url())
    assert snapshot.copies.load(one.get_absolute_url()) is None


def test_news_alone_takes_no_copy_away(var, monkeypatch):
    """An outage must not cost the copies of pages that it does not change."""
    probe = watched("API")
    found(probe, "up", timezone.now())
    snapshot = Snapshot(var)
    read(snapshot, "/history/2026-11")
    opened("Something else").post(Post("More", phase="identified"), now=timezone.now())
    assert "API" in without_database(snapshot, monkeypatch, "/history/2026-11")


def test_deleting_in_djangos_admin_counts_too(var):
    class Plain:
        def delete_queryset(self, request, queryset):
            queryset.delete()

    one, forgotten = opened(), Page.objects.marks()[1]
    made = type("Made", (Audited, Plain), {})()
    made.delete_queryset(None, Incident.objects.filter(pk=one.pk))
    assert Page.objects.marks()[1] > forgotten
