"""A person posts an update: what they send (`Post`), and what that changes in the incident.

The first post by a person makes the incident theirs: the automation then only notes and proposes.
How a post is undone is in `incidents.undoing`; what that needs is stored by `before`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import transaction

from components.models import Component, Page
from components.status import Status
from components.texts import lines, one_line
from incidents.lifecycle import Kind, Phase, may_move
from incidents.models import before, recovery
from incidents.models.change import change_row
from incidents.models.notice import Notice

if TYPE_CHECKING:
    from incidents.models.incident import Incident
    from incidents.models.update import Update

MAX_WORKAROUND_LENGTH = 500  # a few sentences: it stands beside each newest update and in each mail

Statuses = Mapping[Component, Status | str]


class AlreadyResolvedError(ValidationError):
    """This incident is resolved: reopen it, or open a new one."""

    def __init__(self) -> None:
        super().__init__(
            {"phase": "This incident is resolved: keep the phase at resolved, reopen it, or open a new one."}
        )


@dataclass(frozen=True, slots=True)
class Post:
    """An update as its author sends it.

    `title`: a new one; empty leaves what stands. `workaround`: what customers can do; empty takes it
    away, None leaves what stands. `statuses`: what components are now. `at` dates it back.
    `undo_s`: for how many seconds it can be undone; nobody is notified before that.
    `seen`: the number of the newest update its author has read; a newer one by somebody else refuses.
    `reopens`: a resolved incident may go on. `typed`: the form as it was sent, which `undo` gives back.
    """

    body: str
    phase: Phase | str
    title: str = ""
    workaround: str | None = None
    next_update_at: datetime | None = None
    statuses: Statuses | None = None
    at: datetime | None = None
    notifies: bool = True
    undo_s: int = 0
    seen: int | None = None
    reopens: bool = False
    typed: Mapping[str, str] | None = None

    def checked(self) -> "Post":
        """The same with clean line ends and a trimmed workaround. Raises ValidationError."""
        phase, body = _phase(self.phase), checked_body(self.body)
        return replace(self, body=body, phase=phase, workaround=checked_workaround(self.workaround))


def post(incident: "Incident", sent: Post, *, now: datetime, author: Any = None) -> "Update":
    """What `Incident.post` does. All or nothing. Raises ValidationError."""
    sent = sent.checked()
    phase = Phase(sent.phase)
    with transaction.atomic():
        Page.objects.lock()
        incident.refresh_from_db()
        incident.refuse_deleted()
        _refuse_unread(incident, sent.seen, author)
        if not may_move(Phase(incident.phase), phase) and not sent.reopens:
            raise AlreadyResolvedError
        incident.refuse_future(sent.at, now)
        old = before.remember(incident, sent.statuses or (), now) if sent.undo_s else None
        words = (incident.title, incident.workaround)
        was_owned = incident.is_owned
        _set_fields(incident, sent, phase, now)
        changes = _set_statuses(incident, sent, phase, now)
        if not was_owned and phase is not Phase.RESOLVED:
            # no flip says that it was healthy already
            recovery.watch(incident, recovery.shown_since(incident, now), now)
        update = incident.say(sent.body, phase, now, author=author, changes=changes, at=sent.at)
        _keep(update, sent, before.conclude(incident, old, sent.typed) if old else None, now)
        incident.drafts.filter(author=author).delete()
        if words != (incident.title, incident.workaround):
            Page.objects.bump_version(takes_away=True)
    return update


def _set_fields(incident: "Incident", sent: Post, phase: Phase, now: datetime) -> None:
    """The incident's own fields; each of them stands in `before.CHANGED_BY_POST`."""
    if incident.published_at is None:  # automatic drafts that were never public stay so
        incident.updates.filter(kind=Kind.POST, is_by_machine=True).update(kind=Kind.NOTE)
    if sent.reopens and phase is not Phase.RESOLVED:
        incident.resolved_at = incident.monitoring_at = incident.recovered_since = None
        incident.log("reopened")
    incident.title = one_line(sent.title)[:255] or incident.title
    incident.workaround = incident.workaround if sent.workaround is None else sent.workaround
    incident.is_owned = True
    incident.published_at = incident.published_at or now
    incident.settle_at = incident.publish_at = None
    incident.next_update_at = None if phase is Phase.RESOLVED else _promise(sent.next_update_at, now)


def _set_statuses(incident: "Incident", sent: Post, phase: Phase, now: datetime) -> list[list[str]]:
    """Show what staff say of its components; when all is over, the probes decide again. The changes."""
    judge_at = now + timedelta(seconds=sent.undo_s)  # an undone end has ended nothing
    changes = []
    for component, given in (sent.statuses or {}).items():
        status = checked_status(given)
        row = incident.affected.filter(component=component).first()
        old = Status(row.status) if row else Status(component.status)
        incident.touch(component, status, now)
        component.say_by_hand(status, now)
        component.judge_again(judge_at)  # other incidents that it is in hear of it
        if old is not status or row is None:
            changes.append(change_row(component, old, status))
    if phase is Phase.RESOLVED:
        incident.release_components(now, judge_at=judge_at)
        incident.affected.update(status=Status.OPERATIONAL)
    return changes


def _keep(update: "Update", sent: Post, old: dict[str, Any] | None, now: datetime) -> None:
    """How long the update can be undone, and to what; whom it is owed."""
    update.notifies = sent.notifies
    update.before = old
    update.undo_until = now + timedelta(seconds=sent.undo_s) if sent.undo_s else None
    update.save(update_fields=["notifies", "before", "undo_until"])
    if sent.notifies:
        Notice.objects.of_update(update, now)


def _refuse_unread(incident: "Incident", seen: int | None, author: Any) -> None:
    """Somebody else's words that the author cannot have read come first. Raises ValidationError."""
    if seen is None:
        return
    newer = incident.updates.filter(number__gt=seen, kind=Kind.POST).exclude(author=author).last()
    if newer is not None:
        who = str(newer.author or "Monitoring")
        raise ValidationError(
            {"seen": f"{who} posted in the meantime: “{newer.body}” Read it, change your text if needed, "
                     "and publish again."}
        )  # fmt: skip


def checked_body(text: str) -> str:
    """The words of an update, with clean line ends. Raises ValidationError when there are none."""
    text = lines(text)
    if not text.strip():
        raise ValidationError({"body": "The update is empty: write what people notice."})
    return text


def checked_workaround(text: str | None) -> str | None:
    """What customers can do, as it may be kept; None stays None. Raises ValidationError."""
    if text is None:
        return None
    text = lines(text).strip()
    if len(text) > MAX_WORKAROUND_LENGTH:
        sentence = f"What customers can do is longer than {MAX_WORKAROUND_LENGTH} characters: shorten it."
        raise ValidationError({"workaround": sentence})
    return text


def checked_status(status: Status | str) -> Status:
    """The status of this name. Raises ValidationError."""
    try:
        return Status(status)
    except ValueError:
        known = ", ".join(Status)
        raise ValidationError({"status": f"“{status}” is not a status: use one of {known}."}) from None


def _phase(phase: Phase | str) -> Phase:
    try:
        return Phase(phase)
    except ValueError:
        known = ", ".join(Phase)
        raise ValidationError({"phase": f"“{phase}” is not a phase: use one of {known}."}) from None


def _promise(at: datetime | None, now: datetime) -> datetime | None:
    if at is not None and at <= now:
        raise ValidationError({"next_update_at": "The next update is promised for a time that has passed."})
    return at
