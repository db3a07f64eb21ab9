"""Keeps reports: on disk before the sender is answered, in the database as soon as it is there.

One thread writes, and syncs many reports at once; another stores them, so that a database that hangs
keeps nobody waiting.
"""

import asyncio
import contextlib
import logging
import queue
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, close_old_connections, connection

from components import loops, receiving
from components.clock import database_now
from components.models import Inbox, SpoolMark
from components.passive.spool import Spool
from components.receiving import Arrival
from statuspage.serving.reports.addresses import Addresses

log = logging.getLogger(__name__)

AWAY = (OperationalError, InterfaceError)
MAX_GROUP = 500  # reports written with one sync
TRY_AGAIN_S = 0.5
SHOW_EVERY_S = 5.0  # that reports are taken here; well within `hearing.FRESH`
REFRESH_EVERY_S = 10.0
LAST_STORE_S = 3.0  # at the end
MEGABYTE = 1024 * 1024


class NotKeptError(Exception):
    """The report could be written neither to disk nor to the database."""


class Waiting(NamedTuple):
    """Reports of one request, and who is told when they are safe."""

    arrivals: Sequence[Arrival]
    answer: "asyncio.Future[None]"
    loop: asyncio.AbstractEventLoop


class Keeper:
    """Of one web process."""

    def __init__(self, addresses: Addresses) -> None:
        self.addresses = addresses
        self.spool = Spool(settings.SPOOL_DIR, max_bytes=settings.SPOOL_MAX_MB * MEGABYTE)
        self.since = datetime.now(UTC)
        self.inbox: queue.SimpleQueue[Waiting | None] = queue.SimpleQueue()
        self.has_work = threading.Event()
        self.is_closing = False
        self.is_away = False
        self.shown_at = self.refreshed_at = float("-inf")  # monotonic
        self.threads = [
            threading.Thread(target=self._write, name="reports-write", daemon=True),
            threading.Thread(target=self._store, name="reports-store", daemon=True),
        ]

    def start(self) -> None:
        """Begin to take reports, those of processes that are gone first."""
        self.since = datetime.now(UTC)
        self.has_work.set()
        for thread in self.threads:
            thread.start()

    def close(self) -> None:
        """Store what there is, within a few seconds; the rest stays on disk."""
        self.is_closing = True
        self.inbox.put(None)
        self.threads[0].join(LAST_STORE_S)
        self.has_work.set()
        self.threads[1].join(LAST_STORE_S)
        if not self.threads[1].is_alive():
            self.spool.close()

    async def keep(self, arrivals: Sequence[Arrival]) -> None:
        """Wait until these are safe. Raises NotKeptError."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[None] = loop.create_future()
        self.inbox.put(Waiting(arrivals, answer, loop))
        await answer

    def refresh_soon(self) -> None:
        """Something on the page has changed: perhaps an address, and then the old one is refused at once."""
        self.refreshed_at = float("-inf")
        self.has_work.set()

    # The thread that writes

    def _write(self) -> None:
        while (first := self.inbox.get()) is not None:
            group, is_last = [first], False
            with contextlib.suppress(queue.Empty):
                while len(group) < MAX_GROUP:
                    more = self.inbox.get_nowait()
                    if more is None:
                        is_last = True
                        break
                    group.append(more)
            error = self._save([arrival for waiting in group for arrival in waiting.arrivals])
            for waiting in group:
                with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                    waiting.loop.call_soon_threadsafe(_tell, waiting.answer, error)
            if is_last:
                return

    def _save(self, arrivals: Sequence[Arrival]) -> Exception | None:
        """To disk; where that takes nothing, to the database. None, or what went wrong."""
        try:
            self.spool.append([receiving.as_row(arrival) for arrival in arrivals])
        except OSError as error:
            log.error("spool.not_written count=%d error=%s", len(arrivals), error)
            return self._save_at_once(arrivals)
        except Exception:
            log.exception("spool.not_written count=%d", len(arrivals))  # this thread must not end of it
            return NotKeptError("The report could not be kept.")
        self.has_work.set()
        return None

    def _save_at_once(self, arrivals: Sequence[Arrival]) -> Exception | None:
        close_old_connections()
        try:
            receiving.store_at_once(arrivals, database_now())
        except (DatabaseError, InterfaceError):
            connection.close()
            return NotKeptError("The report could not be kept: the disk and the database take nothing.")
        except Exception:
            log.exception("signals.not_stored count=%d", len(arrivals))  # nor may it end of this
            return NotKeptError("The report could not be kept.")
        return None

    # The thread that stores

    def _store(self) -> None:
        while True:
            loops.mark("spooler")
            self.has_work.wait(TRY_AGAIN_S if self.is_away else 1.0)
            self.has_work.clear()
            try:
                self._store_all()
                self._look_after()
            except AWAY as error:
                self._note_away(error)
            except Exception:
                log.exception("reports are stored again in a moment")
                time.sleep(TRY_AGAIN_S)
            if self.is_closing:
                connection.close()
                return
            if self.is_away:
                time.sleep(TRY_AGAIN_S)

    def _store_all(self) -> None:
        count = 0
        while (found := self.spool.next_batch()) is not None:
            close_old_connections()
            file, batch = found
            file.stored = receiving.store(batch, database_now())
            count += len(batch.rows)
        if self.is_away and count:
            log.warning("spool.stored count=%d: the database is back", count)
        self.is_away = self.is_away and not count

    def _look_after(self) -> None:
        """Files and addresses, and that others know: reports are taken here, and all are stored."""
        now = time.monotonic()
        if now - self.refreshed_at >= REFRESH_EVERY_S:
            close_old_connections()
            self.addresses.refresh()
            self.refreshed_at = now
        if now - self.shown_at < SHOW_EVERY_S:
            return
        close_old_connections()
        removed = self.spool.tidy()
        if removed:
            SpoolMark.objects.filter(name__in=removed).delete()
        if self.spool.orphans:
            self.has_work.set()  # of a process that is gone: stored before we say that all is
            return
        if self.addresses.known:
            Inbox.objects.keep_listening(database_now(), self.since)
        self.shown_at, self.is_away = now, False

    def _note_away(self, error: Exception) -> None:
        connection.close()
        if not self.is_away:
            reason = str(error).strip().split("\n")[0]
            log.warning("spool.waiting reason=%s: reports wait on disk until the database is back", reason)
        self.is_away = True


def _tell(answer: "asyncio.Future[None]", error: Exception | None) -> None:
    if answer.done():
        return  # the sender is gone
    if error is None:
        answer.set_result(None)
    else:
        answer.set_exception(error)
