"""Reports on disk until the database has them: written and synced before the sender is answered.

A folder holds one file per process, locked while its process lives. A file whose process is gone is taken
over by whoever finds it. Each line is one JSON object; what is behind the last newline was never
acknowledged. How far a file was stored is kept in the database, in the transaction that stores it
(`components.models.spool_mark`), so nothing is stored twice, whenever a process dies.
"""

import fcntl
import json
import logging
import os
import threading
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

ENDING = ".reports"
MAX_BATCH_BYTES = 512 * 1024
MAX_BATCH_LINES = 500
MAX_LINE_BYTES = 1024 * 1024  # a line is at most one message; longer ones are no lines of ours
ROTATE_BYTES = 1024 * 1024  # a stored file of this size is replaced by a new one


class SpoolFullError(OSError):
    """The reports that wait on disk take all the room they may."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines of one file: `start` and `end` are its bytes from and to."""

    name: str
    start: int
    end: int
    rows: tuple[dict[str, Any], ...]


class File:
    """One file of the folder, held by its lock."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.descriptor = descriptor
        self.size = os.fstat(descriptor).st_size  # what was written and synced
        self.stored = 0  # bytes that the database has

    @property
    def name(self) -> str:
        """Unique for ever: what its mark in the database is called."""
        return self.path.name.removesuffix(ENDING)

    @property
    def is_stored(self) -> bool:
        """Whether the database has all of it."""
        return self.stored >= self.size

    def next_batch(self) -> Batch | None:
        """The next lines that were not stored yet; None when there are none."""
        left = self.size - self.stored
        data = os.pread(self.descriptor, min(MAX_BATCH_BYTES, left), self.stored)
        if b"\n" not in data and left > MAX_BATCH_BYTES:
            data = os.pread(self.descriptor, min(MAX_LINE_BYTES, left), self.stored)
        # by newlines alone: what is damaged may hold what else ends a line
        whole = [line + b"\n" for line in data.split(b"\n", MAX_BATCH_LINES)[:-1]]
        if whole:
            end = self.stored + sum(map(len, whole))
            return Batch(self.name, self.stored, end, tuple(_rows(whole)))
        newline = self._newline_after(self.stored + len(data))
        if newline is None:
            self.stored = self.size  # a torn end: its sender was never answered
            return None
        _leave_out(newline - self.stored)
        return Batch(self.name, self.stored, newline, ())

    def _newline_after(self, place: int) -> int | None:
        """Where the line that this place is in ends; None if it never does."""
        while place < self.size:
            data = os.pread(self.descriptor, min(MAX_BATCH_BYTES, self.size - place), place)
            if not data:
                return None
            if (found := data.find(b"\n")) >= 0:
                return place + found + 1
            place += len(data)
        return None

    def remove(self) -> None:
        """Delete it and let go of its lock."""
        self.path.unlink(missing_ok=True)
        os.close(self.descriptor)


def _rows(lines: Sequence[bytes]) -> Iterator[dict[str, Any]]:
    """What the lines hold; a line that cannot be read is left out, and said in the log."""
    for line in lines:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if isinstance(row, dict):
            yield row
        else:
            _leave_out(len(line))


def _leave_out(length: int) -> None:
    log.warning("spool.unreadable bytes=%d: a line was damaged on disk and is left out", length)


class Spool:
    """The folder, and this process's own file in it. Appending and storing may be done in two threads."""

    def __init__(self, folder: Path, *, max_bytes: int) -> None:
        self.folder = folder
        self.max_bytes = max_bytes
        self.own: File | None = None
        self.orphans: list[File] = []
        self.lock = threading.Lock()

    def append(self, rows: Sequence[dict[str, Any]]) -> None:
        """Write these rows and wait until they are on disk. Raises OSError, with none of them kept."""
        data = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
        with self.lock:
            file = self.own = self.own or self._create()
            if file.size - file.stored + len(data) > self.max_bytes:
                raise SpoolFullError("The reports that wait on disk take all the room they may.")
            try:
                _write_all(file.descriptor, data, file.size)
                os.fdatasync(file.descriptor)
            except OSError:
                os.ftruncate(file.descriptor, file.size)
                raise
            file.size += len(data)

    def next_batch(self) -> tuple[File, Batch] | None:
        """The oldest lines that were not stored: files of processes that are gone, then our own."""
        for file in [*self.orphans, *([self.own] if self.own else [])]:
            if not file.is_stored and (batch := file.next_batch()) is not None:
                return file, batch
        return None

    def tidy(self) -> list[str]:
        """Remove files that were stored, and take over those of processes that are gone.

        Returns the names of the removed ones, whose marks are of no use any more.
        """
        removed = [file for file in self.orphans if file.is_stored]
        self.orphans = [file for file in self.orphans if not file.is_stored]
        with self.lock:
            if self.own is not None and self.own.is_stored and self.own.size >= ROTATE_BYTES:
                removed.append(self.own)
                self.own = None
        for file in removed:
            file.remove()
        self._adopt()
        return [file.name for file in removed]

    def close(self) -> None:
        """Let go of all files; one that was stored is removed."""
        with self.lock:
            for file in [*self.orphans, *([self.own] if self.own else [])]:
                if file.is_stored:
                    file.remove()
                else:
                    os.close(file.descriptor)
            self.own, self.orphans = None, []

    def _create(self) -> File:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.folder / f"{uuid.uuid4().hex}{ENDING}"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _sync_folder(self.folder)  # else the file itself may be gone after a power cut
        return File(path, descriptor)

    def _adopt(self) -> None:
        """Lock files that nobody holds, oldest first."""
        held = {file.path for file in [*self.orphans, *([self.own] if self.own else [])]}
        try:
            paths = sorted(self.folder.glob(f"*{ENDING}"), key=lambda path: path.stat().st_mtime)
        except OSError:
            return  # no folder yet, or a file that was removed meanwhile: the next look finds the rest
        for path in paths:
            if path not in held and (file := _take(path)) is not None:
                self.orphans.append(file)


def _take(path: Path) -> File | None:
    """The file, locked; None while its process lives, or when it was removed meanwhile."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_nlink:
            return File(path, descriptor)
    except OSError:
        pass
    os.close(descriptor)
    return None


def _write_all(descriptor: int, data: bytes, place: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, place)
        view, place = view[written:], place + written


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
