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


def updates(one: Maintenance) -> list[MaintenanceUpdate]:
    """What was told, newest first, as gathered."""
    return cast("list[MaintenanceUpdate]", one.all_updates)  # type: ignore[attr-defined]


def components(one: Maintenance) -> list[Component]:
    """Its components that strangers may see."""
    return [component for component in one.components.all() if component.is_shown]


def active(world: "World") -> list[Maintenance]:
    """Under way, the longest first."""
    return sorted((one for one in world.maintenances if one.is_active), key=lambda one: one.starts_at)


def planned(world: "World") -> list[Maintenance]:
    """To come, the next one first."""
    found = (one for one in world.maintenances if one.state == MaintenanceState.SCHEDULED)
    return sorted(found, key=lambda one: (one.starts_at, one.pk))


def past(world: "World") -> list[Maintenance]:
    """Over or cancelled, the newest first."""
    known = (*active(world), *planned(world))
    return [one for one in world.maintenances if one not in known]


def card(one: Maintenance, at: datetime) -> WorkCard:
    """The card of planned work, judged at this moment."""
    end = one.ended_at or at
    over = (end - one.ends_at).total_seconds()
    is_overrunning = one.is_active and over >= 0
    return WorkCard(
        public_id=one.public_id,
        url=one.get_absolute_url(),
        title=one.title,
        state=one.state,
        state_label=one.get_state_display(),
        starts_at=one.starts_at,
        ends_at=one.ends_at,
        began_at=one.began_at,
        ended_at=one.ended_at,
        planned=duration(one.length.total_seconds()),
        took=duration((end - one.began_at).total_seconds()) if one.began_at else "",
        components=tuple(component.name for component in components(one)),
        updates=tuple(update_row(update) for update in updates(one)),
        html=to_html(one.body, one.created_at),
        is_active=one.is_active,
        is_planned=one.state == MaintenanceState.SCHEDULED,
        is_overrunning=is_overrunning,
        overran_by=duration(over) if one.began_at and over >= 60 else "",
        versions=_versions(one),
        excused=one.excused(),
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


def _versions(one: Maintenance) -> tuple[PlanVersion, ...]:
    """Every version, if there is more to tell than that it was announced in time."""
    plans = one.plans()
    found = tuple(
        PlanVersion(
            word="Announced" if not place else "Cancelled" if plan.is_cancelled else "Changed",
            at=plan.at,
            starts_at=plan.starts_at,
            ends_at=plan.ends_at,
            is_cancelled=plan.is_cancelled,
            is_late=one.began_at is not None and plan.at >= one.began_at,
        )
        for place, plan in enumerate(plans)
    )
    return found if len(found) > 1 or any(version.is_late for version in found) else ()


def works_of(world: "World", component: Component, at: datetime) -> list[WorkCard]:
    """The planned work of one component: under way, to come, past."""
    ordered = (*active(world), *planned(world), *past(world))
    return [card(one, at) for one in ordered if component in one.components.all()]


def days(one: Maintenance, world: "World") -> list[date]:
    """The days of the page's zone that it has touched, or is planned to."""
    start = one.began_at or one.starts_at
    end = max(start, one.ended_at or (world.now if one.is_active else one.ends_at))
    return list(uptime.days(start.astimezone(world.zone).date(), end.astimezone(world.zone).date()))
