"""Whether a program works on this folder or database now: nothing may be replaced under it.

Heartbeats count when they change, not by the time in them: so a program that was killed a moment ago is
not mistaken for one that runs, and clocks do not matter.
"""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import IO

from django.conf import settings
from django.db import DatabaseError, connection

from components import loops
from components.clock import database_now
from components.models import Heartbeat
from statuspage.ops import supervisor
from statuspage.ops.backups.errors import BackupError

LOOK_S = 2.5 * loops.REPORT_S  # a program that runs has written a heartbeat by then
EVERY_S = 0.5
RECENT = timedelta(minutes=2)  # older heartbeats need no second look
STOP = (
    "stop it first (Ctrl-C where manage.py up runs, or systemctl stop; workers, web processes and clocks on"
    " other machines too), then restore."
)

Beats = frozenset[tuple[str, str, object]]


def hold_folder() -> IO[str]:
    """Lock VAR_DIR, so that `up` cannot start meanwhile. Raises BackupError; close what it returns."""
    try:
        return supervisor.hold(settings.VAR_DIR)
    except supervisor.StartError as error:
        if "already running" in str(error):
            raise BackupError(f"A status page is running in {settings.VAR_DIR}: {STOP}") from error
        raise BackupError(str(error)) from error


def refuse_running(say: Callable[[str], None]) -> None:
    """Raises BackupError if a process of the program works on the database.

    A database that cannot be read has no heartbeats: the caller's locks are what is left.
    """
    try:
        sessions = _sessions()
        before = _beats()
        is_recent = any(database_now() - at < RECENT for _, _, at in before)  # type: ignore[operator]
    except DatabaseError:
        connection.close()
        return
    if sessions:
        raise BackupError(f"The database is in use by {', '.join(sessions)}: {STOP}")
    if not is_recent:
        return
    say("There are recent heartbeats; waiting to see whether the program still runs …")
    end = time.monotonic() + LOOK_S
    while time.monotonic() < end:
        time.sleep(EVERY_S)
        if changed := _beats() - before:
            names = sorted(
                {loops.LOOPS[role].name if role in loops.LOOPS else role for role, _, _ in changed}
            )
            raise BackupError(f"The program works on this database ({', '.join(names)}): {STOP}")


def _beats() -> Beats:
    rows = Heartbeat.objects.exclude(role="backup")
    return frozenset(rows.values_list("role", "name", "at"))


def _sessions() -> list[str]:
    """Other connections of ours to a PostgreSQL, by the names that they give themselves."""
    if connection.vendor == "sqlite":
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT application_name FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND application_name LIKE 'statuspage %' ORDER BY 1"
        )
        return [f"“{name}”" for (name,) in cursor.fetchall()]
