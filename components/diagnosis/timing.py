"""What the time until an answer says: refused at once, given up at a limit, or closed in between."""

from enum import StrEnum

# Where servers give up, in seconds, as shipped or as people set it
LIMITS_S = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 28, 29, 30, 40, 45, 50, 60, 75, 90, 100, 120, 180, 300)
QUICK_MS = 120.0  # beyond one round trip: nobody worked on it, or waited for anyone
EARLY_MS = 15.0  # a clock may be this much early
LATE_MS = 100.0  # a proxy notices this much after its limit, at most, and 1 % of it


class Pace(StrEnum):
    """How long it took, as evidence."""

    QUICK = "quick"
    LIMIT = "limit"
    OTHER = "other"
    UNKNOWN = "unknown"


def limit_s(first_byte_ms: float | None, connect_ms: float | None = None) -> int | None:
    """The round limit (s) that the wait for the first byte ended at; None when at none."""
    if first_byte_ms is None:
        return None
    trip = connect_ms or 0.0
    for limit in LIMITS_S:
        late = LATE_MS + trip + limit * 10
        if limit * 1000 - EARLY_MS <= first_byte_ms <= limit * 1000 + late:
            return limit
    return None


def pace(first_byte_ms: float | None, connect_ms: float | None = None) -> Pace:
    """What this wait is. A round trip is about what connecting took."""
    if first_byte_ms is None:
        return Pace.UNKNOWN
    if first_byte_ms <= QUICK_MS + 2 * (connect_ms or 0.0):
        return Pace.QUICK
    return Pace.LIMIT if limit_s(first_byte_ms, connect_ms) else Pace.OTHER


def spelled(first_byte_ms: float | None) -> str:
    """ "2 ms", "1.2 s", "30.0 s"."""
    if first_byte_ms is None:
        return "an unknown time"
    if first_byte_ms < 0.5:
        return "under 1 ms"
    if first_byte_ms < 995:
        return f"{first_byte_ms:.0f} ms"
    return f"{first_byte_ms / 1000:.1f} s"
