"""When to retry, and when to give up: the schedule Standard Webhooks recommends."""

import random
from datetime import timedelta

# Standard Webhooks, "Delivery attempts and retries": at once, 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h,
# 24 h; then daily, until five days without one success
WAITS = tuple(
    timedelta(seconds=seconds) for seconds in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
GIVE_UP_AFTER = timedelta(days=5)
JITTER = 0.2
MAX_RETRY_AFTER = timedelta(days=1)  # a longer Retry-After is cut to this


def wait_after(attempts: int, *, asked_s: float | None = None, draw: float | None = None) -> timedelta:
    """The pause after this many failed attempts (1 and up), ±20 %.

    `asked_s` is the receiver's Retry-After, any number at all: never sooner, and a day at most.
    `draw` (0 to 1) replaces chance.
    """
    usual = WAITS[min(attempts, len(WAITS)) - 1]
    share = random.random() if draw is None else draw  # noqa: S311 - only spreads the crowd
    spread = usual * (1 - JITTER + 2 * JITTER * share)
    # bounded as a number first: a timedelta of a receiver's fifteen digits raises OverflowError
    asked = timedelta(seconds=min(max(0.0, asked_s or 0.0), MAX_RETRY_AFTER.total_seconds()))
    return max(spread, asked)
