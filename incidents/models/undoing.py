"""What an incident was before an update, so that the update can be taken back whole."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.utils.dateparse import parse_datetime

from components.models import Component
from incidents.lifecycle import Kind

if TYPE_CHECKING:
    from incidents.models.record import Record

WORDS = ("title", "phase", "impact", "is_owned", "workaround")
TIMES = (
    "published_at", "publish_at", "monitoring_at", "resolved_at", "next_update_at", "settle_at", "well_since",
)  # fmt: skip


def remember(incident: "Record") -> dict[str, Any]:
    """The incident and its components as they are, fit for JSON."""
    times = {name: getattr(incident, name) for name in TIMES}
    rows = incident.affected.select_related("component")
    return {
        "words": {name: getattr(incident, name) for name in WORDS},
        "times": {name: at.isoformat() if at else None for name, at in times.items()},
        "affected": [[row.component_id, row.status, row.worst_status, row.is_held] for row in rows],
        "hand": [[row.component_id, row.component.hand_status] for row in rows],
        "drafts": _drafts(incident),
    }


def _drafts(incident: "Record") -> list[int]:
    """The machine's words in a suggestion, which the first word of a person turns into notes."""
    if incident.published_at is not None:
        return []
    drafts = incident.updates.filter(kind=Kind.POST, is_by_machine=True)
    return list(drafts.values_list("pk", flat=True))


def restore(incident: "Record", before: dict[str, Any], now: datetime) -> None:
    """Make it as it was. One that had never been published is off every page again."""
    for name, value in before["words"].items():
        setattr(incident, name, value)
    for name, value in before["times"].items():
        setattr(incident, name, parse_datetime(value) if value else None)
    if incident.published_at is None and not incident.is_by_machine:
        incident.deleted_at = now
    incident.save()
    incident.updates.filter(pk__in=before["drafts"]).update(kind=Kind.POST)
    kept = {row[0]: row[1:] for row in before["affected"]}
    hands = dict(before["hand"])
    for row in incident.affected.select_related("component"):
        _set_hand(row.component, hands.get(row.component_id, ""), now)
        if row.component_id not in kept:
            row.delete()
            continue
        row.status, row.worst_status, row.is_held = kept[row.component_id]
        row.save(update_fields=["status", "worst_status", "is_held"])


def _set_hand(component: Component, hand_status: str, now: datetime) -> None:
    if component.hand_status != hand_status:
        component.hand_status = hand_status
        component.save(update_fields=["hand_status"])
        component.refresh(now)
        component.judge_again(None if hand_status else now)
