"""`manage.py backup FILE`: a copy of the database, opened again to verify it."""

import sqlite3
import subprocess
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.utils import timezone

from components.models import Heartbeat

MAX_DURATION_S = 3600


class Command(BaseCommand):
    help = "Back up the database to FILE while everything runs, and verify the copy."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="?", default="", help="The file to write; it must not exist yet.")
        parser.add_argument(
            "--done", action="store_true", help="Only record that another tool made a backup."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["done"]:
            if not options["file"]:
                raise CommandError("Name the file to write: manage.py backup backups/today.db")
            file = Path(options["file"])
            if file.exists():
                raise CommandError(f"{file} already exists: name another file.")
            if connection.vendor == "sqlite":
                copy_sqlite(file)
            else:
                copy_postgresql(file)
            file.chmod(0o600)  # it contains everything, and pg_dump's umask may differ
            self.stdout.write(f"{file}: {file.stat().st_size / 1_000_000:.1f} MB, verified.")
        Heartbeat.objects.beat("backup", "backup", timezone.now())


def copy_sqlite(file: Path) -> None:
    """VACUUM INTO, then an integrity check of the copy. Raises CommandError."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("VACUUM INTO %s", [str(file)])
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as copy:
            (verdict,) = copy.execute("PRAGMA integrity_check").fetchone()
    except Exception as error:
        raise CommandError(f"The copy could not be made: {error}") from error
    if verdict != "ok":
        raise CommandError(f"The copy is corrupt ({verdict}): do not use {file}.")


def copy_postgresql(file: Path) -> None:
    """pg_dump in its own format, then a look at its contents. Raises CommandError."""
    database = connection.settings_dict
    env = {"PGPASSWORD": str(database["PASSWORD"] or ""), "PATH": "/usr/local/bin:/usr/bin:/bin"}
    where = [
        "-h",
        str(database["HOST"] or "localhost"),
        "-p",
        str(database["PORT"] or 5432),
        "-U",
        str(database["USER"]),
    ]
    try:
        for command in (
            ["pg_dump", "-Fc", "-f", str(file), *where, str(database["NAME"])],
            ["pg_restore", "--list", str(file)],
        ):
            subprocess.run(  # noqa: S603 - our own commands
                command, env=env, check=True, capture_output=True, text=True, timeout=MAX_DURATION_S
            )
    except FileNotFoundError as error:
        raise CommandError("pg_dump is not installed: install PostgreSQL's client tools.") from error
    except subprocess.SubprocessError as error:
        output = getattr(error, "stderr", "") or str(error)
        raise CommandError(f"The copy could not be made: {output.strip()}") from error
