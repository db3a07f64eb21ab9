"""Maintenance as pages show it: its card, its updates, and every version of its plan."""

from datetime import date, datetime
from typing import TYPE_CHECKING, cast

from components import uptime
from components.models import Component
from incidents.generated_text import duration
from incidents.markdown import to_html
from incidents.models import Maintenance, MaintenanceState, MaintenanceUpdate
from statuspage.public.values.incidents import UpdateRow
from statuspage.public.values.maintenance import PlanVersion, WorkCard

if TYPE_CHECKING:
    from statuspage.public.world import World

MAX_PLANNED = 5  # on the front page: a daily series would fill it


def updates(maintenance: Maintenance) -> list[MaintenanceUpdate]:
    """Its updates, newest first, as gathered."""
    return cast("list[MaintenanceUpdate]", maintenance.all_updates)  # type: ignore[attr-defined]


def components(maintenance: Maintenance) -> list[Component]:
    """Its public components."""
    return [component for component in maintenance.components.all() if component.is_shown]


def active(world: "World") -> list[Maintenance]:
    """Maintenance under way, earliest start first."""
    return sorted(
        (maintenance for maintenance in world.maintenances if maintenance.is_active),
        key=lambda maintenance: maintenance.starts_at,
    )


def planned(world: "World") -> list[Maintenance]:
    """Planned maintenance, the next one first."""
    scheduled = (
        maintenance for maintenance in world.maintenances if maintenance.state == MaintenanceState.SCHEDULED
    )
    return sorted(scheduled, key=lambda maintenance: (maintenance.starts_at, maintenance.pk))


def past(world: "World") -> list[Maintenance]:
    """Maintenance that is over or cancelled, newest first."""
    current = (*active(world), *planned(world))
    return [maintenance for maintenance in world.maintenances if maintenance not in current]


def card(maintenance: Maintenance, at: datetime) -> WorkCard:
    """The card of planned work, judged at this moment."""
    end = maintenance.ended_at or at
    over = (end - maintenance.ends_at).total_seconds()
    is_overrunning = maintenance.is_active and over >= 0
    return WorkCard(
        public_id=maintenance.public_id,
        url=maintenance.get_absolute_url(),
        title=maintenance.title,
        state=maintenance.state,
        state_label=maintenance.get_state_display(),
        starts_at=maintenance.starts_at,
        ends_at=maintenance.ends_at,
        began_at=maintenance.began_at,
        ended_at=maintenance.ended_at,
        planned=duration(maintenance.length.total_seconds()),
        took=duration((end - maintenance.began_at).total_seconds()) if maintenance.began_at else "",
        components=tuple(component.name for component in components(maintenance)),
        updates=tuple(update_row(update) for update in updates(maintenance)),
        html=to_html(maintenance.body, maintenance.created_at),
        is_active=maintenance.is_active,
        is_planned=maintenance.state == MaintenanceState.SCHEDULED,
        is_overrunning=is_overrunning,
        overran_by=duration(over) if maintenance.began_at and over >= 60 else "",
        versions=_versions(maintenance),
        excused=maintenance.excused(),
    )


def update_row(update: MaintenanceUpdate) -> UpdateRow:
    """One update as shown."""
    return UpdateRow(
        anchor=f"u-{update.number}",
        phase=update.state,
        phase_label=update.get_state_display(),
        at=update.at,
        html=to_html(update.body, update.at),
        by_machine=update.is_by_machine,
    )


def _versions(maintenance: Maintenance) -> tuple[PlanVersion, ...]:
    """Every version of the plan; empty if it was only announced, and in time."""
    plans = maintenance.plans()
    versions = tuple(
        PlanVersion(
            word="Announced" if not place else "Cancelled" if plan.is_cancelled else "Changed",
            at=plan.at,
            starts_at=plan.starts_at,
            ends_at=plan.ends_at,
            is_cancelled=plan.is_cancelled,
            is_late=maintenance.began_at is not None and plan.at >= maintenance.began_at,
        )
        for place, plan in enumerate(plans)
    )
    return versions if len(versions) > 1 or any(version.is_late for version in versions) else ()


def works_of(world: "World", component: Component, at: datetime) -> list[WorkCard]:
    """The maintenance of one component: under way, planned, past."""
    ordered = (*active(world), *planned(world), *past(world))
    return [card(maintenance, at) for maintenance in ordered if component in maintenance.components.all()]


def days(maintenance: Maintenance, world: "World") -> list[date]:
    """The days of the page's zone that it has touched, or is planned to."""
    start = maintenance.began_at or maintenance.starts_at
    end = max(start, maintenance.ended_at or (world.now if maintenance.is_active else maintenance.ends_at))
    return list(uptime.days(start.astimezone(world.zone).date(), end.astimezone(world.zone).date()))
