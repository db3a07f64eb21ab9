"""Book-keeping: tallies of time and latency, and what is old enough to go."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from celery import shared_task
from django.conf import settings
from django.db import OperationalError, models, transaction

from components import latency, uptime
from components.models import Check, DayTally, HourTally, Page, Probe, StatusSpan
from components.models.tally import SECONDS_FIELDS
from components.status import Status

HOUR = timedelta(hours=1)
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
    """Remove raw checks and hour tallies that are past their keep."""
    now = datetime.now(UTC)
    oldest = int((now - timedelta(days=settings.CHECK_RETENTION_DAYS)).timestamp())
    for probe_id in Probe.objects.values_list("pk", flat=True):
        while _delete_some(probe_id, oldest) == DELETE_BATCH:
            pass
    HourTally.objects.filter(hour__lt=now - timedelta(days=settings.HOUR_RETENTION_DAYS)).delete()


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
    """The hours since the last one tallied, which was not over then, and the one before it.

    An outage is dated back to its first failure, so an hour can still change after it ended.
    """
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    last = HourTally.objects.aggregate(last=models.Max("hour"))["last"]
    first = last - HOUR if last else _began(this_hour)
    while first <= this_hour:
        rows = [
            HourTally(component_id=pk, hour=first, **_fields(spans, first, min(first + HOUR, now)))
            for pk, spans in spans_between(first, first + HOUR).items()
        ]
        HourTally.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["component", "hour"],
            update_fields=SECONDS_FIELDS,
        )
        first += HOUR


def tally_days(now: datetime, *, since: date | None = None) -> None:
    """The days of the page's zone, from the one before the last tallied one."""
    zone = ZoneInfo(settings.PAGE_TIME_ZONE)
    today = now.astimezone(zone).date()
    last = DayTally.objects.aggregate(last=models.Max("day"))["last"]
    first = since or (last - timedelta(days=1) if last else _began(now).astimezone(zone).date())
    for day in uptime.days(first, today):
        start, end = uptime.day_bounds(day, zone)
        rows = [
            DayTally(component_id=pk, day=day, **_fields(spans, start, min(end, now)))
            for pk, spans in spans_between(start, end).items()
        ]
        DayTally.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["component", "day"],
            update_fields=SECONDS_FIELDS,
        )


def tally_latency(now: datetime) -> None:
    """Count the response times of checks since the last time into their hours."""
    upto = int(now.timestamp()) - 60  # what is younger may still be on its way
    with transaction.atomic():
        page = Page.objects.hold()
        if upto <= page.rolled_up_to:
            return
        since = max(page.rolled_up_to, upto - 86_400)
        counts: dict[tuple[int, datetime], dict[str, int]] = defaultdict(lambda: defaultdict(int))
        rows = Check.objects.filter(slot__gt=since, slot__lte=upto, failure="").values_list(
            "probe__component_id", "slot", "total_ms"
        )
        for component_id, slot, total_ms in rows.iterator():
            hour = datetime.fromtimestamp(slot - slot % 3600, UTC)
            counts[component_id, hour][str(latency.bucket(total_ms))] += 1
        for (component_id, hour), histogram in counts.items():
            tally, _ = HourTally.objects.get_or_create(component_id=component_id, hour=hour)
            tally.latency = latency.merge([tally.latency, histogram])
            tally.save(update_fields=["latency"])
        Page.objects.filter(pk=page.pk).update(rolled_up_to=upto)


def _began(default: datetime) -> datetime:
    """The hour the oldest span began in."""
    first: datetime | None = StatusSpan.objects.aggregate(first=models.Min("started_at"))["first"]
    return (first or default).replace(minute=0, second=0, microsecond=0)


def spans_between(
    start: datetime, end: datetime, *, only: Collection[int] | None = None
) -> dict[int, list[uptime.Span]]:
    """The spans that touch this stretch, by component: of all, or of `only` these."""
    touching = StatusSpan.objects.filter(started_at__lt=end).filter(
        models.Q(ended_at=None) | models.Q(ended_at__gt=start)
    )
    if only is not None:
        touching = touching.filter(component__in=only)
    spans: dict[int, list[uptime.Span]] = defaultdict(list)
    for pk, status, began, ended in touching.values_list("component_id", "status", "started_at", "ended_at"):
        spans[pk].append(uptime.Span(Status(status), began, ended))
    return spans


def _fields(spans: Iterable[uptime.Span], start: datetime, end: datetime) -> dict[str, int]:
    """The tally of a stretch as model fields."""
    seconds = uptime.tally(spans, start, end)
    return {name: getattr(seconds, name.removesuffix("_s")) for name in SECONDS_FIELDS}
