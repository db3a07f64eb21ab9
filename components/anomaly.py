"""Whether a component answers slower than it usually does at this hour of the week.

An hour is compared with the same hour of earlier weeks, since Monday at nine is not Sunday at three.
With fewer than three such weeks nothing is said: it would cry at every weekend.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from components.latency import quantile

MIN_WEEKS = 3
MAX_WEEKS = 8
MIN_CHECKS = 20  # in each hour that is compared
TIMES = 2.0  # times as slow as usual
MIN_RISE_MS = 50.0  # what is slower by less than this, nobody notices


@dataclass(frozen=True, slots=True)
class Slowdown:
    """The medians (ms) of the hour and of the same hour in earlier weeks, and how many weeks these are."""

    now_ms: float
    usual_ms: float
    weeks: int


def slower(hour: Mapping[str, int], before: Sequence[Mapping[str, int]]) -> Slowdown | None:
    """How much slower this hour was than usual; None if it was not, or if that cannot be said.

    `hour` and each of `before` are histograms (`components.latency`), `before` one for each earlier week.
    It must be twice as slow as the usual median, slower than the slow checks (95 %) of every such week, and
    by 50 ms.
    """
    weeks = [week for week in before if sum(week.values()) >= MIN_CHECKS][:MAX_WEEKS]
    now_ms = quantile(hour, 0.5)
    if len(weeks) < MIN_WEEKS or now_ms is None or sum(hour.values()) < MIN_CHECKS:
        return None
    usual_ms = median(quantile(week, 0.5) or 0.0 for week in weeks)
    worst_ms = max(quantile(week, 0.95) or 0.0 for week in weeks)
    is_slower = now_ms >= TIMES * usual_ms and now_ms > worst_ms and now_ms - usual_ms >= MIN_RISE_MS
    return Slowdown(now_ms, usual_ms, len(weeks)) if is_slower else None
