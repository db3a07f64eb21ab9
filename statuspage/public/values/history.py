"""The history: months as calendars, the incidents that began in them, and uptime by month."""

from dataclasses import dataclass, field
from datetime import date

from components.status import Status
from statuspage.public.values.components import Uptime
from statuspage.public.values.frame import Head
from statuspage.public.values.incidents import IncidentCard


@dataclass(frozen=True, slots=True)
class Cell:
    """A day in a month's calendar; `status` None: in the future, or before the history begins."""

    on: date | None  # None: padding before the first
    status: Status | None = None
    label: str = ""
    is_today: bool = False
    url: str = ""  # for a day with a problem: where it is shown
    is_planned: bool = False  # maintenance is announced for it


@dataclass(frozen=True, slots=True)
class Listed:
    """An incident in the list of the month it began in. `anchor` is set for the first one of its day."""

    card: IncidentCard
    on: str  # "Tue 17 Nov"
    until: str = ""  # "until 19 Nov" when it did not end on the day it began
    anchor: str = ""  # "day-2026-11-17"


@dataclass(frozen=True, slots=True)
class Choice:
    """A component one may look at alone."""

    name: str
    url: str
    is_chosen: bool = False


@dataclass(frozen=True, slots=True)
class Month:
    """A month of the history, in weeks of seven cells, Monday first."""

    name: str  # "November 2026"
    key: str  # "2026-11"
    weeks: tuple[tuple[Cell, ...], ...]
    incidents: tuple[Listed, ...]
    nothing: str = ""  # the text without incidents


@dataclass(frozen=True, slots=True)
class UptimeRow:
    """Uptime of a component: one figure a month, then 90 days."""

    name: str
    url: str
    figures: tuple[Uptime, ...]


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Three months. `earlier` and `later` are addresses or empty; `chosen` is the component, if one is."""

    head: Head
    months: tuple[Month, ...]  # oldest first
    uptimes: tuple[UptimeRow, ...]
    period: str  # "Sep – Nov 2026"
    earlier: str = ""
    later: str = ""
    columns: tuple[str, ...] = field(default_factory=tuple)
    choices: tuple[Choice, ...] = ()
    chosen: str = ""
    count: int = 0  # incidents that began in these months
    figures_url: str = ""
