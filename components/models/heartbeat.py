"""Heartbeats of our own processes: which did real work, and when."""

from datetime import datetime, timedelta

from django.db import models

# Hosts whose clocks are kept agree far better; what lies further ahead was written by another time.
MAX_AHEAD = timedelta(seconds=10)


class HeartbeatManager(models.Manager["Heartbeat"]):
    def beat(self, role: str, name: str, now: datetime) -> None:
        """Record that this process did its work at `now`."""
        self.update_or_create(role=role, name=name, defaults={"at": now})

    def newest(self, now: datetime, role: str) -> datetime | None:
        """The newest heartbeat of this role; those in the future are ignored."""
        past = self.filter(role=role, at__lte=now + MAX_AHEAD).order_by("-at")
        return past.values_list("at", flat=True).first()

    def set_back(self, role: str, now: datetime) -> timedelta | None:
        """How far the clock was set back since this role's newest heartbeat; None if it was not.

        Returned to one caller only, which then brings forward what is due.
        """
        ahead = self.filter(role=role, at__gt=now + MAX_AHEAD)
        newest = ahead.order_by("-at").first()
        if newest is None:
            return None
        is_first = self.filter(pk=newest.pk, at=newest.at).update(at=now) == 1
        ahead.update(at=now)
        return newest.at - now if is_first else None


class Heartbeat(models.Model):
    """A row per process that consumes work. A process that answers ping but does none has an old row."""

    role = models.CharField(max_length=20)
    name = models.CharField(max_length=200)
    at = models.DateTimeField()

    objects = HeartbeatManager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("role", "name"), name="heartbeat_once_per_process"),)

    def __str__(self) -> str:
        return f"{self.role} {self.name}"
