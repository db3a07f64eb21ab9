"""Copies of public documents on disk, which outlive the database, the broker and the process.

They are optional: with a folder that is full, read-only or missing, pages are still served from
memory. The error is kept in `fault`, for /healthz and staff.
"""

import fcntl
import gzip
import hashlib
import json
import logging
import os
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import brotli

from components import removal_mark
from components.models.heartbeat import MAX_AHEAD

log = logging.getLogger(__name__)

AHEAD_S = MAX_AHEAD.total_seconds()  # further in the future: the clock was set back, so it only looks fresh
MAGIC = b"statuspage-snapshot-1\n"
LOCK_FILES = 64  # two addresses that share one wait for each other, no more
KEPT_S = 30 * 86_400.0  # the age of a copy that was not renewed
UNFINISHED_S = 3_600.0  # a file still being written is seconds old
MAX_FILES = 3_000  # anyone may ask for any address that exists; the oldest copies are deleted
MAX_BYTES = 300_000_000
COUNT_EVERY = 50  # new files between two counts
LOG_EVERY_S = 60.0
NAMED_BY_ADDRESS = re.compile(r"[0-9a-f]{32}\.")
BROTLI_QUALITY = 5  # of 11: a tenth larger than the best, fifty times quicker


@dataclass(frozen=True, slots=True)
class Variant:
    """One complete response body. `since`: from when it is valid (seconds since 1970)."""

    since: float
    etag: str
    plain: bytes
    gzip: bytes
    br: bytes

    @classmethod
    def of(cls, since: float, body: bytes) -> "Variant":
        """A body in every encoding."""
        etag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
        packed = gzip.compress(body, 6, mtime=0), brotli.compress(body, quality=BROTLI_QUALITY)
        return cls(since, etag, body, *packed)

    @property
    def size(self) -> int:
        """Its bytes in all encodings."""
        return len(self.plain) + len(self.gzip) + len(self.br)


@dataclass(frozen=True, slots=True)
class Document:
    """A document in all its ages, the oldest last.

    `old` is shown once the copy itself is old while newer checks are known: it says how old it is.
    """

    path: str
    content_type: str
    version: int
    rendered_at: float
    checked_at: float  # 0: never
    variants: tuple[Variant, ...]
    old: Variant | None = None
    made_with: str = ""  # a hash of the identity and settings that it shows: `snapshot.made_with`

    def at(self, now: float) -> Variant:
        """The variant for this moment; the last one if its newest check is in the future."""
        if self.checked_at > now + AHEAD_S:
            return self.variants[-1]
        for variant in reversed(self.variants):
            if now >= variant.since:
                return variant
        return self.variants[0]

    @property
    def size(self) -> int:
        """Its bytes in memory, approximately."""
        every = (*self.variants, *([self.old] if self.old else []))
        return sum(variant.size for variant in every)


class Copies:
    """The copies in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.fault = ""  # why nothing can be written now
        self._logged_at = -LOG_EVERY_S
        self._new = COUNT_EVERY  # count at the first chance

    def file(self, path: str) -> Path:
        """The file with the copy of this address."""
        return self.folder / f"{hashlib.sha256(path.encode()).hexdigest()[:32]}.doc"

    def save(self, document: Document) -> None:
        """Write it whole or not at all. Never raises OSError: `fault` says what is wrong."""
        file = self.file(document.path)
        unfinished = file.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
        try:
            is_new = not file.exists()
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with unfinished.open("wb") as out:
                _write(document, out)
                out.flush()
                os.fsync(out.fileno())
            unfinished.replace(file)
        except OSError as error:
            self._failed(error)
            with suppress(OSError):
                unfinished.unlink()
            return
        self.fault = ""
        self._new += is_new

    def load(self, path: str) -> Document | None:
        """The copy on disk; None if there is none, or if it is broken."""
        try:
            raw = self.file(path).read_bytes()
        except OSError:
            return None
        try:
            return _parse(raw, path)
        except (ValueError, KeyError, TypeError):
            log.warning("the copy of %s is corrupt; it is not used", path)
            return None

    def remove(self, path: str) -> None:
        """Delete the copy: the address does not exist any more."""
        with suppress(OSError):
            self.file(path).unlink()

    @contextmanager
    def single_flight(self, path: str) -> Iterator[None]:
        """One renderer of an address on this machine; the others wait and then read its copy.

        Without a lock each one renders for itself: more work, but current.
        """
        with suppress(OSError):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = self._locked(path)
        try:
            yield
        finally:
            if lock is not None:
                lock.close()

    def _locked(self, path: str) -> IO[str] | None:
        try:
            lock = self.lock_file(path).open("a")
        except OSError as error:
            self._failed(error)
            return None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError as error:
            lock.close()
            self._failed(error)
            return None
        return lock

    def lock_file(self, path: str) -> Path:
        """One of a fixed number of lock files, as anyone may ask for any address."""
        number = int(self.file(path).stem, 16) % LOCK_FILES
        return self.folder / f"{number:02d}.lock"

    def _failed(self, error: OSError) -> None:
        """Log the error, at most once a minute, as every document meets it every few seconds."""
        self.fault = f"{self.folder}: {error.strerror or type(error).__name__}"
        if time.monotonic() - self._logged_at > LOG_EVERY_S:
            self._logged_at = time.monotonic()
            log.warning("copies.not_written folder=%s error=%s", self.folder, error.strerror or error)

    # What must not stay

    def forgotten(self) -> int:
        """The version before which no copy is shown any more."""
        return removal_mark.read(self.folder)

    def settle(self, forgotten: int) -> None:
        """Store the database's mark, unless a change is about to raise it."""
        if forgotten > self.forgotten() or (
            forgotten < self.forgotten() and removal_mark.is_settled(self.folder)
        ):
            try:
                removal_mark.write(self.folder, forgotten)
            except OSError as error:
                self._failed(error)

    def forget(self, before: int) -> list[str]:
        """Remove copies of versions before this one. Returns their addresses, newest first."""
        removed = []
        for made_at, file in sorted(self._files(), reverse=True):
            try:
                with file.open("rb") as opened:
                    header = _header(opened)
                if header["version"] < before:
                    file.unlink()
                    removed.append((made_at, str(header["path"])))
            except (OSError, ValueError, KeyError, TypeError):
                with suppress(OSError):
                    file.unlink()
        return [path for _, path in removed]

    def prune(self, eager: Iterable[str], now: float) -> None:
        """Remove copies not used for a month, and unfinished files that a crash left."""
        eager_names = {self.file(path).name for path in eager}
        with suppress(OSError):
            for file in list(self.folder.glob("*")):
                if file.name in eager_names or not NAMED_BY_ADDRESS.match(file.name):
                    continue
                age_s = KEPT_S if file.suffix == ".doc" else UNFINISHED_S
                with suppress(OSError):  # another process was quicker
                    if now - file.stat().st_mtime > age_s:
                        file.unlink()

    def make_room(self, eager: Iterable[str]) -> None:
        """Limit the number and the size of copies; the oldest are removed first."""
        if self._new < COUNT_EVERY:
            return
        self._new = 0
        eager_names = {self.file(path).name for path in eager}
        count, size = 0, 0
        for _, file in sorted(self._files(), reverse=True):
            with suppress(OSError):
                count, size = count + 1, size + file.stat().st_size
                if (count > MAX_FILES or size > MAX_BYTES) and file.name not in eager_names:
                    file.unlink()

    def _files(self) -> list[tuple[float, Path]]:
        files = []
        with suppress(OSError):
            for file in list(self.folder.glob("*.doc")):
                with suppress(OSError):
                    files.append((file.stat().st_mtime, file))
        return files


class Renders(Protocol):
    """What a renderer counts."""

    renders: dict[str, int]  # documents "done" and "failed" since the start
    rendered_at: float  # when the rendering began after which all documents were current (s since 1970)


_serving: list[tuple[Copies, Callable[[], float], Renders | None]] = []


def serve_here(
    copies: Copies, stuck_s: Callable[[], float] = lambda: 0.0, renders: Renders | None = None
) -> None:
    """Set the copies of this process, on which `fault_here`, `stuck_here` and `renders_here` report."""
    _serving[:] = [(copies, stuck_s, renders)]


def fault_here() -> str:
    """Why this process cannot write copies, folder included; empty while it can, or keeps none."""
    return next((copies.fault for copies, _, _ in _serving), "")


def stuck_here() -> float:
    """For how many seconds this process could not render all of its documents; 0 while it can."""
    return next((stuck_s() for _, stuck_s, _ in _serving), 0.0)


def renders_here() -> Renders | None:
    """The counts of this process's renderer; None if it renders nothing."""
    return next((renders for _, _, renders in _serving), None)


def _write(document: Document, out: IO[bytes]) -> None:
    every = [*document.variants, *([document.old] if document.old else [])]
    header = {
        "path": document.path,
        "content_type": document.content_type,
        "version": document.version,
        "rendered_at": document.rendered_at,
        "checked_at": document.checked_at,
        "has_old": document.old is not None,
        "made_with": document.made_with,
        "variants": [[v.since, v.etag, len(v.plain), len(v.gzip), len(v.br)] for v in every],
    }
    out.write(MAGIC + json.dumps(header).encode() + b"\n")
    for variant in every:
        out.write(variant.plain + variant.gzip + variant.br)


def _header(opened: IO[bytes]) -> dict[str, Any]:
    """The first lines of a copy. Raises ValueError if it is none."""
    if opened.readline() != MAGIC:
        raise ValueError("magic")
    header: dict[str, Any] = json.loads(opened.readline())
    return header


def _parse(raw: bytes, path: str) -> Document:
    """A copy from disk. Raises ValueError, KeyError or TypeError if it is broken."""
    if not raw.startswith(MAGIC):
        raise ValueError("magic")
    line, _, rest = raw[len(MAGIC) :].partition(b"\n")
    header = json.loads(line)
    variants, at = [], 0
    for since, etag, *lengths in header["variants"]:
        pieces = []
        for length in lengths:
            pieces.append(rest[at : at + length])
            at += length
        variants.append(Variant(since, etag, *pieces))
    old = variants.pop() if header.get("has_old") else None
    if at != len(rest) or header["path"] != path or not variants:
        raise ValueError("length")
    return Document(
        path,
        header["content_type"],
        header["version"],
        header["rendered_at"],
        header["checked_at"],
        tuple(variants),
        old,
        header.get("made_with", ""),
    )
