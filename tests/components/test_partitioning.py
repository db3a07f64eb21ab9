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

from statuspage.ops.supervisor import free_port
from tests.once import NOT_THEIRS, OURS, ROOT, manage, once
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
    url = settings.POSTGRES.create("partitioning", not_partitioned())
    env = {"VAR_DIR": str(tmp_path), "DATABASE_URL": url}
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
        written = "SELECT count(*) FROM components_check WHERE slot >= %s"
        count = database.execute(written, [now]).fetchone()[0]
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
            database.execute(WRITE, [10**6, now])
        database.execute(WRITE, [probe, now + 30 * DAY_S])  # no partition: kept in the rest
        rest = database.execute("SELECT count(*) FROM components_check_rest").fetchone()[0]
    assert writer.failures == []
    assert writer.longest_s < 4  # half a second for the locks, and the exchange itself
    assert count == writer.written > 0
    assert (kinds["components_check"], kinds["components_check_before"], len(kinds)) == ("p", "r", 6)
    assert old == writer.written + 14 * DAY_S // 10 - 5
    assert (keys, rest) == (2, 1)


# what runs in the background of a shell ignores SIGINT, and its children would as well
INTERRUPTIBLE = (
    "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "runpy.run_path('manage.py', run_name='__main__')"
)
ENDINGS = [
    ("migrate", signal.SIGINT),
    ("migrate", signal.SIGTERM),
    ("prepare", signal.SIGTERM),
    ("up", signal.SIGTERM),
]


def not_partitioned():
    """The name of a database with the tables of the version before."""

    def make():
        url = settings.POSTGRES.create("not_partitioned")
        manage("migrate", "-v0", "components", "0027", VAR_DIR=os.environ[OURS], DATABASE_URL=url)

    once("not-partitioned", make)
    return "not_partitioned"


class Halfway:
    """A database whose table of checks is about to be exchanged, which a held lock delays."""

    def __init__(self, folder, name):
        self.url = settings.POSTGRES.create(name, not_partitioned())
        self.env = {"VAR_DIR": str(folder), "DATABASE_URL": self.url, "PORT": str(free_port())}
        self.database = psycopg.connect(self.url, autocommit=True)
        self.busy = psycopg.connect(self.url)
        self.probe = make_probe(self.database)
        self.busy.execute("UPDATE components_probe SET attempts = 1 WHERE id = %s", [self.probe])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.busy.close()
        self.database.close()

    def begin(self, command):
        """This command of the program, until its limit is set and validated."""
        ours = {name: value for name, value in os.environ.items() if name not in NOT_THEIRS}
        process = subprocess.Popen(
            [sys.executable, "-c", INTERRUPTIBLE, command], cwd=ROOT, env=ours | self.env, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        wait_for(lambda: bounds(self.database) == [True], 90)
        return process

    def doctor(self):
        """What it says of the days of checks: state and sentence."""
        ours = {name: value for name, value in os.environ.items() if name not in NOT_THEIRS}
        text = subprocess.run(
            [sys.executable, "manage.py", "doctor", "--json"], cwd=ROOT, env=ours | self.env, text=True,
            capture_output=True, check=False,
        ).stdout  # fmt: skip
        rows = json.loads(text[text.index("[\n") :])
        return [(row["state"], row["sentence"]) for row in rows if row["name"] == "days of checks"]


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize(("command", "number"), ENDINGS, ids=[f"{c}-{n.name}" for c, n in ENDINGS])
def test_a_migration_that_is_given_up_leaves_no_limit_behind(tmp_path, command, number):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has an ordinary table")
    with Halfway(tmp_path, f"given_up_{command}_{number}") as half:
        with half.begin(command) as migration:
            migration.send_signal(number)
            migration.send_signal(number)  # impatience does not cut the cleaning up short
            text, _ = migration.communicate(timeout=60)
        assert migration.returncode != 0
        assert bounds(half.database) == []
        if command != "migrate":
            assert "Run it again to finish." in text
            assert "Traceback" not in text


@pytest.mark.usefixtures("db")
def test_what_a_killed_migration_leaves_is_named_and_the_next_one_mends_it(tmp_path):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has an ordinary table")
    with Halfway(tmp_path, "killed") as half:
        with half.begin("prepare") as migration:
            assert "is running now" in half.doctor()[0][1]
            migration.kill()
            migration.wait()
        midnight = (int(datetime.now(UTC).timestamp()) // DAY_S + 2) * DAY_S
        with pytest.raises(psycopg.errors.CheckViolation):
            half.database.execute(WRITE, [half.probe, midnight])  # as the version before would
        wait_for(lambda: "running now" not in half.doctor()[0][1], 30)  # the server has noticed
        ((state, sentence),) = half.doctor()
        assert state == "fail"
        assert "no check can be stored from 2" in sentence
        assert "run manage.py prepare again" in sentence
        half.busy.rollback()
        manage("prepare", **half.env)
        assert bounds(half.database) == []
        half.database.execute(WRITE, [half.probe, midnight])
        assert half.doctor()[0][0] == "ok"


@pytest.mark.usefixtures("db")
def test_a_missing_partition_of_today_is_named_with_its_mend(tmp_path):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has an ordinary table")
    with Halfway(tmp_path, "missing_day") as half:
        half.busy.rollback()
        manage("prepare", **half.env)
        now = int(datetime.now(UTC).timestamp())
        today = f"components_check_{datetime.fromtimestamp(now, UTC):%Y%m%d}"
        # the table from before the first partition holds today on the day of the upgrade itself
        half.database.execute("ALTER TABLE components_check DETACH PARTITION components_check_before")
        ((state, sentence),) = half.doctor()
        assert state == "warn"
        assert f"There is no partition {today} for today" in sentence
        assert "run manage.py prepare" in sentence
        manage("prepare", **half.env)
        assert half.doctor()[0][0] == "ok"
        half.database.execute(f"DROP TABLE {today}")
        half.database.execute(WRITE, [half.probe, now])
        manage("prepare", **half.env)  # gives way to what is in the rest
        ((state, sentence),) = half.doctor()
        assert state == "warn"
        assert "nothing is lost" in sentence


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
        with psycopg.connect(self.url, options="-c lock_timeout=5000 -c deadlock_timeout=100") as line:
            while not self.is_over.is_set():
                began = time.monotonic()
                try:
                    with line.transaction():
                        line.execute("SELECT 1 FROM components_probe WHERE id = %s FOR UPDATE", [self.probe])
                        time.sleep(0.005)  # for a lock of the migration in between
                        line.execute("UPDATE components_probe SET attempts = 1 WHERE id = %s", [self.probe])
                        # a slot for each: not so many that they would reach the day after tomorrow
                        line.execute(WRITE, [self.probe, self.first + self.written])
                    self.written += 1
                except psycopg.Error as error:
                    self.failures.append(str(error))
                self.longest_s = max(self.longest_s, time.monotonic() - began)
                time.sleep(0.005)
