"""The body of a webhook: Statuspage's fields, and our own (docs/compatibility.md, section 3).

No field names the type: the body has `incident` (incidents, maintenance and
postmortems) or `component_update` with `component`.
"""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from components import identity
from components.models import Component
from components.status import Status
from incidents import api_shapes
from incidents.api_shapes import Body, moment
from incidents.lifecycle import Phase
from incidents.models import (
    Incident,
    Maintenance,
    MaintenanceState,
    MaintenanceUpdate,
    Notice,
    Postmortem,
    Update,
)


def incident(
    row: Incident,
    updates: Sequence[Update],
    components: Sequence[Component],
    shown: Collection[str],
    page_id: str,
    *,
    postmortem: Postmortem | None = None,
) -> Body:
    """An incident up to `updates[0]` (newest first), and its components as they are now."""
    phase = updates[0].phase if updates else row.phase
    is_over = phase == Phase.RESOLVED
    names = api_shapes.full_names((place.public_id, place.name, place.group) for place in components)
    bodies = [
        api_shapes.update(update, row, [change for change in update.changes if change[0] in shown], names)
        for update in updates
    ]
    body = {
        "name": row.title,
        "status": "postmortem" if postmortem else phase,
        "created_at": moment(row.told_from),
        "updated_at": moment(row.updated_at),
        "monitoring_at": _moment(row.monitoring_at),
        "resolved_at": _moment(row.resolved_at if is_over else None),
        "started_at": moment(row.started_at),
        "impact": row.shown_impact.value,
        "shortlink": api_shapes.address(row),
        "postmortem_ignored": False,
        "postmortem_body": postmortem.summary if postmortem else None,
        "postmortem_body_last_updated_at": _moment(postmortem.saved_at) if postmortem else None,
        "postmortem_published_at": _moment(postmortem.published_at) if postmortem else None,
        "postmortem_notified_subscribers": postmortem is not None,
        "backfilled": row.is_backfilled,
        "impact_override": row.impact_override or None,
        **PLAN,
    }
    if is_over:
        body |= api_shapes.length(row)
    if postmortem:
        body["postmortem_url"] = api_shapes.address(postmortem)
    return {**body, **_ends(row.public_id, page_id, bodies, components)}


def maintenance(
    work: Maintenance, updates: Sequence[MaintenanceUpdate], components: Sequence[Component], page_id: str
) -> Body:
    """A maintenance: the fields of an incident, and its window."""
    state = updates[0].state
    verified = [update.at for update in updates if update.state == MaintenanceState.VERIFYING]
    over_at = updates[0].at if state in (MaintenanceState.COMPLETED, MaintenanceState.CANCELLED) else None
    body = {
        "name": work.title,
        "status": api_shapes.state(state),
        "created_at": moment(work.created_at),
        "updated_at": moment(work.updated_at),
        "monitoring_at": _moment(min(verified, default=None)),
        "resolved_at": _moment(over_at),
        "started_at": moment(work.created_at),
        "impact": "maintenance",
        "shortlink": api_shapes.address(work),
        "postmortem_ignored": True,
        "postmortem_body": None,
        "postmortem_body_last_updated_at": None,
        "postmortem_published_at": None,
        "postmortem_notified_subscribers": False,
        "backfilled": False,
        "impact_override": None,
        **PLAN,
        "scheduled_for": moment(work.starts_at),
        "scheduled_until": moment(work.ends_at),
        "scheduled_remind_prior": bool(work.notice_h),
        "scheduled_reminded_at": _moment(work.reminded_at),
        "scheduled_auto_in_progress": work.starts_by_itself,
        "scheduled_auto_completed": work.ends_by_itself,
    }
    if state == MaintenanceState.CANCELLED:
        body["cancelled"] = True
    bodies = [api_shapes.work_update(update, work) for update in updates]
    return {**body, **_ends(work.public_id, page_id, bodies, components)}


PLAN: Body = {
    "postmortem_notified_twitter": False,
    "scheduled_for": None,
    "scheduled_until": None,
    "scheduled_remind_prior": False,
    "scheduled_reminded_at": None,
    "scheduled_auto_in_progress": False,
    "scheduled_auto_completed": False,
}


def component_update(component: Component, notice: Notice, old: Status, new: Status, page_id: str) -> Body:
    """A component's change of status."""
    return {
        "component_update": {
            "old_status": api_shapes.spelled(old),
            "new_status": api_shapes.spelled(new),
            "created_at": moment(notice.created_at),
            "component_type": "Component",
            "id": notice.public_id,
            "component_id": component.public_id,
        },
        "component": _row(component, new, page_id),
    }


def page(page_id: str, indicator: str, description: str) -> Body:
    """The `page` object of every body."""
    return {"id": page_id, "status_indicator": indicator, "status_description": description}


def compact(body: Body) -> str:
    """JSON as it is sent, without spaces."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _ends(public_id: str, page_id: str, updates: list[Body], components: Sequence[Component]) -> Body:
    wide = [{**update, "wants_twitter_update": False, "twitter_updated_at": None} for update in updates]
    return {
        "id": public_id,
        "page_id": page_id,
        "incident_updates": wide,
        "components": [_row(component, status, page_id) for component, status in _as_shown(components)],
    }


def _as_shown(components: Sequence[Component]) -> list[tuple[Component, Status]]:
    """Each with its status on the page: maintenance hides what probes see, not a problem that staff set."""
    worked_on = set(Maintenance.objects.active().values_list("components", flat=True))
    statuses = []
    for component in components:
        is_covered = component.pk in worked_on and not component.is_set_to_trouble
        statuses.append((component, Status.UNDER_MAINTENANCE if is_covered else Status(component.status)))
    return statuses


def _row(component: Component, shown: Status, page_id: str) -> Body:
    group_id = component.group.public_id if component.group else None
    return api_shapes.row(
        component,
        shown,
        page_id,
        start_date=identity.day_of(component.created_at).isoformat(),
        group_id=group_id,
    )


def _moment(at: Any) -> str | None:
    return moment(at) if isinstance(at, datetime) else None
