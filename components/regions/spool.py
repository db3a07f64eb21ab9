"""Results on disk, until the server has taken them: in order, private, bounded.

Each batch is appended to the newest file and synced before it counts as kept, so a kill loses nothing
that is here. A file is deleted once all of it has been taken. When there is no room for more, the
oldest file goes, and its results are counted as lost.
"""

import fcntl
import json
import logging
import os
import threading
from collections.abc import Sequence
from pathlib import Path

log = logging.getLogger(__name__)

FILE_BYTES = 256 * 1024
ENDING = ".jsonl"


class SpoolError(Exception):
    """The folder cannot be used: a sentence for the operator."""


class Spool:
    """One folder, used by one process. Safe from several threads."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        """Raises SpoolError."""
        self.folder = folder
        self.max_bytes = max_bytes
        self.lost = 0
        self.lock = threading.Lock()
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)
            self.held = os.open(folder / "lock", os.O_CREAT | os.O_WRONLY, 0o600)
            fcntl.flock(self.held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # never appended to a file of an earlier start: its last line may have been torn
            self.counts = {path: _mended(path) for path in self._files()}
            self.sizes = {path: path.stat().st_size for path in self.counts}
        except BlockingIOError:
            raise SpoolError(f"Another agent uses {folder}: set another VAR_DIR for this one.") from None
        except OSError as error:
            raise SpoolError(f"{folder} cannot be used ({error.strerror}): check its owner.") from error
        self.number = max((int(path.stem) for path in self.counts), default=0)
        self.newest: Path | None = None
        self.in_memory: list[bytes] = []  # what could not be written: the disk is full or broken
        self.is_failing = False

    def append(self, lines: Sequence[bytes]) -> None:
        """Keep these; on disk before it returns, or in memory while the disk takes nothing."""
        with self.lock:
            try:
                self._write(b"".join(line + b"\n" for line in lines), len(lines))
                self._note(fails=False)
            except OSError as error:
                self._note(fails=True, reason=error.strerror or "")
                self.in_memory += lines
                self._drop_memory()
            self._make_room()

    def next(self, most: int, max_bytes: int) -> tuple[list[bytes], Path | None]:
        """The oldest results that are kept, at most so many, and their place for `taken`."""
        with self.lock:
            for path in sorted(self.counts):
                lines = self._lines(path)
                if lines:
                    return _some(lines, most, max_bytes), path
                self._delete(path)
            return _some(self.in_memory, most, max_bytes), None

    def taken(self, number: int, path: Path | None) -> None:
        """The first so many of `next` are the server's now."""
        with self.lock:
            if path is None:
                del self.in_memory[:number]
            elif path in self.counts:
                self.counts[path] = max(0, self.counts[path] - number)
                if not self.counts[path]:
                    self._delete(path)

    @property
    def waiting(self) -> int:
        """How many results are kept."""
        return sum(self.counts.values()) + len(self.in_memory)

    def close(self) -> None:
        """Let another process use the folder."""
        os.close(self.held)

    def _lines(self, path: Path) -> list[bytes]:
        """What is still to be sent of a file; empty if it cannot be read any more."""
        try:
            lines = _lines_of(path)
        except OSError as error:
            log.warning("spool.not_read file=%s reason=%s", path.name, error.strerror)
            self._lose(self.counts[path])
            return []
        return lines[max(0, len(lines) - self.counts[path]) :] if self.counts[path] else []

    def _write(self, data: bytes, number: int) -> None:
        path, is_new = self.newest, False
        if path is None or path not in self.counts or self.sizes[path] >= FILE_BYTES:
            # counted once it is written: a full disk would be littered with empty files
            path, is_new = self.folder / f"{self.number + 1:012d}{ENDING}", True
        file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        size = os.fstat(file).st_size
        try:
            _write_all(file, data)
            os.fsync(file)
        except OSError:
            os.ftruncate(file, size)  # half a batch: it is kept in memory as a whole
            raise
        finally:
            os.close(file)
        if is_new:
            _sync_folder(self.folder)
            self.number += 1
        self.newest = path
        self.counts[path] = self.counts.get(path, 0) + number
        self.sizes[path] = size + len(data)

    def _make_room(self) -> None:
        while sum(self.sizes.values()) > self.max_bytes and len(self.counts) > 1:
            oldest = min(self.counts)
            self._lose(self.counts[oldest])
            self._delete(oldest)

    def _drop_memory(self) -> None:
        total = sum(map(len, self.in_memory))
        while total > self.max_bytes and self.in_memory:
            total -= len(self.in_memory.pop(0))
            self._lose(1)

    def _lose(self, number: int) -> None:
        self.lost += number
        log.warning("spool.full lost=%d: the oldest results were dropped", number)

    def _delete(self, path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:  # sent again after a restart: the server counts each result once
            log.warning("spool.not_deleted file=%s reason=%s", path.name, error.strerror)
        self.counts.pop(path, None)
        self.sizes.pop(path, None)

    def _note(self, *, fails: bool, reason: str = "") -> None:
        if fails and not self.is_failing:
            log.warning("spool.not_written reason=%s: results are kept in memory", reason)
        self.is_failing = fails

    def _files(self) -> list[Path]:
        return sorted(path for path in self.folder.glob(f"*{ENDING}") if path.stem.isdigit())


def _lines_of(path: Path) -> list[bytes]:
    return [line for line in path.read_bytes().split(b"\n") if line]


def _mended(path: Path) -> int:
    """How many results a file of an earlier start holds; what a kill tore is removed."""
    lines = _lines_of(path)
    whole = [line for line in lines if _is_whole(line)]
    if len(whole) < len(lines):
        log.warning("spool.torn file=%s lines=%d: left out", path.name, len(lines) - len(whole))
        path.write_bytes(b"".join(line + b"\n" for line in whole))
    return len(whole)


def _is_whole(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _some(lines: Sequence[bytes], most: int, max_bytes: int) -> list[bytes]:
    """The first of these that fit, one at least."""
    chosen: list[bytes] = []
    size = 0
    for line in lines[:most]:
        size += len(line) + 2
        if chosen and size > max_bytes:
            break
        chosen.append(line)
    return chosen


def _write_all(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]


def _sync_folder(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
