"""Which forms were taken already, so that none is taken twice and none comes back.

A form of staff carries a key from when it is opened. What takes the form writes
the key down in the same transaction: a second sending of it, or a draft of it
that was still on its way, is known by it.
"""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models

from incidents.models.incident import Incident

KEPT_FOR = timedelta(days=30)  # a tab may stay open for long
LONGEST_KEY = 32
LONGEST_WAY = 500


class TakenFormManager(models.Manager["TakenForm"]):
    def of(self, key: str, author: Any) -> "TakenForm | None":
        """What this person sent with this key; None for a form that is still open."""
        return self.filter(key=key, author=author).select_related("incident").first() if key else None

    def take(
        self, key: str, author: Any, incident: Incident | None = None, *, now: datetime, led_to: str = ""
    ) -> None:
        """Note that it is taken. The caller holds the lock of the page, and has asked `of`."""
        if key:
            led_to = led_to if len(led_to) <= LONGEST_WAY else led_to.partition("?")[0]
            self.create(key=key, author=author, incident=incident, at=now, led_to=led_to)
            self.filter(at__lt=now - KEPT_FOR).delete()


class TakenForm(models.Model):
    """A form that was taken: the incident that came of it, or the address that its sender was led to."""

    key = models.CharField(max_length=LONGEST_KEY)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    incident = models.ForeignKey(Incident, null=True, on_delete=models.CASCADE, related_name="+")
    led_to = models.CharField(max_length=LONGEST_WAY, default="")
    at = models.DateTimeField(db_index=True)

    objects = TakenFormManager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("author", "key"), name="form_taken_once"),)

    def __str__(self) -> str:
        return f"{self.key} of {self.author}"
