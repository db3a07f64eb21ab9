"""Keeps the program's files private: files 0600, folders 0700, older ones included.

The database holds sessions, hashes and addresses, which other accounts on the machine must not
read. Standard library only, since it runs before the settings, which write the first file.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

UMASK = 0o077
FILE, FOLDER = 0o600, 0o700


def begin() -> None:
    """From now on, this process and its children create files that only their owner can read."""
    os.umask(UMASK)


def keep(folder: Path, others: Iterable[Path] = ()) -> None:
    """Make our folder, and single files, private if an older version left them readable.

    Files of other users cannot be changed and stay as they are. A shared folder (sticky, as /tmp is,
    or a home) stays as it is, with everything that is not ours.
    """
    if _is_for_many(folder):
        return
    for path in (folder, *_below(folder), *others):
        _close(path)


def of_database(name: str) -> list[Path]:
    """The files of a SQLite database."""
    return [Path(f"{name}{end}") for end in ("", "-wal", "-shm", "-journal")]


def _is_for_many(folder: Path) -> bool:
    try:
        is_sticky = bool(folder.stat().st_mode & stat.S_ISVTX)
    except OSError:
        return True
    return is_sticky or folder.resolve() in (Path("/"), Path.home())


def _below(folder: Path) -> Iterator[Path]:
    """Everything in it; links are not followed."""
    for where, folders, files in os.walk(folder):
        for name in (*folders, *files):
            yield Path(where) / name


def _close(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            return
        wanted = FOLDER if stat.S_ISDIR(mode) else FILE
        if stat.S_IMODE(mode) & UMASK:
            path.chmod(wanted | (stat.S_IMODE(mode) & stat.S_IXUSR))
    except OSError:
        pass  # deleted meanwhile, or not ours
