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
from statuspage.public.world import World, world

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
    """The first of the month "2026-11"; today's for none. Raises ValueError: no month, or not yet."""
    if not text:
        return today.replace(day=1)
    if not MONTH.fullmatch(text):
        raise ValueError(text)
    found = date.fromisoformat(f"{text}-01")
    if not date(FIRST_YEAR, 1, 1) <= found <= today:
        raise ValueError(text)
    return found


def asked_month(text: str, now: datetime) -> date:
    """The first of the month in an address. Raises ValueError: no month, or one without anything.

    Addresses of times without anything are no documents: strangers could have hundreds made and kept.
    """
    zone = page_model.zone()
    last = parse_month(text, now.astimezone(zone).date())
    if text and last < _first_month(zone):
        raise ValueError(text)
    return last


def _first_month(zone: tzinfo) -> date:
    """The month in which the first component was made, or the oldest incident or day that we know of was."""
    begun = (
        Component.objects.aggregate(at=Min("created_at"))["at"],
        Incident.objects.public().aggregate(at=Min("started_at"))["at"],
    )
    found = [at.astimezone(zone).date() for at in begun if at]
    day = DayTally.objects.aggregate(day=Min("day"))["day"]
    return min([*found, *([day] if day else [])], default=date.max).replace(day=1)


def gather(now: datetime, last: date, public_id: str = "") -> World:
    """What the three months that end with `last`'s are made of, and the last 90 days; no other day."""
    zone = page_model.zone()
    today = now.astimezone(zone).date()
    first, after = first_day(last), months_before(last, -1)
    recent = today - timedelta(days=89)
    start, end = uptime.day_bounds(first, zone)[0], uptime.day_bounds(after, zone)[0]
    touching = Q(resolved_at__gte=start, started_at__lt=end)
    if public_id:
        rows = Incident.objects.filter(affected__component__public_id=public_id).values("pk")
        touching &= Q(pk__in=rows)
    return world(
        now,
        since=min(first, recent),
        only=public_id or None,
        incidents=Q(resolved_at=None) | touching,
        days=Q(day__gte=first, day__lt=after) | Q(day__gte=recent),
    )


def history_page(world: World, last: date, at: datetime, one: Component | None = None) -> HistoryPage:
    """The three months that end with `last`'s, of one component or of all."""
    fresh = page_model.freshness(world, at)
    keys = [months_before(last, back) for back in range(MONTHS - 1, -1, -1)]
    own = [incident for incident in world.incidents if one is None or _concerns(incident, one)]
    shown = [incident_cards.incident(incident, world, at) for incident in own]
    components = [one] if one else world.components
    known = {each.pk: days.counted_by_day(world, each) for each in components}
    sight = Sight(world, shown, known, one, keys[0], _work_by_day(world, one))
    months = tuple(_month(sight, key) for key in keys)
    this_month = world.today.replace(day=1)
    earlier = keys[0] - timedelta(days=1)
    return HistoryPage(
        head=page_model.head_of(world, fresh, section="history"),
        months=months,
        uptimes=tuple(_uptimes(world, keys, components, known)),
        period=period_of(keys[0], keys[-1]),
        earlier=_address(earlier, one) if _began(world).date() <= earlier else "",
        later=_address(min(months_before(last, -MONTHS), this_month), one) if last < this_month else "",
        columns=tuple(_column(world, key) for key in keys),
        choices=tuple(_choices(world, last, one)),
        chosen=one.name if one else "",
        count=sum(len(month.incidents) for month in months),
        figures_url=reverse("figures_month", args=[f"{last:%Y-%m}"]),
    )


def period_of(first: date, last: date) -> str:
    """ "Sep – Nov 2026", "Dec 2025 – Feb 2026"."""
    year = "" if first.year == last.year else f" {first.year}"
    return f"{first:%b}{year} – {last:%b %Y}"


def _concerns(incident: Incident, component: Component) -> bool:
    return any(place.component_id == component.pk for place in incident_cards.affected(incident))


def _address(last: date, one: Component | None) -> str:
    if one is None:
        return reverse("history_month", args=[f"{last:%Y-%m}"])
    return reverse("history_month_component", args=[f"{last:%Y-%m}", one.public_id])


def _choices(world: World, last: date, one: Component | None) -> list[Choice]:
    """All components, then each: the same months, or simply the newest."""
    is_newest = last == world.today.replace(day=1)
    whole = reverse("history") if is_newest else _address(last, None)
    found = [Choice("All components", whole, is_chosen=one is None)]
    for each in world.components:
        newest = reverse("history_component", args=[each.public_id])
        url = newest if is_newest else _address(last, each)
        found.append(Choice(each.name, url, is_chosen=one is not None and one.pk == each.pk))
    return found


def _column(world: World, key: date) -> str:
    name = f"{key:%B}"
    return f"{name} so far" if key == world.today.replace(day=1) else name


Known = dict[int, days.Known]  # by component
Work = dict[date, list[Maintenance]]


def _work_by_day(world: World, one: Component | None) -> Work:
    """Planned work by the days it touched, or is announced for."""
    found: Work = {}
    for each in world.maintenances:
        if each.state == MaintenanceState.CANCELLED or (one and one not in each.components.all()):
            continue
        for on in maintenance_cards.days(each, world):
            found.setdefault(on, []).append(each)
    return found


@dataclass(frozen=True, slots=True)
class Sight:
    """What the calendars are drawn from: `first` is the first day of the first of them."""

    world: World
    shown: list[IncidentCard]  # newest first
    known: Known
    one: Component | None
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
    nothing = "No incidents." if after > _began(sight.world).date() else "No data: nothing was monitored yet."
    return Month(f"{key:%B %Y}", f"{key:%Y-%m}", tuple(weeks), tuple(_listed(sight, key)), nothing)


def _began(world: World) -> datetime:
    """Since when there is something to tell of."""
    return min((component.created_at for component in world.components), default=world.now)


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
    ahead = [one.title for one in work if one.began_at is None]
    planned = f", planned maintenance, {names(ahead)}" if ahead else ""
    if on > sight.world.today:
        return Cell(on, label=f"{on.day} {on:%B}{planned}", is_planned=bool(ahead))
    told = [card for card in sight.shown if sight.began(card) <= on <= sight.ended(card)]
    status = _worst_of_day(sight, on, told, is_worked=len(work) > len(ahead))
    words = status.label.lower() if status else "no data"
    if status is Status.OPERATIONAL:
        words = "no problems" if told else "no incident"
    if told:
        words += f", {len(told)} incident{'s' if len(told) > 1 else ''}"
    return Cell(
        on,
        status,
        f"{on.day} {on:%B}: {words}{planned}",
        is_today=on == sight.world.today,
        url=_where(sight, on, told) if told or status is not Status.OPERATIONAL else "",
        is_planned=bool(ahead) and status in (None, Status.OPERATIONAL),
    )


def _worst_of_day(sight: Sight, on: date, told: list[IncidentCard], *, is_worked: bool) -> Status | None:
    """A day shows its worst state: of its incidents, which count on each day they touched, and of tallies."""
    found = [card.worst for card in told]
    states = (days.state_of_day(by_day.get(on), is_worked=is_worked) for by_day in sight.known.values())
    found += [state for state in states if state]
    return worst(found) if found else None


def _where(sight: Sight, on: date, told: list[IncidentCard]) -> str:
    """Where such a day is told: the component's day, the incident in the list below, or its own page."""
    if sight.one is not None and on in sight.known[sight.one.pk]:
        return reverse("component_day", args=[sight.one.public_id, on])
    if told:
        began = sight.began(told[0])
        return f"#day-{began}" if began >= sight.first else told[0].url
    bad = [
        (SEVERITY[counted.raw.worst], pk)
        for pk, by_day in sight.known.items()
        if (counted := by_day.get(on)) and counted.raw.worst
    ]
    public_ids = {component.pk: component.public_id for component in sight.world.components}
    return reverse("component_day", args=[public_ids[max(bad)[1]], on]) if bad else ""


def _uptimes(
    world: World, keys: list[date], components: list[Component], by_component: Known
) -> list[UptimeRow]:
    rows = []
    for component in components:
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
