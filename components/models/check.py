"""One run of a probe in one slot: a row for a day or two, then a part of its day's pack.

Both are kept for CHECK_RETENTION_DAYS. Whoever reads checks that may be older than a day asks the manager's
own methods, which read both. On PostgreSQL the table is partitioned by day (`components.partitions`).
"""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from django.db import IntegrityError, connection, models, transaction
from django.db.models.functions import Coalesce

from components.models.check_pack import CheckPack
from components.models.probe import Probe
from components.outcomes import Outcome
from components.packed_checks import COLUMNS, Row
from components.partitions import DAY_S, TABLE

KEY = ("slot", "region")
MAX_SLOT = 2**40  # later than any


class CheckManager(models.Manager["Check"]):
    """Writes checks, and reads rows and packs as one."""

    def write(self, checks: Sequence["Check"]) -> None:
        """Add these; where there is a check of the slot already, that one stays."""
        if connection.vendor != "postgresql":
            self.bulk_create(checks, ignore_conflicts=True)
        elif checks:
            try:
                with transaction.atomic():
                    _copy(checks)
            except IntegrityError:  # COPY knows no conflict that is ignored; slots that ran twice are rare
                self.bulk_create(checks, ignore_conflicts=True)

    def between(self, probes: Collection[int], first: int, last: int, columns: Sequence[str]) -> list[Row]:
        """Probe id, slot, region, then these columns: of the checks from slot `first` until `last`.

        Sorted by slot, then region and probe. `last` is not included.
        """
        rows = self.filter(probe__in=probes, slot__gte=first, slot__lt=last).order_by(
            "slot", *KEY[1:], "probe"
        )
        plain: list[Row] = list(rows.values_list("probe_id", *KEY, *columns))
        packs = list(CheckPack.objects.touching(probes, first, last))
        if not packs:
            return plain
        by_key = {row[:3]: row for row in plain}
        for pack in packs:
            packed = pack.rows((*KEY, *columns))
            by_key |= {
                (pack.probe_id, *row[:2]): (pack.probe_id, *row) for row in packed if first <= row[0] < last
            }
        return [by_key[key] for key in sorted(by_key, key=lambda key: (key[1], key[2], key[0]))]

    def whole(self, probes: Collection[int], first: int, last: int) -> list["Check"]:
        """The same as checks."""
        return [self._of(row) for row in self.between(probes, first, last, OTHERS)]

    def backwards(self, probe: Probe, first: int, columns: Sequence[str]) -> Iterator[Row]:
        """Slot, region, then these columns: of one probe from slot `first` on, the newest first.

        Read a day at a time, so that a month of them is never in memory at once.
        """
        newest = self.filter(probe=probe).order_by("-slot").values_list("slot", flat=True).first()
        packs = CheckPack.objects.filter(probe=probe).order_by("-day").values_list("day", flat=True)
        days = {slot // DAY_S for slot in (newest,) if slot is not None} | set(packs[:1])
        for day in range(max(days, default=-1), first // DAY_S - 1, -1):
            rows = self.between([probe.pk], max(first, day * DAY_S), (day + 1) * DAY_S, columns)
            yield from (row[1:] for row in reversed(rows))

    def newest(self, probe: Probe, most: int, *, outcomes: Collection[str] = ()) -> list["Check"]:
        """At most so many, the newest first: all, or those with these outcomes."""
        rows = self.filter(probe=probe).order_by("-slot", "-region")
        if outcomes:
            rows = rows.filter(outcome__in=outcomes)
        checks = list(rows[:most])
        if len(checks) == most:
            return checks
        by_key = {(check.slot, check.region): check for check in checks}
        for check in self._packed(probe, outcomes):
            if len(by_key) >= most and (check.slot, check.region) < min(by_key):
                break
            by_key[check.slot, check.region] = check
        return [by_key[key] for key in sorted(by_key, reverse=True)[:most]]

    def _packed(self, probe: Probe, outcomes: Collection[str]) -> Iterator["Check"]:
        """Packed checks, the newest first, a pack at a time."""
        packs = CheckPack.objects.filter(probe=probe).order_by("-day")
        if outcomes:
            # a list of names from our own columns
            packs = packs.filter(models.Q(*((f"{name}__gt", 0) for name in outcomes), _connector=models.Q.OR))
        for pack in packs.iterator(chunk_size=1):
            for row in reversed(pack.rows((*KEY, *OTHERS))):
                check = self._of((pack.probe_id, *row))
                if not outcomes or check.outcome in outcomes:
                    yield check

    @staticmethod
    def _of(row: Row) -> "Check":
        return Check(**dict(zip(("probe_id", *KEY, *OTHERS), row, strict=True)))

    def last_ms(self) -> Coalesce:
        """The response time of the newest check of an outer query's probe (`pk`)."""
        newest = self.filter(probe=models.OuterRef("pk")).order_by("-slot").values("total_ms")[:1]
        packs = CheckPack.objects.filter(probe=models.OuterRef("pk")).order_by("-day").values("last_ms")[:1]
        return Coalesce(models.Subquery(newest), models.Subquery(packs))


class Check(models.Model):
    """Lean on purpose, there are millions: the key is (probe, slot, region), times are whole numbers.

    Text (`detail`, `excerpt`, `facts`) is stored only for checks that were not up, except for the note about
    an answer not read to its end, the protocol where HTTP/2 was offered, and a measured number.
    """

    pk = models.CompositePrimaryKey("probe_id", "slot", "region")
    probe = models.ForeignKey(Probe, on_delete=models.CASCADE, related_name="checks", db_index=False)
    slot = models.BigIntegerField(db_index=True)  # seconds since 1970, UTC
    region = models.CharField(max_length=40)
    outcome = models.CharField(max_length=10, choices=[(o.value, o.value) for o in Outcome])
    lag_ms = models.IntegerField(default=0)  # how late it began
    total_ms = models.IntegerField()
    dns_ms = models.IntegerField(null=True)
    connect_ms = models.IntegerField(null=True)
    tls_ms = models.IntegerField(null=True)
    first_byte_ms = models.IntegerField(null=True)
    transfer_ms = models.IntegerField(null=True)
    status_code = models.IntegerField(null=True)
    family = models.SmallIntegerField(null=True)
    address = models.CharField(max_length=64, blank=True)
    days_left = models.IntegerField(null=True)
    failure = models.CharField(max_length=24, blank=True)
    detail = models.CharField(max_length=300, blank=True)
    excerpt = models.TextField(blank=True)
    facts = models.JSONField(null=True)

    objects = CheckManager()

    def __str__(self) -> str:
        return f"{self.probe_id} at {self.slot}: {self.outcome}"


OTHERS = tuple(name for name in COLUMNS if name not in KEY)


def _copy(checks: Iterable[Check]) -> None:
    """By COPY. Raises IntegrityError if one of them is there already, and then writes none."""
    names = ("probe_id", *COLUMNS)
    order = f"COPY {TABLE} ({', '.join(names)}) FROM STDIN"
    with connection.wrap_database_errors, connection.cursor() as cursor, cursor.copy(order) as copy:
        for check in checks:
            copy.write_row([_plain(getattr(check, name)) for name in names])


def _plain(value: Any) -> Any:
    """As the driver takes it: an outcome is a word, facts are JSON."""
    if isinstance(value, str):
        return str(value)
    return json.dumps(value) if isinstance(value, dict | list) else value
