"""`manage.py export_subscribers [FILE]`: all subscribers as CSV."""

import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from components import command_audit
from subscribers import exporting


class Command(BaseCommand):
    help = (
        "Export all subscribers as CSV, with their addresses in plain text: keep the file as safe as a key."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file",
            type=Path,
            nargs="?",
            help="The file to write, readable only by you; without it, the screen.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path | None = options["file"]
        if file is None:
            command_audit.note("subscriber.export", "the screen")
            for line in exporting.lines():
                self.stdout.write(line, ending="")
            return
        try:
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        except OSError as error:
            raise CommandError(f"{file} cannot be written: {error.strerror}.") from error
        command_audit.note("subscriber.export", file.name)
        number = -1  # the head is no subscriber
        with open(handle, "w", encoding="utf-8", newline="") as out:  # noqa: PTH123 - its mode is set
            for line in exporting.lines():
                out.write(line)
                number += 1
        self.stdout.write(f"{number:,} subscribers exported to {file}.")
