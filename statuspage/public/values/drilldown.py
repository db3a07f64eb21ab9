"""A day of a component: its hours, and the spans and checks of one of them."""

from dataclasses import dataclass
from datetime import datetime

from components.status import Status
from statuspage.public.values.components import Day, Uptime
from statuspage.public.values.frame import Head
from statuspage.public.values.incidents import IncidentCard


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
    url: str = ""  # set for an hour with a problem
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
    """A check that failed or was degraded, in words for the public."""

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
    more: str = ""  # set when not all are shown
