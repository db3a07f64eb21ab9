"""What is done once per release, before the roles start: static files and the database."""

import hashlib
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.commands import migrate
from django.db import DatabaseError, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from components import partitions
from statuspage.ops import interrupts
from statuspage.ops.supervisor import StartError

log = logging.getLogger(__name__)
MAX_ATTEMPTS = 12  # each waits for a lock as long as lock_timeout: a minute in all
BUSY = ("55P03", "40P01")  # PostgreSQL: lock_not_available, deadlock_detected
GAP_S = 0.25  # more than twice the 100 ms
ALONE = 0x737461747573  # the advisory lock's number: "status"
STOPPED = "Stopped while the database was being migrated: no data is lost. Run it again to finish."


def lay_out_static_files() -> None:
    """Hash and compress static files, once for each version of them, as it takes seconds."""
    stamp = settings.STATIC_ROOT / "laid-out"
    now = hashlib.sha256()
    for finder in get_finders():
        for path, storage in finder.list([]):
            info = Path(storage.path(path)).stat()
            now.update(f"{path} {info.st_size} {info.st_mtime_ns}\n".encode())
    if stamp.exists() and stamp.read_text() == now.hexdigest():
        return
    call_command("collectstatic", interactive=False, verbosity=0)
    stamp.write_text(now.hexdigest())


def prepare_database() -> None:
    """Run migrations; the version before may go on serving and writing meanwhile. Raises StartError."""
    try:
        executor = MigrationExecutor(connection)
        migrations = set(executor.loader.disk_migrations)
        own_apps = {app for app, _ in migrations}
        newer = [name for name in executor.loader.applied_migrations if name not in migrations]
        if any(app in own_apps for app, _ in newer):
            raise StartError(
                "The database was written by a newer version of this program: "
                "update the program, or restore a backup of the database."
            )
        _migrate()
        partitions.make_ahead(datetime.now(UTC))  # before checks of a day without one go to the rest
    except KeyboardInterrupt as error:
        raise StartError(STOPPED) from error
    except DatabaseError as error:
        first = str(error).strip().splitlines()[0]
        raise StartError(f"The database cannot be used ({first}): check DATABASE_URL.") from error


class Migrate(migrate.Command):
    """Django's command; a migration that is in no transaction takes back what it began when it is ended."""

    def handle(self, *args: Any, **options: Any) -> Any:
        with interrupts.as_ctrl_c():
            return super().handle(*args, **options)


class _Migrate(Migrate):
    """The command, with a gap after each migration on SQLite.

    Who waits for SQLite's lock looks again every 100 ms at most, and would never find the moment between
    two migrations: after 20 s its write fails.
    """

    def migration_progress_callback(self, action: str, *args: Any, **options: Any) -> None:
        super().migration_progress_callback(action, *args, **options)
        if action == "apply_success" and connection.vendor == "sqlite" and _is_filled():
            time.sleep(GAP_S)


def _is_filled() -> bool:
    """Whether somebody may be writing: no page on a first start."""
    with connection.cursor() as cursor:
        names = connection.introspection.table_names(cursor)
        if "components_page" not in names:
            return False
        cursor.execute("SELECT EXISTS (SELECT 1 FROM components_page)")
        return bool(cursor.fetchone()[0])


def _migrate() -> None:
    """Apply what is missing, and try again while a table is in use.

    A change of a table waits at most `lock_timeout`, as everyone who comes after it waits behind it. Each
    migration is a transaction of its own, so the next attempt goes on where this one stopped.
    """
    for attempt in range(1, MAX_ATTEMPTS + 1):
        try:
            with _alone():
                call_command(_Migrate(), interactive=False, verbosity=0)
            return
        except OperationalError as error:
            is_busy = getattr(error.__cause__, "sqlstate", "") in BUSY
            if not is_busy or attempt == MAX_ATTEMPTS:
                raise
            log.warning("migrate.table_in_use attempt=%d", attempt)


@contextmanager
def _alone() -> Iterator[None]:
    """On PostgreSQL: one at a time, without the limit on how long a statement takes."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        (limit,) = cursor.fetchone()
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SELECT pg_advisory_lock(%s)", [ALONE])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [ALONE])
            cursor.execute("SELECT set_config('statement_timeout', %s, false)", [limit])
