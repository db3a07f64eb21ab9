"""The rows every public page is made of, fetched in a fixed number of queries.

`page_model.py` turns them into what a page shows. Nothing here depends on how many
components there are, or how long their history is: days come from tallies,
today from the spans that touch it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache, wraps
from typing import Any, TypeVar, cast
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.db.models.functions import Coalesce

from components import identity, uptime
from components.models import Component, Group, HourTally, Page, Probe, StatusSpan
from components.status import Status
from components.uptime import Seconds, Span
from incidents.lifecycle import PUBLIC_KINDS
from incidents.models import (
    Affected,
    Incident,
    Maintenance,
    MaintenanceState,
    MaintenanceUpdate,
    Postmortem,
    Update,
)
from statuspage.public import kept_days

DAYS = 90
ACTIVE = Q(state__in=(MaintenanceState.IN_PROGRESS, MaintenanceState.VERIFYING))
PLANNED = Q(state=MaintenanceState.SCHEDULED)


@dataclass(frozen=True, slots=True)
class World:
    """Everything the pages are made of, at one moment."""

    version: int
    public_id: str
    updated_at: datetime
    now: datetime
    zone: ZoneInfo
    groups: dict[int, Group]
    components: list[Component]
    probes: dict[int, list[Probe]]  # by component; those that run
    paused: list[Probe]  # and those that do not
    days: dict[int, dict[date, Seconds]]  # by component; without today
    spans: dict[int, list[Span]]  # by component; those that touch the last two days, oldest first
    incidents: list[Incident]  # newest first, with affected components and public updates
    maintenances: list[Maintenance]  # latest start first, with components, updates and plans
    excused: dict[int, dict[date, Seconds]]  # by component, as `days`: within announced maintenance
    work: dict[int, list[Maintenance]]  # by component; those of `maintenances` that began
    worked_on: frozenset[int]  # components that show maintenance now, unless a problem is set by hand
    uptime_target: float | None = None  # what is promised for the page, in percent
    keeps_days: bool = False  # the last 90 days of all components, which are kept in memory
    cache: dict[tuple[str, Any], Any] = field(default_factory=dict, init=False, compare=False, repr=False)

    @property
    def today(self) -> date:
        """The page's own day."""
        return self.now.astimezone(self.zone).date()


T = TypeVar("T")


def once(build: Callable[[World, Component], T]) -> Callable[[World, Component], T]:
    """Cache what is the same for a component at every age of the page: built once per world."""

    @wraps(build)
    def cached(world: World, component: Component) -> T:
        key = (build.__name__, component.pk)
        if key not in world.cache:
            world.cache[key] = build(world, component)
        value: T = world.cache[key]
        return value

    return cached


def gather_world(
    now: datetime,
    *,
    since: date | None = None,
    only: str | None = None,
    incidents: Q | None = None,
    days: Q | None = None,
    maintenances: Q | None = None,
) -> World:
    """Gather the world. `since`: the first day to tally (default: 90 days); `only`: one component's
    public id; `incidents`: which ones (default: open, or begun or ended since that day); `days`: which
    of the tallied days (default: all of them); `maintenances`: which ones besides those under way
    (default: planned, or ended since that day).
    """
    page = Page.objects.this()  # read first: a change while we gather makes us stale, never wrong
    identity.learn(page)
    zone = identity.current().zone
    today = now.astimezone(zone).date()
    first = since or today - timedelta(days=DAYS - 1)
    shown = Q(component__is_shown=True)
    of_component = Q(component__public_id=only) if only else Q()
    rows = Component.objects.filter(is_shown=True).order_by(
        Coalesce("group__position", "position"), "group_id", "position", "id"
    )
    components = [_component(*row) for row in rows.values_list(*COMPONENT_COLUMNS)]
    start = uptime.day_bounds(first, zone)[0]
    if incidents is None:
        incidents = Q(resolved_at=None) | Q(resolved_at__gte=start)
    if maintenances is None:
        maintenances = PLANNED | Q(ended_at__gte=start)
    keeps_days = since is None and days is None and only is None
    if keeps_days:
        ids = [component.pk for component in components]
        tallied, excused = kept_days.days_of(page, ids, first, today, now)
    else:
        tallied, excused = kept_days.read(shown & of_component & (days or Q()), first, today)
    probes = _probe_rows(shown)
    public, works = public_incidents(incidents), these_maintenances(ACTIVE | maintenances)
    return World(
        version=page.version,
        public_id=page.public_id,
        updated_at=page.updated_at,
        now=now,
        zone=zone,
        groups={group.pk: group for group in Group.objects.all()},
        components=components,
        probes=_probes(probe for probe in probes if not probe.is_paused),
        paused=[probe for probe in probes if probe.is_paused],
        days=tallied,
        spans=_spans(shown & of_component, uptime.day_bounds(today - timedelta(days=1), zone)[0]),
        incidents=public,
        maintenances=works,
        excused=excused,
        work=_work(works),
        worked_on=_worked_on(works, public),
        uptime_target=page.uptime_target,
        keeps_days=keeps_days,
    )


COMPONENT_COLUMNS = [column.attname for column in Component._meta.concrete_fields]  # noqa: SLF001


@lru_cache(maxsize=10_000)
def _component(*values: Any) -> Component:
    """A component, kept by its values: several pages may hold it at once, and none changes it."""
    component: Component = Component.from_db(Component.objects.db, COMPONENT_COLUMNS, values)
    return component


# What pages ask of a probe; the rest of its columns, some of them long, is not read.
ASKED = frozenset({
    "id", "component_id", "main_id", "region", "is_paused", "outcome", "passed_at", "quorum", "down_status",
    "heard_s", "heard_for_s", "interval_s", "confirm_down", "confirm_up", "unsteady_count", "unsteady_window",
})  # fmt: skip
# in the table's order, as Django makes rows of them
PROBE_COLUMNS = [column.attname for column in Probe._meta.concrete_fields if column.attname in ASKED]  # noqa: SLF001


def _probe_rows(which: Q) -> list[Probe]:
    return [_probe(*row) for row in Probe.objects.filter(which).values_list(*PROBE_COLUMNS)]


@lru_cache(maxsize=10_000)
def _probe(*values: Any) -> Probe:
    """A probe with these columns only. Kept by its values: to make one takes longer than to read it."""
    return cast("Probe", Probe.from_db(Probe.objects.db, PROBE_COLUMNS, values))


def _probes(probes: Iterable[Probe]) -> dict[int, list[Probe]]:
    by_component: dict[int, list[Probe]] = defaultdict(list)
    for probe in probes:
        by_component[probe.component_id].append(probe)
    return by_component


def _spans(which: Q, start: datetime) -> dict[int, list[Span]]:
    rows = (
        StatusSpan.objects.filter(which)
        .filter(Q(ended_at=None) | Q(ended_at__gt=start))
        .order_by("started_at", "id")
        .values_list("component_id", "status", "started_at", "ended_at")
    )
    spans: dict[int, list[Span]] = defaultdict(list)
    for component_id, status, started_at, ended_at in rows.iterator(chunk_size=5000):
        spans[component_id].append(Span(Status(status), started_at, ended_at))
    return spans


def public_incidents(which: Q, first: int = 0, last: int | None = None) -> list[Incident]:
    """Public incidents, newest first, with their components and public updates; from `first` to `last`."""
    public = Update.objects.filter(kind__in=PUBLIC_KINDS).order_by("-number")
    affected = Affected.objects.as_seen()
    report = Postmortem.objects.exclude(published_at=None).filter(incident=OuterRef("pk"))
    return list(
        Incident.objects.public()
        .filter(which)
        .annotate(has_postmortem=Exists(report))
        .prefetch_related(
            Prefetch("updates", public, to_attr="public_updates"),
            Prefetch("affected", affected, to_attr="all_affected"),
        )[first:last]
    )


def these_maintenances(which: Q) -> list[Maintenance]:
    """Maintenances, latest start first, with their components, updates and plans."""
    updates = MaintenanceUpdate.objects.order_by("-number")
    return list(
        Maintenance.objects.filter(which).prefetch_related(
            Prefetch("updates", updates, to_attr="all_updates"), "components", "plan_rows"
        )
    )


def latest_over(maintenances: QuerySet[Maintenance], most: int) -> Q:
    """The latest that are over or cancelled, by start: the last announced are the far end of a series."""
    over = maintenances.exclude(PLANNED | ACTIVE).order_by("-starts_at", "-pk").values_list("pk", flat=True)
    return Q(pk__in=list(over[:most]))


def _work(works: list[Maintenance]) -> dict[int, list[Maintenance]]:
    by_component: dict[int, list[Maintenance]] = defaultdict(list)
    for maintenance in works:
        for component in maintenance.components.all() if maintenance.began_at else ():
            by_component[component.pk].append(maintenance)
    return by_component


def _worked_on(works: list[Maintenance], incidents: list[Incident]) -> frozenset[int]:
    """Components under active maintenance, but for those whose open incident a person owns."""
    busy = {
        component.pk
        for maintenance in works
        if maintenance.is_active
        for component in maintenance.components.all()
    }
    owned = {
        place.component_id
        for incident in incidents
        if incident.is_owned and incident.resolved_at is None
        for place in incident.all_affected  # type: ignore[attr-defined]
    }
    return frozenset(busy - owned)


def latencies(component_ids: list[int], now: datetime) -> dict[int, list[HourTally]]:
    """The hours of the last day with response times in them, by component, oldest first."""
    hours: dict[int, list[HourTally]] = defaultdict(list)
    for tally in HourTally.objects.filter(
        component_id__in=component_ids, hour__gte=now - timedelta(hours=24)
    ).order_by("hour"):
        hours[tally.component_id].append(tally)
    return hours
