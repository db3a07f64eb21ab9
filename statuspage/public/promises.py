"""Promises in public: error budgets of this month, and the report of any month."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Q
from django.urls import reverse

from components import uptime
from components.models import Component
from components.promises import PACE_DAYS, Budget, average, budget, lost
from components.uptime import Seconds
from incidents.generated_text import duration, names
from incidents.models import Incident
from statuspage.public import days, figures, history, incident_cards, page_model
from statuspage.public.values.promises import (
    BudgetCell,
    Promise,
    ReportGroup,
    ReportIncident,
    ReportPage,
    ReportRow,
)
from statuspage.public.world import World, gather_world

Row = dict[str, Any]
FIELDS = (
    "month", "group", "component_id", "component", "uptime_percent", "outside_percent", "target_percent",
    "met", "known_s", "lost_s", "unknown_s", "incidents",
)  # fmt: skip


def is_any(world: World) -> bool:
    """Whether anything is promised in public."""
    targets = (component.uptime_target for component in world.components)
    return any(target is not None for target in (world.uptime_target, *targets))


def gather(now: datetime) -> World:
    """The world with the days of this month, and those that give the pace."""
    today = now.astimezone(page_model.zone()).date()
    since = min(today.replace(day=1), today - timedelta(days=PACE_DAYS - 1))
    return gather_world(now, since=since, incidents=Q(resolved_at=None))


def promises(world: World) -> tuple[Promise, ...]:
    """The page's promise first, then those of components, in the order of the page."""
    promised = []
    if world.uptime_target is not None and world.components:
        by_days = [days.counted_by_day(world, component) for component in world.components]
        promised.append(_promise(world, "Average of all components", "", world.uptime_target, by_days))
    for component in world.components:
        if component.uptime_target is not None:
            url = reverse("component", args=[component.public_id])
            by_day = days.counted_by_day(world, component)
            promised.append(_promise(world, component.name, url, component.uptime_target, [by_day]))
    return tuple(promised)


def _promise(world: World, name: str, url: str, target: float, by_days: list[days.Known]) -> Promise:
    first, pace_from = world.today.replace(day=1), world.today - timedelta(days=PACE_DAYS - 1)
    month = [_between(by_day, first, world.today) for by_day in by_days]
    recent = [_between(by_day, pace_from, world.today) for by_day in by_days]
    end, _ = uptime.day_bounds(history.months_before(world.today, -1), world.zone)
    cells = []
    for figure in ("raw", "outside"):
        counted = average([getattr(one, figure) for one in month])
        spent = budget(
            target,
            counted,
            remaining_s=(end - world.now).total_seconds(),
            recent=average([getattr(one, figure) for one in recent]),
        )
        cells.append(_cell(world, spent, counted))
    return Promise(name, url, percent_of(target), *cells)


def _between(by_day: days.Known, first: date, last: date) -> days.Counted:
    return days.added([counted for on, counted in by_day.items() if first <= on <= last])


def _cell(world: World, spent: Budget, counted: Seconds) -> BudgetCell:
    left, is_any = spent.left_s, spent.allowed_s > 0  # a target of 100 % allows nothing
    on = None
    if spent.used_up_in_s is not None:
        on = (world.now + timedelta(seconds=spent.used_up_in_s)).astimezone(world.zone).date()
    return BudgetCell(
        percent=uptime.percent(counted) or uptime.in_place(counted),
        allowed=duration(spent.allowed_s) if is_any else "",
        used=duration(spent.used_s),
        left=duration(left) if left >= 0 and is_any else "",
        over=duration(max(-left, 1)) if left < 0 else "",
        used_up_on=on,
    )


def percent_of(target: float | None) -> str:
    """ "99.9 %"; empty for None."""
    return "" if target is None else f"{_number(target)} %"


def _number(target: float) -> str:
    """As it was typed: 99.9996 rounded would promise more."""
    return repr(target).removesuffix(".0")


# The report of a month


def gather_report(now: datetime, month: date) -> World:
    """The world with the days of one month, and the incidents that began in it."""
    zone = page_model.zone()
    after = history.months_before(month, -1)
    start, end = uptime.day_bounds(month, zone)[0], uptime.day_bounds(after, zone)[0]
    return gather_world(
        now,
        since=month,
        incidents=Q(resolved_at=None) | Q(started_at__gte=start, started_at__lt=end),
        days=Q(day__gte=month, day__lt=after),
    )


def report_page(world: World, month: date, year: list[Incident], at: datetime) -> ReportPage:
    """One month by group, and the incidents that began in it."""
    measured = figures.measure(map(figures.announced_after, year))
    is_current = month == world.today.replace(day=1)
    earlier, later = history.months_before(month, 1), history.months_before(month, -1)
    return ReportPage(
        head=page_model.head_of(world, page_model.freshness(world, at), section="history"),
        month=f"{month:%B %Y}{' so far' if is_current else ''}",
        groups=tuple(_groups(world, month)),
        average=_average(world, month),
        incidents=tuple(_incident(world, incident) for incident in began_in(world, month)),
        first_word=measured.median or measured.mean,
        first_word_basis=measured.basis,
        csv_url=reverse("report_csv", args=[f"{month:%Y-%m}"]),
        earlier=reverse("report", args=[f"{earlier:%Y-%m}"]) if days.watched_since(world) < month else "",
        later="" if is_current else reverse("report", args=[f"{later:%Y-%m}"]),
    )


def csv_rows(world: World, month: date) -> list[Row]:
    """A row for each component, in the order of the page."""
    rows, incidents = [], _incidents_by_component(world, month)
    for component in world.components:
        counted = _of_month(world, component, month)
        values = [uptime.hundredths(seconds) for seconds in (counted.raw, counted.outside)]
        group = world.groups.get(component.group_id) if component.group_id else None
        is_kept = kept(component.uptime_target, counted.outside)
        rows.append(
            {
                "month": f"{month:%Y-%m}",
                "group": group.name if group else None,
                "component_id": component.public_id,
                "component": component.name,
                "uptime_percent": None if values[0] is None else values[0] / 100,
                "outside_percent": None if values[1] is None else values[1] / 100,
                "target_percent": None if (target := component.uptime_target) is None else _number(target),
                "met": None if is_kept is None else "yes" if is_kept else "no",
                "known_s": uptime.number(counted.raw.known),
                "lost_s": uptime.number(lost(counted.raw)),
                "unknown_s": uptime.number(counted.raw.unknown),
                "incidents": incidents[component.pk],
            }
        )
    return rows


def kept(target: float | None, outside: Seconds) -> bool | None:
    """Whether a promise was met, outside of announced maintenance, by the uncut figure.

    None if nothing is promised, or nothing is known.
    """
    if target is None or not outside.known:
        return None
    return budget(target, outside, remaining_s=0, recent=Seconds()).left_s >= 0


def _groups(world: World, month: date) -> Iterable[ReportGroup]:
    rows: dict[int | None, list[ReportRow]] = {}
    incidents = _incidents_by_component(world, month)
    for component in world.components:
        rows.setdefault(component.group_id, []).append(_row(world, month, component, incidents[component.pk]))
    for group_id, of_group in rows.items():
        yield ReportGroup(world.groups[group_id].name if group_id else "", tuple(of_group))


def _row(world: World, month: date, component: Component, incidents: int) -> ReportRow:
    counted = _of_month(world, component, month)
    return ReportRow(
        component.name,
        reverse("component", args=[component.public_id]),
        days.figure({month: counted}, whole_days=1),
        percent_of(component.uptime_target),
        kept(component.uptime_target, counted.outside),
        incidents,
    )


def _average(world: World, month: date) -> ReportRow:
    target = world.uptime_target
    counted = [_of_month(world, component, month) for component in world.components]
    whole, outside = average([one.raw for one in counted]), average([one.outside for one in counted])
    figure = replace(
        days.figure({month: days.Counted(whole)}, whole_days=1),
        outside=uptime.percent(outside),
        outside_instead=uptime.in_place(outside),
    )
    incidents = len(began_in(world, month))
    return ReportRow(
        "Average of all components", "", figure, percent_of(target), kept(target, outside), incidents
    )


def _of_month(world: World, component: Component, month: date) -> days.Counted:
    last = history.months_before(month, -1) - timedelta(days=1)
    return _between(days.counted_by_day(world, component), month, last)


def began_in(world: World, month: date) -> list[Incident]:
    """The incidents of a report, in its order."""
    return [
        incident
        for incident in world.incidents
        if incident.started_at.astimezone(world.zone).date().replace(day=1) == month
    ]


def _incidents_by_component(world: World, month: date) -> Counter[int]:
    return Counter(
        place.component_id
        for incident in began_in(world, month)
        for place in incident_cards.affected(incident)
    )


def _incident(world: World, incident: Incident) -> ReportIncident:
    places = incident_cards.affected(incident)
    return ReportIncident(
        incident.title,
        incident.get_absolute_url(),
        incident.past_state(places).status,
        incident.started_at,
        duration(incident.lasted(world.now).total_seconds()),
        names([place.component.name for place in places]),
    )
