"""Bodies of the public API v2, wire-compatible with Statuspage.

Shapes and rules are those of captured payloads; docs/api.md says what each field
may hold. Statuspage has no word for unknown: such a component is sent as
`degraded_performance` (the nearest that is not green) with our own key
`unknown: true` beside it.
"""

from collections.abc import Mapping
from datetime import datetime

from django.conf import settings

from components.models import Component, Group
from components.status import worst
from incidents import api_shapes
from incidents.api_shapes import Body, moment
from incidents.lifecycle import Kind
from incidents.models import Incident, Maintenance, MaintenanceState, Update
from statuspage.public import incident_cards, maintenance_cards, page_model
from statuspage.public.values.frame import Freshness, Head
from statuspage.public.world import World

NEWEST = 50


def summary(world: World, at: datetime) -> Body:
    """`summary.json`: components, unresolved incidents, maintenances, status."""
    fresh = page_model.freshness(world, at)
    unresolved = [incident for incident in world.incidents if incident.resolved_at is None]
    return {
        "page": page_body(world),
        "components": components(world, fresh),
        "incidents": [incident_body(incident, world, fresh) for incident in _newest(unresolved)],
        "scheduled_maintenances": [
            maintenance_body(maintenance, world, fresh)
            for maintenance in (*maintenance_cards.active(world), *maintenance_cards.planned(world))
        ],
        "status": status(page_model.head_of(world, fresh)),
    }


def status_only(world: World, at: datetime) -> Body:
    """`status.json`: the rollup."""
    fresh = page_model.freshness(world, at)
    return {"page": page_body(world), "status": status(page_model.head_of(world, fresh))}


def components_only(world: World, at: datetime) -> Body:
    """`components.json`: every row, groups included."""
    return {"page": page_body(world), "components": components(world, page_model.freshness(world, at))}


def incidents_only(world: World, at: datetime) -> Body:
    """`incidents.json`: the 50 newest, resolved ones included."""
    fresh = page_model.freshness(world, at)
    newest = _newest(world.incidents)[:NEWEST]
    return {
        "page": page_body(world),
        "incidents": [incident_body(incident, world, fresh) for incident in newest],
    }


def unresolved_only(world: World, at: datetime) -> Body:
    """`incidents/unresolved.json`: those that are open, newest first."""
    fresh = page_model.freshness(world, at)
    opened = [incident for incident in _newest(world.incidents) if incident.resolved_at is None]
    return {
        "page": page_body(world),
        "incidents": [incident_body(incident, world, fresh) for incident in opened],
    }


def maintenances_only(world: World, at: datetime) -> Body:
    """`scheduled-maintenances.json`: the 50 newest, completed ones included."""
    newest = sorted(
        world.maintenances, key=lambda maintenance: (maintenance.created_at, maintenance.pk), reverse=True
    )
    return _maintenances(world, newest[:NEWEST], at)


def upcoming_only(world: World, at: datetime) -> Body:
    """`scheduled-maintenances/upcoming.json`: not begun yet, the next one first."""
    return _maintenances(world, maintenance_cards.planned(world), at)


def active_only(world: World, at: datetime) -> Body:
    """`scheduled-maintenances/active.json`: under way."""
    return _maintenances(world, maintenance_cards.active(world), at)


def _maintenances(world: World, shown: list[Maintenance], at: datetime) -> Body:
    fresh = page_model.freshness(world, at)
    return {
        "page": page_body(world),
        "scheduled_maintenances": [maintenance_body(maintenance, world, fresh) for maintenance in shown],
    }


def _newest(incidents: list[Incident]) -> list[Incident]:
    return sorted(incidents, key=lambda incident: (incident.told_from, incident.pk), reverse=True)


def page_body(world: World) -> Body:
    """The page itself."""
    return api_shapes.page(world.public_id, world.updated_at)


def status(head: Head) -> Body:
    """The rollup of the page."""
    return {
        "indicator": head.state.indicator.value,
        "description": head.state.description,
    }


def components(world: World, fresh: Freshness) -> list[Body]:
    """All rows by position: groups, their children, and components without a group."""
    rows = [component_body(world, component, fresh) for component in world.components]
    for group in world.groups.values():
        members = [component for component in world.components if component.group_id == group.pk]
        if members:
            rows.append(_group(world, group, members, fresh))
    return sorted(rows, key=lambda row: (row["position"], not row["group"]))


def component_body(world: World, component: Component, fresh: Freshness) -> Body:
    """One component, with exactly the 13 keys of the newest captures, and `unknown` if it is unknown."""
    group = world.groups.get(component.group_id) if component.group_id else None
    return api_shapes.row(
        component,
        page_model.shown_status(world, component, fresh),
        world.public_id,
        start_date=component.created_at.astimezone(world.zone).date().isoformat(),
        group_id=group.public_id if group else None,
    )


def _group(world: World, group: Group, members: list[Component], fresh: Freshness) -> Body:
    """A group has the worst status of its members."""
    row = api_shapes.row(
        group, worst(page_model.shown_status(world, member, fresh) for member in members), world.public_id
    )
    return {**row, "group": True, "components": [member.public_id for member in members]}


def incident_body(incident: Incident, world: World, fresh: Freshness) -> Body:
    """An incident with its updates, newest first, and its components as they are now."""
    by_id = {component.pk: component for component in world.components}
    places = incident_cards.affected(incident)
    names = api_shapes.full_names(
        (place.component.public_id, place.component.name, world.groups.get(place.component.group_id or 0))
        for place in places
    )
    body = {
        "id": incident.public_id,
        "name": incident.title,
        "status": incident.phase,
        "created_at": moment(incident.told_from),
        "updated_at": moment(incident.updated_at),
        "monitoring_at": moment(incident.monitoring_at) if incident.monitoring_at else None,
        "resolved_at": moment(incident.resolved_at) if incident.resolved_at else None,
        "impact": incident.shown_impact.value,
        "shortlink": f"{settings.PUBLIC_URL}/incidents/{incident.public_id}",
        "started_at": moment(incident.started_at),
        "page_id": world.public_id,
        "incident_updates": [
            update_body(update, incident, names)
            for update in incident_cards.updates(incident)
            if update.kind == Kind.POST
        ],
        "components": [
            component_body(world, by_id[place.component_id], fresh)
            for place in places
            if place.component_id in by_id
        ],
        "reminder_intervals": None,
    }
    body |= api_shapes.length(incident)
    if incident.shown_workaround:
        body["workaround"] = incident.shown_workaround
    if address := incident_cards.postmortem_path(incident):
        body["postmortem_url"] = f"{settings.PUBLIC_URL}{address}"
    return body


def maintenance_body(maintenance: Maintenance, world: World, fresh: Freshness) -> Body:
    """A maintenance: the keys of an incident, and two for its planned time.

    Clients have no word for cancelled: it is sent as completed, with our own key `cancelled` beside it.
    """
    component_ids = {component.pk for component in maintenance_cards.components(maintenance)}
    updates = maintenance_cards.updates(maintenance)
    verified = [update.at for update in updates if update.state == MaintenanceState.VERIFYING]
    is_cancelled = maintenance.state == MaintenanceState.CANCELLED
    over_at = maintenance.ended_at or (updates[0].at if is_cancelled and updates else None)
    body = {
        "id": maintenance.public_id,
        "name": maintenance.title,
        "status": api_shapes.state(maintenance.state),
        "created_at": moment(maintenance.created_at),
        "updated_at": moment(maintenance.updated_at),
        "monitoring_at": moment(min(verified)) if verified else None,
        "resolved_at": moment(over_at) if over_at else None,
        "impact": "maintenance",
        "shortlink": f"{settings.PUBLIC_URL}/maintenance/{maintenance.public_id}",
        "started_at": moment(maintenance.created_at),
        "page_id": world.public_id,
        "incident_updates": [api_shapes.work_update(update, maintenance) for update in updates],
        "components": [
            component_body(world, row, fresh) for row in world.components if row.pk in component_ids
        ],
        "scheduled_for": moment(maintenance.starts_at),
        "scheduled_until": moment(maintenance.ends_at),
    }
    return {**body, "cancelled": True} if is_cancelled else body


def update_body(update: Update, incident: Incident, names: Mapping[str, str]) -> Body:
    """One update, with the changes of public components."""
    return api_shapes.update(update, incident, incident_cards.changes(update, incident), names)
