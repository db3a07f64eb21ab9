"""Components and groups, and the log of what each component showed."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import models, transaction
from django.urls import reverse

from components import event_log
from components.models.lines import LineField
from components.models.page import Page
from components.models.public_id import PublicIdField
from components.models.regional import groups, status_of_group
from components.models.target_field import uptime_target
from components.outcomes import Outcome
from components.status import Status, worst

if TYPE_CHECKING:
    from components.models.probe import Probe

STATUS_CHOICES = [(status.value, status.label) for status in Status]


class Group(models.Model):
    """Components that belong together on the page; failing together, they share an incident."""

    public_id = PublicIdField()
    name = LineField(max_length=120)
    description = LineField(max_length=250, blank=True)
    position = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("position", "id")

    def __str__(self) -> str:
        return self.name


class AutoIncidents(models.TextChoices):
    """What a confirmed failure does."""

    OFF = "off", "Do not open incidents"
    SUGGEST = "suggest", "Suggest an incident to staff, who publish it"
    DELAY = "delay", "Suggest an incident, and publish it if no one acts"
    PUBLISH = "publish", "Open and publish an incident"


class ComponentManager(models.Manager["Component"]):
    """The components that staff and customers know of."""

    def get_queryset(self) -> models.QuerySet["Component"]:
        """All but the self-test's."""
        return super().get_queryset().filter(is_internal=False)

    def set_back(self, now: datetime, back: timedelta) -> None:
        """After the clock was set back by `back`: what waits for a moment waits no longer than it was to."""
        for name in ("judge_at", "held_until"):
            self.filter(**{f"{name}__gt": now}).update(**{name: models.F(name) - back})


class Component(models.Model):
    """One thing customers know by name. `status` is what the page shows now."""

    public_id = PublicIdField()
    group = models.ForeignKey(
        Group, null=True, blank=True, on_delete=models.SET_NULL, related_name="components"
    )
    name = LineField(max_length=120)
    description = LineField(max_length=250, blank=True)
    position = models.PositiveIntegerField(default=1)
    is_shown = models.BooleanField("shown on the page", default=True)
    auto_incidents = models.CharField(
        "automatic incidents",
        max_length=10,
        choices=AutoIncidents,
        default=AutoIncidents.PUBLISH,
        help_text="What happens once a failure of its probes is confirmed.",
    )
    manual_status = models.CharField(
        "status set by staff",
        db_column="hand_status",
        max_length=25,
        choices=STATUS_CHOICES,
        blank=True,
        help_text="Overrides the probes until it is cleared.",
    )
    shows_evidence = models.BooleanField(
        "shows evidence", default=True, help_text="Incidents show probe results."
    )
    shows_causes = models.BooleanField(
        "shows likely causes",
        default=False,
        db_default=False,
        help_text="Automatic incidents say in one sentence what the likely cause is, once it is sure enough.",
    )
    status = models.CharField(max_length=25, choices=STATUS_CHOICES, default=Status.UNKNOWN, editable=False)
    # When to look whether it is down without an incident: no flip says so after staff changed something.
    judge_at = models.DateTimeField(null=True, editable=False, db_index=True)
    needs: "models.ManyToManyField[Component, Component]" = models.ManyToManyField(
        "self",
        symmetrical=False,
        blank=True,
        related_name="needed_by",
        help_text="Components it cannot work without: if one of them fails as well, both are one incident.",
    )
    # Until when a failure of it opens no incident: what it needs is checked first.
    held_until = models.DateTimeField(null=True, editable=False, db_index=True)
    uptime_target = uptime_target(
        "What you promise for a month, such as 99.9. Its error budget is then shown in public."
    )
    is_internal = models.BooleanField(
        default=False, db_default=False, editable=False, help_text="The self-test's: in no list at all."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ComponentManager()
    everything: "models.Manager[Component]" = models.Manager()

    class Meta:
        ordering = ("position", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("is_internal",), condition=models.Q(is_internal=True), name="one_internal_component"
            ),
        )

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("component", args=[self.public_id])

    def refresh(self, at: datetime) -> bool:
        """Show the status set by hand, or else that of the probes. True if it changed."""
        return self.show(self.judged(), at)

    def judged(self) -> Status:
        """The status by hand, or the worst of the probes that are not paused; unknown without any."""
        if self.manual_status:
            return Status(self.manual_status)
        return self.probed() or Status.UNKNOWN

    def probed(self) -> Status | None:
        """The worst status of its probes, whatever staff set; None if no probe is active."""
        statuses = [status_of_group(group) for group in groups(self.probes.all())]
        return worst(statuses) if statuses else None

    def failing_probes(self) -> "list[Probe]":
        """Those that are down, or fail on and off, as enough regions agree; not those that never passed."""
        return [
            probe
            for group in groups(self.probes.all())
            if len(group) == 1 or status_of_group(group).is_trouble
            for probe in group
            if probe.is_failing
        ]

    def say_by_hand(self, status: Status, at: datetime) -> None:
        """Set the status by hand; a status equal to that of the probes is not kept."""
        self.manual_status = "" if status == self.probed() else status
        self.save(update_fields=["manual_status"])
        self.refresh(at)

    @property
    def is_set_to_trouble(self) -> bool:
        """Whether staff set a problem by hand: maintenance covers failed checks, but not that."""
        return bool(self.manual_status) and Status(self.manual_status).is_trouble

    def judge_again(self, at: datetime | None) -> None:
        """Set when to check whether it is down without an incident; None: never."""
        self.judge_at = at
        Component.objects.filter(pk=self.pk).update(judge_at=at)

    def hold(self, until: datetime | None) -> None:
        """Open no incident for it before this moment; None: no longer held."""
        self.held_until = until
        Component.objects.filter(pk=self.pk).update(held_until=until)

    def release(self, at: datetime, *, judge_at: datetime | None = None) -> None:
        """End a status set by hand: the probes decide again; without any it is operational."""
        if self.manual_status:
            self.manual_status = "" if self.probed() else Status.OPERATIONAL
            self.save(update_fields=["manual_status"])
            self.judge_again(judge_at)
            self.refresh(at)

    def show(self, status: Status, at: datetime) -> bool:
        """Show this status from `at` on. True if it changed."""
        with transaction.atomic():
            Page.objects.lock()
            current, old = self.spans.filter(ended_at=None).first(), self.status
            if current is not None and current.status == status:
                return False
            if current is not None:
                at = current.end(at)
            self.spans.create(status=status, started_at=at)
            self.status = status
            self.save(update_fields=["status", "updated_at"])
            Page.objects.count_again(at)
            Page.objects.bump_version(is_public=self.is_shown)
            if str(status) != old:
                event_log.record(
                    "component.status", id=self.public_id, component=self.name, old=old, new=str(status)
                )
        return True


class StatusSpan(models.Model):
    """What a component showed from when to when: the log that uptime is counted from."""

    component = models.ForeignKey(Component, on_delete=models.CASCADE, related_name="spans")
    status = models.CharField(max_length=25, choices=STATUS_CHOICES)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("started_at", "id")
        indexes = (
            models.Index(fields=("component", "ended_at")),
            models.Index(fields=("ended_at",), name="spans_by_end"),  # of all components: the last two days'
        )
        constraints = (
            models.UniqueConstraint(
                fields=("component",),
                condition=models.Q(ended_at=None),
                name="one_open_span_per_component",
            ),
        )

    def __str__(self) -> str:
        return f"{self.component_id}: {self.status}"

    def end(self, at: datetime) -> datetime:
        """End this span at `at`, or where it began if that is later: a span is never negative.

        Returns the moment its successor begins. A span of no length is removed.
        """
        at = max(at, self.started_at)
        if at == self.started_at:
            self.delete()
        else:
            self.ended_at = at
            self.save(update_fields=["ended_at"])
        return at


def status_of(outcome: Outcome, when_down: Status) -> Status:
    """The public status for a probe's outcome."""
    return {
        Outcome.UP: Status.OPERATIONAL,
        Outcome.DEGRADED: Status.DEGRADED_PERFORMANCE,
        Outcome.DOWN: when_down,
        Outcome.UNKNOWN: Status.UNKNOWN,
    }[outcome]
