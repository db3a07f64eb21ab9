"""`manage.py import_subscribers FILE`: import subscribers from CSV. Run again, it continues."""

import io
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from components import command_audit
from subscribers.csv_format import CSVError, lines, opened
from subscribers.importing import BATCH, Places, take_in


class Command(BaseCommand):
    help = "Import subscribers from a CSV file. No one is emailed, and existing subscribers are not changed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--ask", action="store_true", help="Ask each new subscriber to confirm first.")
        parser.add_argument("--every", type=int, default=5_000, help="Report progress every this many lines.")

    def handle(self, *args: Any, **options: Any) -> None:
        file, asks, every = options["file"], options["ask"], options["every"]
        number = done = added = known = refused = 0
        try:
            with _opened(file) as text:
                number = sum(1 for _ in lines(text))  # a file that is none is refused before anyone is added
                text.seek(0)
                all_lines, places = lines(text), Places.now()
                while chunk := list(itertools.islice(all_lines, BATCH)):
                    with transaction.atomic():
                        tally = take_in(chunk, places, timezone.now(), asks=asks)
                        if not done:  # with the first of them, as in the console: it may not get to the end
                            command_audit.note(
                                "subscriber.import", file.name, after={"lines": number, "asks": asks}
                            )
                    before, done = done, done + len(chunk)
                    added, known = added + tally.added, known + tally.known
                    refused += len(tally.refused)
                    for line, sentence in tally.refused:
                        self.stderr.write(f"line {line}: {sentence}")
                    if done // every > before // every:
                        self.stdout.write(
                            f"{done:,} lines: {added:,} added, {known:,} known, {refused:,} refused"
                        )
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
        except CSVError as fault:
            raise CommandError(str(fault)) from fault
        except KeyboardInterrupt:
            if done:
                command_audit.note("subscriber.import_stop", file.name, after={"done": done, "lines": number})
            raise CommandError(f"Stopped after {done:,} lines. Run it again to continue.") from None
        summary = f"{done:,} lines: {added:,} added, {known:,} already subscribed, {refused:,} rejected."
        self.stdout.write(summary)


@contextmanager
def _opened(file: Path) -> Iterator[TextIO]:
    """Its text, which can be read twice, a pipe as well. Raises OSError."""
    raw = file.open("rb")
    try:
        with opened(raw if raw.seekable() else io.BytesIO(raw.read())) as text:
            yield text
    finally:
        raw.close()
