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
    """The page itself, as every document of the API tells it."""
    here = identity.current()
    return {
        "id": page_id,
        "name": here.name,
        "url": settings.PUBLIC_URL,
        "time_zone": "Etc/UTC" if here.time_zone == "UTC" else here.time_zone,
        "updated_at": moment(updated_at),
    }


def row(
    one: Component | Group,
    shown: Status,
    page_id: str,
    *,
    start_date: str | None = None,
    group_id: str | None = None,
) -> Body:
    """A component or group, with exactly the 13 keys of the newest captures, and ours when unknown."""
    body = {
        "id": one.public_id,
        "name": one.name,
        "status": spelled(shown),
        "created_at": moment(one.created_at),
        "updated_at": moment(one.updated_at),
        "position": one.position,
        "description": one.description or None,
        "showcase": isinstance(one, Component),
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
    told: Update, one: Incident, changes: Iterable[Sequence[str]], names: Mapping[str, str] = NO_NAMES
) -> Body:
    """One update. `affected_components` is null when none changed: clients expect that.

    `names`: by id, where they are others than those written down then.
    """
    changed = [_change(code, names.get(code, name), old, new) for code, name, old, new in changes]
    return {
        "id": told.public_id,
        "status": told.phase,
        "body": told.body,
        "incident_id": one.public_id,
        "created_at": moment(told.created_at),
        "updated_at": moment(told.edited_at or told.created_at),
        "display_at": moment(told.at),
        "affected_components": changed or None,
        "deliver_notifications": told.notifies,
        "custom_tweet": None,
        "tweet_id": None,
    }


def length(one: Incident) -> Body:
    """Our own keys of an incident that had ended before it was declared over: when, and after how long.

    `resolved_at` keeps Statuspage's meaning; where the two are one moment it says all there is to say.
    """
    if one.resolved_at is None or one.ended_at in (None, one.resolved_at):
        return {}
    lasted = one.lasted(one.resolved_at)
    return {"ended_at": moment(max(one.ended_at, one.started_at)), "duration_s": int(lasted.total_seconds())}


def work_update(told: MaintenanceUpdate, one: Maintenance) -> Body:
    """One update. What the components did meanwhile is told by their probes, not by the plan: null."""
    return {
        "id": told.public_id,
        "status": state(told.state),
        "body": told.body,
        "incident_id": one.public_id,
        "created_at": moment(told.at),
        "updated_at": moment(told.at),
        "display_at": moment(told.at),
        "affected_components": None,
        "deliver_notifications": told.notifies,
        "custom_tweet": None,
        "tweet_id": None,
    }


def state(of_work: str) -> str:
    """A state in the closed set clients know: they have no word for cancelled."""
    if of_work == MaintenanceState.CANCELLED:
        return MaintenanceState.COMPLETED.value
    return MaintenanceState(of_work).value


def address(of: Any) -> str:
    """Where it is read: the whole address."""
    return f"{settings.PUBLIC_URL}{of.get_absolute_url()}"


def spelled(shown: Status) -> str:
    """A status in the closed set clients know."""
    return (Status.DEGRADED_PERFORMANCE if shown is Status.UNKNOWN else shown).value


def _change(code: str, name: str, old: str, new: str) -> Body:
    """A component's change, with our own keys where we did not, or do not, know its state."""
    unknown = {"old_unknown": old, "new_unknown": new}
    told = {"code": code, "name": name, "old_status": _spell(old), "new_status": _spell(new)}
    return told | {key: True for key, status in unknown.items() if status == Status.UNKNOWN}


def _spell(text: str) -> str:
    return spelled(Status(text))


def moment(at: datetime) -> str:
    """ISO 8601 with exactly three decimals; `Z` on a UTC page, else the page zone's offset."""
    here = identity.current()
    if here.is_utc:
        return f"{at.astimezone(UTC).isoformat(timespec='milliseconds')[:-6]}Z"
    return at.astimezone(here.zone).isoformat(timespec="milliseconds")
