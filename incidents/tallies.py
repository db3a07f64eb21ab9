"""Seconds of each day within maintenance that was announced before it began.

The raw tallies stay as the probes reported; these are stored beside them, so both
figures come from the same rows. Counting again gives the same.
"""

from collections import defaultdict
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import F, Q, QuerySet

from components import identity, uptime
from components.models import DayTally, Page
from components.models.tally import EXCUSED_FIELDS
from components.tasks import spans_between
from incidents import windows
from incidents.models import Maintenance
from incidents.wall_clock import Stretch


def tally_excused(now: datetime) -> None:
    """Count today, yesterday, and every day of a window that has changed since it was counted.

    A window changes by its plan, and by statuses within it that are dated back.
    Does nothing until the raw tallies reach today, as only they create a day's rows.
    """
    zone = identity.current().zone
    today = now.astimezone(zone).date()
    if not DayTally.objects.filter(day=today).exists():
        return
    with transaction.atomic():
        page = Page.objects.lock()
        upto = min(now, page.days_upto or now)
        changed = list(_changed(page.excused_upto, upto))
        days = {today, today - timedelta(days=1)}
        for maintenance in changed:
            days.update(_days(maintenance, now, zone))
        changed_days = [day for day in sorted(days) if _tally_day(day, zone, now)]
        if any(day < today for day in changed_days):
            Page.objects.bump_days()
        for maintenance in changed:
            Maintenance.objects.filter(pk=maintenance.pk).update(tallied_at=maintenance.updated_at)
        Page.objects.filter(pk=page.pk).update(excused_upto=upto)


def _changed(since: datetime | None, upto: datetime) -> QuerySet[Maintenance]:
    """Maintenance that was replanned, or that overlaps the time since the last count."""
    begun = Maintenance.objects.exclude(began_at=None)
    replanned = ~Q(tallied_at=F("updated_at")) | Q(tallied_at=None)
    if since is None:
        return begun.filter(began_at__lt=upto)
    reached = Q(began_at__lt=upto) & (Q(ended_at=None) | Q(ended_at__gt=since))
    return begun.filter(replanned | reached)


def _days(maintenance: Maintenance, now: datetime, zone: ZoneInfo) -> list[date]:
    """The days it has touched so far, in the page's zone."""
    began = maintenance.began_at or now
    return list(
        uptime.days(began.astimezone(zone).date(), (maintenance.ended_at or now).astimezone(zone).date())
    )


def _tally_day(day: date, zone: ZoneInfo, now: datetime) -> bool:
    """Count one day. Returns whether any of its rows changed."""
    start, end = uptime.day_bounds(day, zone)
    end = min(end, now)
    excused = _excused(start, end)
    spans = spans_between(start, end, now=now, only=excused.keys())
    was_excused = Q(*((f"{name}__gt", 0) for name in EXCUSED_FIELDS), _connector=Q.OR)
    news = []
    for row in DayTally.objects.filter(Q(component__in=excused.keys()) | was_excused, day=day):
        seconds = windows.inside(
            spans.get(row.component_id, []), excused.get(row.component_id, []), start, end
        )
        counted = [getattr(seconds, name[len("excused_") : -len("_s")]) for name in EXCUSED_FIELDS]
        if counted != [getattr(row, name) for name in EXCUSED_FIELDS]:
            for name, value in zip(EXCUSED_FIELDS, counted, strict=True):
                setattr(row, name, value)
            news.append(row)
    DayTally.objects.bulk_update(news, EXCUSED_FIELDS, batch_size=200)
    return bool(news)


def _excused(start: datetime, end: datetime) -> dict[int, list[Stretch]]:
    """The excused stretches that may touch this day, by component."""
    touching = Maintenance.objects.filter(began_at__lt=end).filter(Q(ended_at=None) | Q(ended_at__gt=start))
    stretches: dict[int, list[Stretch]] = defaultdict(list)
    for maintenance in touching.prefetch_related("plan_rows", "components"):
        if stretch := maintenance.excused():
            for component in maintenance.components.all():
                stretches[component.pk].append(stretch)
    return stretches
