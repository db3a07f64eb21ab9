"""Signs of life of our own processes: who did real work, and when."""

from datetime import datetime

from django.db import models


class HeartbeatManager(models.Manager["Heartbeat"]):
    def beat(self, role: str, name: str, now: datetime) -> None:
        """This process did its work at `now`."""
        self.update_or_create(role=role, name=name, defaults={"at": now})


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
