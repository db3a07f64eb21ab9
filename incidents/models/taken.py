"""Forms that were processed already, so that none is processed twice.

A staff form has a key from when it is opened. Whatever processes the form stores
the key in the same transaction: a second submission, or a draft that was still on
its way, is recognised by it.
"""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models

from incidents.models.incident import Incident

KEPT_FOR = timedelta(days=30)  # a tab may stay open for long
MAX_KEY_LENGTH = 32
MAX_PATH_LENGTH = 500


class TakenFormManager(models.Manager["TakenForm"]):
    def of(self, key: str, author: Any) -> "TakenForm | None":
        """The processed form with this key by this person; None if it is still open."""
        return self.filter(key=key, author=author).select_related("incident").first() if key else None

    def take(
        self, key: str, author: Any, incident: Incident | None = None, *, now: datetime, led_to: str = ""
    ) -> None:
        """Note that a form was processed. The caller holds the lock of the page, and has called `of`."""
        if key:
            led_to = led_to if len(led_to) <= MAX_PATH_LENGTH else led_to.partition("?")[0]
            self.create(key=key, author=author, incident=incident, at=now, led_to=led_to)
            self.filter(at__lt=now - KEPT_FOR).delete()


class TakenForm(models.Model):
    """A processed form: the incident it created or changed, or the address its sender was sent to."""

    key = models.CharField(max_length=MAX_KEY_LENGTH)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    incident = models.ForeignKey(Incident, null=True, on_delete=models.CASCADE, related_name="+")
    led_to = models.CharField(max_length=MAX_PATH_LENGTH, default="", db_default="")
    at = models.DateTimeField(db_index=True)

    objects = TakenFormManager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("author", "key"), name="form_taken_once"),)

    def __str__(self) -> str:
        return f"{self.key} of {self.author}"
