"""The days of the table of checks on PostgreSQL: made ahead, and dropped when they are packed or too old.

A partition holds one day (UTC). What has none of its own goes to a partition for all the rest, so that no
result is lost while one is missing. Locks are waited for shortly: a change that does not get them gives way
to the checks, and is tried again a minute later. SQLite has an ordinary table, and none of this.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import IntegrityError, OperationalError, connection, transaction

from components import event_log

TABLE = "components_check"
REST = f"{TABLE}_rest"
DAY_S = 86_400
AHEAD_DAYS = 3
MAX_LOCK_WAIT = "500ms"  # less than deadlock_timeout: we give way, not the writer of a result
BOUNDS = re.compile(r"FOR VALUES FROM \('?(MINVALUE|-?\d+)'?\) TO \('?(-?\d+)'?\)")


class NotYetError(Exception):
    """A partition holds checks that are not packed."""


@dataclass(frozen=True, slots=True)
class Partition:
    """A table with the slots from `first` (None: any before) until `last`."""

    name: str
    first: int | None
    last: int

    @property
    def is_day(self) -> bool:
        """Whether it holds exactly one day; the table from before the first partition holds many."""
        return self.first is not None and self.last - self.first == DAY_S


def partitions() -> list[Partition]:
    """Those with bounds, the oldest first; none on SQLite."""
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i "
            "JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = to_regclass(%s)",
            [TABLE],
        )
        rows = cursor.fetchall()
    found = []
    for name, words in rows:
        if bounds := BOUNDS.fullmatch(words):
            first, last = bounds.groups()
            found.append(Partition(name, None if first == "MINVALUE" else int(first), int(last)))
    return sorted(found, key=lambda partition: partition.last)


def loose_tables() -> list[str]:
    """The tables whose checks are deleted once they are packed: all but those of one day."""
    if connection.vendor != "postgresql":
        return [TABLE]
    return [REST, *(partition.name for partition in partitions() if not partition.is_day)]


def make_ahead(now: datetime) -> None:
    """Make the partitions of today and the next days that are missing.

    A day that has checks in the rest already stays there: it is deleted later, not dropped.
    """
    existing = partitions()
    if not existing and connection.vendor != "postgresql":
        return
    today = int(now.timestamp()) // DAY_S
    for day in range(today, today + AHEAD_DAYS + 1):
        first = day * DAY_S
        if not any(_holds(partition, first) for partition in existing):
            _make(first)


def _holds(partition: Partition, slot: int) -> bool:
    return (partition.first is None or partition.first <= slot) and slot < partition.last


def _make(first: int) -> None:
    last = first + DAY_S
    with connection.cursor() as cursor:
        in_rest = f"SELECT EXISTS (SELECT 1 FROM {REST} WHERE slot >= %s AND slot < %s)"  # noqa: S608
        cursor.execute(in_rest, [first, last])
        if cursor.fetchone()[0]:
            return
    name = name_of(first)
    with gently("partition.made", name), connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {name} (LIKE {TABLE} INCLUDING DEFAULTS INCLUDING STORAGE)")
        # the probes first, as whoever writes a result has locked some of them before the checks
        cursor.execute("LOCK TABLE components_probe IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute(
            f"ALTER TABLE {TABLE} ATTACH PARTITION {name} FOR VALUES FROM ({first:d}) TO ({last:d})"
        )


def drop_before(slot: int) -> None:
    """Drop the partitions whose every slot is before this one."""
    for partition in partitions():
        if partition.last <= slot:
            drop(partition.name)


def drop(name: str, *, if_true: Callable[[], bool] = lambda: True) -> None:
    """Drop this partition, if `if_true` says so while nothing can be written to it."""
    with gently("partition.dropped", name), connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {name} IN SHARE MODE")
        if not if_true():
            raise NotYetError
        cursor.execute(f"DROP TABLE {name}")


@contextmanager
def gently(event: str, name: str) -> Iterator[None]:
    """A transaction that waits for locks shortly, and may fail: it is tried again with the next run."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{MAX_LOCK_WAIT}'")
            yield
    except (OperationalError, IntegrityError) as error:
        reason = str(error).strip().split("\n")[0]
        event_log.record("partition.waits", name=name, reason=reason)
    except NotYetError:
        pass
    else:
        event_log.record(event, name=name)


def name_of(first: int) -> str:
    """components_check_20261128."""
    return f"{TABLE}_{datetime.fromtimestamp(first, UTC):%Y%m%d}"
