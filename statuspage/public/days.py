"""Days: the bars of a strip, the figures beside it, and the days without incidents."""

from collections.abc import Collection
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from django.urls import reverse

from components import freshness, uptime
from components.models import Component
from components.status import Status
from components.uptime import Seconds
from incidents import windows
from incidents.generated_text import duration
from incidents.models import Affected, Incident
from statuspage.public import incident_cards, kept_rows, maintenance_cards
from statuspage.public.values.components import Day, Outage, Uptime
from statuspage.public.values.frame import Freshness, Step
from statuspage.public.values.incidents import IncidentCard
from statuspage.public.values.pages import PastDays
from statuspage.public.world import DAYS, World, once

PAST_INCIDENTS = 10
NOTHING = Seconds()


@dataclass(frozen=True, slots=True)
class Counted:
    """A stretch of time as counted: all seconds, and those of them in announced maintenance."""

    raw: Seconds
    excused: Seconds = NOTHING

    @property
    def outside(self) -> Seconds:
        """The seconds of the second figure. The tallies may be a minute apart: the smaller value counts."""
        if self.excused is NOTHING:  # nearly every day of nearly every component
            return self.raw
        names = [field.name for field in fields(Seconds)]
        least = Seconds(*(min(getattr(self.raw, name), getattr(self.excused, name)) for name in names))
        return windows.outside(self.raw, least)


_counted = lru_cache(maxsize=10_000)(Counted)
Known = dict[date, Counted]


@once
def counted_by_day(world: World, component: Component) -> Known:
    """The days of a component, today so far included."""
    excused = world.excused.get(component.pk, {})
    raw = world.days.get(component.pk, {})
    counted = {on: _counted(seconds, excused.get(on, NOTHING)) for on, seconds in raw.items()}
    return {**counted, world.today: _today(world, component)}


def _today(world: World, component: Component) -> Counted:
    start, _ = uptime.day_bounds(world.today, world.zone)
    start, spans = _began(component, start), seen_spans(world, component)
    stretches = [
        stretch for maintenance in world.work.get(component.pk, []) if (stretch := maintenance.excused())
    ]
    excused = windows.inside(spans, stretches, start, world.now) if stretches else NOTHING
    return Counted(uptime.tally(spans, start, world.now), excused)


def seen_spans(world: World, component: Component) -> list[uptime.Span]:
    """Its spans; the open one ends with the last result, even if that is not stored yet."""
    spans = world.spans.get(component.pk, [])
    if component.manual_status:
        return spans
    return freshness.cut(spans, freshness.seen_until(world.probes.get(component.pk, []), world.now))


def _began(component: Component, start: datetime) -> datetime:
    """The start of the day, or of the component if it was created today: before, it was not unknown."""
    return max(start, component.created_at)


def component_days(world: World, component: Component, fresh: Freshness) -> tuple[Day, ...]:
    """The last 90 days, oldest first; today is empty once our data is stale."""
    past = past_of(world, component)
    is_lost = fresh.step is Step.STALE and world.probes.get(component.pk)
    return past.lost if is_lost else past.strip


def uptime_of(world: World, component: Component) -> Uptime:
    """The percentage over the period gathered, and what it leaves out."""
    return past_of(world, component).uptime


@once
def past_of(world: World, component: Component) -> kept_rows.Past:
    """The days and the uptime, as they were made before if nothing about them has changed."""
    facts = _facts(world, component)
    if facts is None:
        return _past(world, component)
    past = kept_rows.past(component.public_id, facts, world.now)
    if past is None:
        past = _past(world, component)
        if (end := _holds_until(world, component)) > world.now:
            kept_rows.keep_past(component.public_id, facts, world.now, end, past)
    return past


def _past(world: World, component: Component) -> kept_rows.Past:
    strip = _strip(world, component)
    lost = (*strip[:-1], _day(world.today, None, strip[-1].outages))
    return kept_rows.Past(strip, lost, figure(counted_by_day(world, component), whole_days=DAYS))


def _facts(world: World, component: Component) -> tuple[Any, ...] | None:
    """Everything the past of a component is made of besides the clock.

    None if more than its seconds of being up grow with the clock: then the past is made each time.
    """
    spans = world.spans.get(component.pk)
    if not world.keeps_days or component.pk in world.work or not spans:
        return None
    is_up = spans[-1].status is Status.OPERATIONAL and spans[-1].ended_at is None
    if not is_up or seen_spans(world, component) is not spans:
        return None
    outages = _hits(world).get(component.pk, ())
    if any(incident.ended_at is None for incident, _ in outages):
        return None
    told = tuple(
        (place.worst_status, incident.started_at, incident.ended_at, incident.counts_from, incident.title,
         incident.public_id)
        for incident, place in outages
    )  # fmt: skip
    days, excused = world.days.get(component.pk), world.excused.get(component.pk)
    return days, excused, spans, told, component.created_at, world.today, world.zone.key


def _holds_until(world: World, component: Component) -> datetime:
    """Until when the past stays as it is, if nothing else happens."""
    by_day = counted_by_day(world, component)
    today, whole = by_day[world.today], added(by_day.values())
    if today.raw.up < 1:  # its first second decides how the day looks
        return world.now
    return kept_rows.changes_at((today.raw, today.outside, whole.raw, whole.outside), world.now)


def _strip(world: World, component: Component) -> tuple[Day, ...]:
    counted = counted_by_day(world, component)
    worked = _worked(world, component)
    outages = _outages(world, component, worked)
    first = world.today - timedelta(days=DAYS - 1)
    return tuple(
        _day(on, counted.get(on), outages.get(on, ()), is_worked=on in worked)
        for on in uptime.days(first, world.today)
    )


@lru_cache(maxsize=100_000)
def _day(on: date, counted: Counted | None, outages: tuple[Outage, ...], *, is_worked: bool = False) -> Day:
    """A day; most are alike from render to render, hence the cache."""
    name = f"{on:%a} {on.day} {on:%B}"
    status = state_of_day(counted, is_worked=is_worked)
    if counted is None or status is None:
        return Day(on, None, "", "", outages, f"{name}: no data")
    seconds = counted.raw
    down = duration(seconds.down) if seconds.down >= 1 else ""
    hidden = f"no data for {duration(seconds.unknown)}" if seconds.unknown >= 60 else ""
    within = f"{down} down during it" if down and status is Status.UNDER_MAINTENANCE else down
    detail = ", ".join(part for part in (status.label.lower(), within) if part)
    return Day(on, status, uptime.percent(seconds), down, outages, f"{name}: {detail}", hidden)


def state_of_day(counted: Counted | None, *, is_worked: bool) -> Status | None:
    """The worst status outside announced maintenance; maintenance if there was some and nothing worse."""
    status = counted.outside.worst if counted else None
    return Status.UNDER_MAINTENANCE if status is Status.OPERATIONAL and is_worked else status


def _worked(world: World, component: Component) -> dict[date, tuple[Outage, ...]]:
    """By day: the maintenance of the component on it."""
    by_day: dict[date, tuple[Outage, ...]] = {}
    for maintenance in world.work.get(component.pk, []):
        began = maintenance.began_at or maintenance.starts_at
        work = Outage(
            status=Status.UNDER_MAINTENANCE,
            started_at=began,
            ended_at=maintenance.ended_at,
            duration=duration(((maintenance.ended_at or world.now) - began).total_seconds()),
            incident_title=maintenance.title,
            incident_url=maintenance.get_absolute_url(),
        )
        for on in maintenance_cards.days(maintenance, world):
            by_day[on] = (*by_day.get(on, ()), work)
    return by_day


def _outages(
    world: World, component: Component, worked: dict[date, tuple[Outage, ...]]
) -> dict[date, tuple[Outage, ...]]:
    """The component's incidents by the days they touched, and after them its planned work."""
    by_day: dict[date, tuple[Outage, ...]] = {}
    for incident, place in _hits(world).get(component.pk, ()):
        ended = incident.ended_at
        outage = Outage(
            status=Status(place.worst_status),
            started_at=incident.started_at,
            ended_at=ended,
            duration=duration(incident.lasted(world.now).total_seconds()),
            incident_title=incident.title,
            incident_url=reverse("incident", args=[incident.public_id]),
        )
        last = (ended or world.now).astimezone(world.zone).date()
        for on in uptime.days(incident.started_at.astimezone(world.zone).date(), last):
            by_day[on] = (*by_day.get(on, ()), outage)
    for on, planned in worked.items():
        by_day[on] = (*by_day.get(on, ()), *planned)
    return by_day


def figure(by_day: Known, *, whole_days: int) -> Uptime:
    """Days as two percentages, with the time down and the time without data."""
    summed = added(by_day.values())
    total = summed.raw
    first = min((on for on, counted in by_day.items() if counted.raw.known), default=None)
    since = first if first and len(by_day) < whole_days else None
    return Uptime(
        percent=uptime.percent(total),
        outside=uptime.percent(summed.outside),
        down=f"{duration(total.down)} down" if total.down >= 1 else "",
        since=since,
        coverage=f"no data for {duration(total.unknown)}" if total.unknown >= 60 else "",
        instead=uptime.in_place(total),
        outside_instead=uptime.in_place(summed.outside),
    )


def added(days: Collection[Counted]) -> Counted:
    """Days as one stretch."""
    excused = (day.excused for day in days if day.excused is not NOTHING)
    return Counted(sum((day.raw for day in days), NOTHING), sum(excused, NOTHING))


Hit = tuple[Incident, Affected]


def _hits(world: World) -> dict[int, list[Hit]]:
    """By component: its incidents with their rows of it, in the world's order."""
    hits: dict[int, list[Hit]] | None = world.cache.get(("hits", 0))
    if hits is None:
        hits = {}
        for incident in world.incidents:
            for place in incident_cards.affected(incident):
                hits.setdefault(place.component_id, []).append((incident, place))
        world.cache["hits", 0] = hits
    return hits


def past_days(
    world: World, closed: list[IncidentCard], fresh: Freshness, *, is_open: bool
) -> tuple[PastDays, ...]:
    """Days with incidents, and the quiet ones between them folded into one line each.

    Today is left out while an incident is open, which is shown above. While monitoring is stale, the
    newest quiet days say since when nothing was checked.
    """
    zone, today = world.zone, world.today
    by_day: dict[date, list[IncidentCard]] = {}
    for card in closed[:PAST_INCIDENTS]:
        by_day.setdefault(card.started_at.astimezone(zone).date(), []).append(card)
    first = watched_since(world)
    rows: list[PastDays] = []
    upto = today - timedelta(days=1) if is_open else today
    for on in sorted(by_day, reverse=True):
        rows += _quiet(max(on + timedelta(days=1), first), upto)
        rows.append(PastDays(on, on, f"{on:%a} {on.day} {on:%b}", _ago(on, today), tuple(by_day[on])))
        upto = on - timedelta(days=1)
    if not rows:
        rows += _quiet(max(first, today - timedelta(days=DAYS - 1)), upto)
    if rows and rows[0].note and fresh.step is Step.STALE:
        rows[0] = replace(rows[0], note="No incidents posted.", unseen_since=fresh.checked_at)
    return tuple(rows)


def watched_since(world: World) -> date:
    """The first day with data: days before it cannot be called quiet."""
    began = min((component.created_at for component in world.components), default=world.now)
    return began.astimezone(world.zone).date()


def _quiet(first: date, last: date) -> list[PastDays]:
    """One row for these days; empty if there are none."""
    if first > last:
        return []
    count = (last - first).days + 1
    start = f"{first.day}" if first.month == last.month else f"{first.day} {first:%b}"
    label = f"{last.day} {last:%b}" if count == 1 else f"{start} – {last.day} {last:%b}"
    return [PastDays(first, last, label, f"{count} day{'s' if count > 1 else ''}", note="No incidents.")]


def _ago(on: date, today: date) -> str:
    count = (today - on).days
    return "today" if not count else "yesterday" if count == 1 else f"{count} days ago"
