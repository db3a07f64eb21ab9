"""`manage.py restore FILE`: a backup takes the place of the database."""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connection

from statuspage.ops.backups import afterwards, in_use, postgres, sqlite
from statuspage.ops.backups.errors import BackupError, Progress

MAX_TITLES = 10
KINDS = {sqlite.MAGIC: "sqlite", postgres.MAGIC: "postgresql"}
NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


class Command(BaseCommand):
    help = (
        "Put a backup in the place of the database, and keep what it replaces. The program must be stopped."
    )
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="A file that manage.py backup wrote.")
        parser.add_argument(
            "--discard-current",
            action="store_true",
            help="PostgreSQL: do not keep a copy of what is replaced. SQLite always keeps the file.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._restore(Path(options["file"]), keeps=not options["discard_current"])
        except BackupError as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            first = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
            raise CommandError(
                f"The copy could not be restored ({first}): the old database is still there."
            ) from error

    def _restore(self, file: Path, *, keeps: bool) -> None:
        now, progress = datetime.now(UTC), Progress(self._say)
        refuse_other_kind(file)
        with closing(in_use.hold_folder()):
            is_there = connection.vendor != "sqlite" or sqlite.is_there()
            if is_there:
                in_use.refuse_running(self._say)
            with progress.step(f"Verifying {file}"):
                (sqlite if connection.vendor == "sqlite" else postgres).verify(file)
            newest = afterwards.newest_version(Path(settings.SNAPSHOT_DIR), has_database=is_there)
            settled: list[afterwards.Settled] = []

            def settle() -> None:
                with progress.step("Running migrations"):
                    call_command("migrate", interactive=False, verbosity=0, skip_checks=True)
                settled.append(afterwards.settle(now, newest, file.name))

            if connection.vendor == "sqlite":
                kept = sqlite.replace(file, settle, now, progress)
            else:
                kept = postgres.replace(file, settle, now, progress, keeps=keeps)
            afterwards.drop_page_copies()
        self._report(file, kept, settled[0])

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

    def _report(self, file: Path, kept: Path | None, settled: afterwards.Settled) -> None:
        self._say(f"Restored {file}.")
        self._say(f"What it replaced: {kept or 'not kept'}.")
        self._say(f"Messages not sent, as they may have been sent after the backup: {settled.held}.")
        if settled.disarmed:
            self._say(f"Recovery hooks disarmed, as later calls are not known: {settled.disarmed}.")
        if settled.under_way:
            titles = ", ".join(f"“{title}”" for title in settled.under_way[:MAX_TITLES])
            more = len(settled.under_way) - MAX_TITLES
            self._say(
                f"Open in the backup: {titles}{f' and {more} more' if more > 0 else ''}. Automatic updates of"
                " these notify no one until a person posts."
            )
        self._say(
            "Everyone has to log in again. People who unsubscribed after the backup are subscribed again."
        )
        self._say("Start the program, and look at the page: manage.py doctor helps.")


def refuse_other_kind(file: Path) -> None:
    """Raises BackupError unless the file is a backup of this kind of database."""
    try:
        with file.open("rb") as opened:
            head = opened.read(len(sqlite.MAGIC))
    except OSError as error:
        raise BackupError(f"{file} cannot be read: {error.strerror}.") from error
    kind = next((kind for magic, kind in KINDS.items() if head.startswith(magic)), None)
    if kind is None:
        raise BackupError(f"{file} is not a backup: name a file that manage.py backup wrote.")
    if kind != connection.vendor:
        raise BackupError(
            f"{file} is a backup of {NAMES[kind]}, and DATABASE_URL names {NAMES[connection.vendor]}:"
            f" restore it where DATABASE_URL names {NAMES[kind]}."
        )
