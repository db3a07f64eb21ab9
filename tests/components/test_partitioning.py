"""The migration that partitions the checks: under load, with the version before still writing."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from tests.once import NOT_THEIRS, ROOT, manage
from tests.whole import wait_for

DAY_S = 86_400
COLUMNS = "probe_id, slot, region, outcome, lag_ms, total_ms, address, failure, detail, excerpt"
WRITE = (
    f"INSERT INTO components_check ({COLUMNS}) VALUES (%s, %s, 'local', 'up', 1, 20, '', '', '', '') "
    "ON CONFLICT DO NOTHING"
)


@pytest.mark.usefixtures("db")
def test_checks_are_partitioned_while_the_version_before_writes_them(tmp_path):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has an ordinary table")
    url = settings.POSTGRES.create("partitioning")
    env = {"VAR_DIR": str(tmp_path), "DATABASE_URL": url}
    manage("migrate", "-v0", "components", "0027", **env)
    now = int(datetime.now(UTC).timestamp())
    with psycopg.connect(url, autocommit=True) as database:
        probe = make_probe(database)
        database.execute(
            f"INSERT INTO components_check ({COLUMNS}) SELECT %s, s, 'local', 'up', 1, 20, '', '', '', '' "
            "FROM generate_series(%s::bigint, %s, 10) s",
            [probe, now - 14 * DAY_S, now - 60],
        )
        with Writer(url, probe, now) as writer:
            manage("migrate", "-v0", **env)
        count = database.execute("SELECT count(*) FROM components_check WHERE slot >= %s", [now]).fetchone()[
            0
        ]
        kinds = dict(
            database.execute(
                "SELECT relname, relkind::text FROM pg_class WHERE relname LIKE 'components_check%' "
                "AND relkind IN ('r', 'p') AND relname <> 'components_checkpack'"
            ).fetchall()
        )
        old = database.execute("SELECT count(*) FROM components_check_before").fetchone()[0]
        keys = database.execute(
            "SELECT count(*) FROM pg_constraint WHERE conrelid = 'components_check'::regclass "
            "AND contype IN ('p', 'f')"
        ).fetchone()[0]
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            database.execute(
                WRITE,
                [
                    10**6,
                    now,
                ],
            )
        database.execute(WRITE, [probe, now + 30 * DAY_S])  # no partition: kept in the rest
        rest = database.execute("SELECT count(*) FROM components_check_rest").fetchone()[0]
    assert writer.failures == []
    assert writer.longest_s < 4  # half a second for the locks, and the exchange itself
    assert count == writer.written > 0
    assert (kinds["components_check"], kinds["components_check_before"], len(kinds)) == ("p", "r", 6)
    assert old == writer.written + 14 * DAY_S // 10 - 5
    assert (keys, rest) == (2, 1)


@pytest.mark.usefixtures("db")
def test_a_migration_that_is_given_up_leaves_no_limit_behind(tmp_path):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has an ordinary table")
    url = settings.POSTGRES.create("given_up")
    env = {"VAR_DIR": str(tmp_path), "DATABASE_URL": url}
    manage("migrate", "-v0", "components", "0027", **env)
    with psycopg.connect(url, autocommit=True) as database, psycopg.connect(url) as busy:
        probe = make_probe(database)
        busy.execute("UPDATE components_probe SET attempts = 1 WHERE id = %s", [probe])
        command = [sys.executable, str(ROOT / "manage.py"), "migrate", "-v0"]
        ours = {name: value for name, value in os.environ.items() if name not in NOT_THEIRS}
        with subprocess.Popen(command, env=ours | env, stderr=subprocess.DEVNULL) as migration:
            wait_for(lambda: bounds(database) == [True], 90)
            migration.send_signal(signal.SIGINT)
            assert migration.wait(60) != 0
        assert bounds(database) == []
        busy.rollback()


def bounds(database):
    """Whether it has been validated, of each limit on slots."""
    rows = database.execute("SELECT convalidated FROM pg_constraint WHERE conname = 'components_check_bound'")
    return [row[0] for row in rows]


def make_probe(database):
    """With whatever columns it has at this migration."""
    component = insert(database, "components_component", {"name": "API"})
    return insert(database, "components_probe", {"component_id": component, "kind": "http", "target": "x"})


def insert(database, table, values):
    """A row; what must not be empty and has no default gets a value of its type."""
    columns = database.execute(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s AND "
        "is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO'",
        [table],
    ).fetchall()
    for name, kind in columns:
        values.setdefault(name, EMPTY.get(kind, ""))
    names, places = ", ".join(values), ", ".join(["%s"] * len(values))
    sql = f"INSERT INTO {table} ({names}) VALUES ({places}) RETURNING id"
    return database.execute(sql, list(values.values())).fetchone()[0]


EMPTY = {
    "boolean": False,
    "integer": 1, "smallint": 1, "bigint": 1, "jsonb": json.dumps([]), "double precision": 1.0,
    "timestamp with time zone": datetime(2026, 1, 1, tzinfo=UTC),
}  # fmt: skip


class Writer:
    """The version before: every few milliseconds a transaction that locks the probe and writes a check."""

    def __init__(self, url, probe, first):
        self.url, self.probe, self.first = url, probe, first
        self.written, self.longest_s, self.failures = 0, 0.0, []
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self._write)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.thread.join()

    def _write(self):
        with psycopg.connect(self.url, options="-c lock_timeout=5000") as line:
            while not self.is_over.is_set():
                began = time.monotonic()
                try:
                    with line.transaction():
                        line.execute("SELECT 1 FROM components_probe WHERE id = %s FOR UPDATE", [self.probe])
                        line.execute("UPDATE components_probe SET attempts = 1 WHERE id = %s", [self.probe])
                        # a slot for each: not so many that they would reach the day after tomorrow
                        line.execute(WRITE, [self.probe, self.first + self.written])
                    self.written += 1
                except psycopg.Error as error:
                    self.failures.append(str(error))
                self.longest_s = max(self.longest_s, time.monotonic() - began)
                time.sleep(0.005)
