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
        "incidents": [incident(one, world, fresh) for one in _newest(unresolved)],
        "scheduled_maintenances": [
            maintenance(one, world, fresh)
            for one in (*maintenance_cards.active(world), *maintenance_cards.planned(world))
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
        "incidents": [incident(one, world, fresh) for one in newest],
    }


def unresolved_only(world: World, at: datetime) -> Body:
    """`incidents/unresolved.json`: those that are open, newest first."""
    fresh = page_model.freshness(world, at)
    opened = [one for one in _newest(world.incidents) if one.resolved_at is None]
    return {"page": page_body(world), "incidents": [incident(one, world, fresh) for one in opened]}


def maintenances_only(world: World, at: datetime) -> Body:
    """`scheduled-maintenances.json`: the 50 newest, completed ones included."""
    newest = sorted(world.maintenances, key=lambda one: (one.created_at, one.pk), reverse=True)
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
        "scheduled_maintenances": [maintenance(one, world, fresh) for one in shown],
    }


def _newest(incidents: list[Incident]) -> list[Incident]:
    return sorted(incidents, key=lambda one: (one.told_from, one.pk), reverse=True)


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
    rows = [component(world, one, fresh) for one in world.components]
    for group in world.groups.values():
        members = [one for one in world.components if one.group_id == group.pk]
        if members:
            rows.append(_group(world, group, members, fresh))
    return sorted(rows, key=lambda row: (row["position"], not row["group"]))


def component(world: World, one: Component, fresh: Freshness) -> Body:
    """One component, with exactly the 13 keys of the newest captures, and ours when unknown."""
    group = world.groups.get(one.group_id) if one.group_id else None
    return api_shapes.row(
        one,
        page_model.shown_status(world, one, fresh),
        world.public_id,
        start_date=one.created_at.astimezone(world.zone).date().isoformat(),
        group_id=group.public_id if group else None,
    )


def _group(world: World, group: Group, members: list[Component], fresh: Freshness) -> Body:
    """A group is as well as its most degraded member."""
    row = api_shapes.row(
        group, worst(page_model.shown_status(world, one, fresh) for one in members), world.public_id
    )
    return {**row, "group": True, "components": [one.public_id for one in members]}


def incident(one: Incident, world: World, fresh: Freshness) -> Body:
    """An incident with its updates, newest first, and its components as they are now."""
    by_id = {component.pk: component for component in world.components}
    places = incident_cards.affected(one)
    names = api_shapes.full_names(
        (place.component.public_id, place.component.name, world.groups.get(place.component.group_id or 0))
        for place in places
    )
    body = {
        "id": one.public_id,
        "name": one.title,
        "status": one.phase,
        "created_at": moment(one.told_from),
        "updated_at": moment(one.updated_at),
        "monitoring_at": moment(one.monitoring_at) if one.monitoring_at else None,
        "resolved_at": moment(one.resolved_at) if one.resolved_at else None,
        "impact": one.shown_impact.value,
        "shortlink": f"{settings.PUBLIC_URL}/incidents/{one.public_id}",
        "started_at": moment(one.started_at),
        "page_id": world.public_id,
        "incident_updates": [
            update(told, one, names) for told in incident_cards.updates(one) if told.kind == Kind.POST
        ],
        "components": [
            component(world, by_id[place.component_id], fresh)
            for place in places
            if place.component_id in by_id
        ],
        "reminder_intervals": None,
    }
    body |= api_shapes.length(one)
    if one.shown_workaround:
        body["workaround"] = one.shown_workaround
    if address := incident_cards.postmortem_path(one):
        body["postmortem_url"] = f"{settings.PUBLIC_URL}{address}"
    return body


def maintenance(one: Maintenance, world: World, fresh: Freshness) -> Body:
    """Planned work: the keys of an incident of its time, and the two of its plan.

    Clients know no word for cancelled: such work is sent as completed, with our own key beside it.
    """
    mine = {component.pk for component in maintenance_cards.components(one)}
    told = maintenance_cards.updates(one)
    verified = [update.at for update in told if update.state == MaintenanceState.VERIFYING]
    is_cancelled = one.state == MaintenanceState.CANCELLED
    over_at = one.ended_at or (told[0].at if is_cancelled and told else None)
    body = {
        "id": one.public_id,
        "name": one.title,
        "status": api_shapes.state(one.state),
        "created_at": moment(one.created_at),
        "updated_at": moment(one.updated_at),
        "monitoring_at": moment(min(verified)) if verified else None,
        "resolved_at": moment(over_at) if over_at else None,
        "impact": "maintenance",
        "shortlink": f"{settings.PUBLIC_URL}/maintenance/{one.public_id}",
        "started_at": moment(one.created_at),
        "page_id": world.public_id,
        "incident_updates": [api_shapes.work_update(update, one) for update in told],
        "components": [component(world, row, fresh) for row in world.components if row.pk in mine],
        "scheduled_for": moment(one.starts_at),
        "scheduled_until": moment(one.ends_at),
    }
    return {**body, "cancelled": True} if is_cancelled else body


def update(told: Update, one: Incident, names: Mapping[str, str]) -> Body:
    """One update, with the changes strangers may see."""
    return api_shapes.update(told, one, incident_cards.changes(told, one), names)
