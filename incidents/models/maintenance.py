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
from components.outcomes import Outcome
from components.status import Status
from incidents import windows, words
from incidents.models.notice import Notice

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
            one.say(body, now, author=author)
            one.plan_ahead(now)
        return one

    def active(self) -> models.QuerySet["Maintenance"]:
        """Under way now."""
        return self.filter(state__in=ACTIVE)

    def is_active_for(self, component: Component) -> bool:
        """Whether a component is being worked on."""
        return self.active().filter(components=component).exists()

    def turn(self, now: datetime) -> None:
        """What time brings: beginnings and reminders first, then ends.

        So a component that goes from one window straight into the next is never between them.
        """
        due = self.filter(state__in=OPEN, next_at__lte=now).order_by("next_at")
        for one in sorted(due, key=lambda one: one.is_active):
            one.turn(now)

    def plan_ahead(self, now: datetime) -> None:
        """Write down what the series bring next, each in its own transaction."""
        for head in self.filter(series=None).exclude(rule=""):
            with transaction.atomic():
                Page.objects.hold()
                head.refresh_from_db()
                head.plan_ahead(now)


class Maintenance(models.Model):
    """`starts_at` and `ends_at` are the plan as it is now; `began_at` and `ended_at` what came of it.

    The first of a series carries its `rule`; its first plan sets hour and length of all that follow.
    """

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
        default=True, help_text="Ends when its time is over. What is still down then is an incident."
    )
    began_at = models.DateTimeField(null=True, editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)
    reminded_at = models.DateTimeField(null=True, editable=False)
    overran_at = models.DateTimeField(null=True, editable=False)
    next_at = models.DateTimeField(null=True, editable=False, db_index=True)
    tallied_at = models.DateTimeField(null=True, editable=False)  # the `updated_at` that the tallies know
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
        """Change it. What was announced is kept, and the change is told. Raises ValidationError.

        Once it has begun its start and its components stay: the second figure counts by them.
        """
        with transaction.atomic():
            Page.objects.hold()
            self.refresh_from_db()
            self._refuse_over()
            before = (self.starts_at, self.ends_at, self.rule)
            components = self._other(changes.pop("components", None))
            self._refuse_begun(starts_at, components)
            for name, value in {"starts_at": starts_at, "ends_at": ends_at, **changes}.items():
                setattr(self, name, value)
            self.refuse_bad_times(now)
            self.full_clean()
            self._forget_what_moved(before, now)
            self.save()
            if components is not None:
                self.components.set(components)
                self.say(words.work_concerns(_shown(components)), now, author=author)
            if (starts_at, ends_at) != before[:2]:
                self.note_plan(now, author)
                self.say(words.replanned(starts_at, ends_at), now, author=author)
            if self.rule != before[2]:
                self._follow_rule(now, author)
            Page.objects.turn()

    def _forget_what_moved(self, before: tuple[datetime, datetime, str], now: datetime) -> None:
        """A moved end is not overrun yet, nor verified; nobody was reminded of a moved start."""
        if self.ends_at != before[1]:
            self.overran_at = None
            self.state = State.IN_PROGRESS if self.is_active else self.state
        if self.starts_at != before[0]:
            self.reminded_at = None
        self.next_at = self._next(now)

    def _other(self, components: Iterable[Component] | None) -> list[Component] | None:
        """The components it shall concern, if they are others than now."""
        if components is None:
            return None
        chosen = list(components)
        return chosen if set(chosen) != set(self.components.all()) else None

    def _refuse_begun(self, starts_at: datetime, components: list[Component] | None) -> None:
        if self.is_active and starts_at != self.starts_at:
            raise ValidationError({"starts_at": "It has begun: only its end can be moved."})
        if self.is_active and components is not None:
            raise ValidationError({"components": "It has begun: its components stay as announced."})

    def post(self, body: str, now: datetime, *, author: Any = None) -> None:
        """Say something about it. Raises ValidationError."""
        if not body.strip():
            raise ValidationError({"body": "The update has no words: write what people notice."})
        with transaction.atomic():
            Page.objects.hold()
            self.say(body, now, author=author)

    def begin(self, now: datetime, *, author: Any = None, at: datetime | None = None) -> None:
        """The work begins; `at` if it did so before we noticed."""
        with transaction.atomic():
            Page.objects.hold()
            self.refresh_from_db()
            if self.state != State.SCHEDULED:
                raise ValidationError("It has begun or is over already.")
            self._move(State.IN_PROGRESS, now, began_at=at or now)
            self.say(words.work_began(self.ends_at), now, author=author)

    def complete(self, now: datetime, *, author: Any = None) -> None:
        """The work is over. Whatever is still down is an incident from now on."""
        with transaction.atomic():
            Page.objects.hold()
            self.refresh_from_db()
            if not self.is_active:
                raise ValidationError("Only work that is under way can be completed.")
            self._move(State.COMPLETED, now, ended_at=now)
            left = [one for one in self.components.all() if _is_down(one) and not _is_worked_on(one)]
            self.say(words.work_ended(_shown(left)), now, author=author)
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
                self.begin(now, at=max(self.starts_at, self.plans()[-1].at))
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
        """Write down the next occurrences of its series. How many were new. The caller holds the page.

        Nobody is sent these: the first of the series announced them all, and each is reminded of in its time.
        """
        head = self.series or self
        if not head.rule:
            return 0
        first, _ = head.first_place()
        known = {first, *head.occurrences.values_list("planned_start", flat=True)}
        places = [place for place in head.places(now, now + AHEAD) if place[0] > first]
        new = [place for place in places if place[0] not in known]
        for starts_at, ends_at in new:
            one = Maintenance.objects.create(
                title=head.title, body=head.body, starts_at=starts_at, ends_at=ends_at, series=head,
                planned_start=starts_at, notice_h=head.notice_h, starts_by_itself=head.starts_by_itself,
                ends_by_itself=head.ends_by_itself,
            )  # fmt: skip
            one.components.set(head.components.all())
            one.note_plan(now, None)
            one.say(head.body, now, notifies=False)
        return len(new)

    def first_place(self) -> tuple[datetime, datetime]:
        """The window its series is counted from: as first planned, whatever became of that one."""
        first = self.plan_rows.first() if self.pk else None
        return (first.starts_at, first.ends_at) if first else (self.starts_at, self.ends_at)

    def places(self, after: datetime, before: datetime) -> list[tuple[datetime, datetime]]:
        """The windows of its series between two moments. Raises windows.InvalidRule."""
        zone = ZoneInfo(settings.PAGE_TIME_ZONE)
        start, end = self.first_place()
        return windows.occurrences(self.rule, start, end - start, zone, after=after, before=before)

    def _follow_rule(self, now: datetime, author: Any) -> None:
        """The series goes otherwise from now on: what is no part of it any more will not take place."""
        kept = {start for start, _ in self.places(now, now + AHEAD)} if self.rule else set()
        for one in self.occurrences.filter(state=State.SCHEDULED, starts_at__gt=now):
            if one.planned_start not in kept:
                one.cancel(now, author=author)
        self.plan_ahead(now)

    # Inside

    def plans(self) -> list[windows.Plan]:
        """Every version of its plan, oldest first."""
        return [row.value for row in self.plan_rows.all()]

    def promised(self) -> windows.Plan | None:
        """The plan that counts: the last one announced before the work began, and before its own start."""
        if self.began_at is None:
            return None
        told = [plan for plan in self.plans() if plan.at < self.began_at]
        return next((plan for plan in reversed(told) if plan.at < plan.starts_at), None)

    def excused(self) -> tuple[datetime, datetime] | None:
        """The stretch that the second uptime figure leaves out: what was promised and was really used."""
        plan = self.promised()
        stretch = windows.excused([plan], ended_at=self.ended_at) if plan else None
        if stretch is None or self.began_at is None:
            return None
        start = max(stretch[0], self.began_at)
        return (start, stretch[1]) if start < stretch[1] else None

    def note_plan(self, now: datetime, author: Any) -> None:
        """Keep the plan as it is now. The caller holds the page."""
        self.plan_rows.create(
            at=now, starts_at=self.starts_at, ends_at=self.ends_at,
            is_cancelled=self.state == State.CANCELLED, author=author,
        )  # fmt: skip
        self.next_at = self._next(now)
        self.save(update_fields=["next_at"])

    def say(self, body: str, now: datetime, *, author: Any = None, notifies: bool = True) -> None:
        """One more entry of its story. The caller holds the page."""
        last = self.updates.aggregate(last=models.Max("number"))["last"] or 0
        update = self.updates.create(
            number=last + 1, state=self.state, body=body, at=now, author=author,
            is_by_machine=author is None, notifies=notifies,
        )  # fmt: skip
        if notifies:
            Notice.objects.of_work(update, now)
        Page.objects.turn()

    def _move(self, state: State, now: datetime, **times: datetime) -> None:
        self.state = state
        for name, at in times.items():
            setattr(self, name, at)
        self.next_at = self._next(now)
        self.save()

    def _open_incidents(self, left: Sequence[Component], now: datetime) -> None:
        """One incident a group for what is down when the window ends."""
        from incidents.models.incident import Incident

        for group in dict.fromkeys(one.group for one in left):
            if group is not None:
                Incident.objects.begin_after([one for one in left if one.group == group], now)
        for component in left:
            if component.group is None:
                Incident.objects.begin_after([component], now)

    def _refuse_over(self) -> None:
        if self.state not in OPEN:
            raise ValidationError("It is over: what was announced stays as it is.")


def _is_down(component: Component) -> bool:
    """Whether a probe of it fails for sure."""
    return any(not one.is_paused and one.outcome == Outcome.DOWN for one in component.probes.all())


def _is_worked_on(component: Component) -> bool:
    return Maintenance.objects.is_active_for(component)


def _shown(components: Iterable[Component]) -> list[str]:
    """The names that strangers may read."""
    return [one.name for one in components if one.is_shown]


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
