"""Error budgets: how much may be lost in a month by the target, how much was, and when it will be used up.

Lost seconds are those of the uptime figure: a major outage in full, a partial one by 0.3. Time without
data and time that is left out allow nothing and use nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from components.uptime import PARTIAL_WEIGHT_TENTHS, Seconds

MIN_TARGET, MAX_TARGET = 50, 100  # percent
PACE_DAYS = 7


@dataclass(frozen=True, slots=True)
class Budget:
    """Seconds of a month. `left_s` is negative once more was lost than allowed.

    `used_up_in_s`: seconds from now until none is left, at the pace of the last days; None if that is not
    within the month, or has happened already.
    """

    allowed_s: float
    used_s: float
    used_up_in_s: float | None

    @property
    def left_s(self) -> float:
        """What may still be lost, to the millisecond as all seconds are (99.9 is no round number of bits)."""
        return round(self.allowed_s - self.used_s, 3)


def lost(seconds: Seconds) -> float:
    """The seconds that the uptime figure counts as lost."""
    return seconds.major + seconds.partial * PARTIAL_WEIGHT_TENTHS / 10


def budget(target: float, counted: Seconds, *, remaining_s: float, recent: Seconds) -> Budget:
    """The budget of a month, as counted so far.

    `target` in percent; `remaining_s`: from now to the month's end, 0 for one that is over; `recent`: the
    last days, from which the pace is taken.
    """
    allowed = (100 - target) / 100 * (counted.known + remaining_s)
    used = lost(counted)
    left = round(allowed - used, 3)
    pace = lost(recent) / recent.whole if recent.whole else 0.0  # lost seconds per second
    in_s = left / pace if pace > 0 and left > 0 else None
    return Budget(allowed, used, in_s if in_s is not None and in_s < remaining_s else None)


def average(parts: Sequence[Seconds]) -> Seconds:
    """The seconds of an average component: each counts the same."""
    count = len(parts) or 1
    total = sum(parts, Seconds())
    return Seconds(
        total.up / count, total.degraded / count, total.partial / count, total.major / count,
        total.unknown / count, total.maintenance / count,
    )  # fmt: skip
