"""A maintenance row: its plan in every version, and how an entry of its timeline is written."""

from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models
from django.urls import reverse

from components import event_log
from components.models import Component, Page
from components.models.lines import LineField, LinesField
from components.models.public_id import PublicIdField
from incidents import windows
from incidents.models.notice import Notice


class State(models.TextChoices):
    """The state of a maintenance, in Statuspage's words."""

    SCHEDULED = "scheduled", "Scheduled"
    IN_PROGRESS = "in_progress", "In progress"
    VERIFYING = "verifying", "Verifying"
    COMPLETED = "completed", "Completed"
    CANCELLED = "cancelled", "Cancelled"


OPEN = (State.SCHEDULED, State.IN_PROGRESS, State.VERIFYING)
ACTIVE = (State.IN_PROGRESS, State.VERIFYING)


class Work(models.Model):
    """`starts_at` and `ends_at` are the present plan; `began_at` and `ended_at` are when it took place."""

    plan_rows: Any  # the rows of PlanRow and MaintenanceUpdate that name this work
    updates: Any

    public_id = PublicIdField()
    title = LineField(max_length=255)
    body = LinesField("text", max_length=25_000, help_text="Markdown.")
    components = models.ManyToManyField(Component, related_name="maintenances", blank=True)
    state = models.CharField(max_length=12, choices=State, default=State.SCHEDULED, editable=False)
    starts_at = models.DateTimeField("start")
    ends_at = models.DateTimeField("end")
    rule = models.CharField(
        "repeats", max_length=300, blank=True, help_text="An RRULE, such as FREQ=WEEKLY;BYDAY=SA."
    )
    zone = models.CharField(max_length=64, default="", db_default="", editable=False)  # of a series
    series = models.ForeignKey(
        "incidents.Maintenance", null=True, editable=False, on_delete=models.SET_NULL,
        related_name="occurrences",
    )  # fmt: skip
    planned_start = models.DateTimeField(null=True, editable=False)  # its place in the series
    notice_h = models.PositiveIntegerField(
        "remind (hours before)", default=24, validators=[MaxValueValidator(24 * 30)],
        help_text="0: no reminder.",
    )  # fmt: skip
    starts_by_itself = models.BooleanField(default=True)
    ends_by_itself = models.BooleanField(
        default=True, help_text="Ends when its time is over. Anything still down then becomes an incident."
    )
    began_at = models.DateTimeField(null=True, editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)
    reminded_at = models.DateTimeField(null=True, editable=False)
    overran_at = models.DateTimeField(null=True, editable=False)
    next_at = models.DateTimeField(null=True, editable=False, db_index=True)
    tallied_at = models.DateTimeField(null=True, editable=False)  # the `updated_at` that the tallies know
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True
        ordering = ("-starts_at", "-id")
        constraints = (
            models.UniqueConstraint(fields=("series", "planned_start"), name="one_per_place_in_series"),
        )

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("maintenance", args=[self.public_id])

    @property
    def is_active(self) -> bool:
        """True while it is under way."""
        return self.state in ACTIVE

    @property
    def length(self) -> timedelta:
        """How long it is planned to take."""
        return self.ends_at - self.starts_at

    # Its plan

    def plans(self) -> list[windows.Plan]:
        """Every version of its plan, oldest first."""
        return [row.value for row in self.plan_rows.all()]

    def promised(self) -> windows.Plan | None:
        """The plan that counts: the last one announced before the work began, and before its own start."""
        if self.began_at is None:
            return None
        announced = [plan for plan in self.plans() if plan.at < self.began_at]
        return next((plan for plan in reversed(announced) if plan.at < plan.starts_at), None)

    def excused(self) -> tuple[datetime, datetime] | None:
        """The (start, end) that the second uptime figure leaves out: announced in time, and really used."""
        plan = self.promised()
        stretch = windows.excused([plan], ended_at=self.ended_at) if plan else None
        if stretch is None or self.began_at is None:
            return None
        start = max(stretch[0], self.began_at)
        return (start, stretch[1]) if start < stretch[1] else None

    def note_plan(self, now: datetime, author: Any) -> None:
        """Keep the plan as it is now. The caller holds the lock of the page."""
        self.plan_rows.create(
            at=now, starts_at=self.starts_at, ends_at=self.ends_at,
            is_cancelled=self.state == State.CANCELLED, author=author,
        )  # fmt: skip
        self.next_at = self._next(now)
        self.save(update_fields=["next_at"])
        self._log("planned")

    # Its timeline

    def say(self, body: str, now: datetime, *, author: Any = None, notifies: bool = True) -> None:
        """Add an entry to its timeline. The caller holds the lock of the page."""
        last = self.updates.aggregate(last=models.Max("number"))["last"] or 0
        update = self.updates.create(
            number=last + 1, state=self.state, body=body, at=now, author=author,
            is_by_machine=author is None, notifies=notifies,
        )  # fmt: skip
        if notifies:
            Notice.objects.of_work(update, now)
        Page.objects.bump_version()

    # Its state

    def _move(self, state: State, now: datetime, **times: datetime) -> None:
        self.state = state
        for name, at in times.items():
            setattr(self, name, at)
        self.next_at = self._next(now)
        self.save()
        self._log(str(state))

    def _log(self, what: str) -> None:
        event_log.record(f"maintenance.{what}", id=self.public_id, title=self.title)

    def _next(self, now: datetime) -> datetime | None:
        """When `advance` has something to do next; None when nothing is due any more."""
        if self.state == State.SCHEDULED:
            remind_at = self.starts_at - timedelta(hours=self.notice_h)
            if self.notice_h and self.reminded_at is None and now < remind_at:
                return remind_at
            if self.starts_by_itself or now < self.starts_at:
                return self.starts_at
            return self.ends_at
        if self.state == State.IN_PROGRESS:
            return self.ends_at if now < self.ends_at else None if self.overran_at else self.ends_at
        return now + timedelta(seconds=5) if self.state == State.VERIFYING else None

    def _refuse_over(self) -> None:
        if self.state not in OPEN:
            raise ValidationError("It is over: what was announced cannot be changed.")
