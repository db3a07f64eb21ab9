"""Take in subscribers from a CSV file: `manage.py import_subscribers people.csv`. Run again, it goes on."""

import itertools
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from subscribers.importing import BATCH, Places, take_in
from subscribers.sheets import Fault, lines, opened


class Command(BaseCommand):
    help = "Add the subscribers of a CSV file. Nobody is mailed, and whoever is here already is not touched."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--ask", action="store_true", help="Send each new one a confirmation first.")
        parser.add_argument(
            "--every", type=int, default=5_000, help="Tell how far it is every so many lines."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path = options["file"]
        done = added = known = refused = 0
        try:
            with opened(file.open("rb")) as text:
                found, places = lines(text), Places.now()
                while chunk := list(itertools.islice(found, BATCH)):
                    tally = take_in(chunk, places, timezone.now(), asks=options["ask"])
                    before, done = done, done + len(chunk)
                    added, known = added + tally.added, known + tally.known
                    refused += len(tally.refused)
                    for number, sentence in tally.refused:
                        self.stderr.write(f"line {number}: {sentence}")
                    if done // options["every"] > before // options["every"]:
                        self.stdout.write(
                            f"{done:,} lines: {added:,} added, {known:,} known, {refused:,} refused"
                        )
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
        except Fault as fault:
            raise CommandError(f"{fault} {added:,} were added before.") from fault
        except KeyboardInterrupt:
            raise CommandError(f"Stopped after {done:,} lines. Run it again: it goes on.") from None
        told = f"{done:,} lines: {added:,} added, {known:,} were here already, {refused:,} refused."
        self.stdout.write(told)
