"""An automatic incident that no probe checks any more: says so once, stops promising, asks staff.

Its probes were paused, deleted or pointed elsewhere, or its component was hidden or deleted.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from components.models import Page
from components.status import Status
from incidents import generated_text
from incidents.automation.updates import note_fact, say_step
from incidents.lifecycle import Kind, Phase
from incidents.models import Affected, Incident, recovery
from incidents.models.change import change_row
from incidents.steps import Step


def note_unwatched(incident: Incident, now: datetime) -> None:
    """Post once which components no probe checks any more; stop promising when that is all of them."""
    rows = incident.spoken_of()
    lost = _without_probe(incident, rows)
    is_told_of_hidden = incident.published_at is not None and not incident.concerns_public
    if not lost and rows and not is_told_of_hidden:
        return
    with transaction.atomic():
        Page.objects.lock()
        incident.refresh_from_db()
        if incident.is_owned or incident.resolved_at or incident.unwatched_at:
            return
        rest = [row for row in rows if row not in lost and Status(row.status) is not Status.OPERATIONAL]
        if rest and not is_told_of_hidden:
            _note_partly_unwatched(incident, lost, now)
        else:
            _say_unwatched(incident, lost, is_told_of_hidden, now)


def _note_partly_unwatched(incident: Incident, lost: Sequence[Affected], now: datetime) -> None:
    """Note once that some components are no longer checked; the incident goes on with the rest."""
    fresh = [row for row in lost if Status(row.status) is not Status.UNKNOWN]
    if not fresh:
        return
    overlooked = recovery.overlooked(incident, fresh)
    unchecked = [row for row in fresh if row not in overlooked]
    changes = _set_unknown(fresh)
    groups = ((unchecked, False), (overlooked, True))
    text = " ".join(
        generated_text.partly_unwatched([row.component.name for row in rows], is_checked=is_checked)
        for rows, is_checked in groups
        if rows
    )
    incident.write(Kind.FACT if incident.concerns_public else Kind.NOTE, text, now, changes=changes)


def _say_unwatched(incident: Incident, lost: Sequence[Affected], is_hidden: bool, now: datetime) -> None:
    names = [row.component.name for row in lost]
    is_checked = bool(lost) and len(recovery.overlooked(incident, lost)) == len(lost)
    changes = [] if is_hidden else _set_unknown(lost)
    incident.unwatched_at, incident.next_update_at = now, None
    recovery.fail_again(incident, now)
    text = generated_text.unwatched([] if is_hidden else names, is_checked=is_checked)
    if incident.concerns_public or incident.published_at is not None:
        say_step(incident, Step.UNWATCHED, text, Phase(incident.phase), now, changes=changes)
    else:
        incident.save()
        note_fact(incident, text, now, changes)
    incident.write(Kind.PROPOSAL, generated_text.unwatched_proposal(names, is_checked=is_checked), now)


def _without_probe(incident: Incident, rows: Sequence[Affected]) -> list[Affected]:
    """Rows that no probe checks, or none that saw the failure, except those staff set to operational."""
    checked_ids, overlooked = recovery.looked_at(rows), recovery.overlooked(incident, rows)
    unseen = [row for row in rows if row.component_id not in checked_ids or row in overlooked]
    return [row for row in unseen if not _is_said_to_work(row)]


def _is_said_to_work(row: Affected) -> bool:
    """Whether staff set it to operational: then no probe is needed."""
    return bool(row.component.manual_status) and row.component.manual_status == Status.OPERATIONAL


def _set_unknown(rows: Sequence[Affected]) -> list[list[str]]:
    """Set these rows to unknown. Returns the change rows."""
    changes = [change_row(row.component, Status(row.status), Status.UNKNOWN) for row in rows]
    for row in rows:
        row.set_status(Status.UNKNOWN)
    return changes
