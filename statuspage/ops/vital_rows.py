"""What is stored of this program's own health: heartbeats, regions, and what each region's probes report.

One statement reads all of it, and how long that takes is how long the database takes to respond.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import Case, Count, Max, Min, Q, QuerySet, Value, When

from components import self_test
from components.mixed_rows import Row, Statement, first, rows
from components.models import Heartbeat, Probe, RemoteRegion
from components.models.claims import patience
from components.models.heartbeat import MAX_AHEAD
from components.probers.self_test import KIND as SELF_TEST
from incidents.models import Hook

NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Beat:
    """A heartbeat of one of our processes."""

    role: str
    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RegionProbes:
    """The probes of one region that are not paused, those of staff or the self-test's.

    Times are seconds since 1970, None without any. `heard_s`: of the newest result, but for those from the
    future; `newest_s`: with those. `due_s`: of the oldest slot that nobody has claimed.
    """

    region: str
    is_self_test: bool
    heard_s: int | None
    newest_s: int | None
    interval_s: int
    due_s: int | None
    made_at: datetime
    count: int
    reporting: int


@dataclass(frozen=True, slots=True)
class VitalRows:
    """`remote`: when each active remote region was last seen. `noticed_at`: of the last self-test."""

    took_ms: float
    beats: tuple[Beat, ...]
    remote: dict[str, datetime | None]
    probes: tuple[RegionProbes, ...]
    noticed_at: datetime | None
    has_hooks: bool


def vital_rows(now: datetime) -> VitalRows:
    """All of it, as of `now`. Raises DatabaseError."""
    ahead = now + MAX_AHEAD
    began = time.monotonic()
    by_kind = STATEMENT.read(until=ahead, until_s=int(ahead.timestamp()), now_s=int(now.timestamp()))
    return VitalRows(
        took_ms=(time.monotonic() - began) * 1000,
        beats=tuple(Beat(row.key, row.text, row.at) for row in by_kind["beat"] if row.at),
        remote={row.key: row.at for row in by_kind["remote"]},
        probes=tuple(_region_probes(row) for row in by_kind["probes"]),
        noticed_at=next((row.at for row in by_kind["fall"]), None),
        has_hooks=bool(by_kind["hook"]),
    )


def _parts(until: datetime, until_s: int, now_s: int) -> list[QuerySet[Any, Any]]:
    return [
        rows("beat", Heartbeat.objects.all(), key="role", text="name", at="at"),
        rows("remote", RemoteRegion.objects.filter(is_active=True), key="name", at="last_seen_at"),
        rows("probes", _by_region(until_s, now_s), key="region", at="made", **COLUMNS),
        rows("fall", first(self_test.falls(until), 1), at="noticed_at"),
        rows("hook", first(Hook.objects.order_by("pk"), 1)),
    ]


STATEMENT = Statement(_parts)
COLUMNS = {
    "a": "is_own",
    "b": "heard",
    "c": "newest",
    "d": "interval",
    "e": "due",
    "f": "count",
    "g": "reporting",
}


def _by_region(until_s: int, now_s: int) -> QuerySet[Probe, Any]:
    is_own = Case(When(kind=SELF_TEST, then=Value(1)), default=Value(0))
    grouped = (
        Probe.queue.filter(is_paused=False).order_by().annotate(is_own=is_own).values("region", "is_own")
    )
    return grouped.annotate(
        heard=Max("heard_s", filter=Q(heard_s__lte=until_s)),
        newest=Max("heard_s"),
        interval=Min("interval_s"),
        # a new probe is due since 1970: it says nothing about our lateness
        due=Min("next_slot", filter=Q(claimed_slot=None, next_slot__gt=0)),
        made=Max("created_at"),
        count=Count("pk"),
        reporting=Count("pk", filter=Q(heard_s__gt=Value(now_s) - patience())),
    )


def _region_probes(row: Row) -> RegionProbes:
    return RegionProbes(
        region=row.key,
        is_self_test=bool(row.a),
        heard_s=row.b,
        newest_s=row.c,
        interval_s=row.d or 0,
        due_s=row.e,
        made_at=row.at or NEVER,
        count=row.f or 0,
        reporting=row.g or 0,
    )
