"""What people say in an incident: posts and notes, and their corrections.

The first post makes the incident theirs; what the machine says stands in `machine.py`,
how a post is taken back in `undoing.py`.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import transaction

from components.models import Component, Page
from components.status import Status
from components.texts import lines, one_line
from incidents.lifecycle import PUBLIC_KINDS, Kind, Phase, may_move
from incidents.models import undoing
from incidents.models.notice import Notice
from incidents.models.record import advice_of, change_row
from incidents.models.undoing import Undoing

if TYPE_CHECKING:
    from incidents.models.update import Update

Statuses = Mapping[Component, Status | str]


class AlreadyResolved(ValidationError):
    """This incident is resolved: reopen it, or open a new one."""

    def __init__(self) -> None:
        super().__init__(
            {"phase": "This incident is resolved: keep the phase at resolved, reopen it, or open a new one."}
        )


class PeopleVoice(Undoing):
    """The half of `Incident` that people speak through."""

    drafts: Any  # the rows of Draft that name this incident

    class Meta(Undoing.Meta):
        abstract = True

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
        typed: Mapping[str, str] | None = None,
    ) -> "Update":
        """A person speaks: the incident is theirs from here on. All or nothing. Raises ValidationError.

        A suggestion is published by it. A resolved incident takes only words
        that leave it resolved, unless `reopens`. `statuses`: what its components are now.
        `workaround`: what customers can do; empty takes it away, None leaves what stands.
        `at` dates the words back. `undo_s`: how long it can be taken back, and nobody is told.
        `seen`: the number of the newest update its author has read; a newer one by a person refuses.
        `typed`: the form as its author left it, which `undo` gives back.
        """
        phase = _phase(phase)
        body = lines(body)
        if not body.strip():
            raise ValidationError({"body": "The update has no words: write what people notice."})
        advice = advice_of(workaround)
        with transaction.atomic():
            Page.objects.lock()
            self.refresh_from_db()
            self._refuse_deleted()
            self._refuse_unread(seen, author)
            if not may_move(Phase(self.phase), phase) and not reopens:
                raise AlreadyResolved
            self.refuse_future(at, now)
            before = undoing.remember(self, statuses or (), now) if undo_s else None
            was_ours = self.is_owned
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
            if not was_ours and phase is not Phase.RESOLVED:
                self._watch_recovery(self._shown_since(now), now)  # no flip says that it was well already
            update = self.say(body, phase, now, author=author, changes=changes, at=at)
            update.notifies = notifies
            update.before = undoing.conclude(self, before, typed) if before else None
            update.undo_until = now + timedelta(seconds=undo_s) if undo_s else None
            update.save(update_fields=["notifies", "before", "undo_until"])
            if notifies:
                Notice.objects.of_update(update, now)
            self.drafts.filter(author=author).delete()
            if words != (self.title, self.workaround):
                Page.objects.bump_version(takes_away=True)
            return update

    def note(self, body: str, now: datetime, *, author: Any) -> "Update":
        """Words for staff alone. Raises ValidationError."""
        body = lines(body)
        if not body.strip():
            raise ValidationError({"body": "The note has no words."})
        with transaction.atomic():
            Page.objects.lock()
            return self.write(Kind.NOTE, body, now, author=author)

    def edit(self, update: "Update", body: str, now: datetime, *, author: Any = None) -> None:
        """Change the words of an update; all earlier ones are kept, and the edit is dated."""
        body = lines(body)
        if not body.strip():
            raise ValidationError({"body": "The update has no words: write what people notice."})
        if body == update.body:
            return
        with transaction.atomic():
            Page.objects.lock()
            update.versions.create(body=update.body, until=now, replaced_by=author)
            update.first_body = update.first_body or update.body
            update.body, update.edited_at = body, now
            update.save(update_fields=["body", "first_body", "edited_at"])
            self.save(update_fields=["updated_at"])
            is_read = self.published_at is not None and update.kind in PUBLIC_KINDS
            Page.objects.bump_version(takes_away=True, is_public=is_read)

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
            status = checked_status(given)
            row = self.affected.filter(component=component).first()
            old = Status(row.status) if row else Status(component.status)
            self.touch(component, status, now)
            component.say_by_hand(status, now)
            component.judge_again(judge_at)  # other incidents that it is in hear of it
            if old is not status or row is None:
                changes.append(change_row(component, old, status))
        if phase is Phase.RESOLVED:
            self._release_components(now, judge_at=judge_at)
            self.affected.update(status=Status.OPERATIONAL)
        return changes

    def _release_components(
        self, now: datetime, *, judge_at: datetime | None = None, is_looked_at: bool = False
    ) -> None:
        """Statuses set by hand for this incident end with it. `is_looked_at`: only where a probe looks."""
        for row in self.affected.select_related("component"):
            if not is_looked_at or row.component.probed() is not None:
                row.component.release(now, judge_at=judge_at)


def _phase(phase: Phase | str) -> Phase:
    try:
        return Phase(phase)
    except ValueError:
        known = ", ".join(Phase)
        raise ValidationError({"phase": f"“{phase}” is no phase: use one of {known}."}) from None


def checked_status(status: Status | str) -> Status:
    """The status of this name. Raises ValidationError."""
    try:
        return Status(status)
    except ValueError:
        known = ", ".join(Status)
        raise ValidationError({"status": f"“{status}” is no status: use one of {known}."}) from None


def _promise(at: datetime | None, now: datetime) -> datetime | None:
    if at is not None and at <= now:
        raise ValidationError({"next_update_at": "The next update is promised for a time that has passed."})
    return at
