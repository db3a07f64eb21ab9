"""Periodic tasks: tallies of time and latency, and pruning."""

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from celery import shared_task
from django.conf import settings
from django.db import OperationalError, models, transaction

from components import freshness, identity, latency, packing, partitions, self_test, uptime
from components.limits import value_in
from components.models import (
    Check,
    CheckPack,
    DayTally,
    DeployMarker,
    HourTally,
    NumberTally,
    Page,
    Probe,
    Signal,
    SpoolMark,
    StatusSpan,
)
from components.models.tally import SECONDS_FIELDS
from components.probers import measuring_kinds, passive_kinds
from components.status import Status

HOUR = timedelta(hours=1)
EPOCH = date(1970, 1, 1)
HOURS_AT_ONCE = 6  # in one transaction, for which every change of the page waits
DAYS_AT_ONCE = 7
MAX_COUNT_S = 20.0  # for one run, which ends long before the next one
MAX_SIGNALS = 1_000  # of a probe: its newest
MARK_DAYS = 400  # a file of reports may be found again when a disk comes back
DELETE_BATCH = 5_000  # rows a transaction: other writers wait for it on SQLite


@shared_task(name="components.roll_up", ignore_result=True, throws=(OperationalError,))
def roll_up() -> None:
    """Bring the tallies up to now. Safe to run twice, and to catch up after a pause."""
    now = datetime.now(UTC)
    tally_hours(now)
    tally_days(now)
    tally_latency(now)


@shared_task(name="components.prune", ignore_result=True, throws=(OperationalError,))
def prune() -> None:
    """Delete what is past its keep: checks, hour tallies, flips of the self-test, deploys, reports."""
    now = datetime.now(UTC)
    self_test.forget_old(now)
    prune_checks(now)
    oldest_hour = now - timedelta(days=settings.HOUR_RETENTION_DAYS)
    HourTally.objects.filter(hour__lt=oldest_hour).delete()
    NumberTally.objects.filter(hour__lt=oldest_hour).delete()
    DeployMarker.objects.prune(now)
    prune_signals(now)


@shared_task(name="components.pack_checks", ignore_result=True, throws=(OperationalError,))
def pack_checks() -> None:
    """Make the next days' partitions, and pack the checks of days that are over."""
    now = datetime.now(UTC)
    partitions.make_ahead(now)
    packing.pack_days(now)


def prune_checks(now: datetime) -> None:
    """Delete the checks of days (UTC) that are wholly past their keep, as partitions, packs and rows."""
    oldest_day = (now - timedelta(days=settings.CHECK_RETENTION_DAYS)).astimezone(UTC).date()
    oldest = (oldest_day - EPOCH).days
    partitions.drop_before(oldest * partitions.DAY_S)
    CheckPack.objects.filter(day__lt=oldest).delete()
    old = Check.objects.filter(slot__lt=oldest * partitions.DAY_S).order_by()
    for probe_id in list(old.values_list("probe_id", flat=True).distinct()):
        while _delete_some(probe_id, oldest * partitions.DAY_S) == DELETE_BATCH:
            pass


def prune_signals(now: datetime) -> None:
    """Delete old signals, of each probe all but the newest, and old marks of spool files."""
    Signal.objects.filter(received_at__lt=now - timedelta(days=settings.SIGNAL_RETENTION_DAYS)).delete()
    for probe_id in Probe.objects.filter(kind__in=passive_kinds()).values_list("pk", flat=True):
        newest = Signal.objects.filter(probe_id=probe_id).order_by("-received_at", "-id")
        last = newest.values_list("received_at", flat=True)[MAX_SIGNALS : MAX_SIGNALS + 1].first()
        if last is not None:
            Signal.objects.filter(probe_id=probe_id, received_at__lte=last).delete()
    SpoolMark.objects.filter(updated_at__lt=now - timedelta(days=MARK_DAYS)).delete()


def _delete_some(probe_id: int, oldest: int) -> int:
    slots = list(
        Check.objects.filter(probe_id=probe_id, slot__lt=oldest)
        .order_by("slot")
        .values_list("slot", flat=True)[:DELETE_BATCH]
    )
    if slots:
        Check.objects.filter(probe_id=probe_id, slot__lte=slots[-1]).delete()
    return len(slots)


def tally_hours(now: datetime) -> None:
    """The hours from the oldest that has changed since it was counted, up to now."""
    oldest = _hour(now - timedelta(days=settings.HOUR_RETENTION_DAYS))
    _count_from("hours_upto", now, lambda start: _count_hours(max(_hour(start), oldest), now))


def _count_hours(first: datetime, now: datetime) -> datetime:
    """Count a few hours. Returns the moment up to which they are counted."""
    last = min(first + HOURS_AT_ONCE * HOUR, now)
    rows = []
    by_component = spans_between(first, last, now=now)
    start = first
    while start < last:
        end = min(start + HOUR, now)
        rows += [
            HourTally(component_id=pk, hour=start, **_fields(spans, start, end))
            for pk, spans in by_component.items()
            if _touches(spans, start, end)
        ]
        start += HOUR
    _write(HourTally, rows, "hour")
    return last


def tally_days(now: datetime, *, since: date | None = None) -> None:
    """The days of the page's zone, from the oldest that has changed since it was counted."""
    zone = identity.current().zone
    if since is not None:
        Page.objects.count_again(uptime.day_bounds(since, zone)[0])
    _count_from("days_upto", now, lambda start: _count_days(start.astimezone(zone).date(), now, zone))


def _count_days(first: date, now: datetime, zone: ZoneInfo) -> datetime:
    """Count a few days. Returns the moment up to which they are counted."""
    last = min(first + timedelta(days=DAYS_AT_ONCE - 1), now.astimezone(zone).date())
    end = min(uptime.day_bounds(last, zone)[1], now)
    by_component = spans_between(uptime.day_bounds(first, zone)[0], end, now=now)
    rows = []
    for day in uptime.days(first, last):
        start, finish = uptime.day_bounds(day, zone)
        rows += [
            DayTally(component_id=pk, day=day, **_fields(spans, start, min(finish, now)))
            for pk, spans in by_component.items()
            if _touches(spans, start, min(finish, now))
        ]
    _write(DayTally, rows, "day")
    if first < now.astimezone(zone).date():
        Page.objects.bump_days()
    return end


def _count_from(mark: str, now: datetime, count: Callable[[datetime], datetime]) -> None:
    """Count from the page's mark up to now, a little at a time, moving the mark along.

    A change that is dated back moves the mark back, and locks the page as we do, so nothing is missed
    between the two. A run that is cut off goes on where it was; a very long one leaves the rest to
    the next. An installation that was never counted this way is counted from its first day.
    """
    stop_at = time.monotonic() + MAX_COUNT_S
    upto = None
    while upto is None or (upto < now and time.monotonic() < stop_at):
        with transaction.atomic():
            start = getattr(Page.objects.lock(), mark) or _began(now)
            upto = count(min(start, now))
            Page.objects.filter(pk=1).update(**{mark: upto})


def _write(model: type[HourTally] | type[DayTally], rows: list[Any], period: str) -> None:
    model.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["component", period],
        update_fields=SECONDS_FIELDS,
        batch_size=500,
    )


def tally_latency(now: datetime) -> None:
    """Count the response times of checks since the last time into their hours."""
    upto = int(now.timestamp()) - 60  # newer results may not be stored yet
    with transaction.atomic():
        page = Page.objects.lock()
        if upto <= page.rolled_up_to:
            return
        since = max(page.rolled_up_to, upto - 86_400)
        counts: dict[tuple[int, datetime], dict[str, int]] = defaultdict(lambda: defaultdict(int))
        timed = Check.objects.filter(slot__gt=since, slot__lte=upto, failure="")
        # what is only reported to us has no response time
        timed = timed.exclude(probe__kind__in=passive_kinds())
        rows = timed.values_list("probe__component_id", "slot", "total_ms")
        for component_id, slot, total_ms in rows.iterator():
            hour = datetime.fromtimestamp(slot - slot % 3600, UTC)
            counts[component_id, hour][str(latency.bucket(total_ms))] += 1
        _add_latencies(counts)
        _tally_numbers(since, upto)
        Page.objects.filter(pk=page.pk).update(rolled_up_to=upto)


def _add_latencies(counts: Mapping[tuple[int, datetime], Mapping[str, int]]) -> None:
    """Add these to the tallies of their components and hours, a few statements for all of them.

    The caller holds the lock of the page, so nobody counts beside us.
    """
    hours = HourTally.objects.filter(
        component__in={component_id for component_id, _ in counts}, hour__in={hour for _, hour in counts}
    )
    known = {
        (pk, hour): counted for pk, hour, counted in hours.values_list("component_id", "hour", "latency")
    }
    HourTally.objects.bulk_create(
        (
            HourTally(
                component_id=pk, hour=hour, latency=latency.merge([known.get((pk, hour), {}), histogram])
            )
            for (pk, hour), histogram in counts.items()
        ),
        update_conflicts=True,
        unique_fields=["component", "hour"],
        update_fields=["latency"],
        batch_size=500,
    )


def _tally_numbers(since: int, upto: int) -> None:
    """Count the numbers of these seconds into their hours. The caller holds the lock of the page."""
    measured: dict[tuple[int, datetime], list[float]] = defaultdict(list)
    checks = Check.objects.filter(slot__gt=since, slot__lte=upto, probe__kind__in=measuring_kinds())
    for probe_id, slot, facts in checks.values_list("probe_id", "slot", "facts").iterator():
        if (value := value_in(facts)) is not None:
            measured[probe_id, datetime.fromtimestamp(slot - slot % 3600, UTC)].append(value)
    for (probe_id, hour), values in measured.items():
        new = NumberTally(probe_id=probe_id, hour=hour, count=0, mean=0.0, least=values[0], most=values[0])
        tally = NumberTally.objects.filter(probe=probe_id, hour=hour).first() or new
        tally.add(values)
        tally.save()


def _began(default: datetime) -> datetime:
    """When the oldest span began."""
    first: datetime | None = StatusSpan.objects.aggregate(first=models.Min("started_at"))["first"]
    return first or default


def _hour(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def spans_between(
    start: datetime, end: datetime, *, now: datetime, only: Collection[int] | None = None
) -> dict[int, list[uptime.Span]]:
    """The spans that touch this stretch, by component: of all, or of `only` these.

    An open one ends when its last result expired (components.freshness), even if that is not stored yet.
    """
    touching = StatusSpan.objects.filter(started_at__lt=end).filter(
        models.Q(ended_at=None) | models.Q(ended_at__gt=start)
    )
    if only is not None:
        touching = touching.filter(component__in=only)
    spans: dict[int, list[uptime.Span]] = defaultdict(list)
    columns = ("component_id", "status", "started_at", "ended_at")
    rows = touching.order_by("started_at", "id").values_list(*columns)
    for pk, status, began, ended in rows.iterator():
        spans[pk].append(uptime.Span(Status(status), began, ended))
    lost = freshness.silent_since(now)
    return {pk: freshness.cut(component_spans, lost.get(pk)) for pk, component_spans in spans.items()}


def _touches(spans: Iterable[uptime.Span], start: datetime, end: datetime) -> bool:
    """Whether anything is known of this stretch; what began and was lost before it counts as unknown."""
    return any(span.started_at < end for span in spans) and start < end


def _fields(spans: Iterable[uptime.Span], start: datetime, end: datetime) -> dict[str, float]:
    """The tally of a stretch as model fields."""
    seconds = uptime.tally(spans, start, end)
    return {name: getattr(seconds, name.removesuffix("_s")) for name in SECONDS_FIELDS}
