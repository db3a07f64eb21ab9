"""What is done once per release, before the roles start: static files and the database."""

import hashlib
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from statuspage.ops.supervisor import StartError


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
    """Run migrations. Raises StartError."""
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
        call_command("migrate", interactive=False, verbosity=0)
    except DatabaseError as error:
        first = str(error).strip().splitlines()[0]
        raise StartError(f"The database cannot be used ({first}): check DATABASE_URL.") from error
