"""Packs the checks of days that are over (`components.models.check_pack`), so that 90 days of them fit.

A day is packed when it has been over for a day: whatever looks at the last 24 hours reads rows alone. Its
partition is dropped once every check in it is in a pack. Where a day has no partition of its own (SQLite, and
results that came late), its rows are deleted in the transaction that packs them. A run stops after a few
seconds, can be cut off anywhere, and the next one goes on.
"""

import time
from datetime import datetime
from functools import partial

from django.db import IntegrityError, connection, transaction

from components import event_log, partitions
from components.models import Check, CheckPack
from components.models.check import KEY
from components.packed_checks import COLUMNS, UnreadablePackError, unpack
from components.partitions import DAY_S, Partition

MAX_PACK_S = 5.0  # for one run: ticks wait beside it for a process of the worker
DAYS_AS_ROWS = 1  # whole days before today
PLACES = tuple(COLUMNS.index(name) for name in KEY)
MISSING = """
SELECT kept.probe_id FROM (
  SELECT probe_id, count(*) AS rows FROM components_check WHERE slot >= %s AND slot < %s GROUP BY probe_id
) kept LEFT JOIN components_checkpack packed ON packed.probe_id = kept.probe_id AND packed.day = %s
WHERE packed.count IS NULL OR packed.count < kept.rows
ORDER BY kept.probe_id
"""


class ChangedMeanwhileError(Exception):
    """A check was written to a day while it was packed."""


def pack_days(now: datetime, *, max_s: float = MAX_PACK_S) -> None:
    """Pack what is due. Safe to run twice, also at once, and to be cut off."""
    stop_at = time.monotonic() + max_s
    before = (int(now.timestamp()) // DAY_S - DAYS_AS_ROWS) * DAY_S
    for partition in partitions.partitions():
        if partition.last <= before and partition.is_day:
            _pack_partition(partition, stop_at)
    for table in partitions.loose_tables():
        _pack_loose(table, before, stop_at)
    for partition in partitions.partitions():
        if partition.last <= before and not partition.is_day:
            partitions.drop(partition.name, if_true=partial(_is_empty, partition.name))


def _pack_partition(partition: Partition, stop_at: float) -> None:
    """Pack its day; when nothing is missing from the packs, drop it."""
    day = partition.last // DAY_S - 1
    for probe_id in _missing(day):
        if time.monotonic() >= stop_at:
            return
        _pack(probe_id, day, deletes=False)
    partitions.drop(partition.name, if_true=lambda: not _missing(day))


def _pack_loose(table: str, before: int, stop_at: float) -> None:
    """Pack and delete the checks of this table, a day at a time, the oldest first."""
    while time.monotonic() < stop_at and (slot := _oldest(table)) is not None and slot < before:
        day = slot // DAY_S
        seconds = Check.objects.filter(slot__gte=day * DAY_S, slot__lt=(day + 1) * DAY_S)
        is_left = False
        for probe_id in seconds.order_by().values_list("probe_id", flat=True).distinct():
            if time.monotonic() >= stop_at:
                return
            is_left |= not _pack(probe_id, day, deletes=True)
        if is_left:
            return  # in the next run


def _missing(day: int) -> list[int]:
    """The probes of which this day has more checks as rows than are packed."""
    with connection.cursor() as cursor:
        cursor.execute(MISSING, [day * DAY_S, (day + 1) * DAY_S, day])
        return [probe_id for (probe_id,) in cursor.fetchall()]


def _oldest(table: str) -> int | None:
    """The first slot in this table, by its index."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT min(slot) FROM {table}")  # noqa: S608 - a name from the catalog
        slot: int | None = cursor.fetchone()[0]
        return slot


def _is_empty(table: str) -> bool:
    return _oldest(table) is None


def _pack(probe_id: int, day: int, *, deletes: bool) -> bool:
    """Add the rows of this probe's day to its pack.

    False if another run did, if a check came meanwhile, or if its pack cannot be read, which is not replaced.
    """
    rows = Check.objects.filter(probe=probe_id, slot__gte=day * DAY_S, slot__lt=(day + 1) * DAY_S)
    try:
        with transaction.atomic():
            pack = CheckPack.objects.select_for_update().filter(probe=probe_id, day=day).first()
            read = rows.order_by("slot").values_list(*COLUMNS)
            by_key = {tuple(row[place] for place in PLACES): row for row in read}
            count = len(by_key)
            pack = pack or CheckPack(probe_id=probe_id, day=day, count=0)
            if pack.count:  # what was packed first stays, as it does among rows
                by_key |= {tuple(row[place] for place in PLACES): row for row in unpack(bytes(pack.data))}
            if by_key:
                pack.fill([by_key[key] for key in sorted(by_key)])
                pack.save()
            if deletes and rows.delete()[0] != count:
                raise ChangedMeanwhileError
    except (IntegrityError, ChangedMeanwhileError, UnreadablePackError) as error:
        event_log.record("checks.not_packed", probe=probe_id, day=day, reason=type(error).__name__)
        return False
    return True
