"""Public documents as complete bytes, in memory and on disk.

Rendered once per change by whichever process gets the lock; the others read what it
wrote. The copies on disk outlive the database, the broker and this process.
"""

import functools
import hashlib
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import close_old_connections, connections
from django.http import Http404
from django.urls import Resolver404, resolve
from django.utils.module_loading import import_string

from components import identity, loops, pulse
from components.models import Page
from statuspage.serving.disk_copies import AHEAD_S, Copies, Document, serve_here
from statuspage.serving.rendering import Rendering

log = logging.getLogger(__name__)

MAX_DOCUMENTS = 2_000  # in memory; unused addresses are dropped
MAX_BYTES = 200_000_000  # of them all, in every encoding
REFRESH_S = 10.0  # without any change: the age of the newest check moves on
LAZY_AGE_S = 20.0  # a page that is rendered on demand is at most this old
LOOK_S = 2.0  # how often the version is read when the bell is silent
MIN_PAUSE_S = 1.0  # between two renderings
PRUNE_EVERY_S = 86_400.0
LOG_EVERY_S = 60.0  # for a fault that every document meets again and again
MAX_AGAIN = 500  # copies rendered again after a removal; the rest on demand
AGAIN_S = 0.5  # of a look's time


def _is_ahead(at: float) -> bool:
    """Whether this moment lies in the future: it was noted before the clock was set back."""
    return at > time.time() + AHEAD_S


class Snapshot:
    """The documents of this process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.copies = Copies(folder)
        self.documents: OrderedDict[str, Document] = OrderedDict()
        self.size = 0  # of the documents in memory
        self.version = 0  # of the newest complete rendering
        self.made_with = made_with(identity.last_known())  # copies made with other settings are not current
        self.forgotten = self.copies.forgotten()  # older copies show removed content
        self.checked_at = 0.0  # the newest check that any document knows of
        self.is_ready = False
        self.is_alone = False  # nothing can be rendered: there are only the copies
        self.on_change: Callable[[int], None] = lambda version: None
        self.on_staff_change: Callable[[], None] = lambda: None
        self._again: list[str] = []  # addresses whose copies were dropped, to be rendered again
        self._eager: list[str] = ["/"]
        self._bell = threading.Event()
        self._stop = threading.Event()
        self._failed_at = -LOOK_S
        self.stuck_since: float | None = None  # not all of it could be rendered, since then (monotonic)
        self.rendered_at = 0.0  # when all of them were last current (s since 1970)
        self.renders = {"done": 0, "failed": 0}  # documents, since the start
        self._logged: dict[str, float] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    # Reading

    def get(self, path: str) -> Document | None:
        """The document in memory, or from disk; never one that shows removed content."""
        document = self.documents.get(path) or self.copies.load(path)
        if document is None or document.version < self.forgotten:
            return None
        self._keep(document)
        return document

    def is_shown(self, document: Document) -> bool:
        """Whether it is of the newest rendering and identity: the front door then serves it as it is."""
        return document.version >= self.version and document.made_with == self.made_with

    @property
    def has_page(self) -> bool:
        """Whether there is a front page: a new one, or an older copy if none can be rendered."""
        return self.is_ready or (self.is_alone and self.get("/") is not None)

    def fresh(self, path: str) -> Document | None:
        """The document at the current version: from memory, disk, or rendered now.

        The last copy if it cannot be rendered; None if there is none. Raises Http404.
        """
        document = self.get(path)
        if document is not None and self._is_current(document, LAZY_AGE_S):
            return document
        with self._lock_of(path):
            document = self.get(path)
            if document is not None and self._is_current(document, LAZY_AGE_S):
                return document
            if time.monotonic() - self._failed_at < LOOK_S:
                return document  # the database is away: do not make every reader wait for it
            return self._try_render(path, LAZY_AGE_S) or document

    def _is_current(self, document: Document, age_s: float) -> bool:
        age = time.time() - document.rendered_at
        is_ours = document.made_with == self.made_with
        return is_ours and document.version >= max(self.version, self.forgotten) and -AHEAD_S < age < age_s

    def _follow_identity(self, version: int) -> None:
        """Follow a change of the page's name, zone or colour at this version."""
        identity.heed(version)
        self.made_with = made_with(identity.current())

    # Writing

    def begin(self, path: str) -> Rendering:
        """Gather this address as it is now and render what is shown first.

        Raises Http404 and database errors.
        """
        gather, named = _gatherer(path)
        version = Page.objects.version()  # read first: a change meanwhile makes us stale, never wrong
        self._follow_identity(version)
        return Rendering.of(path, version, self.made_with, gather, named)

    def _try_render(self, path: str, age_s: float) -> Document | None:
        """Render and keep it. A failure is logged, and the last copy is still served."""
        try:
            with self.copies.single_flight(path):
                on_disk = self.copies.load(path)
                if on_disk is not None and self._is_current(on_disk, age_s):
                    self._keep(on_disk)
                    return on_disk
                rendering = self.begin(path)
                if rendering.version < self.forgotten:  # begun before a removal
                    rendering = self.begin(path)
                document = self._finish(rendering)
                self.copies.save(document)
                self.renders["done"] += 1
                return document
        except Http404:
            self._drop(path)
            raise
        except Exception as error:
            self._failed_at = time.monotonic()
            self.renders["failed"] += 1
            self._log_seldom(path, error)
            return None
        finally:
            close_old_connections()

    def _finish(self, rendering: Rendering) -> Document:
        """Show what is shown first at once, then with the ages that follow. Raises if one of them fails."""
        before = self.documents.get(rendering.path)
        if rendering.is_current:
            self._keep(rendering.first())
        try:
            document = rendering.whole()
        except Exception:
            self._put_back(rendering.path, before)  # without its ages it would look current for ever
            raise
        self._keep(document)
        return document

    def _put_back(self, path: str, document: Document | None) -> None:
        """Hold this document again, or none."""
        with self._guard:
            if (held := self.documents.pop(path, None)) is not None:
                self.size -= held.size
        if document is not None:
            self._keep(document)

    def _log_seldom(self, path: str, error: Exception) -> None:
        """Log each kind of error once a minute, with its traceback, as all documents meet it repeatedly."""
        kind = type(error).__name__
        if time.monotonic() - self._logged.get(kind, -LOG_EVERY_S) >= LOG_EVERY_S:
            self._logged[kind] = time.monotonic()
            log.exception("%s could not be rendered; serving the last copies", path)

    def _keep(self, document: Document) -> None:
        with self._guard:
            if document.version < self.forgotten:
                return
            held = self.documents.get(document.path)
            if held is None or held.rendered_at <= document.rendered_at or _is_ahead(held.rendered_at):
                self.size += document.size - (held.size if held else 0)
                self.documents[document.path] = document
                self.documents.move_to_end(document.path)
            while len(self.documents) > MAX_DOCUMENTS or (self.size > MAX_BYTES and len(self.documents) > 1):
                self.size -= self.documents.popitem(last=False)[1].size
            if _is_ahead(self.checked_at):
                self.checked_at = 0.0
            if not _is_ahead(document.checked_at):
                self.checked_at = max(self.checked_at, document.checked_at)

    def _drop(self, path: str) -> None:
        """Drop the document: the address does not exist any more."""
        with self._guard:
            if (held := self.documents.pop(path, None)) is not None:
                self.size -= held.size
        self.copies.remove(path)

    # Removed content

    def forget(self, before: int) -> None:
        """Drop every copy of a version before this one, in memory and on disk; render them again later."""
        with self._guard:
            self.forgotten = before
            for path in [path for path, held in self.documents.items() if held.version < before]:
                self.size -= self.documents.pop(path).size
        self._again = self.copies.forget(before)[:MAX_AGAIN]

    def _heed(self, forgotten: int | None) -> None:
        """Apply the database's mark; without database the one on disk, which others may have raised."""
        if forgotten is not None:
            self.copies.settle(forgotten)
        mark = max(forgotten or 0, self.copies.forgotten())
        if mark > self.forgotten:
            self.forget(mark)
        elif forgotten is not None:
            self.forgotten = mark

    def _render_again(self) -> None:
        """Render a few of the dropped copies again, so that they exist when the database goes away."""
        end = time.monotonic() + AGAIN_S
        while self._again and time.monotonic() < end and not self._stop.is_set():
            path = self._again.pop(0)
            if path in self.documents:
                continue
            try:
                if self._try_render(path, LAZY_AGE_S) is None:
                    self._again.insert(0, path)
                    return
            except Http404:
                continue

    def _lock_of(self, path: str) -> threading.Lock:
        with self._guard:
            if len(self._locks) > MAX_DOCUMENTS:
                self._locks.clear()
            return self._locks.setdefault(path, threading.Lock())

    # The renderer

    def start(self) -> None:
        """Keep the documents current, in threads of this process."""
        serve_here(self.copies, self.stuck_s, self)
        threading.Thread(target=self._work, name="renderer", daemon=True).start()
        threading.Thread(
            target=pulse.listen,
            args=(self._bell.set, self._stop, self.on_staff_change),
            name="bell",
            daemon=True,
        ).start()

    def stuck_s(self) -> float:
        """For how many seconds documents could not all be rendered, so that older ones are shown."""
        return 0.0 if self.stuck_since is None else time.monotonic() - self.stuck_since

    def stop(self) -> None:
        """End the threads."""
        self._stop.set()
        self._bell.set()

    def _work(self) -> None:
        self.forget(self.forgotten)
        rendered, pruned = -REFRESH_S, -PRUNE_EVERY_S
        while not self._stop.is_set():
            marks = self._read_marks()
            self.is_alone = marks is None or self.is_alone
            self._heed(marks[1] if marks else None)
            if marks is not None:
                self._follow_identity(marks[0])
                identity.keep(self.folder)
            is_due = time.monotonic() - rendered >= REFRESH_S
            if marks is not None and (marks[0] != self.version or is_due or not self.is_ready):
                self._turn(marks[0])
                rendered = time.monotonic()
                if rendered - pruned >= PRUNE_EVERY_S:
                    self.copies.prune(self._eager, time.time())
                    pruned = rendered
                self._stop.wait(MIN_PAUSE_S)
            if marks is not None:
                self._render_again()
            self.copies.make_room(self._eager)
            loops.mark("renderer")
            self._bell.wait(AGAIN_S if self._again else LOOK_S)
            self._bell.clear()

    def _read_marks(self) -> tuple[int, int] | None:
        """None while the database is away."""
        try:
            return Page.objects.marks()
        except Exception as error:  # whatever it is, the last copies are still served
            log.warning("the version cannot be read: %s", type(error).__name__)
            connections.close_all()
            return None
        finally:
            close_old_connections()

    def _turn(self, version: int) -> None:
        """Render the most read documents, then notify open pages."""
        is_news, before = version != self.version, self.version
        began = time.time()
        done = True
        try:
            self._eager = eager = _eager()
        except Exception as error:
            self._log_seldom("the list of documents", error)
            eager, done = self._eager, False
        self.version = version
        for path in eager:
            try:
                done &= self._try_render(path, REFRESH_S - 1) is not None
            except Http404:
                continue
        self.is_alone = not done
        self.stuck_since = None if done else self.stuck_since or time.monotonic()
        self.is_ready = self.is_ready or (done and "/" in self.documents)
        if not done:
            self.version = before  # try again at the next look
            return
        self.rendered_at = began
        if is_news:
            self.on_change(version)


def made_with(page: identity.Identity) -> str:
    """A hash of everything that documents show and the page's version does not count.

    After a restart with another PAGE_NAME, PUBLIC_URL or version of the program, copies on disk have
    the current version of the page but are out of date.
    """
    parts = f"{identity.fingerprint(page)}\n{settings.PUBLIC_URL}\n".encode()
    return hashlib.sha256(parts + _static_files()).hexdigest()[:20]


@functools.cache
def _static_files() -> bytes:
    """The addresses of the style sheets and scripts when this process started."""
    manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
    return manifest.read_bytes() if manifest.is_file() else b""


def _eager() -> list[str]:
    """The addresses that are rendered on every change."""
    paths: list[str] = import_string(settings.SNAPSHOT_EAGER)()
    return paths


def _gatherer(path: str) -> tuple[Callable[..., Any], dict[str, Any]]:
    """The gathering function behind an address. Raises Http404 if it is not a document."""
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
