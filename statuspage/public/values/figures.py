"""Figures over several incidents: how long things took, and how many there were."""

from dataclasses import dataclass

from components.status import Status
from statuspage.public.values.frame import Head
from statuspage.public.values.promises import Promise


@dataclass(frozen=True, slots=True)
class Measure:
    """A duration over several incidents, as text."""

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
    report_url: str
    earlier: str = ""
    later: str = ""
    promises: tuple[Promise, ...] = ()  # of this month
