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
    """This one turns out to be the other: its components move there, its address leads there.

    The other is no nearer to its end than both, and as public as either. Raises ValidationError.
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
        incident.merged.update(merged_into=other)  # what led here leads there
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
    """An outage that lasts is not put away in one that is over."""
    if other.pk == incident.pk or other.merged_into_id or other.deleted_at:
        raise ValidationError({"other": "Choose another incident that is not merged or deleted."})
    if other.resolved_at and incident.resolved_at is None:
        raise ValidationError(
            {"other": f"“{other.title}” is resolved: reopen it first, or merge it into this one."}
        )


def _move(incident: Incident, row: Affected, other: Incident) -> None:
    """A component goes along. What is over here says nothing of how it is there."""
    place = other.affected.filter(component=row.component).first()
    known = [Status(place.status)] if place else []
    said = known if incident.resolved_at else [*known, Status(row.status)]
    mine = other.touch(row.component, Status(row.worst_status), row.started_at or incident.started_at)
    mine.set_status(worst(said))
    if row.is_auto_open and other.resolved_at is None:
        other.affected.filter(pk=mine.pk).update(is_auto_open=True)
