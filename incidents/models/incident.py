"""An incident from the first failed check to the last word, and who speaks in it.

Until a person posts (`people.py`), the machine speaks (`machine.py`): it opens, tells each
later fact and resolves. The first post by a person makes the incident theirs;
from then on the machine only notes evidence and proposes, until it is handed back.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models, transaction

from components.models import Component, Page
from components.status import Status, worst
from incidents.lifecycle import Kind, Phase
from incidents.models.opening import MachineManager
from incidents.models.people import PeopleVoice, Statuses, checked_status
from incidents.models.record import advice_of


class IncidentManager(MachineManager):
    def public(self) -> models.QuerySet["Incident"]:
        """What strangers may see."""
        return self.live().exclude(published_at=None)

    def open(
        self,
        title: str,
        body: str,
        *,
        now: datetime,
        components: Iterable[Component] = (),
        phase: Phase | str = Phase.INVESTIGATING,
        author: Any = None,
        started_at: datetime | None = None,
        next_update_at: datetime | None = None,
        statuses: Statuses | None = None,
        **told: Any,
    ) -> "Incident":
        """A person opens an incident with its first word; `told` goes to `post`. Raises ValidationError."""
        with transaction.atomic():
            Page.objects.lock()
            incident = self.model(title=title, started_at=started_at or now, created_at=now, is_owned=True)
            incident.full_clean()
            incident.refuse_future(incident.started_at, now)
            incident.save()
            for component in components:
                incident.touch(component, Status(component.status), incident.started_at)
            incident.post(
                body, phase=phase, now=now, author=author, next_update_at=next_update_at,
                statuses=statuses, **told,
            )  # fmt: skip
        return incident

    def record(
        self,
        title: str,
        body: str,
        *,
        started_at: datetime,
        ended_at: datetime,
        now: datetime,
        statuses: Statuses,
        author: Any = None,
        told: Iterable[tuple[Phase, datetime, str]] = (),
    ) -> "Incident":
        """Write down an incident that is over (back-filled): nobody is told, no status changes.

        `statuses` are those at the worst moment; `told` is what was said before the last word,
        oldest first. Raises ValidationError.
        """
        if not started_at < ended_at <= now:
            raise ValidationError({"ended_at": "The end must lie after the start and not in the future."})
        told = list(told)
        if any(phase is Phase.RESOLVED or not started_at <= at <= ended_at for phase, at, _ in told):
            raise ValidationError({"told": "What was told lies between its start and its end."})
        with transaction.atomic():
            Page.objects.lock()
            incident = self.model(title=title, started_at=started_at, created_at=now, is_owned=True)
            incident.full_clean()
            incident.save()
            for component, status in statuses.items():
                incident.touch(component, checked_status(status), started_at)
                incident.touch(component, Status.OPERATIONAL, started_at)
            for phase, at, words in told:
                incident.say(words, phase, at, author=author)
            incident.updates.update(notifies=False)
            incident.post(body, phase=Phase.RESOLVED, now=now, at=ended_at, author=author, notifies=False)
            incident.resolved_at, incident.well_since = ended_at, None
            incident.published_at = told[0][1] if told else ended_at
            incident.save(update_fields=["resolved_at", "published_at", "well_since"])
        return incident


class Incident(PeopleVoice):
    """`published_at` None is a suggestion that only staff see."""

    objects = IncidentManager()

    class Meta(PeopleVoice.Meta):
        abstract = False

    # What people do

    def take_over(self, now: datetime, *, author: Any = None) -> None:
        """From now on people speak; the machine notes and proposes."""
        with transaction.atomic():
            Page.objects.lock()
            self.refresh_from_db()
            if self.is_owned:
                return
            self.is_owned, self.settle_at, self.publish_at = True, None, None
            self.save()
            self.catch_up(now)  # what staff call down may have passed its checks: they are asked now
            self.write(Kind.NOTE, "Taken over from the machine.", now, author=author)
            Page.objects.bump_version(is_public=self.published_at is not None)

    def hand_back(self, now: datetime, *, author: Any = None) -> None:
        """Let the machine speak again, from what it sees now. Raises ValidationError."""
        with transaction.atomic():
            Page.objects.lock()
            self.refresh_from_db()
            self._refuse_deleted()
            if not self.is_owned:
                return
            if self.resolved_at is None and not self.is_looked_at():
                raise ValidationError("No probe checks any of its components: the machine would see nothing.")
            self.is_owned, self.proposed_at = False, None
            self._release_components(now, is_looked_at=True)
            self.unwatched_at = None
            if self.resolved_at is None:
                self._news(now)
            self.save()
            self.write(Kind.NOTE, "Handed back to the machine.", now, author=author)
            self.catch_up(now)
            Page.objects.bump_version(is_public=self.published_at is not None)

    def hold(self) -> None:
        """Stop the countdown of a suggestion: it waits for a person."""
        with transaction.atomic():
            Page.objects.lock()
            type(self).objects.filter(pk=self.pk).update(publish_at=None)
            Page.objects.bump_version(is_public=False)
        self.publish_at = None

    def amend(
        self,
        now: datetime,
        *,
        title: str | None = None,
        impact_override: str | None = None,
        started_at: datetime | None = None,
        cause: str | None = None,
        workaround: str | None = None,
    ) -> None:
        """Correct its name, impact, beginning, cause or workaround, untold. Raises ValidationError."""
        advice = advice_of(workaround)
        with transaction.atomic():
            Page.objects.lock()
            self.refresh_from_db()
            given = {"title": title, "impact_override": impact_override, "started_at": started_at,
                     "cause": cause, "workaround": advice}  # fmt: skip
            if started_at not in (None, self.started_at):
                self.well_s = 0  # it was counted from the other beginning
            for name, value in given.items():
                if value is not None:
                    setattr(self, name, value)
            self.full_clean()
            self.refuse_future(self.started_at, now)
            if self.resolved_at and self.started_at >= self.resolved_at:
                raise ValidationError({"started_at": "It cannot have begun after it ended."})
            self.save()
            Page.objects.bump_version(takes_away=True, is_public=self.published_at is not None)

    def merge_into(self, other: "Incident", now: datetime, *, author: Any = None) -> None:
        """This one turns out to be the other: its components move there, its address leads there.

        The other is no nearer to its end than both, and as public as either. Raises ValidationError.
        """
        with transaction.atomic():
            Page.objects.lock()
            self.refresh_from_db()
            other.refresh_from_db()
            self._refuse_deleted()
            self._refuse_other(other)
            rows = list(self.affected.select_related("component"))
            self.affected.update(is_held=False)
            for row in rows:
                self._move(row, other)
            other.started_at = min(other.started_at, self.started_at)
            other.save()
            self.merged.update(merged_into=other)  # what led here leads there
            self.merged_into, self.settle_at, self.publish_at = other, None, None
            self.resolved_at = self.resolved_at or max(now, self.started_at)
            self.save()
            self.write(Kind.NOTE, f"Merged into “{other.title}”.", now, author=author)
            other.write(Kind.NOTE, f"“{self.title}” was merged into this one.", now, author=author)
            other.catch_up(now)
            if self.published_at is not None and other.published_at is None:
                other.publish(now)
            is_public = self.published_at is not None or other.published_at is not None
            Page.objects.bump_version(takes_away=True, is_public=is_public)

    def _refuse_other(self, other: "Incident") -> None:
        """An outage that lasts is not put away in one that is over."""
        if other.pk == self.pk or other.merged_into_id or other.deleted_at:
            raise ValidationError({"other": "Choose another incident that is not merged or deleted."})
        if other.resolved_at and self.resolved_at is None:
            raise ValidationError(
                {"other": f"“{other.title}” is resolved: reopen it first, or merge it into this one."}
            )

    def _move(self, row: Any, other: "Incident") -> None:
        """A component goes along. What is over here says nothing of how it is there."""
        place = other.affected.filter(component=row.component).first()
        known = [Status(place.status)] if place else []
        said = known if self.resolved_at else [*known, Status(row.status)]
        mine = other.touch(row.component, Status(row.worst_status), row.started_at or self.started_at)
        mine.set_status(worst(said))
        if row.is_held and other.resolved_at is None:
            other.affected.filter(pk=mine.pk).update(is_held=True)

    def delete_softly(self, now: datetime, *, author: Any = None) -> None:
        """Take it off every page. `restore` brings it back."""
        with transaction.atomic():
            Page.objects.lock()
            self.refresh_from_db()
            self._release_components(now)
            self.affected.update(is_held=False)
            self.deleted_at, self.settle_at, self.publish_at = now, None, None
            self.save()
            what = "Not an incident." if self.published_at is None else "Deleted."
            self.write(Kind.NOTE, what, now, author=author)
            Page.objects.bump_version(takes_away=True, is_public=self.published_at is not None)

    def restore(self, now: datetime, *, author: Any = None) -> None:
        """Bring a deleted incident back as it was; it is people's from now on."""
        with transaction.atomic():
            Page.objects.lock()
            self.refresh_from_db()
            if self.deleted_at is None:
                return
            self.deleted_at, self.is_owned = None, True
            self.save()
            self.write(Kind.NOTE, "Restored.", now, author=author)
            self.catch_up(now)
            Page.objects.bump_version(is_public=self.published_at is not None)
