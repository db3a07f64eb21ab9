"""Undoing an update: what the incident was before comes back, what happened meanwhile stays.

Probes go on checking while an update can be undone, and other people go on working. So a field
comes back only while it is what the update made of it, and what the probes saw in the meantime
is applied again, by the rules that hold once the update is gone.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from components.models import Component, Flip, Page
from components.status import Status
from incidents import automation
from incidents.automation.failures import Failed, last_known
from incidents.lifecycle import Kind
from incidents.models import Affected, Incident, Notice, Update, recovery
from incidents.models.before import fields, give_back, moment


class TooLateError(ValidationError):
    """What cannot be undone any more, with what to do instead."""


def undo(incident: Incident, update: Update, now: datetime) -> dict[str, str]:
    """Take an update back while nobody was notified; its text stays with staff. Raises TooLateError.

    Returns the fields of its form but for the text; empty for an update that no form sent.
    """
    with transaction.atomic():
        Page.objects.lock()
        incident.refresh_from_db()
        update.refresh_from_db()
        _refuse_undo(incident, update, now)
        before, changes = update.before or {}, update.changes
        if not Notice.objects.take_back(update):
            raise TooLateError("It is too late to undo: it is being sent. Edit it, or post a correction.")
        update.kind, update.undo_until, update.before = Kind.RETRACTED, None, None
        update.save(update_fields=["kind", "undo_until", "before"])
        _restore(incident, before, {public_id for public_id, *_ in changes}, now)
        Page.objects.bump_version(takes_away=True)
        incident.log("undone", by=update.author)
    typed: dict[str, str] = before.get("typed", {})
    return typed


def _refuse_undo(incident: Incident, update: Update, now: datetime) -> None:
    if update.kind == Kind.RETRACTED:
        raise TooLateError("This update was already undone.")
    if update.undo_until is None or now >= update.undo_until or update.before is None:
        raise TooLateError("It is too late to undo: it has been sent. Edit it, or post a correction.")
    if incident.updates.filter(number__gt=update.number, kind=Kind.POST).exists():
        raise TooLateError("Someone has posted since: edit your update instead.")
    if incident.deleted_at or incident.merged_into_id:
        raise TooLateError("It is too late to undo: the incident was deleted or merged since.")
    is_new = update.before["times"]["published_at"] is None and not incident.is_by_machine
    if is_new and incident.merged.exists():
        raise TooLateError("Another incident was merged into this one since: edit your update instead.")


def _restore(incident: Incident, before: dict[str, Any], turned: Collection[str], now: datetime) -> None:
    """Set it back to what it was. One that had never been published is off every page again.

    `turned`: the public ids of the components whose status the update changed.
    """
    made = before.get("made") or {**fields(incident), "worst": [], "hand": []}
    if incident.is_owned:  # else it was handed back meanwhile, which ends what was set by hand
        _restore_hands(dict(before["hand"]), dict(made["hand"]), now)
    _restore_facts(incident, before, made, now)
    is_open = incident.resolved_at is None and incident.deleted_at is None
    if is_open:
        _take_in(incident, [pk for pk, *_, is_auto_open in before["affected"] if is_auto_open], now)
        _take_in_young(incident, moment(before.get("at")) or now, now)
    _restore_rows(incident, before, dict(made["worst"]), turned, is_open=is_open)
    newest = _flips_since(incident, before)
    if is_open:
        _hear_again(incident, newest, {pk for pk, *_ in before["affected"]}, now)
    for component in Component.objects.filter(pk__in=newest, manual_status=""):
        component.judge_again(now)  # it may fail in no incident now


def _restore_facts(incident: Incident, before: dict[str, Any], made: dict[str, Any], now: datetime) -> None:
    countdown = incident.publish_at
    give_back(incident, before, made)
    if incident.publish_at is not None and countdown is None and "at" in before:
        # it stood still meanwhile: else it might run out in the moment of the undoing
        incident.publish_at += now - datetime.fromisoformat(before["at"])
    if incident.published_at is None and not incident.is_by_machine:
        incident.deleted_at = now
    if incident.is_owned:
        incident.settle_at = None
    elif incident.recovered_since is not None and incident.resolved_at is None and incident.settle_at is None:
        incident.settle_at = incident.next_update_at = now + recovery.settling()  # handed back meanwhile
    incident.save()
    incident.updates.filter(pk__in=before["drafts"]).update(kind=Kind.POST)


def _take_in(incident: Incident, held: Collection[int], now: datetime) -> None:
    """Merge in what was opened automatically meanwhile for its components (ids). Raises TooLateError."""
    others = Affected.objects.filter(component__in=held, is_auto_open=True).exclude(incident=incident)
    rows = {row.incident_id: row for row in others.select_related("incident", "component")}
    for row in rows.values():
        other = row.incident
        if other.is_owned or (other.published_at is not None and incident.published_at is None):
            raise TooLateError(
                f"It is too late to undo: {row.component} has failed again, and “{other}” was opened for "
                "it. Post there, or merge the two."
            )
        automation.merge(other, incident, now)


def _take_in_young(incident: Incident, since: datetime, now: datetime) -> None:
    """Likewise what would have joined it, had it been automatic meanwhile."""
    if incident.is_by_machine and not incident.is_owned:
        for other in automation.opened_beside(incident, since, now):
            automation.merge(other, incident, now)


def _restore_rows(
    incident: Incident,
    before: dict[str, Any],
    made_worst: dict[int, str],
    turned: Collection[str],
    *,
    is_open: bool,
) -> None:
    kept = {pk: row for pk, *row in before["affected"]}
    for row in incident.affected.select_related("component"):
        if row.component_id in kept:
            is_worse = row.worst_status != made_worst.get(row.component_id, row.worst_status)
            row.status, worst_status, was_held = kept[row.component_id]
            # worse than the update said: a probe saw it meanwhile
            row.worst_status = row.worst_status if is_worse else worst_status
            row.is_auto_open = row.is_auto_open or was_held
        elif row.component.public_id in turned and not row.is_auto_open:
            row.delete()  # it came with the update, not with a failure
            continue
        row.is_auto_open = row.is_auto_open and is_open
        row.save(update_fields=["status", "worst_status", "is_auto_open"])
    worsts = {pk: row[1] for pk, row in kept.items()}
    if worsts != dict(incident.affected.values_list("component_id", "worst_status")):
        incident.weigh()


def _flips_since(incident: Incident, before: dict[str, Any]) -> dict[int, Flip]:
    """The newest flip since then of each of its components, and of those whose status was set, by id."""
    ids = {*incident.affected.values_list("component_id", flat=True), *(pk for pk, _ in before["hand"])}
    flips = Flip.objects.filter(probe__component__in=ids).select_related("probe").order_by("pk")
    since = flips.filter(pk__gt=before["flip"]) if "flip" in before else flips.none()
    return {flip.probe.component_id: flip for flip in since}


def _hear_again(incident: Incident, newest: Mapping[int, Flip], kept: Collection[int], now: datetime) -> None:
    """Apply what the probes found meanwhile, which only staff have seen. `newest`: flips by component id."""
    rows = [row for row in incident.affected.select_related("component") if row.component_id in newest]
    for row in rows:
        component, flip = row.component, newest[row.component_id]
        status = Status(component.status)
        if incident.is_owned:
            row.set_status(status)  # the notes are there already
            incident.weigh()
        elif row.component_id in kept:
            if status != row.status:
                automation.hear(incident, row, flip, status, now)
        elif row.is_auto_open and status.is_trouble:
            automation.join(incident, Failed(component, flip, last_known(component)), now)
        recovery.watch(incident, flip.at, now)
    if rows:
        incident.save()


def _restore_hands(before: dict[int, str], made: dict[int, str], now: datetime) -> None:
    """The statuses that staff had set, where nobody has set another since; by component id."""
    for component in Component.objects.filter(pk__in=before):
        manual_status = before[component.pk]
        is_ours = component.manual_status == made.get(component.pk, component.manual_status)
        if is_ours and component.manual_status != manual_status:
            component.manual_status = manual_status
            component.save(update_fields=["manual_status"])
            component.refresh(now)
            component.judge_again(None if manual_status else now)
