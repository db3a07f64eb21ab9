"""How long the message of an automatic update waits, so that related changes share one message.

The page shows each update at once. A message that waits a little includes what fails (or recovers)
in the next seconds as well: five endpoints on one server are one message, not five.
"""

from datetime import timedelta
from enum import StrEnum

from django.conf import settings


class Step(StrEnum):
    """The kinds of automatic updates."""

    OPENED = "opened"
    ALSO = "also"
    AGAIN = "again"
    WORSE = "worse"
    BETTER = "better"  # some of it recovered, the rest did not
    RECOVERED = "recovered"
    STILL = "still"
    UNWATCHED = "unwatched"
    RESOLVED = "resolved"


# In units of TELL_AFTER_S. Steps not listed are sent at once.
WAITS = {Step.OPENED: 1, Step.ALSO: 3, Step.AGAIN: 1, Step.WORSE: 3, Step.BETTER: 15, Step.RECOVERED: 1}

MAX_WAIT_UNITS = 15

# A step, and those after which it is no news to who was not notified of them
UNDOES = {Step.AGAIN: (Step.BETTER, Step.RECOVERED), Step.BETTER: (Step.WORSE,)}


def wait(step: Step, relapses: int = 0) -> timedelta:
    """How long the message of this update waits; each relapse makes a recovery wait longer."""
    units = WAITS.get(step, 0)
    if step is Step.RECOVERED:
        units = min(units + 2 * relapses, MAX_WAIT_UNITS)
    return timedelta(seconds=settings.TELL_AFTER_S * units)
