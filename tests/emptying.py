"""What a test that commits has left is deleted: of the tables that hold something, and of nothing else.

Django's `flush` truncates every table and then writes again what `migrate` wrote about them: that costs
more than most tests.
"""

import functools

from django.db import OperationalError, connection, transaction

ATTEMPTS = 5
OF_MIGRATE = {"django_migrations", "django_content_type", "auth_permission"}


@functools.cache
def _tables() -> list[str]:
    return sorted(set(connection.introspection.django_table_names(only_existing=True)) - OF_MIGRATE)


def empty(_test: object = None) -> None:
    """In the place of TransactionTestCase._fixture_teardown.

    A web process that still writes takes its tables in an order of its own: the two may wait for each other,
    and PostgreSQL ends one of them, which may be us.
    """
    for attempt in range(ATTEMPTS):
        try:
            _empty()
        except OperationalError as error:
            if attempt == ATTEMPTS - 1 or "deadlock" not in str(error):
                raise
        else:
            return


def _empty() -> None:
    is_postgres = connection.vendor == "postgresql"
    named = [connection.ops.quote_name(table) for table in _tables()]
    with connection.constraint_checks_disabled(), transaction.atomic(), connection.cursor() as cursor:
        if is_postgres:
            cursor.execute(f"LOCK TABLE {', '.join(named)} IN EXCLUSIVE MODE")  # after who still writes
            cursor.execute("SET LOCAL session_replication_role = replica")  # neither keys nor triggers
        asked = " UNION ALL ".join(
            f"SELECT {number} WHERE EXISTS (SELECT 1 FROM {name})" for number, name in enumerate(named)
        )
        cursor.execute(asked)
        for (number,) in cursor.fetchall():
            cursor.execute(f"DELETE FROM {named[number]}")
