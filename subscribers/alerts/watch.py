"""The alert thread of each web process and of the message worker, so that either may be dead.

Every few seconds it looks, opens and closes alerts and sends what is owed; rows settle which thread sends
what. With HEARTBEAT_URL it also reports every minute that all is healthy (`outgoing`), so that silence is
noticed elsewhere.
"""

import logging
import platform
import threading
import time

from django.db import DatabaseError, close_old_connections

from components import loops
from components.clock import database_now
from incidents import alerting
from subscribers.alerts import book, delivering
from subscribers.alerts.book import Book
from subscribers.alerts.last_resort import LastResort, utc_now
from subscribers.alerts.outgoing import DATABASE_SURE_AFTER_S, OutgoingHeartbeat
from subscribers.alerts.owed import World
from subscribers.models import AlertChannel

log = logging.getLogger(__name__)
EVERY_S = 5.0
FORGET_EVERY_S = 3600.0


class Watch:
    """The alert thread; one per process."""

    def __init__(self, *, every_s: float = EVERY_S) -> None:
        self.every_s = every_s
        self.book, self.last_resort = Book(), LastResort()
        self.node = ""
        self.thread: threading.Thread | None = None
        self.stopping = threading.Event()
        self.outgoing = OutgoingHeartbeat()
        self.forgot_at = 0.0
        self.is_failing = False

    def start(self, *, serves_page: bool) -> None:
        """Start in its own thread; does nothing if it already runs."""
        if self.thread is None:
            self.node = platform.node()[:60] if serves_page else ""
            self.thread = threading.Thread(target=self._work, name="alerts", daemon=True)
            self.thread.start()

    def channels(self) -> int:
        """How many channels would get an alert; 0 while the database is away."""
        close_old_connections()
        try:
            return AlertChannel.objects.may_be_told().count()
        except DatabaseError:
            return 0
        finally:
            close_old_connections()

    def stop(self) -> None:
        """Start no more rounds. Messages in flight are sent again by another process, under the same id."""
        self.stopping.set()

    def _work(self) -> None:
        while not self.stopping.wait(self.every_s):
            try:
                self.look()
            except Exception:  # our own error must not end the thread
                if not self.is_failing:
                    log.exception("alert.watch_failed")
                self.is_failing = True
            else:
                self.is_failing = False
                loops.mark("alerts")
            finally:
                close_old_connections()

    def look(self) -> None:
        """One round: find, write and send alerts."""
        try:
            now = database_now()
            self.last_resort.remember(now)
            judged_at = utc_now()
            checks = alerting.vitals(judged_at)
            self.book.write(World(now, checks, self.node))
            # before messages are sent: a channel that hangs would delay it
            self.outgoing.look(
                is_well=alerting.is_well(checks),
                passed_at=alerting.passed_at(checks, judged_at),
                serves_page=bool(self.node),  # without the page /healthz could not be answered either
            )
            delivering.deliver(now)
            if time.monotonic() - self.forgot_at > FORGET_EVERY_S or not self.forgot_at:
                self.forgot_at = time.monotonic()
                book.forget_old(now)
        except DatabaseError:
            close_old_connections()
            self.outgoing.fail(sure_after_s=DATABASE_SURE_AFTER_S)
            self.last_resort.tell(utc_now())


_watch: Watch | None = None


def watch() -> Watch:
    """The alert thread of this process."""
    global _watch  # noqa: PLW0603 - made after the fork
    if _watch is None:
        _watch = Watch()
    return _watch
