"""What an incident was before an update, stored with the update (`Update.before`) so that it can be undone.

`CHANGED_BY_POST` names every field of an incident that `post` can change. Storing and restoring both
read it; a test posts in all ways and fails for a field that is missing here.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import models
from django.utils.dateparse import parse_datetime

from components.models import Component, Flip
from incidents.lifecycle import Kind

if TYPE_CHECKING:
    from incidents.models.incident import Incident

# Restored only while the field still has the update's value: someone may have changed it since.
CHOSEN = (
    "title", "phase", "is_owned", "workaround",
    "published_at", "publish_at", "monitoring_at", "resolved_at", "next_update_at",
)  # fmt: skip
# Always restored: they follow from what probes see, and what probes saw meanwhile is applied again.
RECKONED = ("impact", "settle_at", "recovered_since", "well_s")
CHANGED_BY_POST = (*CHOSEN, *RECKONED)
RENAMED = {"well_since": "recovered_since"}  # in updates posted before the field had its present name


def remember(incident: "Incident", statuses: Iterable[Component], now: datetime) -> dict[str, Any]:
    """The incident, its components and those whose status is about to be set (`statuses`), fit for JSON."""
    rows: list[list[Any]] = [
        [row.component_id, row.status, row.worst_status, row.is_auto_open] for row in incident.affected.all()
    ]
    ids: set[int] = {row[0] for row in rows} | {component.pk for component in statuses}
    return {
        **fields(incident),
        "affected": rows,
        "hand": _manual_statuses(ids),
        "drafts": _drafts(incident),
        "at": now.isoformat(),
        "flip": Flip.objects.aggregate(last=models.Max("pk"))["last"] or 0,
    }


def conclude(
    incident: "Incident", before: Mapping[str, Any], typed: Mapping[str, str] | None
) -> dict[str, Any]:
    """`before`, with the values after the update ("made") and the form that its author sent ("typed")."""
    made = fields(incident)
    made["worst"] = [[row.component_id, row.worst_status] for row in incident.affected.all()]
    made["hand"] = _manual_statuses([pk for pk, _ in before["hand"]])
    chosen = {name: text for name, text in (typed or {}).items() if name != "body"}  # the update has it
    return {**before, "made": made, "typed": chosen}


def fields(incident: "Incident") -> dict[str, Any]:
    """The fields that a post can change: "times" as ISO 8601 or None, all others as "words"."""
    times = {name: getattr(incident, name) for name in CHANGED_BY_POST if _is_time(incident, name)}
    return {
        "words": {name: getattr(incident, name) for name in CHANGED_BY_POST if name not in times},
        "times": {name: at.isoformat() if at else None for name, at in times.items()},
    }


def give_back(incident: "Incident", before: Mapping[str, Any], made: Mapping[str, Any]) -> None:
    """Restore the fields to their values before the update. The caller saves."""
    for name, value in before["words"].items():
        if name == "well_s" and incident.well_s < made["words"][name]:
            continue  # it only grows, unless the start was corrected, which resets it
        if name in RECKONED or getattr(incident, name) == made["words"][name]:
            setattr(incident, name, value)
    for stored, value in before["times"].items():
        name = RENAMED.get(stored, stored)
        if name in RECKONED or getattr(incident, name) == moment(made["times"][stored]):
            setattr(incident, name, moment(value))


def moment(text: str | None) -> datetime | None:
    """The time in ISO 8601, or None."""
    return parse_datetime(text) if text else None


def _is_time(incident: "Incident", name: str) -> bool:
    return isinstance(type(incident)._meta.get_field(name), models.DateTimeField)  # noqa: SLF001


def _manual_statuses(ids: Collection[int]) -> list[list[Any]]:
    return [list(row) for row in Component.objects.filter(pk__in=ids).values_list("pk", "manual_status")]


def _drafts(incident: "Incident") -> list[int]:
    """Ids of the automatic updates in a suggestion, which a person's first post turns into notes."""
    if incident.published_at is not None:
        return []
    drafts = incident.updates.filter(kind=Kind.POST, is_by_machine=True)
    return list(drafts.values_list("pk", flat=True))
