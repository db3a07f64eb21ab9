"""PostgreSQL's table of checks: what an upgrade left in it, and whether today has a partition."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from django.db import connection

from components import partitions
from components.clock import database_now
from statuspage.ops.doctor.findings import Finding, fail, ok, warn
from statuspage.ops.release import ALONE

NAME = "days of checks"
BOUND = re.compile(r"slot < '?(\d+)")


def look() -> Iterator[Finding]:
    """Nothing on SQLite, and nothing before the table is partitioned unless an upgrade was cut off."""
    if connection.vendor != "postgresql":
        return
    if (limit := _limit()) is not None:
        yield _of_upgrade(datetime.fromtimestamp(limit, UTC))
    elif days := partitions.partitions():
        yield _of_today(days, database_now())


def _of_upgrade(limit: datetime) -> Finding:
    if _is_migrating():
        return warn(NAME, "An upgrade of the database is running now: look again when it has ended.")
    return fail(
        NAME,
        "An upgrade of the database was killed before its end, so no check can be stored from"
        f" {limit:%Y-%m-%d} 00:00 UTC on: run manage.py prepare again (manage.py up does it).",
    )


def _of_today(days: list[partitions.Partition], now: datetime) -> Finding:
    slot = int(now.timestamp())
    first = slot // partitions.DAY_S * partitions.DAY_S
    if any((day.first is None or day.first <= slot) and slot < day.last for day in days):
        return ok(NAME, f"There are partitions until {datetime.fromtimestamp(days[-1].last, UTC):%Y-%m-%d}.")
    words = (
        f"There is no partition {partitions.name_of(first)} for today, so its checks go to {partitions.REST}"
    )
    if _has_rest(first):
        return warn(
            NAME,
            f"{words}, and are deleted once they are packed: nothing is lost, and the next days get their own"
            " partitions while a worker runs.",
        )
    return warn(
        NAME, f"{words}: run manage.py prepare, and see that a worker runs, which makes the next ones."
    )


def _limit() -> int | None:
    """The slot from which on the migration that partitions the table has checks refused until it ends."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE conrelid = to_regclass(%s) AND conname = 'components_check_bound'",
            [partitions.TABLE],
        )
        row = cursor.fetchone()
    match = BOUND.search(row[0]) if row else None
    return int(match.group(1)) if match else None


def _is_migrating() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_locks JOIN pg_database d ON d.oid = database"
            " WHERE locktype = 'advisory' AND d.datname = current_database()"
            " AND classid = %s AND objid = %s)",
            [ALONE >> 32, ALONE & 0xFFFFFFFF],
        )
        return bool(cursor.fetchone()[0])


def _has_rest(first: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT EXISTS (SELECT 1 FROM {partitions.REST} WHERE slot >= %s AND slot < %s)",  # noqa: S608
            [first, first + partitions.DAY_S],
        )
        return bool(cursor.fetchone()[0])
