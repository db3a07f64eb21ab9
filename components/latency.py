"""Response times as histograms: small to store, accurate enough for a median.

Buckets grow by a tenth, so a quantile read from them is at most 5 % off.
"""

import math
from collections.abc import Iterable, Mapping

GROWTH = 1.1


def bucket(latency_ms: float) -> int:
    """The bucket of a response time; everything up to 1 ms is bucket 0."""
    return max(0, math.ceil(math.log(max(latency_ms, 1.0), GROWTH)))


def merge(histograms: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """One histogram for several. Keys are bucket numbers as text, as JSON keeps them."""
    total: dict[str, int] = {}
    for histogram in histograms:
        for key, count in histogram.items():
            total[key] = total.get(key, 0) + count
    return total


def quantile(histogram: Mapping[str, int], share: float) -> float | None:
    """The response time (ms) that this share of checks stayed under; None without checks."""
    target = share * sum(histogram.values())
    counted = 0
    for key in sorted(histogram, key=int):
        counted += histogram[key]
        if counted and counted >= target:
            # the geometric middle of the bucket
            return float(GROWTH ** (int(key) - 0.5)) if int(key) else 1.0
    return None
