"""`manage.py backup FILE`: a copy of the database, opened again to verify it."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.utils import timezone

from components.models import Heartbeat
from statuspage.ops import private_files
from statuspage.ops.backups import postgres, sqlite
from statuspage.ops.backups.errors import BackupError


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
            try:
                (sqlite if connection.vendor == "sqlite" else postgres).copy(file)
            except BackupError as error:
                raise CommandError(str(error)) from error
            file.chmod(private_files.FILE)  # it contains everything, and pg_dump's umask may differ
            self.stdout.write(f"{file}: {file.stat().st_size / 1_000_000:.1f} MB, verified.")
        Heartbeat.objects.beat("backup", "backup", timezone.now())
