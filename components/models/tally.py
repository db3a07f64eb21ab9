"""Seconds by status and response times, by hour and by day, so that no page reads raw checks."""

from collections.abc import Sequence

from django.db import models

from components.models.component import Component
from components.uptime import Seconds


class Tally(models.Model):
    """The seconds of each status, to the millisecond. See `components.uptime.Seconds`."""

    up_s = models.FloatField(default=0)
    degraded_s = models.FloatField(default=0)
    partial_s = models.FloatField(default=0)
    major_s = models.FloatField(default=0)
    unknown_s = models.FloatField(default=0)
    maintenance_s = models.FloatField(default=0)

    class Meta:
        abstract = True

    @property
    def seconds(self) -> Seconds:
        """The same as a value."""
        return Seconds(
            self.up_s,
            self.degraded_s,
            self.partial_s,
            self.major_s,
            self.unknown_s,
            self.maintenance_s,
        )


SECONDS_FIELDS = ("up_s", "degraded_s", "partial_s", "major_s", "unknown_s", "maintenance_s")


EXCUSED_FIELDS = tuple(f"excused_{name}" for name in SECONDS_FIELDS)


class HourTally(Tally):
    """An hour (UTC) of a component. `latency` counts checks by bucket (components.latency)."""

    component = models.ForeignKey(Component, on_delete=models.CASCADE, related_name="hours", db_index=False)
    hour = models.DateTimeField()
    latency = models.JSONField(default=dict)

    class Meta(Tally.Meta):
        abstract = False
        constraints = (models.UniqueConstraint(fields=("component", "hour"), name="one_per_hour"),)
        indexes = (models.Index(fields=("hour",)),)

    def __str__(self) -> str:
        return f"{self.component_id} {self.hour:%Y-%m-%d %H}h"


class NumberTally(models.Model):
    """An hour (UTC) of the number that a probe measured: how often, its mean, least and most."""

    probe = models.ForeignKey(
        "components.Probe", on_delete=models.CASCADE, related_name="number_tallies", db_index=False
    )
    hour = models.DateTimeField(db_index=True)
    count = models.PositiveIntegerField()
    mean = models.FloatField()
    least = models.FloatField()
    most = models.FloatField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("probe", "hour"), name="numbers_once_per_hour"),)

    def __str__(self) -> str:
        return f"{self.probe_id} {self.hour:%Y-%m-%d %H}h"

    def add(self, values: Sequence[float]) -> None:
        """Take these in as well. Not saved. A mean of parts, as a sum may be too large a number."""
        count = self.count + len(values)
        self.mean = self.mean * (self.count / count) + sum(value / count for value in values)
        self.count = count
        self.least, self.most = min(self.least, *values), max(self.most, *values)


class DayTally(Tally):
    """A day of a component in the page's own zone."""

    component = models.ForeignKey(
        Component, on_delete=models.CASCADE, related_name="day_tallies", db_index=False
    )
    day = models.DateField()
    # Of these, the seconds that lie within maintenance announced before it began (incidents.tallies)
    excused_up_s = models.FloatField(default=0)
    excused_degraded_s = models.FloatField(default=0)
    excused_partial_s = models.FloatField(default=0)
    excused_major_s = models.FloatField(default=0)
    excused_unknown_s = models.FloatField(default=0)
    excused_maintenance_s = models.FloatField(default=0)

    class Meta(Tally.Meta):
        abstract = False
        constraints = (models.UniqueConstraint(fields=("component", "day"), name="one_per_day"),)
        indexes = (models.Index(fields=("day",)),)

    def __str__(self) -> str:
        return f"{self.component_id} {self.day}"
