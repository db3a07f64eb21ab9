"""The read model: rows in, what each page shows out.

Each builder takes the gathered `World` and the moment to judge it at. The
same world judged later may be late, then stale: that is how a page turns grey
by itself, without asking anybody.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.conf import settings
from django.urls import reverse

from components import latency, uptime
from components.models import Component, HourTally
from components.status import SEVERITY, Status, page_state, worst
from components.uptime import Seconds
from incidents.models import Incident
from incidents.words import duration, names
from statuspage import cards
from statuspage.gather import DAYS, World
from statuspage.reading import (
    Banner,
    ComponentPage,
    ComponentRow,
    Day,
    Fact,
    Freshness,
    GroupCard,
    Head,
    IncidentCard,
    Outage,
    Overview,
    PastDays,
    ResponseTime,
    Step,
    Uptime,
)

LATE_LEAST = timedelta(seconds=60)
STALE_LEAST = timedelta(minutes=5)
OPEN_UP_TO = 20  # a page with this few components shows them all; a longer one folds its groups
RESPONSE_TIMES = 3
PAST_INCIDENTS = 10
VERBS = {
    Status.MAJOR_OUTAGE: ("is down", "are down"),
    Status.PARTIAL_OUTAGE: ("partly works", "partly work"),
    Status.DEGRADED_PERFORMANCE: ("is slow", "are slow"),
    Status.UNDER_MAINTENANCE: ("is under maintenance", "are under maintenance"),
}


def overview(world: World, latencies: dict[int, list[HourTally]], at: datetime) -> Overview:
    """The front page."""
    fresh = freshness(world, at)
    rows = [component_row(world, component, fresh) for component in world.components]
    shown = [cards.incident(incident, world, at) for incident in world.incidents]
    opened = sorted(
        (card for card in shown if card.is_open), key=lambda card: SEVERITY[card.status], reverse=True
    )
    head = head_of(world, fresh, section="status")
    return Overview(
        head=head,
        banner=banner(head, rows, opened, shown),
        incidents=tuple(_beside(card, rows) for card in opened),
        groups=group_cards(world, rows, opened),
        response_times=response_times(world, latencies),
        past=past_days(world, [card for card in shown if not card.is_open], at, is_open=bool(opened)),
    )


def component_page(
    world: World, component: Component, latencies: dict[int, list[HourTally]], at: datetime
) -> ComponentPage:
    """One component with its days."""
    fresh = freshness(world, at)
    row = component_row(world, component, fresh)
    mine = [
        cards.incident(incident, world, at)
        for incident in world.incidents
        if _concerns(incident, component.pk)
    ]
    opened = [card for card in mine if card.is_open]
    found = [one for one in response_times(world, latencies) if one.name == component.name]
    head = head_of(world, fresh)
    return ComponentPage(
        head=head,
        row=row,
        banner=component_banner(row, opened),
        days=tuple(reversed(row.days)),
        response_time=found[0] if found else None,
        incidents=tuple(mine),
        group_name=(component.group_id and world.groups[component.group_id].name) or "",
    )


def head_of(world: World, fresh: Freshness, *, section: str = "") -> Head:
    """The frame of a page. Its state is the whole page's, judged with the same freshness."""
    has_open = any(incident.resolved_at is None for incident in world.incidents)
    statuses = [shown_status(world, component, fresh) for component in world.components]
    if fresh.step is Step.NONE and not statuses:
        statuses = [Status.UNKNOWN]
    return Head(
        page_name=settings.PAGE_NAME,
        page_url=settings.PUBLIC_URL,
        state=page_state(statuses, has_open_incident=has_open),
        version=world.version,
        rendered_at=world.now,
        freshness=fresh,
        time_zone=settings.PAGE_TIME_ZONE,
        support_url=settings.SUPPORT_URL,
        section=section,
    )


def freshness(world: World, at: datetime) -> Freshness:
    """How old our newest check is at this moment (DESIGN.md, section 5)."""
    probes = [probe for group in world.probes.values() for probe in group]
    heard = [probe for probe in probes if probe.heard_at]
    if not heard:
        return Freshness(Step.NONE, at, None, None, None)
    late_after, stale_after = limits(world)
    checked_at = max(probe.heard_at for probe in heard if probe.heard_at)
    late_at, stale_at = checked_at + late_after, checked_at + stale_after
    lately = [
        probe
        for probe in heard
        if probe.heard_at and at - probe.heard_at < max(STALE_LEAST, probe.rule.silence)
    ]
    step = Step.STALE if at >= stale_at else Step.LATE if at >= late_at else Step.CURRENT
    return Freshness(
        step=step,
        at=at,
        checked_at=checked_at,
        late_at=late_at,
        stale_at=stale_at,
        probes=len(lately),
        regions=len({probe.region for probe in lately}),
        failing=sum(probe.status.is_trouble for probe in lately),
    )


def limits(world: World) -> tuple[timedelta, timedelta]:
    """After how long without any check the page is late, and stale."""
    intervals = [probe.interval_s for group in world.probes.values() for probe in group]
    interval = timedelta(seconds=min(intervals, default=60))
    return max(LATE_LEAST, 2 * interval), max(STALE_LEAST, 3 * interval)


def shown_status(world: World, component: Component, fresh: Freshness) -> Status:
    """A component's status as the page says it: unknown once what we know is stale.

    A probe that fell silent is unknown here even if nobody lives who could write that down.
    """
    probes = world.probes.get(component.pk, [])
    if component.hand_status or not probes:
        return Status(component.status)
    if fresh.step is Step.STALE:
        return Status.UNKNOWN
    if not any(probe.is_silent(fresh.at) for probe in probes):
        return Status(component.status)
    return worst(Status.UNKNOWN if probe.is_silent(fresh.at) else probe.status for probe in probes)


def component_row(world: World, component: Component, fresh: Freshness) -> ComponentRow:
    """A component as listed."""
    status = shown_status(world, component, fresh)
    probes = world.probes.get(component.pk, [])
    heard = [probe.heard_at for probe in probes if probe.heard_at]
    is_new = status is Status.UNKNOWN and bool(probes) and not heard
    spans = world.spans.get(component.pk, [])
    days = component_days(world, component, fresh)
    was, was_at = "", None
    if status is Status.UNKNOWN and heard:
        was, was_at = _last_known(component, spans, max(heard))
    return ComponentRow(
        public_id=component.public_id,
        url=reverse("component", args=[component.public_id]),
        name=component.name,
        description=component.description,
        status=status,
        label="Checking…" if is_new else status.label,
        since=spans[-1].started_at if spans else None,
        days=days if any(day.status for day in days) or heard else (),
        uptime=uptime_of(world, component),
        by_hand=bool(component.hand_status) or not probes,
        was=was,
        was_at=was_at,
    )


def _last_known(
    component: Component, spans: list[uptime.Span], heard_at: datetime
) -> tuple[str, datetime | None]:
    """ "operational", 09:41: the newest status that was not unknown."""
    if component.status != Status.UNKNOWN:
        return Status(component.status).label.lower(), heard_at
    for span in reversed(spans):
        if span.status is not Status.UNKNOWN:
            return span.status.label.lower(), heard_at
    return "", None


def seconds_by_day(world: World, component: Component) -> dict[date, Seconds]:
    """The days of a component, today so far included."""
    start, _ = uptime.day_bounds(world.today, world.zone)
    spans = _seen(world, component)
    today = uptime.tally(spans, max(start, _began(component, start)), world.now)
    return {**world.days.get(component.pk, {}), world.today: today}


def _seen(world: World, component: Component) -> list[uptime.Span]:
    """Its spans; the last one ends with what we heard, even if nobody lives who could end it."""
    spans = world.spans.get(component.pk, [])
    probes = world.probes.get(component.pk, [])
    is_open = bool(spans) and spans[-1].ended_at is None
    if component.hand_status or not is_open or not all(probe.is_silent(world.now) for probe in probes):
        return spans
    ends = [probe.heard_at + probe.rule.interval for probe in probes if probe.heard_at]
    end = max([spans[-1].started_at, *ends])
    return [*spans[:-1], replace(spans[-1], ended_at=end)] if ends else spans


def _began(component: Component, start: datetime) -> datetime:
    """A component made today was not unknown before: it was not there."""
    return max(start, component.created_at)


def component_days(world: World, component: Component, fresh: Freshness) -> tuple[Day, ...]:
    """The last 90 days, oldest first."""
    known = seconds_by_day(world, component)
    outages = _outages(world, component)
    first = world.today - timedelta(days=DAYS - 1)
    days = [_day(on, known.get(on), outages.get(on, ())) for on in uptime.days(first, world.today)]
    if fresh.step is Step.STALE and world.probes.get(component.pk):
        days[-1] = _day(world.today, None, outages.get(world.today, ()))
    return tuple(days)


@lru_cache(maxsize=100_000)
def _day(on: date, seconds: Seconds | None, outages: tuple[Outage, ...]) -> Day:
    """A day; most are alike from render to render, hence the cache."""
    name = f"{on:%a} {on.day} {on:%B}"
    status = seconds.worst if seconds else None
    if seconds is None or status is None:
        return Day(on, None, "", "", outages, f"{name}: no data")
    down = duration(seconds.down) if seconds.down else ""
    hidden = f"no data for {duration(seconds.unknown)}" if seconds.unknown >= 60 else ""
    told = ", ".join(part for part in (status.label.lower(), down) if part)
    return Day(on, status, uptime.percent(seconds), down, outages, f"{name}: {told}", hidden)


def _outages(world: World, component: Component) -> dict[date, tuple[Outage, ...]]:
    """The component's incidents by the days they touched."""
    found: dict[date, tuple[Outage, ...]] = {}
    for incident in world.incidents:
        place = next((one for one in cards.affected(incident) if one.component_id == component.pk), None)
        if place is None:
            continue
        ended = incident.resolved_at
        outage = Outage(
            status=Status(place.worst_status),
            started_at=incident.started_at,
            ended_at=ended,
            duration=duration(((ended or world.now) - incident.started_at).total_seconds()),
            incident_title=incident.title,
            incident_url=reverse("incident", args=[incident.public_id]),
        )
        last = (ended or world.now).astimezone(world.zone).date()
        for on in uptime.days(incident.started_at.astimezone(world.zone).date(), last):
            found[on] = (*found.get(on, ()), outage)
    return found


def uptime_of(world: World, component: Component) -> Uptime:
    """The percentage over the period gathered, and what it leaves out."""
    known = seconds_by_day(world, component)
    return figure(known, whole_days=DAYS)


def figure(known: dict[date, Seconds], *, whole_days: int) -> Uptime:
    """Days as one figure. It says how long it was down, and what it could not see."""
    total = sum(known.values(), Seconds())
    first = min((on for on, seconds in known.items() if seconds.known), default=None)
    since = first if first and len(known) < whole_days else None
    return Uptime(
        percent=uptime.percent(total),
        down=f"{duration(total.down)} down" if total.down else "",
        since=since,
        coverage=f"no data for {duration(total.unknown)}" if total.unknown >= 60 else "",
    )


def banner(
    head: Head,
    rows: list[ComponentRow],
    opened: list[IncidentCard],
    shown: list[IncidentCard],
) -> Banner:
    """The answer in the first line."""
    status = head.state.status
    if not rows and not opened:
        return Banner(Status.UNKNOWN, "This page is being set up", is_checking=True)
    if opened:
        return Banner(
            status, _headline(status, rows) or opened[0].title, status.label, facts=_facts(opened[0])
        )
    if head.freshness.step is Step.STALE and status is Status.UNKNOWN:
        return cannot_tell(head.freshness)
    if head.freshness.step is Step.NONE and status is Status.UNKNOWN:
        return Banner(
            status,
            "Checking…",
            line="The first results will be here in a moment.",
            is_checking=True,
        )
    if status is Status.OPERATIONAL:
        ended = max((card.resolved_at for card in shown if card.resolved_at), default=None)
        line = "No open incidents. The last one ended" if ended else "No open incidents."
        return Banner(status, "All systems are operational", line=line, line_at=ended)
    since = min((row.since for row in rows if row.status is status and row.since), default=None)
    return Banner(status, _headline(status, rows), line="Since" if since else "", line_at=since)


def cannot_tell(fresh: Freshness) -> Banner:
    """The stale banner: since when, and that it says nothing about the service."""
    line = (
        "What you see may be out of date. This says nothing about "
        f"{settings.PAGE_NAME} itself: it may well be working. Our monitoring last checked at"
    )
    return Banner(
        Status.UNKNOWN, "We cannot tell you the current status", line=line, line_at=fresh.checked_at
    )


def component_banner(row: ComponentRow, opened: list[IncidentCard]) -> Banner:
    """The state of one component."""
    facts = _facts(opened[0]) if opened else ()
    if row.status is Status.UNKNOWN:
        is_new = row.label != row.status.label
        headline = f"{row.name}: checking…" if is_new else f"We cannot tell you how {row.name} is"
        return Banner(row.status, headline, facts=facts, is_checking=is_new)
    verb = VERBS.get(row.status, ("is operational", ""))[0]
    return Banner(
        row.status,
        f"{row.name} {verb}",
        line="Since" if row.since and not facts else "",
        line_at=row.since if not facts else None,
        facts=facts,
    )


def incident_banner(card: IncidentCard) -> Banner:
    """The state of one incident: what it is now, or how long it was."""
    if card.resolved_at:
        return Banner(
            Status.OPERATIONAL,
            card.title,
            "Resolved",
            facts=(
                Fact("Started", at=card.started_at),
                Fact("Ended", at=card.resolved_at),
                Fact("Lasted", card.duration),
            ),
        )
    status = worst([card.status, Status.DEGRADED_PERFORMANCE])
    return Banner(status, card.title, f"{status.label}, ongoing", facts=_facts(card)[1:])


def zone() -> ZoneInfo:
    """The page's own time zone: its days are the days of strips and calendars."""
    return ZoneInfo(settings.PAGE_TIME_ZONE)


def _headline(status: Status, rows: list[ComponentRow]) -> str:
    """ "Chat is down", "Widgetify is down" when all of it is; empty when no row is in that state."""
    hit = [row.name for row in rows if row.status is status]
    if not hit:
        return ""
    if status is Status.UNKNOWN:
        return f"We do not know how {names(hit)} {'are' if len(hit) > 1 else 'is'}"
    one, many = VERBS[status]
    if len(hit) == len(rows) and len(hit) > 1:
        return f"{settings.PAGE_NAME} {one}"
    return f"{names(hit)} {many if len(hit) > 1 else one}"


def _facts(card: IncidentCard) -> tuple[Fact, ...]:
    """Started, now, next update by."""
    facts = [
        Fact("Started", at=card.started_at, with_age=True),
        Fact("Now", card.now),
    ]
    if card.next_update_at:
        facts.append(Fact("Next update by", at=card.next_update_at))
    return tuple(facts)


def _beside(card: IncidentCard, rows: list[ComponentRow]) -> IncidentCard:
    """The card with what works, partly works and does not, of the whole page."""
    return cards.with_columns(card, [(row.name, row.status) for row in rows])


def group_cards(world: World, rows: list[ComponentRow], opened: list[IncidentCard]) -> tuple[GroupCard, ...]:
    """Groups in order, with what is affected moved to the top."""
    hit = {row.public_id for row in rows if row.status.is_trouble}
    affected = [row for row in rows if row.public_id in hit]
    found: list[GroupCard] = []
    if affected:
        count = f"{len(affected)} of {len(rows)} components"
        found.append(_group("", "Affected now", affected, "affected", count, is_open=True))
    rest = [row for row in rows if row.public_id not in hit]
    by_id = {row.public_id: row for row in rest}
    is_open = len(rows) <= OPEN_UP_TO
    placed = [
        (group.position, _group(group.public_id, group.name, members, "group", is_open=is_open))
        for group in world.groups.values()
        if (members := _members(world, by_id, group.pk))
    ]
    if loose := _members(world, by_id, None):
        name = "Not affected" if affected else "More" if placed else "All components"
        first = min(one.position for one in world.components if one.group_id is None)
        placed.append((first, _group("", name, loose, "group", is_open=is_open)))
    return (*found, *(card for _, card in sorted(placed, key=lambda one: one[0])))


def _members(world: World, by_id: dict[str, ComponentRow], group_id: int | None) -> list[ComponentRow]:
    return [
        by_id[component.public_id]
        for component in world.components
        if component.group_id == group_id and component.public_id in by_id
    ]


def _group(
    public_id: str,
    name: str,
    rows: list[ComponentRow],
    kind: str,
    count: str = "",
    *,
    is_open: bool,
) -> GroupCard:
    status = worst(row.status for row in rows)
    new = all(row.label != row.status.label for row in rows)
    plural = "component" if len(rows) == 1 else "components"
    return GroupCard(
        public_id=public_id,
        name=name,
        kind=kind,
        rows=tuple(rows),
        status=status,
        label=rows[0].label if new else status.label,
        is_open=is_open or status is not Status.OPERATIONAL,
        count=count or f"{len(rows)} {plural}",
    )


def past_days(
    world: World, closed: list[IncidentCard], at: datetime, *, is_open: bool
) -> tuple[PastDays, ...]:
    """Days with incidents, and the quiet ones between them folded into one line each.

    Today is not quiet while an incident is open: it is told above.
    """
    zone, today = world.zone, world.today
    by_day: dict[date, list[IncidentCard]] = {}
    for card in closed[:PAST_INCIDENTS]:
        by_day.setdefault(card.started_at.astimezone(zone).date(), []).append(card)
    found: list[PastDays] = []
    upto = today - timedelta(days=1) if is_open else today
    for on in sorted(by_day, reverse=True):
        if on < upto:
            found.append(_quiet(on + timedelta(days=1), upto))
        found.append(PastDays(on, on, f"{on:%a} {on.day} {on:%b}", _ago(on, today), tuple(by_day[on])))
        upto = on - timedelta(days=1)
    if not found:
        began = min((c.created_at for c in world.components), default=at).astimezone(zone).date()
        first = max(began, today - timedelta(days=DAYS - 1))
        if first <= upto:
            found.append(_quiet(first, upto))
    return tuple(found)


def _quiet(first: date, last: date) -> PastDays:
    count = (last - first).days + 1
    start = f"{first.day}" if first.month == last.month else f"{first.day} {first:%b}"
    label = f"{last.day} {last:%b}" if count == 1 else f"{start} – {last.day} {last:%b}"
    return PastDays(first, last, label, f"{count} day{'s' if count > 1 else ''}", note="No incidents.")


def _ago(on: date, today: date) -> str:
    count = (today - on).days
    return "today" if not count else "yesterday" if count == 1 else f"{count} days ago"


def response_times(world: World, latencies: dict[int, list[HourTally]]) -> tuple[ResponseTime, ...]:
    """Median and p95 of the first components that have any, hour by hour."""
    found: list[ResponseTime] = []
    for component in world.components:
        hours = [hour for hour in latencies.get(component.pk, []) if hour.latency]
        if hours and len(found) < RESPONSE_TIMES:
            found.append(_response_time(component, hours, world.now))
    return tuple(found)


def _response_time(component: Component, hours: list[HourTally], now: datetime) -> ResponseTime:
    total = latency.merge(hour.latency for hour in hours)
    median, p95 = latency.quantile(total, 0.5) or 0.0, latency.quantile(total, 0.95) or 0.0
    by_hour = {hour.hour: latency.quantile(hour.latency, 0.5) for hour in hours}
    this_hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    starts = [this_hour - timedelta(hours=back) for back in range(23, -1, -1)]
    return ResponseTime(
        name=component.name,
        median=f"{median:.0f} ms",
        p95=f"{p95:.0f} ms",
        points=tuple(by_hour.get(start) for start in starts),
        started_at=starts[0],
        label=f"{component.name}: median {median:.0f} ms over the last 24 hours, p95 {p95:.0f} ms",
    )


def _concerns(incident: Incident, component_id: int) -> bool:
    return any(one.component_id == component_id for one in cards.affected(incident))


def wanted_latencies(components: Iterable[Component]) -> list[int]:
    """The components whose response times the front page may show."""
    return [component.pk for component in components][: 4 * RESPONSE_TIMES]
