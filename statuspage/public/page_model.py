"""The read model: from rows to what each page shows.

Each builder takes the gathered `World` and the moment to judge it at. The same
world judged later may be late, then stale: that is how a page turns grey
without asking anything.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from operator import itemgetter
from zoneinfo import ZoneInfo

from django.conf import settings
from django.urls import reverse

from components import health, identity, latency, uptime
from components.models import Component, HourTally, Probe
from components.models.heartbeat import MAX_AHEAD
from components.models.regional import groups, status_of_group
from components.status import SEVERITY, Status, page_state, worst
from incidents.models import Incident
from statuspage.public import banners, days, incident_cards, maintenance_cards
from statuspage.public.values.components import ComponentRow, GroupCard, ResponseTime
from statuspage.public.values.frame import Freshness, Head, Step
from statuspage.public.values.incidents import IncidentCard
from statuspage.public.values.pages import ComponentPage, CountingPage, Overview
from statuspage.public.world import World

MIN_LATE_AFTER = timedelta(seconds=60)
MIN_STALE_AFTER = timedelta(minutes=5)
OPEN_UP_TO = 20  # a page with this few components shows them all; a longer one folds its groups
RESPONSE_TIMES = 3


def overview(world: World, latencies: dict[int, list[HourTally]], at: datetime) -> Overview:
    """The front page."""
    fresh = freshness(world, at)
    rows = [component_row(world, component, fresh) for component in world.components]
    shown = [incident_cards.incident(incident, world, at) for incident in world.incidents]
    opened = sorted((card for card in shown if card.is_open), key=_urgency, reverse=True)
    active = tuple(maintenance_cards.card(maintenance, at) for maintenance in maintenance_cards.active(world))
    head = head_of(world, fresh, section="status", statuses=[row.status for row in rows])
    return Overview(
        head=head,
        banner=banners.banner(head, rows, opened, shown, active),
        incidents=tuple(_with_columns(world, card, rows) for card in opened),
        groups=group_cards(world, rows, opened),
        response_times=response_times(world, latencies),
        past=days.past_days(world, [card for card in shown if not card.is_open], fresh, is_open=bool(opened)),
        active=active,
        planned=tuple(
            maintenance_cards.card(maintenance, at)
            for maintenance in maintenance_cards.planned(world)[: maintenance_cards.MAX_PLANNED]
        ),
    )


def _urgency(card: IncidentCard) -> tuple[int, bool]:
    """A sort key: severity first; recovered incidents that are being monitored come after others."""
    return SEVERITY[card.state.status], not card.state.is_watching


def component_page(
    world: World, component: Component, latencies: dict[int, list[HourTally]], at: datetime
) -> ComponentPage:
    """One component with its days."""
    fresh = freshness(world, at)
    row = component_row(world, component, fresh)
    cards = [
        incident_cards.incident(incident, world, at)
        for incident in world.incidents
        if _concerns(incident, component.pk)
    ]
    opened = [card for card in cards if card.is_open]
    planned = maintenance_cards.works_of(world, component, at)
    charts = [chart for chart in response_times(world, latencies) if chart.name == component.name]
    head = head_of(world, fresh)
    group = world.groups[component.group_id] if component.group_id else None
    return ComponentPage(
        head=head,
        row=row,
        banner=banners.component_banner(row, opened, [work for work in planned if work.is_active]),
        days=tuple(reversed(row.days)),
        response_time=charts[0] if charts else None,
        incidents=tuple(cards),
        group_name=group.name if group else "",
        group_id=group.public_id if group else "",
        works=tuple(planned),
    )


def counting_page(world: World, at: datetime) -> CountingPage:
    """How the figures are counted, with the weights they are counted by."""
    shares = ((Status.MAJOR_OUTAGE, "1"), (Status.PARTIAL_OUTAGE, f"0.{uptime.PARTIAL_WEIGHT_TENTHS}"))
    harmless = ((Status.DEGRADED_PERFORMANCE, "0"), (Status.OPERATIONAL, "0"))
    return CountingPage(head_of(world, freshness(world, at)), (*shares, *harmless))


def head_of(
    world: World, fresh: Freshness, *, section: str = "", statuses: list[Status] | None = None
) -> Head:
    """The frame of a page. Its state is the whole page's, judged with the same freshness.

    `statuses`: of all components, where the caller has them already.
    """
    opened = [
        incident_cards.state_of(incident) for incident in world.incidents if incident.resolved_at is None
    ]
    if statuses is None:
        statuses = [shown_status(world, component, fresh) for component in world.components]
    if fresh.step is Step.NONE and not statuses:
        statuses = [Status.UNKNOWN]
    page = identity.current()
    return Head(
        page_name=page.name,
        page_url=settings.PUBLIC_URL,
        state=page_state(statuses, opened=opened),
        version=world.version,
        rendered_at=world.now,
        freshness=fresh,
        time_zone=page.time_zone,
        support_url=page.support_url,
        section=section,
    )


def freshness(world: World, at: datetime) -> Freshness:
    """How old our newest check is at this moment."""
    fresh: Freshness | None = world.cache.get(("freshness", at))
    if fresh is None:
        fresh = world.cache["freshness", at] = _freshness(world, at)
    return fresh


def _freshness(world: World, at: datetime) -> Freshness:
    heard = _heard(world)
    if not heard:
        probes = [probe for group in world.probes.values() for probe in group]
        is_paused = bool(world.paused) and not probes
        has_checked = any(probe.heard_at or probe.passed_at for probe in (*probes, *world.paused))
        return Freshness(Step.NONE, at, None, None, None, is_paused=is_paused, has_checked=has_checked)
    late_after, stale_after = limits(world)
    checked_at = _newest_check([heard_at for _, heard_at, _ in heard], world.now, stale_after)
    late_at, stale_at = checked_at + late_after, checked_at + stale_after
    lately = [probe for probe, heard_at, counts_for in heard if at - heard_at < counts_for]
    checks, regions, failing = _counted(world, lately)
    return Freshness(
        step=Step.STALE if at >= stale_at else Step.LATE if at >= late_at else Step.CURRENT,
        at=at,
        checked_at=checked_at,
        late_at=late_at,
        stale_at=stale_at,
        probes=checks,
        watched=_counted(world, [probe for probe, _, _ in heard])[0],
        regions=regions,
        failing=failing,
    )


def _heard(world: World) -> list[tuple[Probe, datetime, timedelta]]:
    """The probes that have a result, when it came, and how long it counts for the frame of the page."""
    heard: list[tuple[Probe, datetime, timedelta]] | None = world.cache.get(("heard", None))
    if heard is None:
        heard = world.cache["heard", None] = [
            (probe, heard_at, max(MIN_STALE_AFTER, probe.rule.silence))
            for group in world.probes.values()
            for probe in group
            if (heard_at := probe.heard_at)
        ]
    return heard


def _counted(world: World, lately: list[Probe]) -> tuple[int, int, int]:
    """How many checks and regions these probes are, and how many of the checks fail.

    Of those that have a result, the older ones no longer count at a later moment: so as many are the same.
    """
    counted: tuple[int, int, int] | None = world.cache.get(("counted", len(lately)))
    if counted is None:
        together = groups(lately)
        failing = sum(status_of_group(group).is_trouble for group in together)
        counted = len(together), len({probe.region for probe in lately}), failing
        world.cache["counted", len(lately)] = counted
    return counted


def _newest_check(moments: list[datetime], now: datetime, stale_after: timedelta) -> datetime:
    """The newest of these that is not in the future; if all are (clock set back), `now - stale_after`."""
    past = [at for at in moments if at <= now + MAX_AHEAD]
    return max(past) if past else now - stale_after


def limits(world: World) -> tuple[timedelta, timedelta]:
    """After how long without any check the page is late, and stale."""
    known: tuple[timedelta, timedelta] | None = world.cache.get(("limits", None))
    if known is None:
        known = world.cache["limits", None] = _limits(world)
    return known


def _limits(world: World) -> tuple[timedelta, timedelta]:
    intervals = {probe.rule.interval for group in world.probes.values() for probe in group}
    rule = health.Rule(min(intervals, default=timedelta(seconds=60)))
    return max(MIN_LATE_AFTER, (rule.interval + rule.silence) / 2), max(MIN_STALE_AFTER, rule.silence)


def shown_status(world: World, component: Component, fresh: Freshness) -> Status:
    """A component's status as the page shows it: unknown once our data is stale.

    A silent probe is unknown here even if no process has stored that yet. Maintenance under way
    hides failed checks, but not a problem set by hand; and once all data is stale the component is
    unknown during maintenance too.
    """
    probes = world.probes.get(component.pk, [])
    is_lost = bool(probes) and fresh.step is Step.STALE
    if component.pk in world.worked_on and not component.is_set_to_trouble and not is_lost:
        return Status.UNDER_MAINTENANCE
    if component.manual_status or not probes:
        return Status(component.status)
    if fresh.step is Step.STALE:
        return Status.UNKNOWN
    if not any(_is_unseen(probe, world, fresh) for probe in probes):
        return Status(component.status)
    return worst(
        status_of_group(group, lambda probe: _is_unseen(probe, world, fresh)) for group in groups(probes)
    )


def _is_unseen(probe: Probe, world: World, fresh: Freshness) -> bool:
    """Whether it is silent, or its last result is in the future, as the clock was set back."""
    heard_at = probe.heard_at
    is_ahead = heard_at is not None and heard_at > world.now + MAX_AHEAD
    return is_ahead or probe.is_silent(fresh.at)


def component_row(world: World, component: Component, fresh: Freshness) -> ComponentRow:
    """A component as listed."""
    status = shown_status(world, component, fresh)
    is_worked = status is Status.UNDER_MAINTENANCE and component.pk in world.worked_on
    probes = world.probes.get(component.pk, [])
    heard = [probe.heard_at for probe in probes if probe.heard_at]
    is_new = status is Status.UNKNOWN and bool(probes) and not heard
    spans = world.spans.get(component.pk, [])
    strip = days.component_days(world, component, fresh)
    was, was_at = "", None
    if status is Status.UNKNOWN and heard:
        was, was_at = _last_known(component, spans, max(heard))
    return ComponentRow(
        public_id=component.public_id,
        url=_address(component.public_id),
        name=component.name,
        description=component.description,
        status=status,
        label="Checking…" if is_new else status.label,
        since=spans[-1].started_at if spans else None,
        days=strip if any(day.status for day in strip) or heard else (),
        uptime=days.uptime_of(world, component),
        by_hand=bool(component.manual_status or (not probes and status is not Status.UNKNOWN))
        and not is_worked,
        was=was,
        was_at=was_at,
    )


@lru_cache(maxsize=10_000)
def _address(public_id: str) -> str:
    return reverse("component", args=[public_id])


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


def zone() -> ZoneInfo:
    """The page's own time zone, for the days of uptime bars and calendars."""
    return identity.current().zone


def _with_columns(world: World, card: IncidentCard, rows: list[ComponentRow]) -> IncidentCard:
    """The card with its failing components, and those that work in its groups (or in all)."""
    incident = next(incident for incident in world.incidents if incident.public_id == card.public_id)
    groups = {place.component.group_id for place in incident_cards.affected(incident)}
    is_near = None in groups or not groups
    near = {component.public_id for component in world.components if is_near or component.group_id in groups}
    return incident_cards.with_columns(card, [row for row in rows if row.public_id in near])


def group_cards(world: World, rows: list[ComponentRow], opened: list[IncidentCard]) -> tuple[GroupCard, ...]:
    """Groups in order, with affected components in a group at the top."""
    hit = {row.public_id for row in rows if row.status.is_trouble}
    affected = [row for row in rows if row.public_id in hit]
    cards: list[GroupCard] = []
    if affected:
        count = f"{len(affected)} of {len(rows)} components"
        cards.append(_group("", "Affected now", affected, "affected", count, is_open=True))
    rest = [row for row in rows if row.public_id not in hit]
    members_of = _members(world, {row.public_id: row for row in rest})
    is_open = len(rows) <= OPEN_UP_TO
    placed = [
        (group.position, _group(group.public_id, group.name, members, "group", is_open=is_open))
        for group in world.groups.values()
        if (members := members_of.get(group.pk))
    ]
    if loose := members_of.get(None):
        name = "Not affected" if affected else "Other components" if placed else "All components"
        first = min(component.position for component in world.components if component.group_id is None)
        placed.append((first, _group("", name, loose, "group", is_open=is_open)))
    return (*cards, *(card for _, card in sorted(placed, key=itemgetter(0))))


def _members(world: World, by_id: dict[str, ComponentRow]) -> dict[int | None, list[ComponentRow]]:
    """These rows by group, in the world's order."""
    members: dict[int | None, list[ComponentRow]] = {}
    for component in world.components:
        if (row := by_id.get(component.public_id)) is not None:
            members.setdefault(component.group_id, []).append(row)
    return members


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


def response_times(world: World, latencies: dict[int, list[HourTally]]) -> tuple[ResponseTime, ...]:
    """Median and p95 of the first components that have any, hour by hour."""
    charts: list[ResponseTime] = []
    for component in world.components:
        hours = [hour for hour in latencies.get(component.pk, []) if hour.latency]
        if hours and len(charts) < RESPONSE_TIMES:
            charts.append(_response_time(component, hours, world.now))
    return tuple(charts)


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
    return any(row.component_id == component_id for row in incident_cards.affected(incident))


def wanted_latencies(components: Iterable[Component]) -> list[int]:
    """The components whose response times the front page may show."""
    return [component.pk for component in components][: 4 * RESPONSE_TIMES]
