"""A file of subscribers on its way in: what is left of it is kept sealed, so that it can be gone on with."""

import itertools
import json
from collections.abc import Iterable
from datetime import datetime

from django.db import models, transaction

from components import sealed
from components.models.lines import LineField

LINES_A_PART = 500
MOST_TOLD = 1_000  # faults that are told line by line; the rest is counted


class ImportManager(models.Manager["Import"]):
    def begin(
        self, name: str, text: Iterable[str], now: datetime, *, author: str, asks: bool = False
    ) -> "Import":
        """Read a file into parts; nobody is added yet. Raises subscribers.sheets.Fault, keeping nothing."""
        from subscribers.sheets import lines

        with transaction.atomic():
            made = self.create(name=name[:200], author=author[:150], created_at=now, asks=asks)
            found = lines(text)
            while chunk := list(itertools.islice(found, LINES_A_PART)):
                told = json.dumps([[line.number, line.cells] for line in chunk])
                made.parts.create(lines=sealed.seal(told))
                made.total += len(chunk)
            made.finished_at = None if made.total else now
            made.save(update_fields=["total", "finished_at"])
        return made


class Import(models.Model):
    """`asks`: each new one is sent a confirmation. `report`: [line, sentence] of what was refused."""

    name = LineField(max_length=200)
    author = models.CharField(max_length=150)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    asks = models.BooleanField(default=False)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    added = models.PositiveIntegerField(default=0)
    known = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    report = models.JSONField(default=list)

    objects = ImportManager()

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.name

    @property
    def percent(self) -> int:
        """How much of it is done."""
        return 100 * self.done // self.total if self.total else 100

    def go_on(self, now: datetime) -> bool:
        """Take in the next part, all of it or nothing. False when none is left."""
        from subscribers.importing import Places, take_in
        from subscribers.sheets import Line

        with transaction.atomic():
            mine = Import.objects.select_for_update().get(pk=self.pk)
            part = mine.parts.order_by("pk").first()
            if part is None:
                return False
            chunk = [Line(number, cells) for number, cells in json.loads(sealed.unseal(part.lines))]
            tally = take_in(chunk, Places.now(), now, asks=mine.asks)
            mine.done += len(chunk)
            mine.added, mine.known = mine.added + tally.added, mine.known + tally.known
            mine.refused += len(tally.refused)
            mine.report = [*mine.report, *map(list, tally.refused)][:MOST_TOLD]
            part.delete()
            mine.finished_at = None if mine.parts.exists() else now
            mine.save()
        self.refresh_from_db()
        return self.finished_at is None

    def stop(self, now: datetime) -> None:
        """Forget what is left of it. Who was added stays."""
        with transaction.atomic():
            self.parts.all().delete()
            self.finished_at = self.finished_at or now
            self.save(update_fields=["finished_at"])


class ImportPart(models.Model):
    """Some lines, parsed and sealed: a file holds addresses that are keys in themselves."""

    sheet = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="parts")
    lines = models.TextField()

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"a part of {self.sheet}"
