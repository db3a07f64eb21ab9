"""PostgreSQL's days of checks, their rest and their packs, backed up and put on another, empty server."""

from contextlib import closing

import psycopg
import pytest
from django.db import connection

from tests.servers import PostgreSQL
from tests.statuspage.ops.installation import Installation

pytestmark = [pytest.mark.data, pytest.mark.stack]
# A week of a program that ran: days that are packed and dropped, one that had no partition, results that came
# late, two days that are rows, and one that nobody has a partition for.
FILL = """
from datetime import UTC, datetime, timedelta
from django.db import connection
from components import packing, partitions
from components.models import Component, Probe
now = datetime.now(UTC)
cursor = connection.cursor()
cursor.execute("DROP TABLE components_check_before")
chat = Component.objects.create(name="Chat")
targets = ("http://a1/", "http://a2/")
ids = [Probe.objects.create(component=chat, kind="http", target=t, is_paused=True).pk for t in targets]
today = int(now.timestamp()) // 86400 * 86400
def checks(first, last):
    cursor.execute(
        "INSERT INTO components_check"
        " (probe_id, slot, region, outcome, lag_ms, total_ms, address, failure, detail, excerpt)"
        " SELECT p, s, 'local', CASE WHEN s %% 7 = 0 THEN 'down' ELSE 'up' END, s %% 50, s %% 400,"
        " '127.0.0.1', CASE WHEN s %% 7 = 0 THEN 'status' ELSE '' END,"
        " CASE WHEN s %% 7 = 0 THEN 'Ärger' ELSE '' END, ''"
        " FROM unnest(%s::bigint[]) p, generate_series(%s::bigint, %s, 601) s", [ids, first, last - 1])
partitions.make_ahead(now - timedelta(days=6))
partitions.make_ahead(now - timedelta(days=2))
cursor.execute("DROP TABLE " + partitions.name_of(today - 5 * 86400))
checks(today - 6 * 86400, today + 1800)
packing.pack_days(now, max_s=120)
checks(today - 4 * 86400, today - 4 * 86400 + 7200)  # late
checks(today + 30 * 86400, today + 30 * 86400 + 7200)
"""
TOMORROW = """
from components.tasks import pack_checks
pack_checks()
"""
ROWS = """
SELECT tableoid::regclass::text, probe_id, slot, region, outcome, lag_ms, total_ms, address, failure, detail
FROM components_check ORDER BY 1, 2, 3
"""
PACKS = """
SELECT probe_id, day, count, up, degraded, down, unknown, last_ms, data
FROM components_checkpack ORDER BY 1, 2
"""
BOUNDS = """
SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'components_check'::regclass ORDER BY 1
"""
PARTS = """
SELECT c.conrelid::regclass::text, c.conname, pg_get_constraintdef(c.oid) FROM pg_constraint c
WHERE c.conrelid::regclass::text LIKE 'components\\_check\\_%' OR c.conrelid = 'components_check'::regclass
ORDER BY 1, 2
"""
INDEXES = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename LIKE 'components\\_check%' ORDER BY 1"


@pytest.fixture
def there(tmp_path):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has an ordinary table")
    made = Installation(tmp_path / "installation")
    yield made
    made.close()


def test_days_rest_and_packs_come_back_row_by_row_on_an_empty_server(there, tmp_path):
    there.run("shell", "-v0", "-c", FILL)
    there.run("backup", tmp_path / "copy")
    before = {query: there.rows(query) for query in (ROWS, PACKS, BOUNDS, PARTS, INDEXES)}
    tables = {row[0] for row in before[ROWS]}
    assert "components_check_rest" in tables
    assert len(tables) >= 3  # the rest, and two days
    assert len({row[1] for row in before[PACKS]}) == 5
    with closing(PostgreSQL()) as empty:
        there.database = empty.url("postgres")
        with psycopg.connect(there.database) as database:
            assert database.execute("SELECT to_regclass('components_check')").fetchone() == (None,)
        text = there.run("restore", tmp_path / "copy")
        assert "What it replaced: not kept" in text
        after = {query: there.rows(query) for query in before}
        for query, rows in before.items():
            assert after[query] == rows, query
        assert goes_on(there) == len(before[ROWS]) + 1
        assert there.rows(PACKS) != before[PACKS]  # the late ones are in them now


def goes_on(there):
    """How many checks there are after one more, in a day of its own; then the next packing works on it."""
    (probe, slot), *_ = there.rows("SELECT probe_id, max(slot) FROM components_check WHERE"
                                   " tableoid <> 'components_check_rest'::regclass GROUP BY 1")  # fmt: skip
    there.write(
        "INSERT INTO components_check"
        " (probe_id, slot, region, outcome, lag_ms, total_ms, address, failure, detail, excerpt)"
        f" VALUES ({probe}, {slot + 1}, 'local', 'up', 1, 1, '', '', '', '')"
    )
    ((count,),) = there.rows("SELECT count(*) FROM components_check")
    there.run("shell", "-v0", "-c", TOMORROW)
    return count
