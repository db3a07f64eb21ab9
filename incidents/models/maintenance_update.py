"""The updates of a maintenance."""

from django.conf import settings
from django.db import models

from components.models.lines import LinesField
from components.models.public_id import PublicIdField
from incidents.models.maintenance import Maintenance
from incidents.models.work import State


class MaintenanceUpdate(models.Model):
    """One entry in the timeline of a maintenance."""

    public_id = PublicIdField()
    maintenance = models.ForeignKey(Maintenance, on_delete=models.CASCADE, related_name="updates")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=12, choices=State)
    body = LinesField()
    at = models.DateTimeField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    is_by_machine = models.BooleanField(default=False)
    notifies = models.BooleanField(default=True)

    class Meta:
        ordering = ("number",)
        constraints = (
            models.UniqueConstraint(fields=("maintenance", "number"), name="maintenance_number_once"),
        )

    def __str__(self) -> str:
        return f"{self.maintenance} #{self.number}"
