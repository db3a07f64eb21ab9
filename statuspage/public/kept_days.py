"""Tallies of past days, kept in memory: most of the rows a page is made of, and they hardly ever change.

They are read again when the page's `days_revision` moves, which whoever writes a past day counts up in the
same transaction; when content was taken away or a backup was put back (`forgotten`); when the day is over;
and after ten minutes, for rows that were changed by hand or by an earlier version of the program during an
upgrade. Each process keeps its own; dropping it costs one slower rendering.
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import lru_cache

from django.db.models import Q

from components.models import DayTally, Page
from components.models.tally import EXCUSED_FIELDS, SECONDS_FIELDS
from components.uptime import Seconds

MAX_AGE = timedelta(minutes=10)
FEW = 100  # components that are asked for by their ids; more of them are all read again
Days = dict[int, dict[date, Seconds]]


@dataclass(frozen=True, slots=True)
class _Key:
    public_id: str
    forgotten: int
    revision: int
    first: date
    today: date


@dataclass(frozen=True, slots=True)
class _Kept:
    key: _Key
    read_at: datetime
    component_ids: frozenset[int]  # whose days are here, also if they have none
    days: Days = field(repr=False)
    excused: Days = field(repr=False)

    def is_usable(self, key: _Key, now: datetime) -> bool:
        return self.key == key and timedelta() <= now - self.read_at < MAX_AGE


class _Memory:
    """Of this process. Values are replaced, never changed: other threads may be rendering with them."""

    kept: _Kept | None = None


_memory = _Memory()


def clear() -> None:
    """Read all days again next time."""
    _memory.kept = None


def days_of(
    page: Page, component_ids: Collection[int], first: date, today: date, now: datetime
) -> tuple[Days, Days]:
    """By component: the seconds of each day from `first`, without today; and those within announced
    maintenance where there are any. `page` was read before, so what changes meanwhile is read next time.
    The dictionaries are shared: they must not be changed.
    """
    key = _Key(page.public_id, page.forgotten, page.days_revision, first, today)
    wanted = frozenset(component_ids)
    kept = _memory.kept
    if kept is None or not kept.is_usable(key, now):
        kept = _Kept(key, now, frozenset(), {}, {})
    if kept.component_ids != wanted:
        days, excused = _read_these(wanted - kept.component_ids, first, today)
        kept = replace(
            kept,
            component_ids=wanted,
            days=_only(wanted, kept.days | days),
            excused=_only(wanted, kept.excused | excused),
        )
    _memory.kept = kept
    return kept.days, kept.excused


def read(which: Q, first: date, today: date) -> tuple[Days, Days]:
    """The same from the database, of these rows."""
    rows = DayTally.objects.filter(which, day__gte=first, day__lt=today).values_list(
        "component_id", "day", *SECONDS_FIELDS, *EXCUSED_FIELDS
    )
    days: Days = defaultdict(dict)
    excused: Days = defaultdict(dict)
    count = len(SECONDS_FIELDS)
    for component_id, day, *seconds in rows.iterator(chunk_size=5000):
        days[component_id][day] = _seconds(*seconds[:count])
        if any(seconds[count:]):
            excused[component_id][day] = _seconds(*seconds[count:])
    return days, excused


_seconds = lru_cache(maxsize=10_000)(Seconds)  # most days are alike: one object for all of them


def _read_these(component_ids: frozenset[int], first: date, today: date) -> tuple[Days, Days]:
    if not component_ids:
        return {}, {}
    # a list of thousands of numbers takes longer than reading all
    few = len(component_ids) <= FEW
    return read(Q(component__in=component_ids) if few else Q(component__is_shown=True), first, today)


def _only(component_ids: frozenset[int], days: Days) -> Days:
    return {pk: by_day for pk, by_day in days.items() if pk in component_ids}
