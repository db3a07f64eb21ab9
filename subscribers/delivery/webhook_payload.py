"""What a webhook carries: Statuspage's fields, and ours beside them (docs/compatibility.md, section 3).

No field names the type: the body has `incident` (incidents, maintenance and
postmortems) or `component_update` with `component`.
"""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

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
    one: Incident,
    told: Sequence[Update],
    components: Sequence[Component],
    shown: Collection[str],
    page_id: str,
    *,
    postmortem: Postmortem | None = None,
) -> Body:
    """An incident up to `told[0]`, updates newest first, and its components as they are now."""
    phase = told[0].phase if told else one.phase
    is_over = phase == Phase.RESOLVED
    names = api_shapes.full_names((place.public_id, place.name, place.group) for place in components)
    updates = [
        api_shapes.update(update, one, [change for change in update.changes if change[0] in shown], names)
        for update in told
    ]
    body = {
        "name": one.title,
        "status": "postmortem" if postmortem else phase,
        "created_at": moment(one.told_from),
        "updated_at": moment(one.updated_at),
        "monitoring_at": _moment(one.monitoring_at),
        "resolved_at": _moment(one.resolved_at if is_over else None),
        "started_at": moment(one.started_at),
        "impact": one.shown_impact.value,
        "shortlink": api_shapes.address(one),
        "postmortem_ignored": False,
        "postmortem_body": postmortem.summary if postmortem else None,
        "postmortem_body_last_updated_at": _moment(postmortem.saved_at) if postmortem else None,
        "postmortem_published_at": _moment(postmortem.published_at) if postmortem else None,
        "postmortem_notified_subscribers": postmortem is not None,
        "backfilled": one.is_backfilled,
        "impact_override": one.impact_override or None,
        **PLAN,
    }
    if is_over:
        body |= api_shapes.length(one)
    if postmortem:
        body["postmortem_url"] = api_shapes.address(postmortem)
    return {**body, **_ends(one.public_id, page_id, updates, components)}


def maintenance(
    one: Maintenance, told: Sequence[MaintenanceUpdate], components: Sequence[Component], page_id: str
) -> Body:
    """Planned work: the same fields, and its window."""
    state = told[0].state
    verified = [update.at for update in told if update.state == MaintenanceState.VERIFYING]
    over_at = told[0].at if state in (MaintenanceState.COMPLETED, MaintenanceState.CANCELLED) else None
    body = {
        "name": one.title,
        "status": api_shapes.state(state),
        "created_at": moment(one.created_at),
        "updated_at": moment(one.updated_at),
        "monitoring_at": _moment(min(verified, default=None)),
        "resolved_at": _moment(over_at),
        "started_at": moment(one.created_at),
        "impact": "maintenance",
        "shortlink": api_shapes.address(one),
        "postmortem_ignored": True,
        "postmortem_body": None,
        "postmortem_body_last_updated_at": None,
        "postmortem_published_at": None,
        "postmortem_notified_subscribers": False,
        "backfilled": False,
        "impact_override": None,
        **PLAN,
        "scheduled_for": moment(one.starts_at),
        "scheduled_until": moment(one.ends_at),
        "scheduled_remind_prior": bool(one.notice_h),
        "scheduled_reminded_at": _moment(one.reminded_at),
        "scheduled_auto_in_progress": one.starts_by_itself,
        "scheduled_auto_completed": one.ends_by_itself,
    }
    if state == MaintenanceState.CANCELLED:
        body["cancelled"] = True
    updates = [api_shapes.work_update(update, one) for update in told]
    return {**body, **_ends(one.public_id, page_id, updates, components)}


PLAN: Body = {
    "postmortem_notified_twitter": False,
    "scheduled_for": None,
    "scheduled_until": None,
    "scheduled_remind_prior": False,
    "scheduled_reminded_at": None,
    "scheduled_auto_in_progress": False,
    "scheduled_auto_completed": False,
}


def component_update(one: Component, notice: Notice, old: Status, new: Status, page_id: str) -> Body:
    """A component shows another status."""
    return {
        "component_update": {
            "old_status": api_shapes.spelled(old),
            "new_status": api_shapes.spelled(new),
            "created_at": moment(notice.created_at),
            "component_type": "Component",
            "id": notice.public_id,
            "component_id": one.public_id,
        },
        "component": _row(one, new, page_id),
    }


def page(page_id: str, indicator: str, description: str) -> Body:
    """The page, as every body tells it."""
    return {"id": page_id, "status_indicator": indicator, "status_description": description}


def compact(body: Body) -> str:
    """JSON as it is sent, in as few bytes as may be."""
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
    """What each shows: planned work under way covers what probes see, not what staff have set."""
    worked_on = set(Maintenance.objects.active().values_list("components", flat=True))
    found = []
    for one in components:
        is_covered = one.pk in worked_on and not one.is_set_to_trouble
        found.append((one, Status.UNDER_MAINTENANCE if is_covered else Status(one.status)))
    return found


def _row(one: Component, shown: Status, page_id: str) -> Body:
    group_id = one.group.public_id if one.group else None
    return api_shapes.row(
        one, shown, page_id, start_date=one.created_at.date().isoformat(), group_id=group_id
    )


def _moment(at: Any) -> str | None:
    return moment(at) if isinstance(at, datetime) else None
