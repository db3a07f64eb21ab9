"""The alert thread of each web process and of the message worker, so that either may be dead.

Every few seconds it looks, opens and closes alerts and sends what is owed; rows settle which thread sends
what. With HEARTBEAT_URL it also reports every minute that all is healthy, so that silence is
noticed elsewhere.
"""

import logging
import platform
import threading
import time
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, close_old_connections

from components import loops, transport
from components.clock import database_now
from components.egress import Door, Egress, through
from incidents import alerting
from subscribers.alerts import book, delivering, sending
from subscribers.alerts.book import Book
from subscribers.alerts.last_resort import LastResort, utc_now
from subscribers.alerts.owed import World
from subscribers.models import AlertChannel

log = logging.getLogger(__name__)
EVERY_S = 5.0
HEARTBEAT_EVERY_S = 60.0
HEARTBEAT_DEADLINE_S = 10.0
SAME = timedelta(seconds=1)  # two times of one pass differ by rounding
FORGET_EVERY_S = 3600.0


class Watch:
    """The alert thread; one per process."""

    def __init__(self, *, every_s: float = EVERY_S) -> None:
        self.every_s = every_s
        self.book, self.last_resort = Book(), LastResort()
        self.node = ""
        self.thread: threading.Thread | None = None
        self.stopping = threading.Event()
        self.beat_at = self.forgot_at = 0.0
        self.passed_at: datetime | None = None  # what the last outgoing heartbeat stood for
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
            delivering.deliver(now)
            if time.monotonic() - self.forgot_at > FORGET_EVERY_S or not self.forgot_at:
                self.forgot_at = time.monotonic()
                book.forget_old(now)
        except DatabaseError:
            close_old_connections()
            self.last_resort.tell(utc_now())
            return
        self._beat(is_well=alerting.is_well(checks), passed_at=alerting.passed_at(checks, judged_at))

    def _beat(self, *, is_well: bool, passed_at: datetime | None = None) -> None:
        """Send the outgoing heartbeat, at most once a minute, while no check fails.

        `passed_at`: when a check last went the whole way, from the target onto the page. Each heartbeat
        stands for a later one than the heartbeat before; None where there is no check that could.
        """
        if passed_at and self.passed_at and passed_at < self.passed_at + SAME:
            return
        serves_page = bool(self.node)  # without the page /healthz could not be answered either
        if not settings.HEARTBEAT_URL or not serves_page or not is_well or time.monotonic() < self.beat_at:
            return
        self.beat_at, self.passed_at = time.monotonic() + HEARTBEAT_EVERY_S, passed_at
        try:
            status = sending.run(ping(settings.HEARTBEAT_URL, through(Door.ALERTS)))
            if status >= 400:
                log.warning("heartbeat.refused status=%s", status)
        except Exception as error:
            log.warning("heartbeat.failed why=%s", str(error) or type(error).__name__)


async def ping(url: str, door: Egress) -> int:
    """GET the URL and return the status; redirects are not followed. Raises transport.ERRORS."""
    headers = {"User-Agent": "statuspage/1 (+heartbeat)"}
    client = transport.client(door, deadline_s=HEARTBEAT_DEADLINE_S, most_bytes=0)
    async with client, client.stream("GET", url, headers=headers) as answer:
        return answer.status_code  # the body is not read


_watch: Watch | None = None


def watch() -> Watch:
    """The alert thread of this process."""
    global _watch  # noqa: PLW0603 - made after the fork
    if _watch is None:
        _watch = Watch()
    return _watch
