"""The database's clock. Hosts disagree about the time; rows must not."""

from datetime import UTC, datetime

from django.db import connection


def database_now() -> datetime:
    """The time as the database knows it."""
    sql = "SELECT extract(epoch FROM clock_timestamp())"
    if connection.vendor == "sqlite":
        sql = "SELECT (julianday('now') - 2440587.5) * 86400.0"  # unixepoch('subsec') needs 3.42
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return datetime.fromtimestamp(float(cursor.fetchone()[0]), UTC)
