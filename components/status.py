"""Statuses of a component and of the whole page.

Every page, feed, message and API answer asks this module, so they
can never disagree.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """The public status of a component. Declared best first; see `SEVERITY`."""

    OPERATIONAL = "operational"
    UNDER_MAINTENANCE = "under_maintenance"
    UNKNOWN = "unknown"
    DEGRADED_PERFORMANCE = "degraded_performance"
    PARTIAL_OUTAGE = "partial_outage"
    MAJOR_OUTAGE = "major_outage"

    @property
    def label(self) -> str:
        """The label that readers see."""
        return LABELS[self]

    @property
    def is_trouble(self) -> bool:
        """True if customers notice a problem; unknown and maintenance are none."""
        return SEVERITY[self] >= SEVERITY[Status.DEGRADED_PERFORMANCE]


SEVERITY = {status: rank for rank, status in enumerate(Status)}

LABELS = {
    Status.OPERATIONAL: "Operational",
    Status.UNDER_MAINTENANCE: "Maintenance",
    Status.UNKNOWN: "Unknown",
    Status.DEGRADED_PERFORMANCE: "Degraded",
    Status.PARTIAL_OUTAGE: "Partial outage",
    Status.MAJOR_OUTAGE: "Major outage",
}


class Impact(StrEnum):
    """How severe an incident is for customers."""

    NONE = "none"
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"


class Indicator(StrEnum):
    """The page's state in the closed set Statuspage clients know (docs/compatibility.md, 0.5)."""

    NONE = "none"
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"
    MAINTENANCE = "maintenance"


@dataclass(frozen=True, slots=True)
class State:
    """The current state of an incident. `label` is the text beside the icon of `status`.

    `is_watching`: everything has recovered, and we monitor it before the incident is resolved.
    """

    status: Status
    label: str
    is_watching: bool = False


def state_of(status: Status) -> State:
    """A status as a state, with its own label."""
    return State(status, status.label)


WATCHING = State(Status.DEGRADED_PERFORMANCE, "Monitoring the fix", is_watching=True)


@dataclass(frozen=True, slots=True)
class PageState:
    """The state of the whole page: our status, and the same in Statuspage's terms."""

    status: Status
    indicator: Indicator
    description: str
    is_watching: bool = False

    @property
    def label(self) -> str:
        """The label of the state, for the title and the banner."""
        return WATCHING.label if self.is_watching else self.status.label


def worst(statuses: Iterable[Status]) -> Status:
    """The most severe of these; operational when there are none."""
    return max(statuses, key=SEVERITY.__getitem__, default=Status.OPERATIONAL)


def page_state(statuses: Iterable[Status], *, opened: Iterable[State] = ()) -> PageState:
    """The one answer for banner, title, favicon, feeds and API.

    `opened`: the states of the open incidents. They forbid a green page, and they can say more than
    the components do: a problem that no probe sees, or a recovery that is still being monitored.
    """
    shown, opened = list(statuses), list(opened)
    status = worst([*shown, *(state.status for state in opened)])
    indicator, description = _rollup(shown)
    is_watching = bool(opened) and all(state.is_watching for state in opened)
    if is_watching and not any(status.is_trouble for status in shown):
        return PageState(status, Indicator.MINOR, WATCHING.label, is_watching=True)
    if SEVERITY[status] > SEVERITY[worst(shown)]:
        indicator, description = RAISED[status]
    return PageState(status, indicator, description)


def impact_of(statuses: Iterable[Status]) -> Impact:
    """The impact of an incident over its components: the rollup of the page, over these alone.

    Fitted to 17 of 18 captured incidents (docs/compatibility.md, section 9).
    """
    failing = [status for status in statuses if status.is_trouble]
    indicator, _ = _rollup(failing)
    return Impact(indicator.value)


# What open incidents make of a page whose components look better than they are
RAISED = {
    Status.DEGRADED_PERFORMANCE: (Indicator.MINOR, "Partially Degraded Service"),
    Status.PARTIAL_OUTAGE: (Indicator.MAJOR, "Partial System Outage"),
    Status.MAJOR_OUTAGE: (Indicator.CRITICAL, "Major System Outage"),
}


def _rollup(statuses: list[Status]) -> tuple[Indicator, str]:
    """Statuspage's table (docs/compatibility.md, section 9), first match wins, with unknown between.

    It has no value for unknown; the closest one that is not green is `minor`.
    """
    count = {status: statuses.count(status) for status in Status}
    total = len(statuses)
    if total and count[Status.MAJOR_OUTAGE] == total:
        return Indicator.CRITICAL, "Major System Outage"
    if count[Status.MAJOR_OUTAGE] or (total and count[Status.PARTIAL_OUTAGE] == total):
        return Indicator.MAJOR, "Partial System Outage"
    if count[Status.PARTIAL_OUTAGE]:
        return Indicator.MINOR, "Minor Service Outage"
    if total > 1 and count[Status.DEGRADED_PERFORMANCE] == total:
        return Indicator.MINOR, "Degraded System Service"
    if count[Status.DEGRADED_PERFORMANCE]:
        return Indicator.MINOR, "Partially Degraded Service"
    if count[Status.UNKNOWN]:
        return Indicator.MINOR, "Status Unknown"
    if count[Status.UNDER_MAINTENANCE]:
        return Indicator.MAINTENANCE, "Service Under Maintenance"
    return Indicator.NONE, "All Systems Operational"
