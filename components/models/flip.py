"""A confirmed change of a probe's outcome, one row each."""

from django.db import models


class Flip(models.Model):
    """A confirmed change of a probe's outcome. Rows are never changed."""

    probe = models.ForeignKey("components.Probe", on_delete=models.CASCADE, related_name="flips")
    old = models.CharField(max_length=10)
    new = models.CharField(max_length=10)
    at = models.DateTimeField()  # the time of the first result with the new outcome
    noticed_at = models.DateTimeField()
    why = models.CharField(max_length=300, blank=True)
    failure = models.CharField(max_length=24, blank=True)

    class Meta:
        ordering = ("id",)
        indexes = (models.Index(fields=("probe", "at")),)

    def __str__(self) -> str:
        return f"{self.probe_id}: {self.old} -> {self.new}"
