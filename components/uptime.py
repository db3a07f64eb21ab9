"""How long a component was well: spans of status in, seconds and percentages out.

A major outage counts in full, a partial one by 0.3, degraded service not at
all (Statuspage's weights; COMPAT.md, section 9). Unknown and maintenance are
left out of the percentage and said beside it. Percentages are cut, never rounded up.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from components.status import Status, worst

PARTIAL_WEIGHT_TENTHS = 3


@dataclass(frozen=True, slots=True)
class Span:
    """A component's status over a stretch of time; `ended_at` None means it goes on."""

    status: Status
    started_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Seconds:
    """Where the time went. The six add up to the whole stretch."""

    up: int = 0
    degraded: int = 0
    partial: int = 0
    major: int = 0
    unknown: int = 0
    maintenance: int = 0

    def __add__(self, other: "Seconds") -> "Seconds":
        # by name: a page adds 90 days of every component, and a loop over fields() takes five times as long
        return Seconds(
            self.up + other.up,
            self.degraded + other.degraded,
            self.partial + other.partial,
            self.major + other.major,
            self.unknown + other.unknown,
            self.maintenance + other.maintenance,
        )

    @property
    def whole(self) -> int:
        """All seconds of the stretch."""
        return self.known + self.unknown + self.maintenance

    @property
    def known(self) -> int:
        """The seconds the percentage speaks of."""
        return self.up + self.degraded + self.partial + self.major

    @property
    def down(self) -> int:
        """The seconds in which something did not work, in full or in part."""
        return self.partial + self.major

    @property
    def worst(self) -> Status | None:
        """The worst status that had any time; None when nothing is known."""
        had = [status for status, name in NAMES.items() if getattr(self, name)]
        seen = [status for status in had if status is not Status.UNKNOWN]
        return worst(seen) if seen else None


NAMES = {
    Status.OPERATIONAL: "up",
    Status.DEGRADED_PERFORMANCE: "degraded",
    Status.PARTIAL_OUTAGE: "partial",
    Status.MAJOR_OUTAGE: "major",
    Status.UNKNOWN: "unknown",
    Status.UNDER_MAINTENANCE: "maintenance",
}


def tally(spans: Iterable[Span], start: datetime, end: datetime) -> Seconds:
    """The seconds of each status between two moments; time no span covers is unknown.

    Spans must not overlap; one that goes on counts to `end`. Moments are cut to
    whole seconds first, so that neighbouring stretches add up exactly.
    """
    first, last = _second(start), _second(end)
    counts = dict.fromkeys(NAMES.values(), 0)
    for span in spans:
        begin = max(first, _second(span.started_at))
        finish = min(last, _second(span.ended_at)) if span.ended_at else last
        counts[NAMES[span.status]] += max(0, finish - begin)
    counts["unknown"] += max(0, last - first - sum(counts.values()))
    return Seconds(**counts)


def hundredths(seconds: Seconds) -> int | None:
    """The uptime in hundredths of a percent, cut (9999 is 99.99 %); None when nothing is known."""
    if not seconds.known:
        return None
    lost_tenths = 10 * seconds.major + PARTIAL_WEIGHT_TENTHS * seconds.partial
    whole_tenths = 10 * seconds.known
    return 10_000 * (whole_tenths - lost_tenths) // whole_tenths


def percent(seconds: Seconds) -> str:
    """The uptime as it is printed, "99.85 %"; empty when nothing is known."""
    value = hundredths(seconds)
    return "" if value is None else f"{value // 100}.{value % 100:02d} %"


def day_bounds(day: date, zone: tzinfo) -> tuple[datetime, datetime]:
    """A day's first moment and the next one's, in its zone: 23, 24 or 25 hours apart."""
    return (
        datetime.combine(day, time(), zone),
        datetime.combine(day + timedelta(days=1), time(), zone),
    )


def days(first: date, last: date) -> Iterator[date]:
    """Every day from first to last, both included."""
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)


def _second(moment: datetime) -> int:
    return int(moment.timestamp())
