"""An incident from the first failed check to the last word, and who speaks in it.

Until a person posts, the machine speaks (`machine.py`): it opens, tells each
later fact and resolves. The first post by a person makes the incident theirs;
from then on the machine only notes evidence and proposes, until it is handed back.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import models, transaction

from components.models import Component, Page
from components.models.lines import lines, one_line
from components.status import Status
from incidents.lifecycle import PUBLIC_KINDS, Kind, Phase, may_move
from incidents.models import undoing
from incidents.models.machine import MachineVoice, settling
from incidents.models.notice import Notice
from incidents.models.opening import MachineManager
from incidents.models.record import advice_of, change_row

if TYPE_CHECKING:
    from incidents.models.update import Update

Statuses = Mapping[Component, Status | str]


class AlreadyResolved(ValidationError):
    """This incident is resolved: reopen it, or open a new one."""

    def __init__(self) -> None:
        super().__init__(
            {"phase": "This incident is resolved: keep the phase at resolved, reopen it, or open a new one."}
        )


class TooLate(ValidationError):
    """What cannot be taken back any more, with what to do instead."""


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
            Page.objects.hold()
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
            Page.objects.hold()
            incident = self.model(title=title, started_at=started_at, created_at=now, is_owned=True)
            incident.full_clean()
            incident.save()
            for component, status in statuses.items():
                incident.touch(component, _status(status), started_at)
                incident.touch(component, Status.OPERATIONAL, started_at)
            for phase, at, words in told:
                incident.say(words, phase, at, author=author)
            incident.updates.update(notifies=False)
            incident.post(body, phase=Phase.RESOLVED, now=now, at=ended_at, author=author, notifies=False)
            incident.resolved_at, incident.well_since = ended_at, None
            incident.published_at = told[0][1] if told else ended_at
            incident.save(update_fields=["resolved_at", "published_at", "well_since"])
        return incident


class Incident(MachineVoice):
    """`published_at` None is a suggestion that only staff see."""

    objects = IncidentManager()

    class Meta(MachineVoice.Meta):
        abstract = False

    # What people do

    def post(
        self,
        body: str,
        *,
        phase: Phase | str,
        now: datetime,
        author: Any = None,
        next_update_at: datetime | None = None,
        statuses: Statuses | None = None,
        title: str = "",
        workaround: str | None = None,
        at: datetime | None = None,
        notifies: bool = True,
        undo_s: int = 0,
        seen: int | None = None,
        reopens: bool = False,
    ) -> "Update":
        """A person speaks: the incident is theirs from here on. All or nothing. Raises ValidationError.

        A suggestion is published by it. A resolved incident takes only words
        that leave it resolved, unless `reopens`. `statuses`: what its components are now.
        `workaround`: what customers can do; empty takes it away, None leaves what stands.
        `at` dates the words back. `undo_s`: how long it can be taken back, and nobody is told.
        `seen`: the number of the newest update its author has read; a newer one by a person refuses.
        """
        phase = _phase(phase)
        body = lines(body)
        if not body.strip():
            raise ValidationError({"body": "The update has no words: write what people notice."})
        advice = advice_of(workaround)
        with transaction.atomic():
            Page.objects.hold()
            self.refresh_from_db()
            self._refuse_deleted()
            self._refuse_unread(seen, author)
            if not may_move(Phase(self.phase), phase) and not reopens:
                raise AlreadyResolved
            self.refuse_future(at, now)
            before = undoing.remember(self) if undo_s else None
            if self.published_at is None:  # the machine's drafts were never read by anybody: they stay so
                self.updates.filter(kind=Kind.POST, is_by_machine=True).update(kind=Kind.NOTE)
            if reopens and phase is not Phase.RESOLVED:
                self.resolved_at = self.monitoring_at = self.well_since = None
            words = (self.title, self.workaround)
            self.title = one_line(title)[:255] or self.title
            self.workaround = self.workaround if advice is None else advice
            self.is_owned = True
            self.published_at = self.published_at or now
            self.settle_at = self.publish_at = None
            self.next_update_at = None if phase is Phase.RESOLVED else _promise(next_update_at, now)
            judge_at = now + timedelta(seconds=undo_s)  # an undone end has ended nothing
            changes = self._turn_components(statuses or {}, phase, now, judge_at)
            update = self.say(body, phase, now, author=author, changes=changes, at=at)
            update.notifies, update.before = notifies, before
            update.undo_until = now + timedelta(seconds=undo_s) if undo_s else None
            update.save(update_fields=["notifies", "before", "undo_until"])
            if notifies:
                Notice.objects.of_update(update, now)
            self.drafts.filter(author=author).delete()
            if words != (self.title, self.workaround):
                Page.objects.turn(takes_away=True)
            return update

    def undo(self, update: "Update", now: datetime) -> None:
        """Take an update back while nobody was told; its words stay with staff. Raises TooLate."""
        with transaction.atomic():
            Page.objects.hold()
            self.refresh_from_db()
            update.refresh_from_db()
            if update.undo_until is None or now >= update.undo_until or update.before is None:
                raise TooLate("It is too late to undo: it has been sent. Edit it, or post a correction.")
            if self.updates.filter(number__gt=update.number, kind=Kind.POST).exists():
                raise TooLate("Somebody has posted since: edit your update instead.")
            if not Notice.objects.take_back(update):
                raise TooLate("It is too late to undo: it is being sent. Edit it, or post a correction.")
            undoing.restore(self, update.before, now)
            update.kind, update.undo_until, update.before = Kind.RETRACTED, None, None
            update.save(update_fields=["kind", "undo_until", "before"])
            Page.objects.turn(takes_away=True)

    def note(self, body: str, now: datetime, *, author: Any) -> "Update":
        """Words for staff alone. Raises ValidationError."""
        if not body.strip():
            raise ValidationError({"body": "The note has no words."})
        with transaction.atomic():
            Page.objects.hold()
            return self.write(Kind.NOTE, lines(body), now, author=author)

    def edit(self, update: "Update", body: str, now: datetime, *, author: Any = None) -> None:
        """Change the words of an update; all earlier ones are kept, and the edit is dated."""
        body = lines(body)
        if not body.strip():
            raise ValidationError({"body": "The update has no words: write what people notice."})
        if body == update.body:
            return
        with transaction.atomic():
            Page.objects.hold()
            update.versions.create(body=update.body, until=now, replaced_by=author)
            update.first_body = update.first_body or update.body
            update.body, update.edited_at = body, now
            update.save(update_fields=["body", "first_body", "edited_at"])
            self.save(update_fields=["updated_at"])
            is_read = self.published_at is not None and update.kind in PUBLIC_KINDS
            Page.objects.turn(takes_away=True, is_public=is_read)

    def take_over(self, now: datetime, *, author: Any = None) -> None:
        """From now on people speak; the machine notes and proposes."""
        with transaction.atomic():
            Page.objects.hold()
            self.refresh_from_db()
            if self.is_owned:
                return
            self.is_owned, self.settle_at, self.publish_at = True, None, None
            self.save()
            self.write(Kind.NOTE, "Taken over from the machine.", now, author=author)
            Page.objects.turn(is_public=self.published_at is not None)

    def hand_back(self, now: datetime, *, author: Any = None) -> None:
        """Let the machine speak again, from what it sees now."""
        with transaction.atomic():
            Page.objects.hold()
            self.refresh_from_db()
            self.is_owned, self.proposed_at = False, None
            self._release_components(now)
            self.unwatched_at = None
            if self.well_since is not None and self.resolved_at is None:
                self.settle_at = self.next_update_at = now + settling()
            elif self.resolved_at is None:
                self._news(now)
            self.save()
            self.write(Kind.NOTE, "Handed back to the machine.", now, author=author)
            Page.objects.turn(is_public=self.published_at is not None)

    def hold(self) -> None:
        """Stop the countdown of a suggestion: it waits for a person."""
        with transaction.atomic():
            Page.objects.hold()
            type(self).objects.filter(pk=self.pk).update(publish_at=None)
            Page.objects.turn(is_public=False)
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
            Page.objects.hold()
            self.refresh_from_db()
            given = {"title": title, "impact_override": impact_override, "started_at": started_at,
                     "cause": cause, "workaround": advice}  # fmt: skip
            for name, value in given.items():
                if value is not None:
                    setattr(self, name, value)
            self.full_clean()
            self.refuse_future(self.started_at, now)
            if self.resolved_at and self.started_at >= self.resolved_at:
                raise ValidationError({"started_at": "It cannot have begun after it ended."})
            self.save()
            Page.objects.turn(takes_away=True, is_public=self.published_at is not None)

    def merge_into(self, other: "Incident", now: datetime, *, author: Any = None) -> None:
        """This one turns out to be the other: its components move there, its address leads there."""
        if other.pk == self.pk or other.merged_into_id or other.deleted_at:
            raise ValidationError({"other": "Choose another incident that is not merged or deleted."})
        with transaction.atomic():
            Page.objects.hold()
            self.refresh_from_db()
            self._refuse_deleted()
            rows = list(self.affected.select_related("component"))
            self.affected.update(is_held=False)
            for row in rows:
                mine = other.touch(row.component, Status(row.worst_status), row.started_at or self.started_at)
                mine.turn(Status(row.status))
                if row.is_held and other.resolved_at is None:
                    other.affected.filter(pk=mine.pk).update(is_held=True)
            other.refresh_from_db()
            other.started_at = min(other.started_at, self.started_at)
            other.save()
            self.merged_into, self.settle_at, self.publish_at = other, None, None
            self.resolved_at = self.resolved_at or max(now, self.started_at)
            self.save()
            self.write(Kind.NOTE, f"Merged into “{other.title}”.", now, author=author)
            other.write(Kind.NOTE, f"“{self.title}” was merged into this one.", now, author=author)
            is_public = self.published_at is not None or other.published_at is not None
            Page.objects.turn(takes_away=True, is_public=is_public)

    def delete_softly(self, now: datetime, *, author: Any = None) -> None:
        """Take it off every page. `restore` brings it back."""
        with transaction.atomic():
            Page.objects.hold()
            self.refresh_from_db()
            self._release_components(now)
            self.affected.update(is_held=False)
            self.deleted_at, self.settle_at, self.publish_at = now, None, None
            self.save()
            what = "Not an incident." if self.published_at is None else "Deleted."
            self.write(Kind.NOTE, what, now, author=author)
            Page.objects.turn(takes_away=True, is_public=self.published_at is not None)

    def restore(self, now: datetime, *, author: Any = None) -> None:
        """Bring a deleted incident back as it was; it is people's from now on."""
        with transaction.atomic():
            Page.objects.hold()
            self.refresh_from_db()
            if self.deleted_at is None:
                return
            self.deleted_at, self.is_owned = None, True
            self.save()
            self.write(Kind.NOTE, "Restored.", now, author=author)
            Page.objects.turn(is_public=self.published_at is not None)

    def refuse_future(self, at: datetime | None, now: datetime) -> None:
        """Nothing is dated ahead. Raises ValidationError."""
        if at is not None and at > now:
            raise ValidationError({"started_at": "This time lies in the future: give one that has passed."})

    def _refuse_deleted(self) -> None:
        if self.deleted_at or self.merged_into_id:
            raise ValidationError("This incident was deleted or merged: restore it first, or use the other.")

    def _refuse_unread(self, seen: int | None, author: Any) -> None:
        """Somebody else's words that the author cannot have read come first."""
        if seen is None:
            return
        newer = self.updates.filter(number__gt=seen, kind=Kind.POST).exclude(author=author).last()
        if newer is not None:
            who = str(newer.author or "The machine")
            raise ValidationError(
                {"seen": f"{who} posted meanwhile: “{newer.body}” Read it, change your words if needed, "
                         "and publish again."}
            )  # fmt: skip

    def _turn_components(
        self, statuses: Statuses, phase: Phase, now: datetime, judge_at: datetime
    ) -> list[list[str]]:
        """Show what staff say of its components; when all is over, let the probes speak again."""
        changes = []
        for component, given in statuses.items():
            status = _status(given)
            row = self.affected.filter(component=component).first()
            old = Status(row.status) if row else Status(component.status)
            self.touch(component, status, now)
            component.say_by_hand(status, now)
            if old is not status or row is None:
                changes.append(change_row(component, old, status))
        if phase is Phase.RESOLVED:
            self._release_components(now, judge_at=judge_at)
            self.affected.update(status=Status.OPERATIONAL)
        return changes

    def _release_components(self, now: datetime, *, judge_at: datetime | None = None) -> None:
        """Statuses set by hand for this incident end with it."""
        for row in self.affected.select_related("component"):
            row.component.release(now, judge_at=judge_at)


def _phase(phase: Phase | str) -> Phase:
    try:
        return Phase(phase)
    except ValueError:
        known = ", ".join(Phase)
        raise ValidationError({"phase": f"“{phase}” is no phase: use one of {known}."}) from None


def _status(status: Status | str) -> Status:
    try:
        return Status(status)
    except ValueError:
        known = ", ".join(Status)
        raise ValidationError({"status": f"“{status}” is no status: use one of {known}."}) from None


def _promise(at: datetime | None, now: datetime) -> datetime | None:
    if at is not None and at <= now:
        raise ValidationError({"next_update_at": "The next update is promised for a time that has passed."})
    return at
