"""A host that several subscribers share: its failures in a row, and its circuit breaker."""

from datetime import datetime, timedelta

from django.db import models

FAILURES_BEFORE_REST = 5
REST = timedelta(seconds=60)


class Host(models.Model):
    """The circuit breaker of a host: after five failures in a row it is not tried for a minute."""

    name = models.CharField(max_length=255, primary_key=True)
    failures = models.PositiveIntegerField(default=0)
    rests_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name

    def fail(self, now: datetime) -> None:
        """Count a failure, and save."""
        self.failures += 1
        if self.failures >= FAILURES_BEFORE_REST:
            self.rests_until = now + REST
        self.save()


class Sorter(models.Model):
    """`spans_upto`: the last component change turned into a notice (row 1). Rows also serve as locks.

    `restored_at`: when the database was last restored from a backup (row 1;
    `subscribers.delivery.after_restore`).
    """

    spans_upto = models.BigIntegerField(default=0)
    restored_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"up to {self.spans_upto}"
