"""Deploys, marked by people or by a version that an answer names: what failed right after has a reason."""

from datetime import datetime, timedelta

from django.db import models

from components.models.component import Component
from components.models.lines import LineField
from components.texts import one_line

KEPT_FOR = timedelta(days=90)
ROLLING = timedelta(minutes=10)
MAX_LENGTH = 200


class DeploySource(models.TextChoices):
    """Who says so."""

    COMMAND = "command", "marked by hand"
    VERSION = "version", "a response names another version"
    ETAG = "etag", "a response has another ETag"


class DeployManager(models.Manager["DeployMarker"]):
    """Markers by component; those of none are of everything."""

    def concerning(self, component_id: int) -> models.QuerySet["DeployMarker"]:
        """Those of this component and those of the whole page, newest first."""
        concerned = models.Q(component=None) | models.Q(component_id=component_id)
        return self.filter(concerned).order_by("-at", "-id")

    def mark_seen(self, text: str, source: DeploySource, component_id: int, at: datetime) -> None:
        """A response is of another version. In a rolling deploy they alternate: that is one deploy."""
        mine = self.filter(component_id=component_id).exclude(source=DeploySource.COMMAND)
        if not mine.filter(at__gt=at - ROLLING, at__lte=at).exists():
            text = one_line(text)[:MAX_LENGTH]
            self.create(at=at, text=text, component_id=component_id, source=source)

    def prune(self, now: datetime) -> int:
        """Delete what is too old to explain anything; how many."""
        deleted, _ = self.filter(at__lt=now - KEPT_FOR).delete()
        return deleted


class DeployMarker(models.Model):
    """A version went out at this moment. Without a component: of everything on the page."""

    at = models.DateTimeField(db_index=True)
    text = LineField(max_length=MAX_LENGTH, blank=True)
    component = models.ForeignKey(
        Component, null=True, blank=True, on_delete=models.CASCADE, related_name="deploys"
    )
    source = models.CharField(max_length=10, choices=DeploySource, default=DeploySource.COMMAND)

    objects = DeployManager()

    class Meta:
        ordering = ("-at", "-id")

    def __str__(self) -> str:
        return self.text or "deploy"
