"""Uptime: spans of status in, seconds and percentages out.

A major outage counts in full, a partial one by 0.3, degraded service not at
all (Statuspage's weights; docs/compatibility.md, section 9). Unknown and maintenance are
left out of the percentage and shown beside it. Percentages are cut, never rounded up.
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
    """Where the time went, to the millisecond. The six add up to the whole stretch.

    Cut to whole seconds, each change of status would be up to a second wrong, and a quarter of a year of
    them by as many seconds as there were changes.
    """

    up: float = 0
    degraded: float = 0
    partial: float = 0
    major: float = 0
    unknown: float = 0
    maintenance: float = 0

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
    def whole(self) -> float:
        """All seconds of the stretch."""
        return self.known + self.unknown + self.maintenance

    @property
    def known(self) -> float:
        """The seconds that count for the percentage."""
        return self.up + self.degraded + self.partial + self.major

    @property
    def down(self) -> float:
        """The seconds in which something did not work, in full or in part."""
        return self.partial + self.major

    @property
    def worst(self) -> Status | None:
        """The worst status that had a second of time; None when nothing is known.

        Less is the edge of something else: of the day before, or of maintenance that has just ended.
        """
        had = [status for status, name in NAMES.items() if getattr(self, name) >= 1]
        known = [status for status in had if status is not Status.UNKNOWN]
        return worst(known) if known else None


NO_DATA, MAINTENANCE = "no data", "maintenance"
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

    Spans must not overlap; one that goes on counts to `end`. Moments are rounded to
    milliseconds first, so that neighbouring stretches add up exactly.
    """
    first, last = _ms(start), _ms(end)
    counts = dict.fromkeys(NAMES.values(), 0)
    for span in spans:
        begin = max(first, _ms(span.started_at))
        finish = min(last, _ms(span.ended_at)) if span.ended_at else last
        counts[NAMES[span.status]] += max(0, finish - begin)
    counts["unknown"] += max(0, last - first - sum(counts.values()))
    return Seconds(**{name: count / 1000 for name, count in counts.items()})


def hundredths(seconds: Seconds) -> int | None:
    """The uptime in hundredths of a percent, cut (9999 is 99.99 %); None when nothing is known."""
    # in whole milliseconds: a sum of fractions may be off in its sixteenth digit, and what is cut must not be
    known, major, partial = (round(1000 * part) for part in (seconds.known, seconds.major, seconds.partial))
    if not known:
        return None
    lost_tenths = 10 * major + PARTIAL_WEIGHT_TENTHS * partial
    return 10_000 * (10 * known - lost_tenths) // (10 * known)


def number(seconds: float) -> int | float:
    """Seconds as they are printed: 3600, or 3599.25 with at most three digits behind the point."""
    rounded = round(seconds, 3)
    return int(rounded) if rounded == int(rounded) else rounded


def percent(seconds: Seconds) -> str:
    """The uptime as it is printed, "99.85 %"; empty when nothing is known."""
    value = hundredths(seconds)
    return "" if value is None else f"{value // 100}.{value % 100:02d} %"


def in_place(seconds: Seconds) -> str:
    """What is printed in place of a percentage: "maintenance" for a stretch of that, else "no data"."""
    is_worked = not seconds.known and seconds.maintenance >= max(1, seconds.unknown)
    return MAINTENANCE if is_worked else NO_DATA


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


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
