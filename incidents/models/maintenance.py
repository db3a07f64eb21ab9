"""Planned work: announced, begun, verified and ended, by itself or by a person.

Every plan is kept with its time (`Plan`). What counts as "announced before it
began" is decided by `incidents.windows` from these alone, so no later edit can
better a figure.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models, transaction
from django.urls import reverse

from components.models import Component, Page
from components.models.public_id import PublicIdField
from components.status import Status
from incidents import windows, words

LONGEST = timedelta(days=60)
AHEAD = timedelta(days=35)  # occurrences of a series are written down this far ahead
VERIFY_FOR = timedelta(minutes=15)  # no word of the probes for this long after the end: say so and close


class State(models.TextChoices):
    """Where it is. The words are those Statuspage's clients know."""

    SCHEDULED = "scheduled", "Scheduled"
    IN_PROGRESS = "in_progress", "In progress"
    VERIFYING = "verifying", "Verifying"
    COMPLETED = "completed", "Completed"
    CANCELLED = "cancelled", "Cancelled"


OPEN = (State.SCHEDULED, State.IN_PROGRESS, State.VERIFYING)
ACTIVE = (State.IN_PROGRESS, State.VERIFYING)


class MaintenanceManager(models.Manager["Maintenance"]):
    def plan(
        self,
        title: str,
        body: str,
        starts_at: datetime,
        ends_at: datetime,
        *,
        components: Iterable[Component],
        now: datetime,
        author: Any = None,
        **more: Any,
    ) -> "Maintenance":
        """Announce work. `more`: other fields of the model. Raises ValidationError."""
        with transaction.atomic():
            Page.objects.hold()
            one = self.model(title=title, body=body, starts_at=starts_at, ends_at=ends_at, **more)
            one.refuse_bad_times(now)
            one.full_clean()
            one.save()
            one.components.set(components)
            one.note_plan(now, author)
            one.say(f"{body}", now, author=author)
            one.plan_ahead(now)
        return one

    def active(self) -> models.QuerySet["Maintenance"]:
        """Under way now."""
        return self.filter(state__in=ACTIVE)

    def is_active_for(self, component: Component) -> bool:
        """Whether a component is being worked on."""
        return self.active().filter(components=component).exists()

    def turn(self, now: datetime) -> None:
        """What time brings: beginnings, reminders, ends."""
        for one in self.filter(state__in=OPEN, next_at__lte=now).order_by("next_at"):
            one.turn(now)


class Maintenance(models.Model):
    """`starts_at` and `ends_at` are the plan as it is now; `began_at` and `ended_at` what came of it."""

    public_id = PublicIdField()
    title = models.CharField(max_length=255)
    body = models.TextField("text", max_length=25_000, help_text="Markdown.")
    components = models.ManyToManyField(Component, related_name="maintenances", blank=True)
    state = models.CharField(max_length=12, choices=State, default=State.SCHEDULED, editable=False)
    starts_at = models.DateTimeField("start")
    ends_at = models.DateTimeField("end")
    rule = models.CharField(
        "repeats", max_length=300, blank=True, help_text="An RRULE, as FREQ=WEEKLY;BYDAY=SA."
    )
    series = models.ForeignKey(
        "self", null=True, editable=False, on_delete=models.SET_NULL, related_name="occurrences"
    )
    planned_start = models.DateTimeField(null=True, editable=False)  # its place in the series
    notice_h = models.PositiveIntegerField(
        "remind (hours before)", default=24, validators=[MaxValueValidator(24 * 30)],
        help_text="0: no reminder.",
    )  # fmt: skip
    starts_by_itself = models.BooleanField(default=True)
    ends_by_itself = models.BooleanField(
        default=True, help_text="Ends when its time is over and all probes are well."
    )
    began_at = models.DateTimeField(null=True, editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)
    reminded_at = models.DateTimeField(null=True, editable=False)
    overran_at = models.DateTimeField(null=True, editable=False)
    next_at = models.DateTimeField(null=True, editable=False, db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = MaintenanceManager()

    class Meta:
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

    def clean(self) -> None:
        """Refuse what cannot be planned, naming the field. Raises ValidationError."""
        if self.starts_at and self.ends_at:
            if self.ends_at <= self.starts_at:
                raise ValidationError({"ends_at": "The end must lie after the start."})
            if self.length > LONGEST:
                raise ValidationError({"ends_at": f"Plan at most {LONGEST.days} days at a time."})
        if self.rule and self.starts_at and self.ends_at:
            try:
                self.places(self.starts_at, self.starts_at + AHEAD)
            except windows.InvalidRule as refused:
                raise ValidationError({"rule": refused.sentence}) from refused

    def refuse_bad_times(self, now: datetime) -> None:
        """Work is announced before it ends. Raises ValidationError."""
        if self.ends_at and self.ends_at <= now:
            raise ValidationError({"ends_at": "This window is over already: plan one that is not."})

    # What people do

    def replan(
        self, now: datetime, *, author: Any = None, starts_at: datetime, ends_at: datetime, **changes: Any
    ) -> None:
        """Change it. What was announced is kept, and the change is told. Raises ValidationError."""
        with transaction.atomic():
            Page.objects.hold()
            self.refresh_from_db()
            self._refuse_over()
            moved = (starts_at, ends_at) != (self.starts_at, self.ends_at)
            if self.is_active and starts_at != self.starts_at:
                raise ValidationError({"starts_at": "It has begun: only its end can be moved."})
            components = changes.pop("components", None)
            for name, value in {"starts_at": starts_at, "ends_at": ends_at, **changes}.items():
                setattr(self, name, value)
            self.refuse_bad_times(now)
            self.full_clean()
            self.overran_at = None if moved else self.overran_at
            self.next_at = self._next(now)
            self.save()
            if components is not None:
                self.components.set(components)
            if moved:
                self.note_plan(now, author)
                self.say(words.replanned(starts_at, ends_at), now, author=author)
            Page.objects.turn()

    def post(self, body: str, now: datetime, *, author: Any = None) -> None:
        """Say something about it. Raises ValidationError."""
        if not body.strip():
            raise ValidationError({"body": "The update has no words: write what people notice."})
        with transaction.atomic():
            Page.objects.hold()
            self.say(body, now, author=author)

    def begin(self, now: datetime, *, author: Any = None) -> None:
        """The work begins."""
        with transaction.atomic():
            Page.objects.hold()
            self.refresh_from_db()
            if self.state != State.SCHEDULED:
                raise ValidationError("It has begun or is over already.")
            self._move(State.IN_PROGRESS, now, began_at=now)
            self.say(words.work_began(self.ends_at), now, author=author)

    def complete(self, now: datetime, *, author: Any = None) -> None:
        """The work is over. Whatever is still down is an incident from now on."""
        with transaction.atomic():
            Page.objects.hold()
            self.refresh_from_db()
            if not self.is_active:
                raise ValidationError("Only work that is under way can be completed.")
            left = [one for one in self.components.all() if (one.probed() or Status.UNKNOWN).is_trouble]
            self._move(State.COMPLETED, now, ended_at=now)
            self.say(words.work_ended([one.name for one in left]), now, author=author)
            self._open_incidents(left, now)
            self.plan_ahead(now)

    def cancel(self, now: datetime, *, author: Any = None) -> None:
        """It will not take place."""
        with transaction.atomic():
            Page.objects.hold()
            self.refresh_from_db()
            self._refuse_over()
            if self.is_active:
                raise ValidationError("It has begun: complete it instead.")
            self._move(State.CANCELLED, now)
            self.note_plan(now, author)
            self.say(words.work_cancelled(), now, author=author)

    # What time does

    def turn(self, now: datetime) -> None:
        """The next thing that falls due, in its own transaction."""
        with transaction.atomic():
            Page.objects.hold()
            self.refresh_from_db()
            if self.state not in OPEN or self.next_at is None or self.next_at > now:
                return
            if self.state == State.SCHEDULED:
                self._turn_scheduled(now)
            else:
                self._turn_active(now)
            self.next_at = self._next(now)
            self.save(update_fields=["next_at"])

    def _turn_scheduled(self, now: datetime) -> None:
        if now >= self.starts_at:
            if self.starts_by_itself:
                self.begin(now)
            elif now >= self.ends_at:
                self.cancel(now)  # nobody began it, and its time is over
        elif self.notice_h and self.reminded_at is None:
            self.reminded_at = now
            self.save(update_fields=["reminded_at"])
            self.say(words.work_ahead(self.starts_at, self.ends_at), now)

    def _turn_active(self, now: datetime) -> None:
        """Its time is over: verify and close, or say that it takes longer."""
        if now < self.ends_at:
            return
        seen = [one.probed() for one in self.components.all()]
        is_unseen = any(status is Status.UNKNOWN for status in seen)
        if not self.ends_by_itself:
            if self.overran_at is None:
                self.overran_at = now
                self.save(update_fields=["overran_at"])
                self.say(words.work_overran(self.ends_at), now)
        elif is_unseen and now < self.ends_at + VERIFY_FOR:
            if self.state != State.VERIFYING:
                self._move(State.VERIFYING, now)
                self.say(words.work_verifying(), now)
        else:
            self.complete(now)

    def _next(self, now: datetime) -> datetime | None:
        """When to look at it again; None when nothing is due any more."""
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

    # Series

    def plan_ahead(self, now: datetime) -> int:
        """Write down the next occurrences of its series. How many were new."""
        head = self.series or self
        if not head.rule:
            return 0
        made = 0
        for starts_at, ends_at in head.places(now, now + AHEAD):
            if starts_at <= head.starts_at or head.occurrences.filter(planned_start=starts_at).exists():
                continue
            one = Maintenance.objects.create(
                title=head.title, body=head.body, starts_at=starts_at, ends_at=ends_at, series=head,
                planned_start=starts_at, notice_h=head.notice_h, starts_by_itself=head.starts_by_itself,
                ends_by_itself=head.ends_by_itself,
            )  # fmt: skip
            one.components.set(head.components.all())
            one.note_plan(now, None)
            made += 1
        return made

    def places(self, after: datetime, before: datetime) -> list[tuple[datetime, datetime]]:
        """The windows of its series between two moments. Raises windows.InvalidRule."""
        zone = ZoneInfo(settings.PAGE_TIME_ZONE)
        return windows.occurrences(self.rule, self.starts_at, self.length, zone, after=after, before=before)

    # Inside

    def plans(self) -> list[windows.Plan]:
        """Every version of its plan, oldest first."""
        return [row.value for row in self.plan_rows.all()]

    def excused(self) -> tuple[datetime, datetime] | None:
        """The stretch that the second uptime figure leaves out."""
        return windows.excused(self.plans(), ended_at=self.ended_at)

    def note_plan(self, now: datetime, author: Any) -> None:
        """Keep the plan as it is now. The caller holds the page."""
        self.plan_rows.create(
            at=now, starts_at=self.starts_at, ends_at=self.ends_at,
            is_cancelled=self.state == State.CANCELLED, author=author,
        )  # fmt: skip
        self.next_at = self._next(now)
        self.save(update_fields=["next_at"])

    def say(self, body: str, now: datetime, *, author: Any = None) -> None:
        """One more entry of its story. The caller holds the page."""
        last = self.updates.aggregate(last=models.Max("number"))["last"] or 0
        self.updates.create(
            number=last + 1, state=self.state, body=body, at=now, author=author, is_by_machine=author is None
        )
        Page.objects.turn()

    def _move(self, state: State, now: datetime, **times: datetime) -> None:
        self.state = state
        for name, at in times.items():
            setattr(self, name, at)
        self.next_at = self._next(now)
        self.save()

    def _open_incidents(self, left: Sequence[Component], now: datetime) -> None:
        """One incident each group for what is down when the window ends."""
        from incidents.models.incident import Incident

        for component in left:
            Incident.objects.begin_after(component, now)

    def _refuse_over(self) -> None:
        if self.state not in OPEN:
            raise ValidationError("It is over: what was announced stays as it is.")


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


class MaintenanceUpdate(models.Model):
    """What we told about planned work."""

    public_id = PublicIdField()
    maintenance = models.ForeignKey(Maintenance, on_delete=models.CASCADE, related_name="updates")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=12, choices=State)
    body = models.TextField()
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
