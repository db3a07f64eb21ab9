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

    `title`: a new one; empty keeps the present one. `workaround`: what customers can do; empty removes
    it, None keeps it. `statuses`: of components now. `at` dates it back.
    `undo_s`: for how many seconds it can be undone; no one is notified before that.
    `seen`: the number of the newest update its author has read; a newer one by someone else refuses.
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
    """Does the work of `Incident.post`, in one transaction. Raises ValidationError."""
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
            # it may be healthy already, without a flip to come
            recovery.watch(incident, recovery.shown_since(incident, now), now)
        update = incident.say(sent.body, phase, now, author=author, changes=changes, at=sent.at)
        _keep(update, sent, before.conclude(incident, old, sent.typed) if old else None, now)
        incident.drafts.filter(author=author).delete()
        if words != (incident.title, incident.workaround):
            Page.objects.bump_version(takes_away=True)
    return update


def _set_fields(incident: "Incident", sent: Post, phase: Phase, now: datetime) -> None:
    """Set the incident's own fields; each must be listed in `before.CHANGED_BY_POST`."""
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
    """Set the statuses that staff chose; on resolving, let probes decide again. Returns the change rows."""
    judge_at = now + timedelta(seconds=sent.undo_s)  # not before the resolving can no longer be undone
    changes = []
    for component, value in (sent.statuses or {}).items():
        status = checked_status(value)
        row = incident.affected.filter(component=component).first()
        old = Status(row.status) if row else Status(component.status)
        incident.touch(component, status, now)
        component.say_by_hand(status, now)
        component.judge_again(judge_at)  # other incidents of this component are updated then
        if old is not status or row is None:
            changes.append(change_row(component, old, status))
    if phase is Phase.RESOLVED:
        incident.release_components(now, judge_at=judge_at)
        incident.affected.update(status=Status.OPERATIONAL)
    return changes


def _keep(update: "Update", sent: Post, old: dict[str, Any] | None, now: datetime) -> None:
    """Store until when the update can be undone, and to what (`old`); create its notice."""
    update.notifies = sent.notifies
    update.before = old
    update.undo_until = now + timedelta(seconds=sent.undo_s) if sent.undo_s else None
    update.save(update_fields=["notifies", "before", "undo_until"])
    if sent.notifies:
        Notice.objects.of_update(update, now)


def _refuse_unread(incident: "Incident", seen: int | None, author: Any) -> None:
    """Raises ValidationError if someone else posted after the update numbered `seen`."""
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
    """The text of an update, with clean line ends. Raises ValidationError if it is empty."""
    text = lines(text)
    if not text.strip():
        raise ValidationError({"body": "The update is empty: write what people notice."})
    return text


def checked_workaround(text: str | None) -> str | None:
    """The workaround, trimmed, with clean line ends; None stays None. Raises ValidationError."""
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
        allowed = ", ".join(Status)
        raise ValidationError({"status": f"“{status}” is not a status: use one of {allowed}."}) from None


def _phase(phase: Phase | str) -> Phase:
    try:
        return Phase(phase)
    except ValueError:
        allowed = ", ".join(Phase)
        raise ValidationError({"phase": f"“{phase}” is not a phase: use one of {allowed}."}) from None


def _promise(at: datetime | None, now: datetime) -> datetime | None:
    if at is not None and at <= now:
        raise ValidationError({"next_update_at": "The next update is promised for a time that has passed."})
    return at
