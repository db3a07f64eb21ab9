"""A day of a probe's checks in one row (`components.packed_checks`), once the day has been over for a day."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import models

from components import event_log
from components.models.probe import Probe
from components.outcomes import Outcome
from components.packed_checks import COLUMNS, Row, UnreadablePackError, pack, unpack
from components.partitions import DAY_S

COUNTED = tuple(outcome.value for outcome in Outcome)  # each has a column


class CheckPackManager(models.Manager["CheckPack"]):
    def touching(self, probes: Iterable[int], first: int, last: int) -> models.QuerySet["CheckPack"]:
        """Those that may hold checks of the seconds from `first` until `last`."""
        days = (first // DAY_S, (last - 1) // DAY_S)
        return self.filter(probe__in=probes, day__range=days).order_by("day")


class CheckPack(models.Model):
    """The checks of one probe in one day (UTC), in all regions it was checked from."""

    probe = models.ForeignKey(Probe, on_delete=models.CASCADE, related_name="check_packs", db_index=False)
    day = models.IntegerField(db_index=True)  # since 1970
    count = models.IntegerField()
    # of these, by outcome
    up = models.IntegerField(default=0)
    degraded = models.IntegerField(default=0)
    down = models.IntegerField(default=0)
    unknown = models.IntegerField(default=0)
    last_ms = models.IntegerField()  # `total_ms` of the newest
    data = models.BinaryField()

    objects = CheckPackManager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("probe", "day"), name="checks_packed_once_a_day"),)

    def __str__(self) -> str:
        return f"{self.probe_id}, day {self.day}: {self.count} checks"

    def fill(self, rows: Sequence[Row]) -> None:
        """Hold exactly these rows (COLUMNS), sorted by slot. Not saved."""
        self.count, self.data = len(rows), pack(rows)
        outcomes = [row[COLUMNS.index("outcome")] for row in rows]
        for outcome in COUNTED:
            setattr(self, outcome, outcomes.count(outcome))
        self.last_ms = rows[-1][COLUMNS.index("total_ms")]

    def rows(self, columns: Sequence[str] = COLUMNS) -> list[Row]:
        """Its checks, oldest first. A row that cannot be read (from a manual change) holds none."""
        try:
            return unpack(bytes(self.data), columns)
        except UnreadablePackError as error:
            event_log.record("checks.unreadable", probe=self.probe_id, day=self.day, reason=str(error))
            return []

    @property
    def by_outcome(self) -> Mapping[str, int]:
        """How many of its checks had each outcome."""
        counts: dict[str, Any] = {outcome: getattr(self, outcome) for outcome in COUNTED}
        return counts
