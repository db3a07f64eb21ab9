"""Incidents and updates as JSON, shared by the API and webhooks (docs/compatibility.md, sections 1 and 3).

Statuspage has no word for unknown: such a component is sent as `degraded_performance`,
the nearest that is not green, with our own key `unknown: true` beside it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from components import identity
from components.models import Component, Group
from components.status import Status
from incidents.models import Incident, Maintenance, MaintenanceState, MaintenanceUpdate, Update

Body = dict[str, Any]
NO_NAMES: Mapping[str, str] = {}


def page(page_id: str, updated_at: datetime) -> Body:
    """The `page` object of every API document."""
    page_identity = identity.current()
    return {
        "id": page_id,
        "name": page_identity.name,
        "url": settings.PUBLIC_URL,
        "time_zone": "Etc/UTC" if page_identity.time_zone == "UTC" else page_identity.time_zone,
        "updated_at": moment(updated_at),
    }


def row(
    item: Component | Group,
    shown: Status,
    page_id: str,
    *,
    start_date: str | None = None,
    group_id: str | None = None,
) -> Body:
    """A component or group: the 13 keys of Statuspage, and `unknown` (ours) when its status is unknown."""
    body = {
        "id": item.public_id,
        "name": item.name,
        "status": spelled(shown),
        "created_at": moment(item.created_at),
        "updated_at": moment(item.updated_at),
        "position": item.position,
        "description": item.description or None,
        "showcase": isinstance(item, Component),
        "start_date": start_date,
        "group_id": group_id,
        "page_id": page_id,
        "group": False,
        "only_show_if_degraded": False,
    }
    return {**body, "unknown": True} if shown is Status.UNKNOWN else body


def full_names(of: Iterable[tuple[str, str, Group | None]]) -> dict[str, str]:
    """ "Group - Component" by id, for components in a group: how Statuspage writes them in an update."""
    return {code: f"{group.name} - {name}" for code, name, group in of if group is not None}


def update(
    entry: Update, incident: Incident, changes: Iterable[Sequence[str]], names: Mapping[str, str] = NO_NAMES
) -> Body:
    """One update. `affected_components` is null when none changed: clients expect that.

    `changes`: (component id, name, old, new) each. `names`: by id, where they differ from the stored ones.
    """
    changed = [_change(code, names.get(code, name), old, new) for code, name, old, new in changes]
    return {
        "id": entry.public_id,
        "status": entry.phase,
        "body": entry.body,
        "incident_id": incident.public_id,
        "created_at": moment(entry.created_at),
        "updated_at": moment(entry.edited_at or entry.created_at),
        "display_at": moment(entry.at),
        "affected_components": changed or None,
        "deliver_notifications": entry.notifies,
        "custom_tweet": None,
        "tweet_id": None,
    }


def length(incident: Incident) -> Body:
    """`ended_at` and `duration_s`, our own keys, for an incident that ended before it was resolved.

    `resolved_at` keeps Statuspage's meaning. Empty where the two moments are the same.
    """
    if incident.resolved_at is None or incident.ended_at in (None, incident.resolved_at):
        return {}
    lasted = incident.lasted(incident.resolved_at)
    return {
        "ended_at": moment(max(incident.ended_at, incident.started_at)),
        "duration_s": int(lasted.total_seconds()),
    }


def work_update(entry: MaintenanceUpdate, maintenance: Maintenance) -> Body:
    """One update. `affected_components` is null: probes report the components, not the plan."""
    return {
        "id": entry.public_id,
        "status": state(entry.state),
        "body": entry.body,
        "incident_id": maintenance.public_id,
        "created_at": moment(entry.at),
        "updated_at": moment(entry.at),
        "display_at": moment(entry.at),
        "affected_components": None,
        "deliver_notifications": entry.notifies,
        "custom_tweet": None,
        "tweet_id": None,
    }


def state(of_work: str) -> str:
    """A state that Statuspage's clients know: cancelled becomes completed."""
    if of_work == MaintenanceState.CANCELLED:
        return MaintenanceState.COMPLETED.value
    return MaintenanceState(of_work).value


def address(of: Any) -> str:
    """The full URL of its page."""
    return f"{settings.PUBLIC_URL}{of.get_absolute_url()}"


def spelled(shown: Status) -> str:
    """A status that Statuspage's clients know: unknown becomes degraded_performance."""
    return (Status.DEGRADED_PERFORMANCE if shown is Status.UNKNOWN else shown).value


def _change(code: str, name: str, old: str, new: str) -> Body:
    """A component's change, with `old_unknown` and `new_unknown` (ours) where a status is unknown."""
    unknown = {"old_unknown": old, "new_unknown": new}
    body = {"code": code, "name": name, "old_status": _spell(old), "new_status": _spell(new)}
    return body | {key: True for key, status in unknown.items() if status == Status.UNKNOWN}


def _spell(text: str) -> str:
    return spelled(Status(text))


def moment(at: datetime) -> str:
    """ISO 8601 with exactly three decimals; `Z` on a UTC page, else the page zone's offset."""
    page_identity = identity.current()
    if page_identity.is_utc:
        return f"{at.astimezone(UTC).isoformat(timespec='milliseconds')[:-6]}Z"
    return at.astimezone(page_identity.zone).isoformat(timespec="milliseconds")
