"""Keeps removed content from being served from old copies: no copy older than this mark is shown.

Deleting, hiding or withdrawing writes the mark before the change is committed. So there is no moment in
which the change is made and a web process that cannot ask the database still serves what was removed.
The database holds the same mark for web processes on other machines.
"""

import json
import logging
import os
import threading
import time
from pathlib import Path

from django.conf import settings

MARK = "forgotten"  # beside the copies
SETTLED_S = 60.0  # by then the change behind a mark is in the database, or never will be

log = logging.getLogger(__name__)


def note(version: int) -> None:
    """Stop showing copies of earlier versions. Never raises: the database holds the mark as well."""
    try:
        if version > read(settings.SNAPSHOT_DIR):
            write(settings.SNAPSHOT_DIR, version)
    except OSError as error:
        log.warning("forgetting.not_noted folder=%s error=%s", settings.SNAPSHOT_DIR, error)


def read(folder: Path) -> int:
    """The mark in this folder; 0 for none."""
    try:
        return int(json.loads((folder / MARK).read_text())["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def is_settled(folder: Path) -> bool:
    """Whether the mark is so old that the database must know it."""
    try:
        return time.time() - (folder / MARK).stat().st_mtime > SETTLED_S
    except OSError:
        return True


def write(folder: Path, version: int) -> None:
    """Replace the mark, whole or not at all. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f"{MARK}.{os.getpid()}.{threading.get_ident()}"
    with unfinished.open("w") as out:
        json.dump({"version": version}, out)
        out.flush()
        os.fsync(out.fileno())
    unfinished.replace(folder / MARK)
