"""Maintenance: announced, started, verified and completed, automatically or by a person.

Every plan is kept with its time (`PlanRow`). What counts as "announced before it
began" is decided by `incidents.windows` from these only, so no later edit can
improve a figure. The row itself is in `work.py`, recurrence in `series.py`.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models, transaction

from components.models import Component, Page
from components.status import Status
from components.texts import lines
from incidents import generated_text, windows
from incidents.models.notice import Notice
from incidents.models.series import AHEAD, Series
from incidents.models.work import ACTIVE, OPEN, State

MAX_LENGTH = timedelta(days=60)
VERIFY_FOR = timedelta(minutes=15)  # no check results for this long after the end: complete it anyway


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
            Page.objects.lock()
            maintenance = self.model(title=title, body=body, starts_at=starts_at, ends_at=ends_at, **more)
            maintenance.keep_zone()
            maintenance.refuse_bad_times(now)
            maintenance.full_clean()
            maintenance.save()
            maintenance.components.set(components)
            maintenance.note_plan(now, author)
            maintenance.say(body, now, author=author)
            maintenance.plan_ahead(now)
        return maintenance

    def active(self) -> models.QuerySet["Maintenance"]:
        """Under way now."""
        return self.filter(state__in=ACTIVE)

    def is_active_for(self, component: Component) -> bool:
        """Whether active maintenance includes this component."""
        return self.active().filter(components=component).exists()

    def due(self, now: datetime) -> models.QuerySet["Maintenance"]:
        """Those with something due: a reminder, the start or the end."""
        return self.filter(state__in=OPEN, next_at__lte=now).order_by("next_at")

    def plan_ahead(self, now: datetime) -> None:
        """Create the next occurrences of every series, each series in its own transaction."""
        for head in self.filter(series=None).exclude(rule=""):
            with transaction.atomic():
                Page.objects.lock()
                head.refresh_from_db()
                head.plan_ahead(now)


class Maintenance(Series):
    """Planned work, with the actions of staff and what happens at set times."""

    objects = MaintenanceManager()

    class Meta(Series.Meta):
        abstract = False

    def clean(self) -> None:
        """Refuse what cannot be planned, naming the field. Raises ValidationError."""
        if self.starts_at and self.ends_at:
            if self.ends_at <= self.starts_at:
                raise ValidationError({"ends_at": "The end must be after the start."})
            if self.length > MAX_LENGTH:
                raise ValidationError({"ends_at": f"Plan at most {MAX_LENGTH.days} days at a time."})
        if self.rule and self.starts_at and self.ends_at:
            try:
                self.places(self.starts_at, self.starts_at + AHEAD)
            except windows.InvalidRuleError as refused:
                raise ValidationError({"rule": refused.sentence}) from refused

    def refuse_bad_times(self, now: datetime) -> None:
        """Raises ValidationError for a window that is already over."""
        if self.ends_at and self.ends_at <= now:
            raise ValidationError({"ends_at": "This window is already over: plan a later one."})

    # What people do

    def replan(
        self, now: datetime, *, author: Any = None, starts_at: datetime, ends_at: datetime, **changes: Any
    ) -> None:
        """Change the plan. Earlier plans are kept, and subscribers are notified. Raises ValidationError.

        After the start, start and components are fixed: the second uptime figure depends on them.
        """
        with transaction.atomic():
            Page.objects.lock()
            self.refresh_from_db()
            self._refuse_over()
            before = (self.starts_at, self.ends_at, self.rule)
            components = self._other(changes.pop("components", None))
            self._refuse_begun(starts_at, components)
            for name, value in {"starts_at": starts_at, "ends_at": ends_at, **changes}.items():
                setattr(self, name, value)
            self.keep_zone()
            self.refuse_bad_times(now)
            self.full_clean()
            self._forget_what_moved(before, now)
            self.save()
            if components is not None:
                self.components.set(components)
                self.say(generated_text.work_concerns(_shown(components)), now, author=author)
            if (starts_at, ends_at) != before[:2]:
                self.note_plan(now, author)
                self.say(generated_text.replanned(starts_at, ends_at, now), now, author=author)
            if self.rule != before[2]:
                self._follow_rule(now, author)
            Page.objects.bump_version(takes_away=True)

    def _forget_what_moved(self, before: tuple[datetime, datetime, str], now: datetime) -> None:
        """Reset what belonged to the old times: the overrun and verifying, and the reminder."""
        if self.ends_at != before[1]:
            self.overran_at = None
            self.state = State.IN_PROGRESS if self.is_active else self.state
        if self.starts_at != before[0]:
            self.reminded_at = None
        self.next_at = self._next(now)

    def _other(self, components: Iterable[Component] | None) -> list[Component] | None:
        """The new components, or None if they stay the same."""
        if components is None:
            return None
        chosen = list(components)
        return chosen if set(chosen) != set(self.components.all()) else None

    def _refuse_begun(self, starts_at: datetime, components: list[Component] | None) -> None:
        if self.is_active and starts_at != self.starts_at:
            raise ValidationError({"starts_at": "It has started: only its end can be moved."})
        if self.is_active and components is not None:
            raise ValidationError({"components": "It has started: its components stay as announced."})

    def post(self, body: str, now: datetime, *, author: Any = None) -> None:
        """Post an update. Raises ValidationError."""
        body = lines(body)
        if not body.strip():
            raise ValidationError({"body": "The update is empty: write what people notice."})
        with transaction.atomic():
            Page.objects.lock()
            self.say(body, now, author=author)

    def begin(self, now: datetime, *, author: Any = None, at: datetime | None = None) -> None:
        """Start the work. `at`: when it started, if not now. Raises ValidationError."""
        with transaction.atomic():
            Page.objects.lock()
            self.refresh_from_db()
            if self.state != State.SCHEDULED:
                raise ValidationError("It has started or is already over.")
            self._move(State.IN_PROGRESS, now, began_at=at or now)
            self._note_components(now, begins=True)
            self.say(generated_text.work_began(self.ends_at, now), now, author=author)

    def close(self, now: datetime, *, author: Any = None) -> list[Component]:
        """Complete the work and post that. Returns the components still down. Raises ValidationError.

        `automation.complete_maintenance` calls it, and opens incidents for those.
        """
        with transaction.atomic():
            Page.objects.lock()
            self.refresh_from_db()
            if not self.is_active:
                raise ValidationError("Only maintenance in progress can be completed.")
            self._move(State.COMPLETED, now, ended_at=now)
            self._note_components(now, begins=False)
            down = [
                component
                for component in self.components.all()
                if _is_down(component) and not _is_worked_on(component)
            ]
            self.say(generated_text.work_ended(_shown(down)), now, author=author)
        return down

    def _note_components(self, now: datetime, *, begins: bool) -> None:
        """Notify of its components' new status, unless other work or staff determine it."""
        for component in self.components.all():
            others = Maintenance.objects.active().exclude(pk=self.pk).filter(components=component)
            if component.is_set_to_trouble or others.exists():
                continue
            change = (component.status, Status.UNDER_MAINTENANCE)
            old, new = change if begins else change[::-1]
            if component.is_shown and old != new:
                Notice.objects.of_component(component, old, new, at=now, now=now)
            Component.objects.filter(pk=component.pk).update(updated_at=now)

    def cancel(self, now: datetime, *, author: Any = None) -> None:
        """Cancel it before it starts. Raises ValidationError."""
        with transaction.atomic():
            Page.objects.lock()
            self.refresh_from_db()
            self._refuse_over()
            if self.is_active:
                raise ValidationError("It has started: complete it instead.")
            self._move(State.CANCELLED, now)
            self.note_plan(now, author)
            self.say(generated_text.work_cancelled(), now, author=author)

    # What time does

    def advance(self, now: datetime) -> bool:
        """Do the next thing that is due. True when that is its end: the caller completes it."""
        with transaction.atomic():
            Page.objects.lock()
            self.refresh_from_db()
            if self.state not in OPEN or self.next_at is None or self.next_at > now:
                return False
            if self.state == State.SCHEDULED:
                self._advance_scheduled(now)
            elif self._advance_active(now):
                return True
            self.next_at = self._next(now)
            self.save(update_fields=["next_at"])
        return False

    def _advance_scheduled(self, now: datetime) -> None:
        if now >= self.starts_at:
            if self.starts_by_itself:
                self.begin(now, at=max(self.starts_at, self.plans()[-1].at))
            elif now >= self.ends_at:
                self.cancel(now)  # no one started it, and its time is over
        elif self.notice_h and self.reminded_at is None:
            self.reminded_at = now
            self.save(update_fields=["reminded_at"])
            self.say(generated_text.work_ahead(self.starts_at, self.ends_at, now), now)

    def _advance_active(self, now: datetime) -> bool:
        """After its end: verify, or post that it takes longer. True when it should be completed."""
        if now < self.ends_at:
            return False
        statuses = [component.probed() for component in self.components.all()]
        is_unseen = any(status is Status.UNKNOWN for status in statuses)
        if not self.ends_by_itself:
            if self.overran_at is None:
                self.overran_at = now
                self.save(update_fields=["overran_at"])
                self.say(generated_text.work_overran(self.ends_at, now), now)
            return False
        if is_unseen and now < self.ends_at + VERIFY_FOR:
            if self.state != State.VERIFYING:
                self._move(State.VERIFYING, now)
                self.say(generated_text.work_verifying(), now)
            return False
        return True


def _is_down(component: Component) -> bool:
    """Whether a probe of it has a confirmed failure."""
    return bool(component.failing_probes())


def _is_worked_on(component: Component) -> bool:
    return Maintenance.objects.is_active_for(component)


def _shown(components: Iterable[Component]) -> list[str]:
    """The names of those that are not hidden."""
    return [component.name for component in components if component.is_shown]
