"""One day of a component by its hours, and one hour with the checks behind it.

An hour is one of UTC, as tallies are; it belongs to the day it begins in. So a
day has 24 hours, or 23 or 25 when clocks change, and where the zone is half an
hour off its hours begin at half past.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Q
from django.urls import reverse

from components import latency, uptime
from components.models import Check, Component, HourTally, Probe, StatusSpan
from components.models.component import status_of
from components.outcomes import Failure, Outcome
from components.status import Status, worst
from components.uptime import Seconds, Span
from incidents.generated_text import duration
from statuspage.public import days, incident_cards, page_model
from statuspage.public.evidence import failure_words, http_words
from statuspage.public.values.components import Day
from statuspage.public.values.drilldown import CheckRow, DayPage, HourPage, HourRow, Stretch
from statuspage.public.world import World, gather_world

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
MAX_ROWS = 200  # of checks and of stretches: a page for people, not an archive
BAD = (Outcome.DOWN.value, Outcome.DEGRADED.value)


# Which days and hours there are


def hours_of(on: date, zone: ZoneInfo) -> dict[str, datetime]:
    """The hours that begin on this day by their names in addresses: "08", and "02b" for a second 02."""
    start, end = (moment.astimezone(UTC) for moment in uptime.day_bounds(on, zone))
    first = start.replace(minute=0, second=0, microsecond=0)
    first += HOUR if first < start else timedelta()
    by_name: dict[str, datetime] = {}
    while first < end:
        name = f"{first.astimezone(zone):%H}"
        by_name[f"{name}b" if name in by_name else name] = first
        first += HOUR
    return by_name


def has_day(world: World, component: Component, on: date) -> bool:
    """Whether this day has a page: not in the future, and not before the component existed."""
    if on > world.today:
        return False
    began = component.created_at.astimezone(world.zone).date()
    return on >= began or on in world.days.get(component.pk, {})


def gather_day(now: datetime, public_id: str, on: date) -> World:
    """The component, that day's tally, and the incidents that touched the day."""
    zone = page_model.zone()
    today = now.astimezone(zone).date()
    if not date(2000, 1, 1) <= on <= today:
        return gather_world(now, only="-", incidents=Q(resolved_at=None))
    start, end = uptime.day_bounds(on, zone)
    touching = Q(resolved_at__gt=start, started_at__lt=end)
    return gather_world(
        now, since=on, only=public_id, incidents=Q(resolved_at=None) | touching, days=Q(day=on)
    )


# A day


def tallies(component: Component, hours: dict[str, datetime]) -> dict[datetime, HourTally]:
    """The tallies of these hours."""
    rows = HourTally.objects.filter(component=component, hour__in=list(hours.values()))
    return {row.hour: row for row in rows}


def day_page(
    world: World, component: Component, on: date, hour_tallies: dict[datetime, HourTally], at: datetime
) -> DayPage:
    """One day, hour by hour."""
    counted = days.counted_by_day(world, component).get(on)
    start, end = uptime.day_bounds(on, world.zone)
    cards = [
        incident_cards.incident(incident, world, at)
        for incident in world.incidents
        if incident.started_at < end
        and (incident.ended_at or world.now) > start
        and any(place.component_id == component.pk for place in incident_cards.affected(incident))
    ]
    return DayPage(
        head=page_model.head_of(world, page_model.freshness(world, at), section="history"),
        name=component.name,
        component_url=reverse("component", args=[component.public_id]),
        title=f"{on:%A} {on.day} {on:%B %Y}",
        day=_day(on, counted.raw if counted else None),
        uptime=days.figure({on: counted} if counted else {}, whole_days=1),
        hours=tuple(_hour_rows(world, component, on, hour_tallies)),
        incidents=tuple(cards),
        earlier=_neighbour(world, component, on - timedelta(days=1)),
        later=_neighbour(world, component, on + timedelta(days=1)),
        note=_day_note(world, on, hour_tallies),
    )


def _day(on: date, seconds: Seconds | None) -> Day:
    status = seconds.worst if seconds else None
    return Day(
        on, status, uptime.percent(seconds or Seconds()), "", label=status.label if status else "No data"
    )


def _neighbour(world: World, component: Component, on: date) -> str:
    """The address of another day; empty if it is in the future or before the component existed."""
    began = component.created_at.astimezone(world.zone).date()
    return reverse("component_day", args=[component.public_id, on]) if began <= on <= world.today else ""


def _day_note(world: World, on: date, hour_tallies: dict[datetime, HourTally]) -> str:
    if not hour_tallies and (world.today - on).days >= settings.HOUR_RETENTION_DAYS:
        return f"Hours are kept for {settings.HOUR_RETENTION_DAYS} days; those of this day have been deleted."
    return ""


def _hour_rows(
    world: World, component: Component, on: date, hour_tallies: dict[datetime, HourTally]
) -> Iterator[HourRow]:
    spans = days.seen_spans(world, component) if on == world.today else None
    for name, start in hours_of(on, world.zone).items():
        tally = hour_tallies.get(start)
        if start >= world.now:
            seconds = None
        elif spans is not None:  # today's tallies lag behind
            begin = max(start, component.created_at)
            seconds = uptime.tally(spans, begin, min(max(begin, start + HOUR), world.now))
        else:
            seconds = tally.seconds if tally else Seconds()
        histogram = tally.latency if tally else {}
        url = reverse("component_hour", args=[component.public_id, on, name])
        yield _hour_row(start, world.zone, seconds, histogram, url)


def _hour_row(
    start: datetime, zone: ZoneInfo, seconds: Seconds | None, histogram: dict[str, int], url: str
) -> HourRow:
    """`seconds` None is an hour still to come."""
    label, short = hour_title(start, zone), f"{start.astimezone(zone):%H}"
    if seconds is None:
        return HourRow(label, short, None, f"{label}: upcoming", is_ahead=True)
    status, median = seconds.worst, latency.quantile(histogram, 0.5)
    down = f", {duration(seconds.down)} down" if seconds.down >= 1 else ""
    is_bad = status not in (None, Status.OPERATIONAL)
    return HourRow(
        label=label,
        short=short,
        status=status,
        words=f"{label}: {status.label.lower() if status else 'no data'}{down}",
        up=_length(seconds.up),
        degraded=_length(seconds.degraded),
        partial=_length(seconds.partial),
        major=_length(seconds.major),
        maintenance=_length(seconds.maintenance),
        unknown=_length(seconds.unknown),
        median="" if median is None else f"{median:.0f} ms",
        url=url if is_bad else "",
    )


def _length(seconds: float) -> str:
    return duration(seconds) if seconds >= 1 else ""


def hour_title(start: datetime, zone: ZoneInfo) -> str:
    """ "08:00 – 09:00" by the clock of the page's zone."""
    return f"{start.astimezone(zone):%H:%M} – {(start + HOUR).astimezone(zone):%H:%M}"


# An hour


def spans_of(component: Component, start: datetime) -> list[Span]:
    """Its spans in this hour, oldest first: at most one more than the page shows."""
    rows = (
        StatusSpan.objects.filter(component=component, started_at__lt=start + HOUR)
        .filter(Q(ended_at=None) | Q(ended_at__gt=start))
        .order_by("started_at", "id")[: MAX_ROWS + 1]
    )
    return [Span(Status(row.status), row.started_at, row.ended_at) for row in rows]


def checks_of(component: Component, start: datetime) -> list[Check]:
    """The failed or degraded checks of this hour, oldest first: at most one more than the page shows."""
    if not component.shows_evidence:
        return []
    probes = {probe.pk: probe for probe in Probe.objects.filter(component=component, is_paused=False)}
    first = int(start.timestamp())
    bad = [check for check in Check.objects.whole(list(probes), first, first + 3600) if check.outcome in BAD]
    for check in bad[: MAX_ROWS + 1]:
        check.probe = probes[check.probe_id]
    return bad[: MAX_ROWS + 1]


def hour_page(
    world: World, component: Component, on: date, at: datetime, *, start: datetime, checks: list[Check]
) -> HourPage:
    """One hour. The world's spans are those of the hour."""
    spans = days.seen_spans(world, component)
    end = min(start + HOUR, world.now)
    return HourPage(
        head=page_model.head_of(world, page_model.freshness(world, at), section="history"),
        name=component.name,
        component_url=reverse("component", args=[component.public_id]),
        day_url=reverse("component_day", args=[component.public_id, on]),
        day_title=f"{on:%a} {on.day} {on:%B %Y}",
        title=hour_title(start, world.zone),
        minutes=tuple(_minutes(spans, start, end)),
        stretches=tuple(_stretches(spans[:MAX_ROWS], start, end)),
        checks=tuple(_check_row(check) for check in checks[:MAX_ROWS]),
        note=_note(world, component, start, checks),
        more=_more(spans, checks),
    )


def with_spans(world: World, component: Component, spans: list[Span]) -> World:
    """The same world with other spans."""
    return replace(world, spans={component.pk: spans})


def _minutes(spans: list[Span], start: datetime, end: datetime) -> Iterator[Status | None]:
    """The worst status of each minute; None where nothing is known of it."""
    for number in range(60):
        begin = start + number * MINUTE
        until = min(begin + MINUTE, end)
        statuses = [
            span.status for span in spans if span.started_at < until and (span.ended_at or end) > begin
        ]
        yield worst(statuses) if statuses and begin < end else None


def _stretches(spans: list[Span], start: datetime, end: datetime) -> Iterator[Stretch]:
    for span in spans:
        begin, until = max(span.started_at, start), min(span.ended_at or end, end)
        if begin < until:
            length = duration((until - begin).total_seconds())
            yield Stretch(span.status, begin, until, length, is_open=span.ended_at is None and until == end)


def _check_row(check: Check) -> CheckRow:
    is_answer = check.status_code is not None or check.outcome == Outcome.DEGRADED
    return CheckRow(
        at=datetime.fromtimestamp(check.slot, UTC),
        status=status_of(Outcome(check.outcome), check.probe.when_down),
        sees=sees(check),
        answers_in=f"{check.total_ms} ms" if is_answer else "no response",
        region=check.region,
    )


def sees(check: Check) -> str:
    """What was wrong, in words that reveal nothing internal."""
    if check.outcome == Outcome.DEGRADED:
        return _why_degraded(check)
    if check.failure == Failure.STATUS and check.status_code:
        return http_words(check.status_code)
    return failure_words(check.failure)


def _why_degraded(check: Check) -> str:
    limit, least = check.probe.latency_limit_ms, check.probe.least_days_left
    if limit is not None and check.total_ms > limit:
        return "Slow response"
    if least is not None and check.days_left is not None and check.days_left < least:
        return "Certificate expires soon"
    return "Value near its limit" if "value" in (check.facts or {}) else "Reports a problem"


def _note(world: World, component: Component, start: datetime, checks: list[Check]) -> str:
    """Why no checks are shown; empty if there are some."""
    if not component.shows_evidence:
        return "Individual checks of this component are not shown."
    if checks:
        return ""
    if start + HOUR < world.now - timedelta(days=settings.CHECK_RETENTION_DAYS):
        return (
            f"Individual checks are kept for {settings.CHECK_RETENTION_DAYS} days; those of this "
            "hour have been deleted."
        )
    return "No check failed in this hour."


def _more(spans: list[Span], checks: list[Check]) -> str:
    is_more = len(spans) > MAX_ROWS or len(checks) > MAX_ROWS
    return f"Only the first {MAX_ROWS} are shown." if is_more else ""
