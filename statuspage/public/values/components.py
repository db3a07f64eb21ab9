"""A component as listed: its status, its days, its uptime and its response time."""

from dataclasses import dataclass
from datetime import date, datetime

from components.status import Status


@dataclass(frozen=True, slots=True)
class Outage:
    """One outage or maintenance within a day."""

    status: Status
    started_at: datetime
    ended_at: datetime | None
    duration: str  # "1 h 51 min"
    incident_title: str = ""
    incident_url: str = ""


@dataclass(frozen=True, slots=True)
class Day:
    """One day of a component. `status` is None without data."""

    on: date
    status: Status | None
    uptime: str  # "92.29 %", empty without data
    down: str  # "1 h 51 min", empty when none
    outages: tuple[Outage, ...] = ()
    label: str = ""  # "Tue 17 November: major outage, 1 h 51 min"
    coverage: str = ""  # "known for 98 % of the day", empty when whole


@dataclass(frozen=True, slots=True)
class Uptime:
    """A percentage truncated to two decimals, and the time it stands for.

    `outside` is the second figure: the same without maintenance announced before it began.
    """

    percent: str  # "99.85 %", empty without data
    outside: str = ""  # "99.91 %", empty when no time is left
    down: str = ""  # "3 h 3 min down", empty when none
    since: date | None = None  # set when history is younger than the period
    coverage: str = ""  # "no data for 2 h", empty when whole
    instead: str = "no data"  # what is printed where a percentage is empty: that, or "maintenance"
    outside_instead: str = "no data"

    @property
    def differs(self) -> bool:
        """Whether the second figure says something else, so that both are printed."""
        return bool(self.outside) and self.outside != self.percent


@dataclass(frozen=True, slots=True)
class ComponentRow:
    """A component as listed. `was` and `was_at`: the last known state while it is unknown."""

    public_id: str
    url: str
    name: str
    description: str
    status: Status
    label: str  # "Operational", "Checking…", "Unknown"
    since: datetime | None
    days: tuple[Day, ...]  # oldest first, the last one today; empty: no strip (set by hand, no data yet)
    uptime: Uptime
    by_hand: bool = False
    was: str = ""
    was_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class GroupCard:
    """A group of components. `kind` is "affected" for the one that moves up, else "group"."""

    public_id: str
    name: str
    kind: str
    rows: tuple[ComponentRow, ...]
    status: Status
    label: str
    is_open: bool
    count: str  # "3 components", "5 of 7 components"


@dataclass(frozen=True, slots=True)
class ResponseTime:
    """Median and p95 of a component in the last 24 h; points are hourly medians, None is a gap."""

    name: str
    median: str  # "84 ms"
    p95: str
    points: tuple[float | None, ...]
    started_at: datetime
    label: str  # the chart in one sentence

    @property
    def has_curve(self) -> bool:
        """Whether there are two hours to draw a line between."""
        return sum(point is not None for point in self.points) > 1
