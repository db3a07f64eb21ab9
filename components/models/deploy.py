"""Deploys, marked by people or by a version that an answer names: what failed right after has a reason."""

from datetime import datetime, timedelta

from django.db import models

from components.models.component import Component
from components.models.lines import LineField
from components.texts import one_line

KEPT_FOR = timedelta(days=90)
ROLLING = timedelta(minutes=10)
MAX_LENGTH = 200
LONGEST = timedelta(hours=1)  # one whose end was never reported is under way for so long
ENDS_WITHIN = timedelta(hours=24)
SAID = ("command", "http")  # by people and their tools, not by what an answer names


class DeploySource(models.TextChoices):
    """Who says so."""

    COMMAND = "command", "marked by hand"
    HTTP = "http", "reported over HTTP"
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
        mine = self.filter(component_id=component_id).exclude(source__in=SAID)
        if not mine.filter(at__gt=at - ROLLING, at__lte=at).exists():
            text = one_line(text)[:MAX_LENGTH]
            self.create(at=at, text=text, component_id=component_id, source=source)

    def mark_reported(
        self, text: str, component: Component | None, at: datetime, *, begins: bool, ends: bool
    ) -> None:
        """A deploy began, ended, or (both) happened. Several machines may report the same one."""
        same = self.filter(component=component, text=one_line(text)[:MAX_LENGTH], source=DeploySource.HTTP)
        if ends and not begins:
            begun = same.filter(finished_at=None, is_long=True, at__gt=at - ENDS_WITHIN, at__lte=at).first()
            if begun is not None:
                begun.finished_at = at
                begun.save(update_fields=["finished_at"])
                return
        if same.filter(at__gt=at - ROLLING, at__lte=at).exists():
            return
        self.create(
            at=at, text=one_line(text)[:MAX_LENGTH], component=component, source=DeploySource.HTTP,
            is_long=begins and not ends, finished_at=at if ends else None,
        )  # fmt: skip

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

    is_long = models.BooleanField(default=False, db_default=False)  # its start was reported, its end will be
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = DeployManager()

    class Meta:
        ordering = ("-at", "-id")

    def __str__(self) -> str:
        return self.text or "deploy"

    def seconds_before(self, at: datetime) -> float:
        """How long it was over at this time; 0 while it was under way, negative before it began."""
        if at < self.at:
            return (at - self.at).total_seconds()
        end = self.finished_at or (self.at + LONGEST if self.is_long else self.at)
        return max(0.0, (at - end).total_seconds())
