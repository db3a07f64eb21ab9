"""What a restored copy must not do: show, send or call what belongs to another time.

Called on the copy before it takes its place, so there is no moment at which it could.
"""

import contextlib
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import DatabaseError, connection, transaction
from django.db.models import QuerySet

from components import removal_mark
from components.models import Heartbeat, Page
from incidents import notification_status
from incidents.models import Hook, Incident, Maintenance, MaintenanceState
from statuspage.models import Audit

LEAP = 1_000  # versions of the page: what was counted after the last number we know of
DISARMED = "The database was restored from a backup: calls after the backup are not known. Arm it again."
ENDINGS = (".doc", ".json")


@dataclass(frozen=True, slots=True)
class Settled:
    """What was adjusted: numbers, and the titles of what was under way in the copy."""

    held: int
    disarmed: int
    under_way: tuple[str, ...]


def newest_version(folder: Path, *, has_database: bool) -> int:
    """The newest version of the page that anything here has shown: database, copies on disk, their mark.

    0 if nothing can be read.
    """
    versions = [removal_mark.read(folder)]
    if has_database:
        with contextlib.suppress(DatabaseError):
            versions.append(Page.objects.version())
    connection.close()
    for file in folder.glob("*.doc"):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError), file.open("rb") as opened:
            opened.readline()
            versions.append(int(json.loads(opened.readline())["version"]))
    return max(versions)


@transaction.atomic
def settle(now: datetime, newest: int, name: str) -> Settled:
    """Adjust the copy that Django is connected to, of this `name`.

    `newest`: as `newest_version` said of what it replaces.
    """
    version = max(newest, Page.objects.version()) + LEAP
    Page.objects.this()
    # no copy of an earlier version is shown any more, by no web process: it may show what is not in here
    Page.objects.filter(pk=1).update(version=version, forgotten=version)
    Heartbeat.objects.exclude(role="backup").delete()
    UserSession.objects.all().delete()
    Session.objects.all().delete()  # who logged out, or was shut out, after the backup stays out
    incidents = Incident.objects.filter(resolved_at=None, deleted_at=None, merged_into=None)
    work = Maintenance.objects.filter(state__in=(MaintenanceState.IN_PROGRESS, MaintenanceState.VERIFYING))
    settled = Settled(
        held=notification_status.answers().hold_back(now),
        disarmed=Hook.objects.disarm_all(DISARMED),
        under_way=tuple(title for rows in (incidents, work) for title in _titles(rows)),
    )
    after = {"held": settled.held, "disarmed": settled.disarmed}
    Audit.objects.note(None, "database.restore", name, after=after)
    return settled


def _titles(rows: QuerySet[Any]) -> list[str]:
    return list(rows.order_by("pk").values_list("title", flat=True))


def drop_page_copies() -> None:
    """Remove copies of the page on disk, and their mark: they belong to what was replaced."""
    folder = Path(settings.SNAPSHOT_DIR)
    with contextlib.suppress(OSError):
        for file in list(folder.iterdir()):
            if file.suffix in ENDINGS or file.name.startswith(removal_mark.MARK):
                with contextlib.suppress(OSError):
                    file.unlink()
