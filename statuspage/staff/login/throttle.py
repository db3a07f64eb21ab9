"""The cache that counts login attempts: it forgets nothing early, and refuses what it cannot count."""

from datetime import datetime
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.db import DatabaseCache
from django.db import DatabaseError, connections


class NotCountedError(DatabaseError):
    """The database did not take the count, so the guess is not allowed."""


class ThrottleCache(DatabaseCache):
    """Django's cache in a table, without silent failures and early eviction."""

    _table: str  # Django's own, which its types do not tell
    _base_set: Any

    def set(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        """Raises NotCountedError where Django's own ignores a failed write: a guess would go uncounted."""
        full = self.make_and_validate_key(key, version=version)
        if not self._base_set("set", full, value, timeout):
            raise NotCountedError

    def _cull(self, db: str, cursor: Any, now: datetime, num: int) -> None:
        """Delete expired rows only. Django's own drops a third of the rest, and guesses can fill a table."""
        connection = connections[db]
        expires = connection.ops.quote_name("expires")
        table = connection.ops.quote_name(self._table)
        cursor.execute(
            f"DELETE FROM {table} WHERE {expires} < %s",  # noqa: S608 - our own names
            [connection.ops.adapt_datetimefield_value(now)],
        )
