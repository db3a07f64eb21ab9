"""What a worker's engine found, on its way into the database.

Results wait in the memory of the worker that found them: news longest, as it takes longest to write.
While it waits its lease is renewed, so that the work is not thrown away and done again, over and over,
when thousands of targets fail or come back at once. A worker that dies renews nothing.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from django.db import DatabaseError, OperationalError, close_old_connections

from components.checking import BATCH_SIZE, Finding
from components.models import Probe
from components.models.claims import LEASE_SLACK_S
from incidents.settling import NEWS_AT_ONCE, settle_news, settle_quiet

log = logging.getLogger(__name__)

KEEP_TRYING_S = LEASE_SLACK_S  # what a lease has beyond the check itself
TRY_AGAIN_S = 0.25
RENEW_S = 2.0
NEWS_WAIT_S = 2.0  # news waits for other results only so long


class Results:
    """Writes findings: at once what is no news, and then a few of the others at each turn."""

    def __init__(self) -> None:
        self.news: deque[Finding] = deque()
        self._settled_news_at = 0.0
        self._renewed_at = 0.0

    def take(self, findings: Sequence[Finding]) -> bool:
        """Write these, and some of what waits. True while something waits: call again, also with none."""
        if findings:
            keep(findings, self._settle_quiet)
        is_busy = len(findings) >= BATCH_SIZE and time.monotonic() < self._settled_news_at + NEWS_WAIT_S
        if self.news and not is_busy:
            some = [self.news.popleft() for _ in range(min(NEWS_AT_ONCE, len(self.news)))]
            keep(some, self._settle_news)
            self._settled_news_at = time.monotonic()
        if self.news:
            self._renew()
        return bool(self.news)

    def leave(self) -> None:
        """Write no more: this worker ends."""
        if self.news:
            give_back(list(self.news))

    def _settle_quiet(self, findings: Sequence[Finding]) -> None:
        self.news.extend(settle_quiet(findings, datetime.now(UTC)))

    def _settle_news(self, findings: Sequence[Finding]) -> None:
        settle_news(findings, datetime.now(UTC))

    def _renew(self) -> None:
        """Keep the leases of what waits. If the database is away they end, and the checks are run again."""
        if time.monotonic() < self._renewed_at + RENEW_S:
            return
        self._renewed_at = time.monotonic()
        try:
            Probe.queue.renew([finding.claim for finding in self.news], int(time.time()))
        except DatabaseError as error:
            log.warning("lease.not_renewed count=%d reason=%s", len(self.news), _first_line(error))


def keep(findings: Sequence[Finding], settle: Callable[[Sequence[Finding]], None]) -> None:
    """Settle what the engine found.

    While the database is locked or away, it is tried again until the leases expire; then the checks
    are run again.
    """
    end = time.monotonic() + KEEP_TRYING_S
    while True:
        close_old_connections()
        try:
            return settle(findings)
        except OperationalError as error:
            if time.monotonic() >= end:
                lost = "%d results could not be written (%s); their slots will be run again"
                log.warning(lost, len(findings), _first_line(error))
                return give_back(findings)
        except DatabaseError:
            log.exception("%d results could not be written; their slots will be run again", len(findings))
            return None
        finally:
            close_old_connections()
        time.sleep(TRY_AGAIN_S)


def give_back(findings: Sequence[Finding]) -> None:
    """These are not written: their slots are run again, and their workers did not die of them."""
    try:
        Probe.queue.give_back([finding.claim for finding in findings])
    except DatabaseError as error:
        log.warning("probe.attempts_kept count=%d reason=%s", len(findings), _first_line(error))


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]
