"""When a number that rises, or falls, will reach a value: a straight line through its recent past.

Noise must not alarm, so a line is believed only where all of this holds:

- there are MIN_POINTS values over MIN_SPAN_S at least, up to now. Values before a large step back (more
  than RESTART of the range) do not count, and what has stepped back must first come further than it
  was then: memory that is collected, or a queue that is emptied, rises and falls for ever;
- the slope is SURE times its standard error, more where there are few values, and the error counts
  values that follow each other: what wanders by itself seems to have a direction;
- the older and the newer half both have at least STEADY of that slope: a single step (a deploy, a batch
  of logins) or an outlier is no trend;
- it looks no further ahead than AHEAD times as long as it has watched.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

MIN_POINTS = 6
MIN_SPAN_S = 180
RESTART = 0.5
SURE = 4.0
FEW = 6.0  # with 6 values the slope must be 2.5 times as sure, with 30 a fifth more
MAX_FOLLOWING = 0.9
STEADY = 0.3
AHEAD = 3.0

Point = tuple[float, float]  # seconds since any moment, value


def seconds_until(points: Sequence[Point], full_at: float, *, is_falling: bool = False) -> float | None:
    """How long until the value is `full_at` if it goes on so; 0 if it is there already.

    `points` are the oldest first, the last one is now. None: no trend leads there, or none that is sure.
    """
    if not points:
        return None
    # in parts of the largest, so that no square of them is too large a number
    size = max(abs(full_at), *(abs(value) for _, value in points)) or 1.0
    sign = -1.0 if is_falling else 1.0
    rising: Sequence[Point] = [(at, sign * (value / size)) for at, value in points]
    left = sign * (full_at / size) - rising[-1][1]
    if left <= 0:
        return 0.0
    rising = _since_restart(rising)
    if len(rising) < MIN_POINTS or (span_s := rising[-1][0] - rising[0][0]) < MIN_SPAN_S:
        return None
    slope, error = _line(rising)
    if slope <= 0 or slope < SURE * (1 + FEW / (len(rising) - 2)) * error or not _is_steady(rising, slope):
        return None
    wait_s = left / slope
    return wait_s if wait_s <= AHEAD * span_s else None


def _since_restart(points: Sequence[Point]) -> Sequence[Point]:
    """Those since the last large step back; none while the newest is not further than it was before."""
    values = [value for _, value in points]
    step = RESTART * (max(values) - min(values))
    falls = [place for place in range(1, len(values)) if values[place - 1] - values[place] > step > 0]
    if not falls:
        return points
    return points[falls[-1] :] if values[-1] > max(values[: falls[-1]]) else ()


def _is_steady(points: Sequence[Point], slope: float) -> bool:
    """Whether both halves, by time, rise as well."""
    middle = (points[0][0] + points[-1][0]) / 2
    older = [point for point in points if point[0] <= middle]
    newer = [point for point in points if point[0] >= middle]
    return all(len(half) >= 3 and _line(half)[0] >= STEADY * slope for half in (older, newer))


def _line(points: Sequence[Point]) -> tuple[float, float]:
    """Slope of the least squares and its standard error, per second; no slope where all are of one moment."""
    count = len(points)
    mean_at = math.fsum(at for at, _ in points) / count
    mean = math.fsum(value for _, value in points) / count
    spread = math.fsum((at - mean_at) ** 2 for at, _ in points)
    if spread <= 0 or count < 3:
        return 0.0, math.inf
    slope = math.fsum((at - mean_at) * (value - mean) for at, value in points) / spread
    rests = [value - mean - slope * (at - mean_at) for at, value in points]
    squares = math.fsum(rest * rest for rest in rests)
    error = math.sqrt(squares / (count - 2) / spread)
    if squares <= 0:
        return slope, error
    following = math.fsum(a * b for a, b in pairwise(rests)) / squares
    following = min(MAX_FOLLOWING, max(0.0, following))
    return slope, error * math.sqrt((1 + following) / (1 - following))
