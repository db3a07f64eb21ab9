"""Undoing an update: what the incident was before comes back, what happened meanwhile stays.

Probes go on checking while an update can be undone, and other people go on working. So a field
is restored only while it still has the update's value, and what the probes saw in the meantime
is applied again, by the rules that hold without the update.
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
    """Undo an update before anyone is notified; its text stays visible to staff. Raises TooLateError.

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


def _restore(incident: Incident, before: dict[str, Any], changed: Collection[str], now: datetime) -> None:
    """Restore the incident. One that was not public before is taken off every page again.

    `changed`: the public ids of the components whose status the update changed.
    """
    made = before.get("made") or {**fields(incident), "worst": [], "hand": []}
    if incident.is_owned:  # else it was handed back meanwhile, which clears statuses set by staff
        _restore_manual_statuses(dict(before["hand"]), dict(made["hand"]), now)
    _restore_facts(incident, before, made, now)
    is_open = incident.resolved_at is None and incident.deleted_at is None
    if is_open:
        _merge_opened_for(incident, [pk for pk, *_, is_auto_open in before["affected"] if is_auto_open], now)
        _merge_opened_beside(incident, moment(before.get("at")) or now, now)
    _restore_rows(incident, before, dict(made["worst"]), changed, is_open=is_open)
    newest = _flips_since(incident, before)
    if is_open:
        _apply_flips(incident, newest, {pk for pk, *_ in before["affected"]}, now)
    for component in Component.objects.filter(pk__in=newest, manual_status=""):
        component.judge_again(now)  # it may fail without an incident now


def _restore_facts(incident: Incident, before: dict[str, Any], made: dict[str, Any], now: datetime) -> None:
    countdown = incident.publish_at
    give_back(incident, before, made)
    if incident.publish_at is not None and countdown is None and "at" in before:
        # it was stopped meanwhile: else it might end right at the undo
        incident.publish_at += now - datetime.fromisoformat(before["at"])
    if incident.published_at is None and not incident.is_by_machine:
        incident.deleted_at = now
    if incident.is_owned:
        incident.settle_at = None
    elif incident.recovered_since is not None and incident.resolved_at is None and incident.settle_at is None:
        incident.settle_at = incident.next_update_at = now + recovery.settling()  # handed back meanwhile
    incident.save()
    incident.updates.filter(pk__in=before["drafts"]).update(kind=Kind.POST)


def _merge_opened_for(incident: Incident, component_ids: Collection[int], now: datetime) -> None:
    """Merge in incidents opened automatically meanwhile for these components. Raises TooLateError."""
    others = Affected.objects.filter(component__in=component_ids, is_auto_open=True)
    others = others.exclude(incident=incident)
    rows = {row.incident_id: row for row in others.select_related("incident", "component")}
    for row in rows.values():
        other = row.incident
        if other.is_owned or (other.published_at is not None and incident.published_at is None):
            raise TooLateError(
                f"It is too late to undo: {row.component} has failed again, and “{other}” was opened for "
                "it. Post there, or merge the two."
            )
        automation.merge(other, incident, now)


def _merge_opened_beside(incident: Incident, since: datetime, now: datetime) -> None:
    """Merge in incidents that would have joined it if it had been automatic meanwhile."""
    if incident.is_by_machine and not incident.is_owned:
        for other in automation.opened_beside(incident, since, now):
            automation.merge(other, incident, now)


def _restore_rows(
    incident: Incident,
    before: dict[str, Any],
    made_worst: dict[int, str],
    changed: Collection[str],
    *,
    is_open: bool,
) -> None:
    rows_before = {pk: row for pk, *row in before["affected"]}
    for row in incident.affected.select_related("component"):
        if row.component_id in rows_before:
            is_worse = row.worst_status != made_worst.get(row.component_id, row.worst_status)
            row.status, worst_status, was_auto_open = rows_before[row.component_id]
            # worse than after the update: a probe saw that meanwhile
            row.worst_status = row.worst_status if is_worse else worst_status
            row.is_auto_open = row.is_auto_open or was_auto_open
        elif row.component.public_id in changed and not row.is_auto_open:
            row.delete()  # it came with the update, not with a failure
            continue
        row.is_auto_open = row.is_auto_open and is_open
        row.save(update_fields=["status", "worst_status", "is_auto_open"])
    worsts = {pk: row[1] for pk, row in rows_before.items()}
    if worsts != dict(incident.affected.values_list("component_id", "worst_status")):
        incident.weigh()


def _flips_since(incident: Incident, before: dict[str, Any]) -> dict[int, Flip]:
    """The newest flip since the update, by component id; also of components whose status it set."""
    ids = {*incident.affected.values_list("component_id", flat=True), *(pk for pk, _ in before["hand"])}
    flips = Flip.objects.filter(probe__component__in=ids).select_related("probe").order_by("pk")
    since = flips.filter(pk__gt=before["flip"]) if "flip" in before else flips.none()
    return {flip.probe.component_id: flip for flip in since}


def _apply_flips(
    incident: Incident, newest: Mapping[int, Flip], ids_before: Collection[int], now: datetime
) -> None:
    """Apply what the probes found meanwhile, which only staff have seen.

    `newest`: flips by component id; `ids_before`: components affected before the update.
    """
    rows = [row for row in incident.affected.select_related("component") if row.component_id in newest]
    for row in rows:
        component, flip = row.component, newest[row.component_id]
        status = Status(component.status)
        if incident.is_owned:
            row.set_status(status)  # the notes are there already
            incident.weigh()
        elif row.component_id in ids_before:
            if status != row.status:
                automation.hear(incident, row, flip, status, now)
        elif row.is_auto_open and status.is_trouble:
            automation.join(incident, Failed(component, flip, last_known(component)), now)
        recovery.watch(incident, flip.at, now)
    if rows:
        incident.save()


def _restore_manual_statuses(before: dict[int, str], made: dict[int, str], now: datetime) -> None:
    """Restore statuses that staff had set, unless changed since. Both mappings are by component id."""
    for component in Component.objects.filter(pk__in=before):
        manual_status = before[component.pk]
        is_ours = component.manual_status == made.get(component.pk, component.manual_status)
        if is_ours and component.manual_status != manual_status:
            component.manual_status = manual_status
            component.save(update_fields=["manual_status"])
            component.refresh(now)
            component.judge_again(None if manual_status else now)
