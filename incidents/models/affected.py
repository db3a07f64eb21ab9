"""Which components an incident concerns, and how badly."""

from django.db import models

from components.models import Component
from components.models.component import STATUS_CHOICES
from components.status import Status, worst
from incidents.models.incident import Incident


class Affected(models.Model):
    """A component in an incident: its status as last heard of, and at its worst.

    `is_held` marks the one open incident that the machine has opened for this
    component; the unique constraint makes a second one impossible.
    """

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="affected")
    component = models.ForeignKey(Component, on_delete=models.CASCADE, related_name="affected")
    status = models.CharField(max_length=25, choices=STATUS_CHOICES, default=Status.OPERATIONAL)
    worst_status = models.CharField(max_length=25, choices=STATUS_CHOICES, default=Status.OPERATIONAL)
    started_at = models.DateTimeField(null=True)
    is_held = models.BooleanField(default=False, editable=False)

    class Meta:
        ordering = ("component__position", "id")
        verbose_name_plural = "affected components"
        constraints = (
            models.UniqueConstraint(fields=("incident", "component"), name="component_once_per_incident"),
            models.UniqueConstraint(
                fields=("component",),
                condition=models.Q(is_held=True),
                name="one_open_automatic_incident_per_component",
            ),
        )

    def __str__(self) -> str:
        return f"{self.component} in {self.incident}"

    @property
    def seen_status(self) -> Status:
        """What the probes see, whatever staff set; what was last said when none looks."""
        return self.component.probed() or Status(self.status)

    def turn(self, status: Status) -> None:
        """It is now like this. An unknown state is not worse than one we saw."""
        self.status = status
        self.worst_status = worst([Status(self.worst_status), status])
        self.save(update_fields=["status", "worst_status"])
