"""What is promised for a month, how much of it is used up, and the monthly report."""

from dataclasses import dataclass
from datetime import date, datetime

from components.status import Status
from statuspage.public.values.components import Uptime
from statuspage.public.values.frame import Head


@dataclass(frozen=True, slots=True)
class BudgetCell:
    """An error budget by one of the two uptime figures, as durations."""

    percent: str  # "99.95 %"; without any, "no data" or "maintenance"
    allowed: str  # "43 min", empty when nothing may be lost
    used: str
    left: str  # empty once more was lost than allowed, and when nothing may be lost
    over: str  # by how much more; empty while some is left
    used_up_on: date | None  # at the pace of the last seven days, if within the month


@dataclass(frozen=True, slots=True)
class Promise:
    """A component's promise for this month, or the page's; `url` is empty for the page."""

    name: str
    url: str
    target: str  # "99.9 %"
    whole: BudgetCell  # everything
    outside: BudgetCell  # without announced maintenance


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A component's month. `is_kept` None: nothing is promised, or nothing is known."""

    name: str
    url: str
    uptime: Uptime
    target: str
    is_kept: bool | None
    incidents: int

    @property
    def verdict(self) -> str:
        """In words; empty when nothing is promised."""
        return "" if self.is_kept is None else "met" if self.is_kept else "missed"


@dataclass(frozen=True, slots=True)
class ReportGroup:
    """The components of a group; `name` is empty for those without one."""

    name: str
    rows: tuple[ReportRow, ...]


@dataclass(frozen=True, slots=True)
class ReportIncident:
    """An incident that began in the month."""

    title: str
    url: str
    status: Status
    started_at: datetime
    lasted: str
    affected: str


@dataclass(frozen=True, slots=True)
class ReportPage:
    """One month, to print or to send."""

    head: Head
    month: str  # "November 2026", "November 2026 so far"
    groups: tuple[ReportGroup, ...]
    average: ReportRow
    incidents: tuple[ReportIncident, ...]
    first_word: str  # the median of twelve months; "not enough data"
    first_word_basis: str
    csv_url: str
    earlier: str = ""
    later: str = ""
