"""What the pages behind the history show, as plain values: days, hours, search results, figures."""

from dataclasses import dataclass
from datetime import datetime

from components.status import Status
from statuspage.reading import Day, Head, IncidentCard, Uptime


@dataclass(frozen=True, slots=True)
class HourRow:
    """One hour of a component. Lengths are words ("12 min"), empty where there was none."""

    label: str  # "08:00 – 09:00"
    short: str  # "8"
    status: Status | None  # None: not seen, or not yet
    words: str  # "08:00 – 09:00: major outage, 12 min down"
    up: str = ""
    degraded: str = ""
    partial: str = ""
    major: str = ""
    maintenance: str = ""
    unknown: str = ""
    median: str = ""  # "84 ms"
    url: str = ""  # of an hour that was not well
    is_ahead: bool = False


@dataclass(frozen=True, slots=True)
class DayPage:
    """One day of a component, hour by hour. Addresses are empty where there is nothing to go to."""

    head: Head
    name: str
    component_url: str
    title: str  # "Tuesday 17 November 2026"
    day: Day
    uptime: Uptime
    hours: tuple[HourRow, ...]
    incidents: tuple[IncidentCard, ...]
    earlier: str = ""
    later: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Stretch:
    """What the component showed, from when to when, cut to the hour."""

    status: Status
    started_at: datetime
    ended_at: datetime
    duration: str
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class CheckRow:
    """A check that did not find what was ordered, in words for strangers."""

    at: datetime
    status: Status
    sees: str  # "503 Service Unavailable"
    answers_in: str  # "84 ms", or "no answer"
    region: str


@dataclass(frozen=True, slots=True)
class HourPage:
    """One hour of a component: its stretches, and the checks behind them. `note` says what is left out."""

    head: Head
    name: str
    component_url: str
    day_url: str
    day_title: str
    title: str  # "08:00 – 09:00"
    minutes: tuple[Status | None, ...]
    stretches: tuple[Stretch, ...]
    checks: tuple[CheckRow, ...]
    note: str = ""
    more: str = ""  # said when there are more than are shown


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of text; `is_found` for the words that were searched for."""

    text: str
    is_found: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """An incident that was found."""

    url: str
    on: str  # "Tue 17 Nov 2026"
    title: tuple[Piece, ...]
    words: tuple[Piece, ...]
    components: tuple[Piece, ...]
    status: Status
    impact_label: str
    duration: str


@dataclass(frozen=True, slots=True)
class SearchPage:
    """What was found. `said` is the answer in one sentence, also when there is none."""

    head: Head
    query: str
    said: str
    hits: tuple[Hit, ...] = ()
    earlier: str = ""
    later: str = ""


@dataclass(frozen=True, slots=True)
class Measure:
    """A length over several incidents, in words."""

    mean: str  # "12 min", "too few to say", "no incidents"
    median: str  # empty when there are too few
    basis: str  # "of 5 incidents, 1 not known"


@dataclass(frozen=True, slots=True)
class MeasureRow:
    """One figure over both periods, and how it is computed."""

    name: str
    how: str
    measures: tuple[Measure, ...]


@dataclass(frozen=True, slots=True)
class CountRow:
    """How many incidents, over both periods."""

    name: str
    counts: tuple[int, ...]
    status: Status | None = None


@dataclass(frozen=True, slots=True)
class FiguresPage:
    """Figures over three months and over twelve."""

    head: Head
    columns: tuple[str, ...]  # "Sep – Nov 2026", "12 months to Nov 2026"
    totals: tuple[int, ...]
    measures: tuple[MeasureRow, ...]
    impacts: tuple[CountRow, ...]
    causes: tuple[CountRow, ...]
    history_url: str
    earlier: str = ""
    later: str = ""
