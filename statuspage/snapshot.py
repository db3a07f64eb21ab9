"""Public documents as complete bytes, in memory and on disk.

Rendered once per change by whoever gets the lock; the others read what it
wrote. The copies on disk outlive the database, the broker and this process.
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
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import brotli
from django.conf import settings
from django.db import close_old_connections, connections
from django.http import Http404
from django.urls import Resolver404, resolve
from django.utils.module_loading import import_string

from components import pulse
from components.models import Page
from components.models.heartbeat import MAX_AHEAD

log = logging.getLogger(__name__)

MOST_DOCUMENTS = 2_000  # in memory; addresses nobody asks for make room
REFRESH_S = 10.0  # without any change: the age of the newest check moves on
LAZY_AGE_S = 20.0  # a page that is rendered on demand is at most this old
LOOK_S = 2.0  # how often the version is read when the bell is silent
LEAST_PAUSE_S = 1.0  # between two renderings
MAGIC = b"statuspage-snapshot-1\n"
LOCK_FILES = 64  # two addresses that share one wait for each other, no more
KEPT_S = 30 * 86_400.0  # a copy on disk that nobody made anew
UNFINISHED_S = 3_600.0  # a file still being written is seconds old
PRUNE_EVERY_S = 86_400.0
NAMED_BY_ADDRESS = re.compile(r"[0-9a-f]{32}\.")
BROTLI_QUALITY = 5  # of 11: a tenth larger than the best, fifty times quicker


@dataclass(frozen=True, slots=True)
class Variant:
    """One complete answer. `since` is the moment (seconds since 1970) from which it holds."""

    since: float
    etag: str
    plain: bytes
    gzip: bytes
    br: bytes


AHEAD_S = MAX_AHEAD.total_seconds()  # beyond it the clock was put back: what looks fresh is not


@dataclass(frozen=True, slots=True)
class Document:
    """A document with all its ages, oldest judgement last."""

    path: str
    content_type: str
    version: int
    rendered_at: float
    checked_at: float  # 0: never
    variants: tuple[Variant, ...]

    def at(self, now: float) -> Variant:
        """The variant that is true now; the oldest one, when it was checked in a time that is yet to come."""
        if self.checked_at > now + AHEAD_S:
            return self.variants[-1]
        for variant in reversed(self.variants):
            if now >= variant.since:
                return variant
        return self.variants[0]


class Snapshot:
    """The documents of this process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.documents: OrderedDict[str, Document] = OrderedDict()
        self.version = 0  # of the newest complete rendering
        self.is_ready = False
        self.on_change: Callable[[int], None] = lambda version: None
        self._bell = threading.Event()
        self._stop = threading.Event()
        self._failed_at = -LOOK_S
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    # Reading

    def get(self, path: str) -> Document | None:
        """The document in memory, or from disk."""
        found = self.documents.get(path)
        if found is None:
            found = self._load(path)
            if found is not None:
                self._keep(found)
        return found

    def fresh(self, path: str) -> Document | None:
        """The document at the current version: from memory, disk, or rendered now.

        The last copy if it cannot be rendered; None if there is none. Raises Http404.
        """
        found = self.get(path)
        if found is not None and self._is_current(found, LAZY_AGE_S):
            return found
        with self._lock_of(path):
            found = self.get(path)
            if found is not None and self._is_current(found, LAZY_AGE_S):
                return found
            if time.monotonic() - self._failed_at < LOOK_S:
                return found  # the database is away: do not make every reader wait for it
            return self._try_render(path, LAZY_AGE_S) or found

    def _is_current(self, document: Document, age_s: float) -> bool:
        age = time.time() - document.rendered_at
        return document.version >= self.version and -AHEAD_S < age < age_s

    # Writing

    def render(self, path: str) -> Document:
        """Render this address as it is now. Raises Http404, or what the database raises."""
        gather, named = _gatherer(path)
        version = Page.objects.version()  # read first: a change meanwhile makes us stale, never wrong
        now = datetime.now(UTC)
        draft = gather(now, **named)
        variants = tuple(
            _variant(since.timestamp() if since else 0.0, body) for since, body in draft.variants(now)
        )
        checked_at = draft.checked_at.timestamp() if draft.checked_at else 0.0
        return Document(path, draft.content_type, version, now.timestamp(), checked_at, variants)

    def _try_render(self, path: str, age_s: float) -> Document | None:
        """Render and keep; what fails is logged, and the last copy goes on serving."""
        try:
            with self._single_flight(path):
                on_disk = self._load(path)
                if on_disk is not None and self._is_current(on_disk, age_s):
                    self._keep(on_disk)
                    return on_disk
                document = self.render(path)
                self._keep(document)
                self._save(document)
                return document
        except Http404:
            self.documents.pop(path, None)
            raise
        except Exception:
            self._failed_at = time.monotonic()
            log.exception("%s could not be rendered; its last copy goes on serving", path)
            return None
        finally:
            close_old_connections()

    def _keep(self, document: Document) -> None:
        with self._guard:
            held = self.documents.get(document.path)
            if held is None or held.rendered_at <= document.rendered_at:
                self.documents[document.path] = document
                self.documents.move_to_end(document.path)
            while len(self.documents) > MOST_DOCUMENTS:
                self.documents.popitem(last=False)

    # Disk

    def _file(self, path: str) -> Path:
        return self.folder / f"{hashlib.sha256(path.encode()).hexdigest()[:32]}.doc"

    def _save(self, document: Document) -> None:
        """Write it whole or not at all."""
        header = {
            "path": document.path,
            "content_type": document.content_type,
            "version": document.version,
            "rendered_at": document.rendered_at,
            "checked_at": document.checked_at,
            "variants": [[v.since, v.etag, len(v.plain), len(v.gzip), len(v.br)] for v in document.variants],
        }
        file = self._file(document.path)
        unfinished = file.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
        try:
            with unfinished.open("wb") as out:
                out.write(MAGIC + json.dumps(header).encode() + b"\n")
                for variant in document.variants:
                    out.write(variant.plain + variant.gzip + variant.br)
                out.flush()
                os.fsync(out.fileno())
            unfinished.replace(file)
        except OSError:
            log.exception("the copy of %s could not be written", document.path)
            unfinished.unlink(missing_ok=True)

    def _load(self, path: str) -> Document | None:
        """The copy on disk; None if there is none, or if it is broken."""
        try:
            raw = self._file(path).read_bytes()
        except OSError:
            return None
        try:
            return _parse(raw, path)
        except (ValueError, KeyError, TypeError):
            log.warning("the copy of %s is broken; it is not used", path)
            return None

    @contextmanager
    def _single_flight(self, path: str) -> Iterator[None]:
        """One renderer of an address on this machine; the others wait and then read its copy."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._lock_file(path).open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _lock_file(self, path: str) -> Path:
        """One of a fixed number: strangers may ask for any address, and each would leave one."""
        number = int(self._file(path).stem, 16) % LOCK_FILES
        return self.folder / f"{number:02d}.lock"

    def prune(self, eager: Iterable[str], now: float) -> None:
        """Remove copies that nobody asked for in a month, and what a crash has left half written."""
        kept = {self._file(path).name for path in eager}
        for file in self.folder.glob("*"):
            if file.name in kept or not NAMED_BY_ADDRESS.match(file.name):
                continue
            age_s = KEPT_S if file.suffix == ".doc" else UNFINISHED_S
            with suppress(OSError):  # another process was quicker
                if now - file.stat().st_mtime > age_s:
                    file.unlink()

    def _lock_of(self, path: str) -> threading.Lock:
        with self._guard:
            if len(self._locks) > MOST_DOCUMENTS:
                self._locks.clear()
            return self._locks.setdefault(path, threading.Lock())

    # The renderer

    def start(self) -> None:
        """Keep the documents current, in threads of this process."""
        threading.Thread(target=self._work, name="renderer", daemon=True).start()
        threading.Thread(
            target=pulse.listen, args=(self._bell.set, self._stop), name="bell", daemon=True
        ).start()

    def stop(self) -> None:
        """End the threads."""
        self._stop.set()
        self._bell.set()

    def _work(self) -> None:
        rendered, pruned = 0.0, -PRUNE_EVERY_S
        while not self._stop.is_set():
            version = self._read_version()
            is_due = time.monotonic() - rendered >= REFRESH_S
            if version is not None and (version != self.version or is_due or not self.is_ready):
                self._turn(version)
                rendered = time.monotonic()
                if rendered - pruned >= PRUNE_EVERY_S:
                    pruned = rendered if self._prune() else pruned
                self._stop.wait(LEAST_PAUSE_S)
            self._bell.wait(LOOK_S)
            self._bell.clear()

    def _prune(self) -> bool:
        """False while we cannot know which documents must stay."""
        try:
            self.prune(_eager(), time.time())
        except Exception as error:  # the database is away, most likely
            log.warning("old copies are not removed now: %s", type(error).__name__)
            return False
        finally:
            close_old_connections()
        return True

    def _read_version(self) -> int | None:
        """None while the database is away."""
        try:
            return Page.objects.version()
        except Exception as error:  # whatever it is, the last copies go on serving
            log.warning("the version cannot be read: %s", type(error).__name__)
            connections.close_all()
            return None
        finally:
            close_old_connections()

    def _turn(self, version: int) -> None:
        """Render what everybody reads, then let the open pages know."""
        is_news, before = version != self.version, self.version
        done = True
        try:
            eager = _eager()
        except Exception:
            log.exception("the list of documents cannot be made")
            eager, done = ["/"], False
        self.version = version
        for path in eager:
            try:
                done &= self._try_render(path, REFRESH_S - 1) is not None
            except Http404:
                continue
        self.is_ready = self.is_ready or "/" in self.documents
        if not done:
            self.version = before  # try again at the next look
        elif is_news:
            self.on_change(version)


def _eager() -> list[str]:
    """The addresses that are kept current unasked."""
    found: list[str] = import_string(settings.SNAPSHOT_EAGER)()
    return found


def _gatherer(path: str) -> tuple[Callable[..., Any], dict[str, Any]]:
    """The gathering function behind an address. Raises Http404 for what is no document."""
    try:
        match = resolve(path)
    except Resolver404 as error:
        raise Http404 from error
    gather = getattr(match.func, "gather", None)
    if gather is None:
        raise Http404
    return gather, match.kwargs


def is_document(path: str) -> bool:
    """Whether this address is a public document's."""
    try:
        _gatherer(path)
    except Http404:
        return False
    return True


def _variant(since: float, body: bytes) -> Variant:
    return Variant(
        since=since,
        etag=f'"{hashlib.sha256(body).hexdigest()[:20]}"',
        plain=body,
        gzip=gzip.compress(body, 6, mtime=0),
        br=brotli.compress(body, quality=BROTLI_QUALITY),
    )


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
    if at != len(rest) or header["path"] != path or not variants:
        raise ValueError("length")
    return Document(
        path,
        header["content_type"],
        header["version"],
        header["rendered_at"],
        header["checked_at"],
        tuple(variants),
    )
