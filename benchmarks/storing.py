"""Fills a database with checks as a web server would cause them, has the program pack them, prints sizes."""

import json
import math
import os
import random
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "statuspage.settings")
BATCH = 10_000


def main(probes: int, packed_days: int) -> None:
    """Print bytes and checks as JSON."""
    django.setup()
    from django.db import connection

    from components import packing, partitions
    from components.models import CheckPack, Component, Probe

    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
    component = Component.objects.create(name="All")
    Probe.objects.bulk_create(
        Probe(component=component, kind="http", target=f"https://a{n}.example/") for n in range(probes)
    )
    ids = list(Probe.objects.values_list("pk", flat=True))
    today = int(time.time()) // 86_400 + 10  # after the partition of all that was before the migration
    days = range(today, today + packed_days + 2)
    for day in days:
        partitions.make_ahead(datetime.fromtimestamp(day * 86_400, UTC))
    spent, rows = _fill(ids, days)
    row_bytes = sum(_size(partitions.name_of(day * 86_400)) for day in days)
    inserted_a_s = _insert(ids[:50], days[-1] + 1)
    began = time.process_time()
    now = datetime.fromtimestamp((days[-1] + 0.5) * 86_400, UTC)
    packing.pack_days(now, max_s=3600)
    pack_s = (time.process_time() - began) / packed_days
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE components_checkpack")
    packed = CheckPack.objects.count() * 1440
    assert packed == packed_days * probes * 1440, packed
    json.dump(
        {
            "row_bytes": row_bytes, "rows": rows, "pack_bytes": _size("components_checkpack"), "packed": packed,
            "pack_s": pack_s, "packed_a_day": probes * 1440, "rows_a_s": rows / spent, "inserted_a_s": inserted_a_s,
        },
        sys.stdout,
    )  # fmt: skip


def _fill(ids: list[int], days: range) -> tuple[float, int]:
    """Every minute a check of each probe, in the order in which they come. CPU seconds of writing, and rows."""
    from components.models import Check

    draw, batch, spent, rows = random.Random(5), [], 0.0, 0
    for check in _checks(ids, days, draw):
        batch.append(check)
        if len(batch) == BATCH:
            began = time.process_time()
            Check.objects.write(batch)
            spent, rows, batch = spent + time.process_time() - began, rows + len(batch), []
    Check.objects.write(batch)
    return spent, rows + len(batch)


def _insert(ids: list[int], day: int) -> float:
    """Checks for each CPU second by INSERT, as it was before."""
    from components.models import Check

    checks = list(_checks(ids, range(day, day + 1), random.Random(6)))[:20_000]
    began = time.process_time()
    for start in range(0, len(checks), 500):
        Check.objects.bulk_create(checks[start : start + 500], ignore_conflicts=True)
    return len(checks) / (time.process_time() - began)


def _checks(ids: list[int], days: range, draw: random.Random) -> Iterator[Any]:
    from components.models import Check

    def time_of(middle: float, spread: float) -> int:
        return round(draw.lognormvariate(math.log(middle), spread))

    for slot in range(days.start * 86_400, days.stop * 86_400, 60):
        for number, probe_id in enumerate(ids):
            parts = (
                time_of(1.5, 0.6),
                time_of(14, 0.15),
                time_of(28, 0.15),
                time_of(80, 0.25),
                time_of(1.5, 0.6),
            )
            dns, connect, tls, first, transfer = parts
            is_bad = draw.random() < 0.001
            yield Check(
                probe_id=probe_id, slot=slot + number % 60, region="local", outcome="down" if is_bad else "up",
                lag_ms=time_of(18, 0.7), total_ms=sum(parts) + draw.choice((-1, 0, 0, 1, 2)), dns_ms=dns,
                connect_ms=connect, tls_ms=tls, first_byte_ms=first, transfer_ms=transfer,
                status_code=503 if is_bad else 200, family=4, address=f"192.0.2.{number % 250}", days_left=60,
                failure="status" if is_bad else "",
                detail="Responded with 503, which is not expected." if is_bad else "",
                excerpt="<html><h1>503 Service Unavailable</h1></html>" if is_bad else "",
                facts={"server": "nginx", "content_type": "text/html"} if is_bad else None,
            )  # fmt: skip


def _size(table: str) -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_total_relation_size(%s)", [table])
        size: int = cursor.fetchone()[0]
        return size


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
