"""What subscribers must be notified of: one row per update, written in the same transaction.

Who is notified, and how, is decided by the app `subscribers`, which looks for rows that
have no `sorted_at` yet. A row that is due later can still be withdrawn.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q

from components.models import Component
from components.models.public_id import PublicIdField

if TYPE_CHECKING:
    from incidents.models.maintenance_update import MaintenanceUpdate
    from incidents.models.monthly_report import MonthlyReport
    from incidents.models.postmortem import Postmortem
    from incidents.models.update import Update


class NoticeKind(models.TextChoices):
    """What a notice is about. Subscribers choose which kinds they get."""

    INCIDENT = "incident", "Incidents"
    MAINTENANCE = "maintenance", "Maintenance"
    POSTMORTEM = "postmortem", "Postmortems"
    COMPONENT = "component", "Changes of a component"
    REPORT = "report", "Monthly reports"


class NoticeManager(models.Manager["Notice"]):
    def of_update(self, update: "Update", now: datetime, *, due_at: datetime | None = None) -> None:
        """For an update of an incident, due once it cannot be undone any more.

        `due_at`: a later time, so that one message can include what happens meanwhile.
        """
        self.get_or_create(
            update=update,
            defaults={
                "kind": NoticeKind.INCIDENT,
                "incident": update.incident,
                "created_at": now,
                "due_at": max(now, update.undo_until or now, due_at or now),
            },
        )

    def of_work(self, update: "MaintenanceUpdate", now: datetime) -> None:
        """For an update of a maintenance, due at once."""
        self.create(
            kind=NoticeKind.MAINTENANCE,
            maintenance=update.maintenance,
            maintenance_update=update,
            created_at=now,
            due_at=now,
        )

    def of_postmortem(self, postmortem: "Postmortem", now: datetime) -> None:
        """For a published postmortem: once, however often it is withdrawn and published again."""
        self.get_or_create(
            postmortem=postmortem,
            defaults={
                "kind": NoticeKind.POSTMORTEM,
                "incident": postmortem.incident,
                "created_at": now,
                "due_at": now,
            },
        )

    def of_component(self, component: Component, old: str, new: str, *, at: datetime, now: datetime) -> None:
        """For a change of a component's status. `at`: when it changed."""
        self.create(
            kind=NoticeKind.COMPONENT, component=component, change=[old, new], created_at=at, due_at=now
        )

    def of_report(self, report: "MonthlyReport", now: datetime) -> None:
        """For the report of a month, due at once."""
        self.create(kind=NoticeKind.REPORT, report=report, created_at=now, due_at=now)

    def take_back(self, update: "Update") -> bool:
        """Withdraw the notice of an update. False if sending has begun."""
        notices = self.filter(update=update)
        notices.filter(sorted_at=None, cursor=0).delete()
        return not notices.exists()

    def set_back(self, now: datetime, back: timedelta) -> None:
        """After the clock was put back by `back`: move due times back as well."""
        self.filter(sorted_at=None, due_at__gt=now).update(due_at=models.F("due_at") - back)

    def waiting(self, now: datetime) -> models.QuerySet["Notice"]:
        """Not sent to anyone yet, and not due yet."""
        return self.filter(sorted_at=None, cursor=0, due_at__gt=now)

    def due(self, now: datetime) -> models.QuerySet["Notice"]:
        """Due now, oldest first."""
        return self.filter(sorted_at=None, due_at__lte=now).order_by("id")


class Notice(models.Model):
    """`cursor`: the last subscriber with a delivery of it. `sorted_at`: when all of them had one."""

    public_id = PublicIdField()
    kind = models.CharField(max_length=12, choices=NoticeKind)
    incident = models.ForeignKey(
        "incidents.Incident", null=True, on_delete=models.CASCADE, related_name="notices"
    )
    update = models.OneToOneField(
        "incidents.Update", null=True, on_delete=models.CASCADE, related_name="notice"
    )
    maintenance = models.ForeignKey(
        "incidents.Maintenance", null=True, on_delete=models.CASCADE, related_name="notices"
    )
    maintenance_update = models.OneToOneField(
        "incidents.MaintenanceUpdate", null=True, on_delete=models.CASCADE, related_name="notice"
    )
    postmortem = models.OneToOneField(
        "incidents.Postmortem", null=True, on_delete=models.CASCADE, related_name="notice"
    )
    component = models.ForeignKey(Component, null=True, on_delete=models.CASCADE, related_name="notices")
    report = models.OneToOneField(
        "incidents.MonthlyReport", null=True, on_delete=models.CASCADE, related_name="notice"
    )
    change = models.JSONField(default=list)  # [old status, new status] of the component
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    cursor = models.BigIntegerField(default=0)
    sorted_at = models.DateTimeField(null=True)

    objects = NoticeManager()

    class Meta:
        ordering = ("id",)
        indexes = (models.Index(fields=("due_at",), condition=Q(sorted_at=None), name="notice_unsorted"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.story}"

    @property
    def story(self) -> str:
        """What it belongs to, as "incident:5". The newest message of a story includes all earlier ones."""
        about: Any = self.incident_id or self.maintenance_id or self.component_id or self.report_id
        return f"{self.kind}:{about}"

    def components(self) -> list[Component]:
        """The shown components that it is about; an incident without any goes to every subscriber.

        One query, or none if prefetched.
        """
        if self.component is not None:
            return [self.component]
        if self.maintenance is not None:
            return [component for component in self.maintenance.components.all() if component.is_shown]
        if self.report is not None:
            return self.report.components()
        assert self.incident is not None
        return self.incident.public_components()
