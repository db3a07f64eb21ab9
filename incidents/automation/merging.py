"""Merges two incidents that turn out to be one."""

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from components.models import Page
from components.status import Status, worst
from incidents.automation.ending import catch_up
from incidents.automation.updates import publish
from incidents.lifecycle import Kind
from incidents.models import Affected, Incident


def merge(incident: Incident, other: Incident, now: datetime, *, author: Any = None) -> None:
    """Merge `incident` into `other`: its components move there, and its address redirects there.

    `other` stays open if either is, and public if either is. Raises ValidationError.
    """
    with transaction.atomic():
        Page.objects.lock()
        incident.refresh_from_db()
        other.refresh_from_db()
        incident.refuse_deleted()
        _refuse_other(incident, other)
        rows = list(incident.affected.select_related("component"))
        incident.affected.update(is_auto_open=False)
        for row in rows:
            _move(incident, row, other)
        other.started_at = min(other.started_at, incident.started_at)
        other.save()
        incident.merged.update(merged_into=other)  # earlier merges now lead to `other` as well
        incident.merged_into, incident.settle_at, incident.publish_at = other, None, None
        incident.resolved_at = incident.resolved_at or max(now, incident.started_at)
        incident.save()
        incident.write(Kind.NOTE, f"Merged into “{other.title}”.", now, author=author)
        incident.log("merged", into=other.public_id, by=author or "automation")
        other.write(Kind.NOTE, f"“{incident.title}” was merged into this one.", now, author=author)
        catch_up(other, now)
        if incident.published_at is not None and other.published_at is None:
            publish(other, now)
        is_public = incident.published_at is not None or other.published_at is not None
        Page.objects.bump_version(takes_away=True, is_public=is_public)


def _refuse_other(incident: Incident, other: Incident) -> None:
    """Refuse merging into itself, a merged or deleted incident, or an open one into a resolved one."""
    if other.pk == incident.pk or other.merged_into_id or other.deleted_at:
        raise ValidationError({"other": "Choose another incident that is not merged or deleted."})
    if other.resolved_at and incident.resolved_at is None:
        raise ValidationError(
            {"other": f"“{other.title}” is resolved: reopen it first, or merge it into this one."}
        )


def _move(incident: Incident, row: Affected, other: Incident) -> None:
    """Move a component's row to `other`. The status of a resolved incident's row is not taken along."""
    place = other.affected.filter(component=row.component).first()
    statuses_there = [Status(place.status)] if place else []
    statuses = statuses_there if incident.resolved_at else [*statuses_there, Status(row.status)]
    moved = other.touch(row.component, Status(row.worst_status), row.started_at or incident.started_at)
    moved.set_status(worst(statuses))
    if row.is_auto_open and other.resolved_at is None:
        other.affected.filter(pk=moved.pk).update(is_auto_open=True)
