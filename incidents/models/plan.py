"""Every version of a maintenance plan, as it was announced."""

from django.conf import settings
from django.db import models

from incidents import windows
from incidents.models.maintenance import Maintenance


class PlanRow(models.Model):
    """One version of a plan. Rows are never changed."""

    maintenance = models.ForeignKey(Maintenance, on_delete=models.CASCADE, related_name="plan_rows")
    at = models.DateTimeField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    is_cancelled = models.BooleanField(default=False)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.maintenance}: {self.starts_at:%Y-%m-%d %H:%M}"

    @property
    def value(self) -> windows.Plan:
        """The same as a value."""
        return windows.Plan(self.at, self.starts_at, self.ends_at, self.is_cancelled)
