"""SQLite: a copy by VACUUM INTO, and a copy put in the place of the database.

Everything that takes time is done in a file of its own beside the database. Then the database gets a second
name, under which it is kept, and the new file takes its first name: a rename, so that at each moment there is
one whole database, the old one or the new one.
"""

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

from django.db import DatabaseError, connection

from statuspage.ops import private_files
from statuspage.ops.backups import contents
from statuspage.ops.backups.errors import BackupError, Progress

MAGIC = b"SQLite format 3\0"
CHUNK = 8 * 1024 * 1024
BESIDE = ("-wal", "-shm", "-journal")
SPARE_BYTES = 50_000_000  # for migrations, and for what is written while we work


def copy(file: Path) -> None:
    """VACUUM INTO, then an integrity check of the copy. Raises BackupError."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("VACUUM INTO %s", [str(file)])
    except DatabaseError as error:
        raise BackupError(f"The copy could not be made: {error}") from error
    verify(file)


def verify(file: Path) -> None:
    """Raises BackupError unless the copy is whole, ours, and not newer than this program."""
    _refuse_live(file)
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as opened:
            (verdict,) = opened.execute("PRAGMA integrity_check(1)").fetchone()
            if verdict != "ok":
                raise BackupError(f"{file} is corrupt ({verdict}): do not use it.")
            tables = [name for (name,) in opened.execute("SELECT name FROM sqlite_master WHERE type='table'")]
            contents.refuse_foreign(tables, file)
            contents.refuse_newer(opened.execute("SELECT app, name FROM django_migrations").fetchall(), file)
    except sqlite3.Error as error:
        raise BackupError(f"{file} is corrupt or not a database ({error}): do not use it.") from error


def _refuse_live(file: Path) -> None:
    log = Path(f"{file}-wal")
    if log.exists() and log.stat().st_size:
        raise BackupError(
            f"{file} has a {log.name} beside it, so it is a database in use, or a plain copy of one:"
            " make a backup of it with manage.py backup, and restore that."
        )


def database() -> Path:
    """The file of the database in the settings. Raises BackupError."""
    name = str(connection.settings_dict["NAME"])
    if ":memory:" in name or name.startswith("file:"):
        raise BackupError("DATABASE_URL names a database in memory: there is nothing to restore into.")
    return Path(name)


def is_there() -> bool:
    """Whether there is a database to replace; asking Django would make an empty one."""
    target = database()
    return target.exists() and target.stat().st_size > 0


def replace(file: Path, settle: Callable[[], None], now: datetime, progress: Progress) -> Path | None:
    """Put this verified copy in the place of the database; where the old one is kept, None without one.

    `settle` is called while Django's connection is to the new file: it migrates, and adjusts what the copy
    holds. Raises BackupError, with the old database still in place.
    """
    target = database()
    if target.exists() and file.samefile(target):
        raise BackupError(f"{file} is the database itself: name a backup of it.")
    staged = Path(f"{target}.restoring")
    _remove(staged)
    try:
        with progress.step(f"Copying {file}"):
            _copy_file(file, staged, progress)
        _settle(staged, settle)
        kept = _set_aside(target, now) if is_there() else None
        _sync(staged)
        staged.replace(target)
    except OSError as error:
        raise BackupError(
            f"The copy could not be put in place ({error.strerror or error}):"
            " the old database is still there."
        ) from error
    finally:
        _remove(staged)
    _sync(target.parent)
    return kept


def _settle(staged: Path, settle: Callable[[], None]) -> None:
    """Run it on this file, which is then closed, and one file."""
    connection.close()
    name = connection.settings_dict["NAME"]
    connection.settings_dict["NAME"] = str(staged)
    try:
        settle()
    finally:
        connection.close()
        connection.settings_dict["NAME"] = name
    with closing(sqlite3.connect(staged)) as opened:
        opened.execute("PRAGMA journal_mode=DELETE")  # the program sets WAL again when it opens it


def _set_aside(target: Path, now: datetime) -> Path:
    """Give the database a second name, under which it stays. Raises BackupError if it is open elsewhere."""
    _close_up(target)
    for other in target.parent.glob(f"{target.name}.before-restore-*"):
        if other.samefile(target):  # an earlier try ended between the two renames
            return other
    kept = Path(f"{target}.before-restore-{now:%Y%m%dT%H%M%SZ}")
    try:
        os.link(target, kept)
    except OSError:  # some file systems have no second names
        shutil.copyfile(target, kept)
        kept.chmod(private_files.FILE)
    for ending in BESIDE:  # left only of a database that could not be opened: they belong to it
        with contextlib.suppress(FileNotFoundError):
            Path(f"{target}{ending}").rename(f"{kept}{ending}")
    _sync(target.parent)
    return kept


def _close_up(target: Path) -> None:
    """Write its log into it. That takes the only connection there is: another one is an error."""
    try:
        with closing(sqlite3.connect(target, timeout=5)) as opened:
            opened.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or "busy" in str(error):
            raise BackupError(
                f"Another process has {target} open: stop everything that uses it, then restore."
            ) from error
    except sqlite3.DatabaseError:
        pass  # corrupt: a reason to restore


def _copy_file(file: Path, staged: Path, progress: Progress) -> None:
    size = file.stat().st_size
    free = shutil.disk_usage(staged.parent).free
    if free < size + SPARE_BYTES:
        raise BackupError(
            f"There is not enough space in {staged.parent}: {free / 1e6:,.0f} MB are free,"
            f" {(size + SPARE_BYTES) / 1e6:,.0f} MB are needed."
        )
    descriptor = os.open(staged, os.O_CREAT | os.O_EXCL | os.O_WRONLY, private_files.FILE)
    with file.open("rb") as source, os.fdopen(descriptor, "wb") as out:
        while chunk := source.read(CHUNK):
            out.write(chunk)
            progress.part = f"{out.tell() / max(size, 1):.0%}"


def _remove(staged: Path) -> None:
    """Remove what an earlier try left."""
    for path in (staged, *(Path(f"{staged}{ending}") for ending in BESIDE)):
        with contextlib.suppress(FileNotFoundError):
            path.unlink()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
