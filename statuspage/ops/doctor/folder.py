"""VAR_DIR, its file system, and the static files in it."""

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.db import connection

from statuspage.ops.doctor.findings import Finding, fail, ok, skip, warn

NAME, STATIC = "VAR_DIR", "static files"
MIN_FREE, FEW_FREE = 100_000_000, 1_000_000_000
NETWORK = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "afs", "glusterfs", "fuse.glusterfs")
UNESCAPED = (("\\040", " "), ("\\011", "\t"), ("\\134", "\\"))


def look() -> Iterator[Finding]:
    """There, writable, ours, private, with space left, and fit for SQLite."""
    folder = Path(settings.VAR_DIR)
    try:
        status = folder.stat()
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-"):
            pass
    except OSError as error:
        mend = "set VAR_DIR to a folder that this user may write to."
        yield fail(NAME, f"{folder} cannot be used ({error.strerror}): {mend}")
        return
    yield from _owner(folder, status)
    yield from _space(folder)
    yield from _file_system()


def _owner(folder: Path, status: os.stat_result) -> Iterator[Finding]:
    others = sorted({path.name for path in folder.iterdir() if _is_of_another(path)})
    if others:
        yield warn(
            NAME,
            f"Not owned by this user: {', '.join(others[:5])}. Run everything as one user, or chown them.",
        )
    if status.st_mode & stat.S_ISVTX or folder in (Path("/"), Path.home()):
        yield warn(NAME, f"{folder} is shared with other things: give the program a folder of its own.")
    elif stat.S_IMODE(status.st_mode) & 0o077:
        yield warn(NAME, f"Other users may look into {folder}: chmod 700 {folder} (the next start does it).")
    else:
        yield ok(NAME, f"{folder} is writable and private.")


def _is_of_another(path: Path) -> bool:
    try:
        return path.lstat().st_uid != os.geteuid()
    except OSError:
        return False


def _space(folder: Path) -> Iterator[Finding]:
    free, inodes = shutil.disk_usage(folder).free, os.statvfs(folder)
    text = f"{free / 1e9:.1f} GB are free."
    if free < MIN_FREE or (inodes.f_files and not inodes.f_favail):
        yield fail("disk space", f"{text} Make room: nothing can be stored when the disk is full.")
    elif free < FEW_FREE:
        yield warn("disk space", f"{text} Make room, or lower CHECK_RETENTION_DAYS.")
    else:
        yield ok("disk space", text)


def _file_system() -> Iterator[Finding]:
    if connection.vendor != "sqlite":
        return
    kind = file_system_of(Path(str(connection.settings_dict["NAME"])).parent)
    if kind in NETWORK:
        yield fail(
            "file system",
            f"The database is on a network file system ({kind}), on which SQLite loses data: move it to a"
            " local disk, or use PostgreSQL.",
        )
    else:
        yield ok("file system", f"{kind or 'Unknown'}, local.")


def file_system_of(folder: Path, mounts: Path = Path("/proc/self/mountinfo")) -> str:
    """The type of the file system that a folder is on, such as "ext4"; empty where that cannot be told."""
    best, kind = "", ""
    try:
        lines = mounts.read_text().splitlines()
    except OSError:
        return ""
    place = str(folder.resolve())
    for line in lines:
        left, _, right = line.partition(" - ")
        point = left.split(" ")[4]
        for escaped, plain in UNESCAPED:
            point = point.replace(escaped, plain)
        is_above = place == point or place.startswith(f"{point.rstrip('/')}/")
        if is_above and len(point) >= len(best):
            best, kind = point, right.split(" ")[0]
    return kind


def is_held() -> bool:
    """Whether `manage.py up` runs in VAR_DIR."""
    try:
        with (Path(settings.VAR_DIR) / "up.lock").open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def program() -> Iterator[Finding]:
    """Whether `manage.py up` runs here, or left something behind."""
    if is_held():
        yield ok("program", "manage.py up is running in VAR_DIR.")
    elif (Path(settings.VAR_DIR) / "running.json").exists():
        yield warn(
            "program",
            "manage.py up was killed and left running.json, so its broker is not there any more: start it"
            " again, or remove the file if you run the roles separately.",
        )
    else:
        yield skip("program", "manage.py up is not running in VAR_DIR.")


def static_files() -> Iterator[Finding]:
    """Whether what was collected is what comes with this version."""
    root = Path(settings.STATIC_ROOT)
    missing, other, count = [], [], 0
    for finder in get_finders():
        for path, storage in finder.list([]):
            count += 1
            collected = root / path
            if not collected.is_file():
                missing.append(path)
            elif collected.read_bytes() != Path(storage.path(path)).read_bytes():
                other.append(path)
    mend = "run manage.py collectstatic (manage.py up does it at its start)."
    if len(missing) == count or not (root / "staticfiles.json").is_file():
        yield (warn if not is_held() else fail)(STATIC, f"They were not collected: {mend}")
    elif missing or other:
        words = f"{len(missing)} missing, {len(other)} of another version, such as {(missing + other)[0]}"
        yield fail(STATIC, f"They are not those of this version ({words}): {mend}")
    else:
        yield ok(STATIC, f"All {count} are those of this version.")
