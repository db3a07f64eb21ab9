"""Which components an incident concerns, and how badly."""

from django.db import models

from components.models import Component
from components.models.component import STATUS_CHOICES
from components.status import Status, worst
from incidents.lifecycle import Phase
from incidents.models.incident import Incident
from incidents.state import place_in


class AffectedQuerySet(models.QuerySet["Affected"]):
    """The rows of one or many incidents."""

    def as_seen(self) -> "AffectedQuerySet":
        """With their components, and whether planned work is under way on them."""
        active = ("in_progress", "verifying")
        work = Component.objects.filter(pk=models.OuterRef("component"), maintenances__state__in=active)
        return self.select_related("component__group").annotate(is_worked_on=models.Exists(work))


class Affected(models.Model):
    """A component in an incident: its last known status, and its worst.

    `is_auto_open` marks the one open incident that was opened automatically for this
    component; the unique constraint makes a second one impossible.
    """

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="affected")
    component = models.ForeignKey(Component, on_delete=models.CASCADE, related_name="affected")
    status = models.CharField(max_length=25, choices=STATUS_CHOICES, default=Status.OPERATIONAL)
    worst_status = models.CharField(max_length=25, choices=STATUS_CHOICES, default=Status.OPERATIONAL)
    started_at = models.DateTimeField(null=True)
    # Where it is dealt with now: it outlasted what it needs, and has an incident of its own.
    continued_in = models.ForeignKey(
        Incident, null=True, editable=False, on_delete=models.SET_NULL, related_name="continues"
    )
    is_auto_open = models.BooleanField(default=False, editable=False, db_column="is_held")

    objects = AffectedQuerySet.as_manager()

    class Meta:
        ordering = ("component__position", "id")
        verbose_name_plural = "affected components"
        constraints = (
            models.UniqueConstraint(fields=("incident", "component"), name="component_once_per_incident"),
            models.UniqueConstraint(
                fields=("component",),
                condition=models.Q(is_auto_open=True),
                name="one_open_automatic_incident_per_component",
            ),
        )

    def __str__(self) -> str:
        return f"{self.component} in {self.incident}"

    @property
    def seen_status(self) -> Status:
        """What the probes see, whatever staff set; the last known status if no probe checks it."""
        return self.component.probed() or Status(self.status)

    def status_in(self, phase: Phase) -> Status:
        """Its present status in an incident of this phase. The row must be read with `as_seen`."""
        return place_in(
            phase,
            Status(self.component.status),
            Status(self.status),
            Status(self.worst_status),
            manual=self.component.manual_status,
            is_owned=self.incident.is_owned,
            is_worked_on=getattr(self, "is_worked_on", False),
        )

    def set_status(self, status: Status) -> None:
        """Set its status and save. Unknown does not count as worse than a known status."""
        self.status = status
        self.worst_status = worst([Status(self.worst_status), status])
        self.save(update_fields=["status", "worst_status"])
