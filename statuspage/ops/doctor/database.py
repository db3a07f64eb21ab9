"""The database: reachable, recent enough, migrated, and whole."""

import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from components.clock import database_now
from statuspage.ops.doctor.findings import Finding, fail, first_line, ok, warn

NAME = "database"
MIN_POSTGRES = 14
DAMAGED = ("malformed", "not a database")  # SQLite's words for a file that it can't read
CHECK_S = 8.0
AHEAD_S, FAR_AHEAD_S = 2.0, 10.0  # from ten seconds on heartbeats count as from the future


def look() -> Iterator[Finding]:
    """Whether it answers, and its version."""
    if connection.vendor == "sqlite":
        file = Path(str(connection.settings_dict["NAME"]))
        if not file.exists():
            yield fail(NAME, f"There is no database at {file} yet: start manage.py up, which makes it.")
            return
    try:
        connection.ensure_connection()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        yield fail(NAME, _unusable(first_line(error)))
        return
    if connection.vendor == "sqlite":
        yield ok(NAME, f"SQLite {sqlite3.sqlite_version}, {file.stat().st_size / 1e6:,.1f} MB.")
        return
    version = connection.connection.info.server_version
    words = f"PostgreSQL {version // 10_000}.{version % 10_000}"
    if version // 10_000 < MIN_POSTGRES:
        yield fail(NAME, f"{words} is too old: use {MIN_POSTGRES} or newer.")
    else:
        yield ok(NAME, f"{words} answers.")


def _unusable(reason: str) -> str:
    if connection.vendor != "sqlite":
        return f"It cannot be used ({reason}): check DATABASE_URL and its server."
    if any(words in reason for words in DAMAGED):
        return _corrupt(reason)
    return f"It cannot be used ({reason}): check DATABASE_URL, and that this account may write to its folder."


def _corrupt(reason: str) -> str:
    return f"The database is corrupt ({reason}): stop the program, and restore a backup."


def migrations() -> Iterator[Finding]:
    """Whether its tables are those of this version."""
    executor = MigrationExecutor(connection)
    disk = set(executor.loader.disk_migrations)
    own_apps = {app for app, _ in disk}
    newer = [f"{app}.{name}" for app, name in executor.loader.applied_migrations
             if app in own_apps and (app, name) not in disk]  # fmt: skip
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if newer:
        yield fail(
            "migrations",
            f"The database was written by a newer version of this program ({newer[-1]}): update the program,"
            " or restore a backup.",
        )
    elif missing:
        first = f"{missing[0][0].app_label}.{missing[0][0].name}"
        text = f"{len(missing)} not applied, first {first}: run manage.py migrate (manage.py up does it)."
        yield fail("migrations", text)
    else:
        yield ok("migrations", "All applied.")


def integrity() -> Iterator[Finding]:
    """SQLite's journal, and a quick check that is given up after a while."""
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode")
        (mode,) = cursor.fetchone()
        yield (
            ok("journal", "WAL.")
            if mode == "wal"
            else fail(
                "journal",
                f"The journal mode is {mode}, not WAL: is the folder on a disk that can lock files?",
            )
        )
        timer = threading.Timer(CHECK_S, connection.connection.interrupt)
        timer.daemon = True
        timer.start()
        try:
            cursor.execute("PRAGMA quick_check(1)")
            (verdict,) = cursor.fetchone()
        except DatabaseError as error:
            if "interrupt" not in str(error):
                raise
            sentence = (
                f"Not finished within {CHECK_S:g} s, as the database is large: check a backup of it instead."
            )
            yield warn("integrity", sentence)
            return
        finally:
            timer.cancel()
    yield (
        ok("integrity", "The quick check passes.")
        if verdict == "ok"
        else fail("integrity", _corrupt(verdict))
    )


def clock() -> Iterator[Finding]:
    """This machine's clock against the database's."""
    if connection.vendor != "sqlite":
        yield apart("clock", (datetime.now(UTC) - database_now()).total_seconds(), "the database")


def apart(name: str, ahead_s: float, other: str) -> Finding:
    """The finding for clocks that differ by so much."""
    if abs(ahead_s) < AHEAD_S:
        return ok(name, f"It agrees with that of {other}.")
    words = f"This machine is {abs(ahead_s):.0f} s {'ahead of' if ahead_s > 0 else 'behind'} {other}"
    far = abs(ahead_s) >= FAR_AHEAD_S
    return (fail if far else warn)(name, f"{words}: keep both in step by NTP.")
