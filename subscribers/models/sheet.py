"""A CSV import in progress: what is left of the file, encrypted."""

from datetime import datetime

from django.db import models, transaction

from components.models.lines import LineField


class Import(models.Model):
    """`asks`: new subscribers must confirm. `report`: [line, sentence] of refused lines."""

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

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.name

    @property
    def percent(self) -> int:
        """How much of it is done, 0 to 100."""
        return 100 * self.done // self.total if self.total else 100

    def stop(self, now: datetime) -> None:
        """Discard the rest of the file. Subscribers already added stay."""
        with transaction.atomic():
            self.parts.all().delete()
            self.finished_at = self.finished_at or now
            self.save(update_fields=["finished_at"])


class ImportPart(models.Model):
    """Some lines, parsed and encrypted, as addresses may be secrets in themselves."""

    sheet = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="parts")
    lines = models.TextField()

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"a part of {self.sheet}"
