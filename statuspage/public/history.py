"""The history page: three months as calendars, uptime by month, every incident."""

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from django.db.models import Min, Q
from django.urls import reverse

from components import uptime
from components.models import Component, DayTally
from components.status import SEVERITY, Status, worst
from incidents.generated_text import names
from incidents.models import Incident, Maintenance, MaintenanceState
from statuspage.public import days, incident_cards, maintenance_cards, page_model
from statuspage.public.values.components import Uptime
from statuspage.public.values.history import Cell, Choice, HistoryPage, Listed, Month, UptimeRow
from statuspage.public.values.incidents import IncidentCard
from statuspage.public.world import World, gather_world

MONTHS = 3
FIRST_YEAR = 2000
MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")


def first_day(last: date) -> date:
    """The first of the month two before this one."""
    return months_before(last, MONTHS - 1)


def months_before(last: date, count: int) -> date:
    """The first of the month this many before."""
    month = last.month - count - 1
    return date(last.year + month // 12, month % 12 + 1, 1)


def parse_month(text: str, today: date) -> date:
    """The first of the month "2026-11"; today's for none. Raises ValueError: no month, or in the future."""
    if not text:
        return today.replace(day=1)
    if not MONTH.fullmatch(text):
        raise ValueError(text)
    month = date.fromisoformat(f"{text}-01")
    if not date(FIRST_YEAR, 1, 1) <= month <= today:
        raise ValueError(text)
    return month


def asked_month(text: str, now: datetime) -> date:
    """The first of the month in an address. Raises ValueError: no month, or one without anything.

    Months without data have no page, as strangers could otherwise make us render and keep hundreds.
    """
    zone = page_model.zone()
    last = parse_month(text, now.astimezone(zone).date())
    if text and last < _first_month(zone):
        raise ValueError(text)
    return last


def _first_month(zone: tzinfo) -> date:
    """The month of the first component, incident or tallied day, whichever is oldest."""
    begun = (
        Component.objects.aggregate(at=Min("created_at"))["at"],
        Incident.objects.public().aggregate(at=Min("started_at"))["at"],
    )
    months = [at.astimezone(zone).date() for at in begun if at]
    day = DayTally.objects.aggregate(day=Min("day"))["day"]
    return min([*months, *([day] if day else [])], default=date.max).replace(day=1)


def gather(now: datetime, last: date, public_id: str = "") -> World:
    """The world for the three months up to that of `last`, with the last 90 days and no others."""
    zone = page_model.zone()
    today = now.astimezone(zone).date()
    first, after = first_day(last), months_before(last, -1)
    recent = today - timedelta(days=89)
    start, end = uptime.day_bounds(first, zone)[0], uptime.day_bounds(after, zone)[0]
    touching = Q(resolved_at__gte=start, started_at__lt=end)
    if public_id:
        rows = Incident.objects.filter(affected__component__public_id=public_id).values("pk")
        touching &= Q(pk__in=rows)
    return gather_world(
        now,
        since=min(first, recent),
        only=public_id or None,
        incidents=Q(resolved_at=None) | touching,
        days=Q(day__gte=first, day__lt=after) | Q(day__gte=recent),
    )


def history_page(world: World, last: date, at: datetime, component: Component | None = None) -> HistoryPage:
    """The three months up to that of `last`, of one component or of all."""
    fresh = page_model.freshness(world, at)
    keys = [months_before(last, back) for back in range(MONTHS - 1, -1, -1)]
    own = [incident for incident in world.incidents if component is None or _concerns(incident, component)]
    shown = [incident_cards.incident(incident, world, at) for incident in own]
    components = [component] if component else world.components
    counted = {each.pk: days.counted_by_day(world, each) for each in components}
    sight = Sight(world, shown, counted, component, keys[0], _work_by_day(world, component))
    months = tuple(_month(sight, key) for key in keys)
    this_month = world.today.replace(day=1)
    earlier = keys[0] - timedelta(days=1)
    return HistoryPage(
        head=page_model.head_of(world, fresh, section="history"),
        months=months,
        uptimes=tuple(_uptimes(world, keys, components, counted)),
        period=period_of(keys[0], keys[-1]),
        earlier=_address(earlier, component) if days.watched_since(world) <= earlier else "",
        later=_address(min(months_before(last, -MONTHS), this_month), component) if last < this_month else "",
        columns=tuple(_column(world, key) for key in keys),
        choices=tuple(_choices(world, last, component)),
        chosen=component.name if component else "",
        count=sum(len(month.incidents) for month in months),
        figures_url=reverse("figures_month", args=[f"{last:%Y-%m}"]),
    )


def period_of(first: date, last: date) -> str:
    """ "Sep – Nov 2026", "Dec 2025 – Feb 2026"."""
    year = "" if first.year == last.year else f" {first.year}"
    return f"{first:%b}{year} – {last:%b %Y}"


def _concerns(incident: Incident, component: Component) -> bool:
    return any(place.component_id == component.pk for place in incident_cards.affected(incident))


def _address(last: date, component: Component | None) -> str:
    if component is None:
        return reverse("history_month", args=[f"{last:%Y-%m}"])
    return reverse("history_month_component", args=[f"{last:%Y-%m}", component.public_id])


def _choices(world: World, last: date, component: Component | None) -> list[Choice]:
    """All components, then each: the same months, or simply the newest."""
    is_newest = last == world.today.replace(day=1)
    whole = reverse("history") if is_newest else _address(last, None)
    choices = [Choice("All components", whole, is_chosen=component is None)]
    for each in world.components:
        newest = reverse("history_component", args=[each.public_id])
        url = newest if is_newest else _address(last, each)
        choices.append(Choice(each.name, url, is_chosen=component is not None and component.pk == each.pk))
    return choices


def _column(world: World, key: date) -> str:
    name = f"{key:%B}"
    return f"{name} so far" if key == world.today.replace(day=1) else name


Known = dict[int, days.Known]  # by component
Work = dict[date, list[Maintenance]]


def _work_by_day(world: World, component: Component | None) -> Work:
    """Maintenance by the days it touched or is planned for."""
    by_day: Work = {}
    for maintenance in world.maintenances:
        if maintenance.state == MaintenanceState.CANCELLED or (
            component and component not in maintenance.components.all()
        ):
            continue
        for on in maintenance_cards.days(maintenance, world):
            by_day.setdefault(on, []).append(maintenance)
    return by_day


@dataclass(frozen=True, slots=True)
class Sight:
    """The data of the calendars. `first` is the first day of the first one."""

    world: World
    shown: list[IncidentCard]  # newest first
    by_component: Known
    component: Component | None
    first: date
    work: Work

    def began(self, card: IncidentCard) -> date:
        """The day it began, in the page's zone."""
        return card.started_at.astimezone(self.world.zone).date()

    def ended(self, card: IncidentCard) -> date:
        """The day it ended, or today."""
        return (card.ended_at or self.world.now).astimezone(self.world.zone).date()


def _month(sight: Sight, key: date) -> Month:
    """The calendar of a month, and the incidents that began in it, newest first."""
    weeks = [
        tuple(_cell(sight, key, on) for on in week)
        for week in calendar.Calendar().monthdatescalendar(key.year, key.month)
    ]
    after = months_before(key, -1)
    nothing = (
        "No incidents." if after > days.watched_since(sight.world) else "No data: nothing was monitored yet."
    )
    return Month(f"{key:%B %Y}", f"{key:%Y-%m}", tuple(weeks), tuple(_listed(sight, key)), nothing)


def _listed(sight: Sight, key: date) -> Iterator[Listed]:
    before = None
    for card in sight.shown:
        on, end = sight.began(card), sight.ended(card)
        if on.replace(day=1) != key:
            continue
        until = "" if end == on or card.is_open else f"until {end.day} {end:%b}"
        yield Listed(card, f"{on:%a} {on.day} {on:%b}", until, f"day-{on}" if on != before else "")
        before = on


def _cell(sight: Sight, key: date, on: date) -> Cell:
    if on.month != key.month:
        return Cell(None)
    work = sight.work.get(on, [])
    ahead = [maintenance.title for maintenance in work if maintenance.began_at is None]
    planned = f", planned maintenance, {names(ahead)}" if ahead else ""
    if on > sight.world.today:
        return Cell(on, label=f"{on.day} {on:%B}{planned}", is_planned=bool(ahead))
    cards = [card for card in sight.shown if sight.began(card) <= on <= sight.ended(card)]
    status = _worst_of_day(sight, on, cards, is_worked=len(work) > len(ahead))
    words = status.label.lower() if status else "no data"
    if status is Status.OPERATIONAL:
        words = "no problems" if cards else "no incident"
    if cards:
        words += f", {len(cards)} incident{'s' if len(cards) > 1 else ''}"
    return Cell(
        on,
        status,
        f"{on.day} {on:%B}: {words}{planned}",
        is_today=on == sight.world.today,
        url=_where(sight, on, cards) if cards or status is not Status.OPERATIONAL else "",
        is_planned=bool(ahead) and status in (None, Status.OPERATIONAL),
    )


def _worst_of_day(sight: Sight, on: date, cards: list[IncidentCard], *, is_worked: bool) -> Status | None:
    """The worst state of a day: of the incidents that touched it, and of the tallies."""
    statuses = [card.worst for card in cards]
    states = (
        days.state_of_day(by_day.get(on), is_worked=is_worked) for by_day in sight.by_component.values()
    )
    statuses += [state for state in states if state]
    return worst(statuses) if statuses else None


def _where(sight: Sight, on: date, cards: list[IncidentCard]) -> str:
    """The address for a day: the component's day, the incident in the list below, or the incident's page."""
    if sight.component is not None and on in sight.by_component[sight.component.pk]:
        return reverse("component_day", args=[sight.component.public_id, on])
    if cards:
        began = sight.began(cards[0])
        return f"#day-{began}" if began >= sight.first else cards[0].url
    bad = [
        (SEVERITY[counted.raw.worst], pk)
        for pk, by_day in sight.by_component.items()
        if (counted := by_day.get(on)) and counted.raw.worst
    ]
    public_ids = {component.pk: component.public_id for component in sight.world.components}
    return reverse("component_day", args=[public_ids[max(bad)[1]], on]) if bad else ""


def _uptimes(
    world: World, keys: list[date], components: list[Component], by_component: Known
) -> list[UptimeRow]:
    rows = []
    for component in components:
        by_day = by_component[component.pk]
        figures = [_of_month(by_day, key) for key in keys]
        since = world.today - timedelta(days=89)
        recent = {on: counted for on, counted in by_day.items() if on >= since}
        figures.append(days.figure(recent, whole_days=90))
        url = reverse("component", args=[component.public_id])
        rows.append(UptimeRow(component.name, url, tuple(figures)))
    return rows


def _of_month(by_day: days.Known, key: date) -> Uptime:
    of_month = {on: counted for on, counted in by_day.items() if on.replace(day=1) == key}
    length = calendar.monthrange(key.year, key.month)[1]
    return days.figure(of_month, whole_days=length) if of_month else Uptime("")
