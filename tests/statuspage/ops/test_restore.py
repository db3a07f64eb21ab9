"""A backup takes the place of the database: whole or not at all, and nothing of the later past stays."""

import shutil
import sqlite3
import time

import pytest

from components import removal_mark
from statuspage.serving.disk_copies import Copies, Document, Variant
from tests.statuspage.ops.installation import Installation
from tests.whole import wait_for

pytestmark = pytest.mark.data


@pytest.fixture
def there(tmp_path):
    made = Installation(tmp_path / "installation")
    yield made
    made.close()


@pytest.fixture
def backup(there, tmp_path):
    """Of a page with one component; a second one was added later."""
    there.add("Chat")
    there.run("backup", tmp_path / "copy")
    there.add("Later")
    return tmp_path / "copy"


def kept_by(there):
    """What was set aside: files of SQLite, or dumps."""
    return [*there.var.glob("*.before-restore-*Z"), *there.var.glob("before-restore-*.dump")]


def test_it_is_as_it_was_and_what_it_replaced_is_kept_and_can_be_restored_too(there, backup):
    text = there.run("restore", backup)
    assert there.names() == ["Chat"]
    (kept,) = kept_by(there)
    assert f"What it replaced: {kept}" in text
    assert oct(kept.stat().st_mode)[-3:] == "600"
    there.run("restore", kept)
    assert there.names() == ["Chat", "Later"]


def test_nothing_of_the_later_past_is_shown_or_stays_logged_in(there, backup):
    there.write("UPDATE components_page SET version = 500")
    there.write(
        "INSERT INTO django_session (session_key, session_data, expire_date) VALUES ('s', '', '2099-01-01')"
    )
    copies = Copies(there.var / "snapshots")
    copies.save(Document("/", "text/html", 700, 1.0, 1.0, (Variant.of(0, b"later"),)))
    removal_mark.write(copies.folder, 650)
    there.run("restore", backup)
    assert copies.load("/") is None
    assert removal_mark.read(copies.folder) == 0
    ((version, forgotten),) = there.rows("SELECT version, forgotten FROM components_page")
    assert version == forgotten > 700  # of copies elsewhere too
    assert there.rows("SELECT * FROM django_session") == []
    assert there.rows("SELECT * FROM components_heartbeat WHERE role <> 'backup'") == []
    (row,) = there.rows("SELECT act FROM statuspage_audit ORDER BY id DESC LIMIT 1")
    assert row == ("database.restore",)


def test_an_older_backup_is_migrated(there, tmp_path):
    there.run("migrate", "-v0", "subscribers", "0007")
    there.run("backup", tmp_path / "old")
    there.run("migrate", "-v0")
    there.run("restore", tmp_path / "old")
    assert there.rows("SELECT restored_at FROM subscribers_sorter")


def test_a_newer_one_is_refused(there, tmp_path):
    there.write(
        "INSERT INTO django_migrations (app, name, applied) VALUES ('incidents', '0999_future', '2030-01-01')"
    )
    refused = there.run("backup", tmp_path / "newer", check=False) + there.run(
        "restore", tmp_path / "newer", check=False
    )
    assert there.code == 1
    assert "newer version of this program (it has incidents.0999_future)" in refused
    assert "Traceback" not in refused


def _truncated(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 2 // 3])


def _scribbled(file):
    data = bytearray(file.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 20_000] = b"\xff" * 20_000
    file.write_bytes(data)


def _foreign(file):
    file.unlink()
    with sqlite3.connect(file) as other:
        other.execute("CREATE TABLE django_migrations (app, name)")


def _empty(file):
    file.write_bytes(b"")


def _missing(file):
    file.unlink()


def _folder(file):
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize("spoil", [_truncated, _scribbled, _foreign, _empty, _missing, _folder])
def test_what_is_no_whole_backup_is_refused_with_a_sentence(there, backup, spoil):
    spoil(backup)
    text = there.run("restore", backup, check=False)
    assert there.code == 1
    assert str(backup) in text
    assert "Traceback" not in text
    assert there.names() == ["Chat", "Later"]
    assert kept_by(there) == []


def test_of_the_other_kind_of_database(there, tmp_path):
    other = tmp_path / "other"
    other.write_bytes(b"SQLite format 3\0" if there.database else b"PGDMP\1\16")
    text = there.run("restore", other, check=False)
    assert "is a backup of " in text
    assert there.code == 1


def test_a_database_in_use_is_no_backup(there, tmp_path):
    if there.database:
        pytest.skip("a file of SQLite")
    assert "is the database itself" in there.run("restore", there.file, check=False)
    shutil.copy(there.file, tmp_path / "plain")
    (tmp_path / "plain-wal").write_bytes(b"x" * 100)
    assert "a plain copy of one" in there.run("restore", tmp_path / "plain", check=False)


def test_without_a_database_it_is_simply_put_there(there, backup):
    if there.database:
        pytest.skip("a file of SQLite")
    for file in there.var.glob("statuspage.sqlite3*"):
        file.unlink()
    assert "What it replaced: not kept" in there.run("restore", backup)
    assert there.names() == ["Chat"]


def test_a_corrupt_database_is_replaced_and_kept(there, backup):
    if there.database:
        pytest.skip("a file of SQLite")
    for file in there.var.glob("statuspage.sqlite3*"):
        file.unlink()
    there.file.write_bytes(b"this is no database " * 1000)
    there.run("restore", backup)
    assert there.names() == ["Chat"]
    assert kept_by(there)[0].read_bytes().startswith(b"this is no database")


def test_a_database_that_is_open_elsewhere_is_left_alone(there, backup):
    if there.database:
        pytest.skip("PostgreSQL says so by its sessions")
    with sqlite3.connect(there.file) as other:
        other.execute("BEGIN")
        other.execute("SELECT * FROM components_page").fetchall()
        text = there.run("restore", backup, check=False)
    other.close()
    assert "Another process has" in text
    assert there.names() == ["Chat", "Later"]


def test_a_failed_load_leaves_the_old_data(there, backup):
    """Something else holds a lock on a table: it is not waited for."""
    if not there.database:
        pytest.skip("loading is PostgreSQL's")
    import psycopg

    with psycopg.connect(there.database) as other:
        other.execute("LOCK TABLE components_component IN ACCESS SHARE MODE")
        text = there.run("restore", backup, "--discard-current", check=False)
    assert "the old data is still there" in text
    assert "Traceback" not in text
    assert there.names() == ["Chat", "Later"]


def test_while_it_runs_nothing_is_replaced(there, backup):
    there.start()
    try:
        text = there.run("restore", backup, check=False)
        assert there.code == 1
        assert "is running in" in text
        assert "stop it first" in text
        text = there.run("restore", backup, check=False, VAR_DIR=str(there.folder / "elsewhere"),
                         DATABASE_URL=there.database or f"sqlite:///{there.file}")  # fmt: skip
        assert there.code == 1
        assert "works on this database (" in text or "in use by" in text
    finally:
        there.stop()
    text = there.run("restore", backup)  # at once: heartbeats of a moment ago are no hindrance
    assert there.names() == ["Chat"]


@pytest.mark.parametrize("number", range(3))
def test_killed_at_any_moment_it_is_the_old_or_the_new_and_runs_again(there, backup, number):
    began = time.monotonic()
    there.run("restore", backup)
    whole_s = time.monotonic() - began
    there.add("Later")
    moments = [(number + 3 * step) / 24 for step in range(8)]
    for share in moments:
        running = there.begin("restore", backup)
        time.sleep(whole_s * (0.25 + 0.8 * share))  # before, Python starts
        running.kill()
        running.communicate()
        wait_for(lambda: there.names() in (["Chat"], ["Chat", "Later"]), 10)
        if not there.database:
            assert there.rows("PRAGMA integrity_check") == [("ok",)]
    text = wait_for(lambda: _restored(there, backup), 60)
    assert "Restored" in text
    assert there.names() == ["Chat"]
    assert not list(there.var.glob("*.restoring*"))
    for kept in kept_by(there):
        if not there.database:
            assert there.rows("PRAGMA integrity_check", kept) == [("ok",)]


def _restored(there, backup):
    """A server may take a moment to notice that the other side is gone."""
    text = there.run("restore", backup, check=False)
    return text if there.code == 0 else ""


def test_it_says_what_it_does(there, backup):
    lines = there.run("restore", backup).splitlines()
    assert lines[0].startswith("Verifying")
    assert any(line.startswith("Running migrations") for line in lines)
    assert any("log in again" in line for line in lines)
