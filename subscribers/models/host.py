"""A host that several subscribers share: how it answers, and whether it is given a rest."""

from datetime import datetime, timedelta

from django.db import models

FAILURES_BEFORE_REST = 5
REST = timedelta(seconds=60)


class Host(models.Model):
    """The breaker of a host: after five failures in a row nobody there is tried for a minute."""

    name = models.CharField(max_length=255, primary_key=True)
    failures = models.PositiveIntegerField(default=0)
    rests_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name

    def fail(self, now: datetime) -> None:
        """One more failure."""
        self.failures += 1
        if self.failures >= FAILURES_BEFORE_REST:
            self.rests_until = now + REST
        self.save()


class Sorter(models.Model):
    """How far the changes of components were read. One row; whoever sorts holds it."""

    spans_upto = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"up to {self.spans_upto}"
