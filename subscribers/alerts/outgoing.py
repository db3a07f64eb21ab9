"""The outgoing heartbeat: requests to a service elsewhere, which alerts when they stop or say that we fail.

`HEARTBEAT_URL` hears each minute that a check went the whole way while all is healthy; silence is a signal
in itself. `HEARTBEAT_FAIL_URL` hears that we know we are broken, once in each episode. Requests run in the
loop of alerts and are never waited for: a service that hangs delays nothing.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from components import event_log
from components.egress import Door, Egress, through
from components.models import Heartbeat
from subscribers.alerts import sending

log = logging.getLogger(__name__)
EVERY_S = 60.0  # between two heartbeats, and until a failure that was not accepted is reported again
DEADLINE_S = 10.0
SURE_AFTER_S = 10.0  # two looks in a row; the checks have their own patience, of 15 s and more
DATABASE_SURE_AFTER_S = 30.0  # that one has none: a server that is restarted is back sooner
STARTING_S = 60.0  # after our own start heartbeats may be old because nothing ran
SAME = timedelta(seconds=1)  # two times of one pass differ by rounding
ROLE, FAILED = "outgoing", "failed"  # the row that stands while a failure has been reported


@dataclass(frozen=True, slots=True)
class _Request:
    """One that is under way. `future` is whether the service accepted it."""

    is_failure: bool
    future: "Future[bool]"


class OutgoingHeartbeat:
    """What one process reports. `clock`: monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.started_at = clock()
        self.due_at = self.failure_due_at = -EVERY_S
        self.passed_at: datetime | None = None  # what the last heartbeat stood for
        self.failing_since: float | None = None
        self.is_reported = False  # this episode, by this process or another one
        self.request: _Request | None = None

    def look(self, *, is_well: bool, passed_at: datetime | None, serves_page: bool) -> None:
        """Start the request that is due, if any. Returns at once.

        `passed_at`: when a check last went the whole way, from the target onto the page. Each heartbeat
        stands for a later one than the heartbeat before; None where there is no check that could.
        Only a process that serves the page says that all is well; any may say that something is not.
        """
        if not is_well:
            self.fail()
            return
        self._take_answer()
        if self.is_reported:
            self.due_at = self.clock()  # the service hears at once that the episode is over
        self.failing_since, self.is_reported, self.failure_due_at = None, False, self.clock()
        if serves_page:
            self._beat(passed_at)

    def fail(self, *, sure_after_s: float = SURE_AFTER_S) -> None:
        """Something fails: report it when it has for `sure_after_s`. Returns at once.

        It needs no database, as that may be what fails.
        """
        self._take_answer()
        now = self.clock()
        self.failing_since = now if self.failing_since is None else self.failing_since
        is_sure = now - max(self.failing_since, self.started_at + STARTING_S - sure_after_s) >= sure_after_s
        if not settings.HEARTBEAT_FAIL_URL or not is_sure or self.is_reported or self.request:
            return
        if now < self.failure_due_at:
            return
        self.failure_due_at = now + EVERY_S
        if _claim():
            self._start(settings.HEARTBEAT_FAIL_URL, is_failure=True)
        else:
            self.is_reported = True

    def _beat(self, passed_at: datetime | None) -> None:
        if passed_at and self.passed_at and passed_at < self.passed_at + SAME:
            return
        if not settings.HEARTBEAT_URL or self.request or self.clock() < self.due_at:
            return
        self.due_at, self.passed_at = self.clock() + EVERY_S, passed_at
        self._start(settings.HEARTBEAT_URL, is_failure=False)

    def _start(self, url: str, *, is_failure: bool) -> None:
        future = asyncio.run_coroutine_threadsafe(_is_accepted(url), sending.loop())
        self.request = _Request(is_failure, future)

    def _take_answer(self) -> None:
        """Note what came of the last request, here: rows are not written in the loop of alerts."""
        if self.request is None or not self.request.future.done():
            return
        request, self.request = self.request, None
        if request.is_failure:
            self.is_reported = request.future.result()
            if self.is_reported:
                event_log.record("heartbeat.failure_reported")
        if request.is_failure != request.future.result():  # a heartbeat arrived, or a failure did not
            _withdraw()


def _claim() -> bool:
    """Whether this process is to report the failure; True as well while the database is away."""
    try:
        return Heartbeat.objects.get_or_create(role=ROLE, name=FAILED, defaults={"at": timezone.now()})[1]
    except DatabaseError:
        return True


def _withdraw() -> None:
    with contextlib.suppress(DatabaseError):
        Heartbeat.objects.filter(role=ROLE, name=FAILED).delete()


async def _is_accepted(url: str) -> bool:
    """Make one request within DEADLINE_S. Never raises; the address is a key, and is not logged."""
    try:
        async with asyncio.timeout(DEADLINE_S):
            status = await ping(url, through(Door.ALERTS))
    except Exception as error:
        log.warning("heartbeat.failed why=%s", str(error) or type(error).__name__)
        return False
    if status >= 400:
        log.warning("heartbeat.refused status=%s", status)
    return status < 400


async def ping(url: str, door: Egress) -> int:
    """GET the URL and return the status; redirects are not followed. Raises transport.ERRORS."""
    from components import transport  # late: with httpx it takes 6 MiB

    headers = {"User-Agent": "statuspage/1 (+heartbeat)"}
    client = transport.client(door, deadline_s=DEADLINE_S, most_bytes=0)
    async with client, client.stream("GET", url, headers=headers) as answer:
        return answer.status_code  # the body is not read
