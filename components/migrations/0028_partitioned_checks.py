"""On PostgreSQL the table of checks is partitioned by day from tomorrow on; SQLite keeps an ordinary table.

The table as it is becomes the partition of all that is before, under another name and without moving a row:
a constraint that was validated before, while checks are written, spares the scan. The exchange itself is one
transaction of a few statements that waits half a second for its locks at most, and is tried again. The
version before goes on writing and reading under the old name meanwhile and afterwards.

Backwards nothing is done: the version before works with the partitioned table as well.
"""

import re
import time
from datetime import UTC, datetime

from django.db import OperationalError, migrations, transaction

DAY_S = 86_400
HOUR_S = 3_600
AHEAD_DAYS = 3
ATTEMPTS = 120
PAUSE_S = 0.5
OLD, NEW = "components_check_before", "components_check"

# Attaching takes triggers off the probes: with any weaker lock on them first, whoever writes a check could hold
# another one meanwhile, each waiting for the other.
EXCHANGE = """
LOCK TABLE components_probe IN ACCESS EXCLUSIVE MODE;
LOCK TABLE components_check IN ACCESS EXCLUSIVE MODE;
ALTER TABLE components_check RENAME TO components_check_before;
CREATE TABLE components_check (LIKE components_check_before INCLUDING DEFAULTS) PARTITION BY RANGE (slot);
"""


def forwards(apps, schema_editor):
    connection = schema_editor.connection
    if connection.vendor != "postgresql" or _is_partitioned(connection):
        return
    with connection.cursor() as cursor:
        limit = _limit(cursor)
        try:
            _patiently(connection, lambda: _bound(cursor, limit))
            with transaction.atomic(using=connection.alias):
                cursor.execute("SET LOCAL statement_timeout = 0")
                cursor.execute("ALTER TABLE components_check VALIDATE CONSTRAINT components_check_bound")
            _patiently(connection, lambda: _exchange(cursor, limit))
        except BaseException:  # left there, it would refuse checks from that midnight on
            _patiently(connection, lambda: _unbound(cursor))
            raise


def _is_partitioned(connection):
    with connection.cursor() as cursor:
        cursor.execute("SELECT relkind FROM pg_class WHERE oid = to_regclass('components_check')")
        return cursor.fetchone()[0] == "p"


def _limit(cursor):
    """The first midnight (UTC) before which every check is, also those written until the exchange is done."""
    cursor.execute("SELECT max(slot) FROM components_check")
    newest = max(cursor.fetchone()[0] or 0, int(datetime.now(UTC).timestamp()) + HOUR_S)
    return (newest // DAY_S + 1) * DAY_S


def _patiently(connection, change):
    """Waiting for a lock makes all others wait behind us: so half a second at a time."""
    for attempt in range(ATTEMPTS):
        try:
            with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '500ms'")
                change()
            return
        except OperationalError:
            if attempt == ATTEMPTS - 1:
                raise
            time.sleep(PAUSE_S)


def _unbound(cursor):
    cursor.execute("ALTER TABLE components_check DROP CONSTRAINT IF EXISTS components_check_bound")


def _bound(cursor, limit):
    _unbound(cursor)
    cursor.execute(
        f"ALTER TABLE components_check ADD CONSTRAINT components_check_bound CHECK (slot < {limit:d}) NOT VALID"
    )


def _exchange(cursor, limit):
    cursor.execute(EXCHANGE)
    for kind, name, definition in _parts(cursor):
        if kind == "constraint":
            cursor.execute(f'ALTER TABLE {OLD} RENAME CONSTRAINT "{name}" TO "{_before(name)}"')
            cursor.execute(f'ALTER TABLE {NEW} ADD CONSTRAINT "{name}" {definition}')
        else:
            cursor.execute(f'ALTER INDEX "{name}" RENAME TO "{_before(name)}"')
            cursor.execute(re.sub(r" ON \S+ USING ", f" ON {NEW} USING ", definition))
    cursor.execute(f"ALTER TABLE {NEW} ATTACH PARTITION {OLD} FOR VALUES FROM (MINVALUE) TO ({limit:d})")
    cursor.execute(f"ALTER TABLE {OLD} DROP CONSTRAINT components_check_bound")
    cursor.execute(f"CREATE TABLE {NEW}_rest PARTITION OF {NEW} DEFAULT")
    for first in range(limit, limit + AHEAD_DAYS * DAY_S, DAY_S):
        name = f"{NEW}_{datetime.fromtimestamp(first, UTC):%Y%m%d}"
        cursor.execute(
            f"CREATE TABLE {name} PARTITION OF {NEW} FOR VALUES FROM ({first}) TO ({first + DAY_S})"
        )


def _parts(cursor):
    """Its key, its foreign key and its other indexes, by the names that this database has for them."""
    cursor.execute(
        "SELECT 'constraint', conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE conrelid = %s::regclass AND contype IN ('p', 'f')",
        [OLD],
    )
    constraints = cursor.fetchall()
    cursor.execute(
        "SELECT 'index', indexname, indexdef FROM pg_indexes WHERE tablename = %s "
        "AND schemaname = current_schema() AND indexname <> ALL(%s)",
        [OLD, [name for _, name, _ in constraints]],
    )
    return constraints + cursor.fetchall()


def _before(name):
    """Names have 63 bytes at most."""
    return f"{name[:55]}_before"


class Migration(migrations.Migration):
    atomic = False  # validating takes minutes with millions of checks, and holds up nobody

    dependencies = [("components", "0027_check_packs")]

    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
