"""What is done once per release, before the roles start: static files and the database."""

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import DatabaseError, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from statuspage.ops.supervisor import StartError

log = logging.getLogger(__name__)
MAX_ATTEMPTS = 12  # each waits for a lock as long as lock_timeout: a minute in all
BUSY = ("55P03", "40P01")  # PostgreSQL: lock_not_available, deadlock_detected
ALONE = 0x737461747573  # the advisory lock's number: "status"


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
    except DatabaseError as error:
        first = str(error).strip().splitlines()[0]
        raise StartError(f"The database cannot be used ({first}): check DATABASE_URL.") from error


def _migrate() -> None:
    """Apply what is missing, and try again while a table is in use.

    A change of a table waits at most `lock_timeout`, as everyone who comes after it waits behind it. Each
    migration is a transaction of its own, so the next attempt goes on where this one stopped.
    """
    for attempt in range(1, MAX_ATTEMPTS + 1):
        try:
            with _alone():
                call_command("migrate", interactive=False, verbosity=0)
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
