"""The history page: three months as calendars, uptime by month, every incident."""

import calendar
from datetime import date, datetime, timedelta

from django.urls import reverse

from components.status import Status, worst
from incidents.models import Maintenance, MaintenanceState
from incidents.words import names
from statuspage import cards, days, page, works
from statuspage.gather import World
from statuspage.reading import Cell, HistoryPage, IncidentCard, Month, Uptime, UptimeRow

MONTHS = 3
FIRST_YEAR = 2000


def first_day(last: date) -> date:
    """The first of the month two before this one."""
    month = last.month - MONTHS + 1
    return date(last.year + (month - 1) // 12, (month - 1) % 12 + 1, 1)


def parse_month(text: str, today: date) -> date:
    """The first of the month "2026-11"; today's for none. Raises ValueError: no month, or not yet."""
    if not text:
        return today.replace(day=1)
    found = date.fromisoformat(f"{text}-01")
    if not date(FIRST_YEAR, 1, 1) <= found <= today:
        raise ValueError(text)
    return found


def history_page(world: World, last: date, at: datetime) -> HistoryPage:
    """The three months that end with `last`'s. The world must reach back to the first of them."""
    fresh = page.freshness(world, at)
    keys = [first_day(last)]
    while len(keys) < MONTHS:
        keys.append(_next_month(keys[-1]))
    shown = [cards.incident(incident, world, at) for incident in world.incidents]
    known = {one.pk: days.counted_by_day(world, one) for one in world.components}
    work = _work_by_day(world)
    months = tuple(_month(world, key, shown, known, work) for key in keys)
    later = _next_month(last)
    began = min((component.created_at for component in world.components), default=world.now)
    earlier = keys[0] - timedelta(days=1)
    return HistoryPage(
        head=page.head_of(world, fresh, section="history"),
        months=months,
        uptimes=tuple(_uptimes(world, keys, known)),
        period=f"{keys[0]:%b} – {keys[-1]:%b %Y}",
        earlier=f"{earlier:%Y-%m}" if began.date() <= earlier else "",
        later=f"{min(_add(later, 2), world.today.replace(day=1)):%Y-%m}" if later <= world.today else "",
        columns=tuple(_column(world, key) for key in keys),
    )


def _next_month(first: date) -> date:
    return (first.replace(day=1) + timedelta(days=32)).replace(day=1)


def _add(first: date, months: int) -> date:
    for _ in range(months):
        first = _next_month(first)
    return first


def _column(world: World, key: date) -> str:
    name = f"{key:%B}"
    return f"{name} so far" if key == world.today.replace(day=1) else name


Known = dict[int, days.Known]  # by component
Work = dict[date, list[Maintenance]]


def _work_by_day(world: World) -> Work:
    """Planned work by the days it touched, or is announced for."""
    found: Work = {}
    for one in world.maintenances:
        for on in works.days(one, world) if one.state != MaintenanceState.CANCELLED else ():
            found.setdefault(on, []).append(one)
    return found


def _month(world: World, key: date, shown: list[IncidentCard], known: Known, work: Work) -> Month:
    """The calendar of a month, and the incidents that began in it, newest first."""
    weeks = [
        tuple(_cell(world, key, on, shown, known, work=work.get(on, [])) for on in week)
        for week in calendar.Calendar().monthdatescalendar(key.year, key.month)
    ]
    began = [card for card in shown if _started(world, card).replace(day=1) == key]
    return Month(f"{key:%B %Y}", f"{key:%Y-%m}", tuple(weeks), tuple(began))


def _started(world: World, card: IncidentCard) -> date:
    return card.started_at.astimezone(world.zone).date()


def _cell(
    world: World,
    key: date,
    on: date,
    shown: list[IncidentCard],
    known: Known,
    *,
    work: list[Maintenance],
) -> Cell:
    if on.month != key.month:
        return Cell(None)
    ahead = [one.title for one in work if one.began_at is None]
    if on > world.today:
        label = f"{on.day} {on:%B}" + (f": planned maintenance, {names(ahead)}" if ahead else "")
        return Cell(on, label=label, is_planned=bool(ahead))
    status = _worst_of_day(world, on, shown, known, is_worked=len(work) > len(ahead))
    words = status.label.lower() if status else "no data"
    if status is Status.OPERATIONAL:
        words = "no incident"
    is_planned = bool(ahead) and status in (None, Status.OPERATIONAL)
    label = f"{on.day} {on:%B}: {words}" + (f", planned maintenance, {names(ahead)}" if ahead else "")
    return Cell(on, status, label, is_today=on == world.today, is_planned=is_planned)


def _worst_of_day(
    world: World, on: date, shown: list[IncidentCard], known: Known, *, is_worked: bool
) -> Status | None:
    """A day shows its worst state: of its incidents, which count on each day they touched, and of tallies."""
    found = [
        card.status
        for card in shown
        if _started(world, card) <= on <= (card.resolved_at or world.now).astimezone(world.zone).date()
    ]
    states = (days.state_of_day(by_day.get(on), is_worked=is_worked) for by_day in known.values())
    found += [state for state in states if state]
    return worst(found) if found else None


def _uptimes(world: World, keys: list[date], by_component: Known) -> list[UptimeRow]:
    rows = []
    for component in world.components:
        known = by_component[component.pk]
        figures = [_of_month(known, key) for key in keys]
        since = world.today - timedelta(days=89)
        recent = {on: counted for on, counted in known.items() if on >= since}
        figures.append(days.figure(recent, whole_days=90))
        url = reverse("component", args=[component.public_id])
        rows.append(UptimeRow(component.name, url, tuple(figures)))
    return rows


def _of_month(known: days.Known, key: date) -> Uptime:
    mine = {on: counted for on, counted in known.items() if on.replace(day=1) == key}
    length = calendar.monthrange(key.year, key.month)[1]
    return days.figure(mine, whole_days=length) if mine else Uptime("")
