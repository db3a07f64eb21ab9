"""Whole pages: the front page, a component, an incident, maintenance, how uptime is calculated."""

from dataclasses import dataclass
from datetime import date, datetime

from components.status import Status
from statuspage.public.values.components import ComponentRow, Day, GroupCard, ResponseTime
from statuspage.public.values.frame import Banner, Head
from statuspage.public.values.incidents import Evidence, IncidentCard
from statuspage.public.values.maintenance import WorkCard


@dataclass(frozen=True, slots=True)
class PastDays:
    """A day with incidents, or a folded run of quiet ones. `label` is "18 – 21 Nov"."""

    first: date
    last: date
    label: str
    age: str  # "4 days", "4 days ago"
    incidents: tuple[IncidentCard, ...] = ()
    note: str = ""  # "No incidents."
    unseen_since: datetime | None = None  # nothing was checked from then on


@dataclass(frozen=True, slots=True)
class Overview:
    """The front page."""

    head: Head
    banner: Banner
    incidents: tuple[IncidentCard, ...]
    groups: tuple[GroupCard, ...]
    response_times: tuple[ResponseTime, ...]
    past: tuple[PastDays, ...]
    active: tuple[WorkCard, ...] = ()
    planned: tuple[WorkCard, ...] = ()


@dataclass(frozen=True, slots=True)
class ComponentPage:
    """One component with its days."""

    head: Head
    row: ComponentRow
    banner: Banner
    days: tuple[Day, ...]  # newest first: the table
    response_time: ResponseTime | None
    incidents: tuple[IncidentCard, ...]
    group_name: str = ""
    group_id: str = ""
    works: tuple[WorkCard, ...] = ()


@dataclass(frozen=True, slots=True)
class IncidentPage:
    """One incident, whole."""

    head: Head
    banner: Banner
    incident: IncidentCard
    affected: tuple[ComponentRow, ...]
    evidence: Evidence | None


@dataclass(frozen=True, slots=True)
class WorkPage:
    """One maintenance, whole."""

    head: Head
    work: WorkCard
    affected: tuple[ComponentRow, ...]


@dataclass(frozen=True, slots=True)
class WorksPage:
    """All maintenance: under way, planned (the next one first), past (the newest first)."""

    head: Head
    active: tuple[WorkCard, ...]
    planned: tuple[WorkCard, ...]
    past: tuple[WorkCard, ...]


@dataclass(frozen=True, slots=True)
class CountingPage:
    """How uptime is calculated. `weights` are (state, "1", what that means)."""

    head: Head
    weights: tuple[tuple[Status, str], ...]
