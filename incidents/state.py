"""The state of an incident now, and the worst it had, the same on every page and in every message.

Banner, title, icon, card, lists, console, preview, API, mail and chat ask here,
so that none can say "Degraded" where another says "Major outage".
"""

from collections.abc import Iterable

from components.status import WATCHING, Impact, State, Status, state_of, worst
from incidents.lifecycle import Phase

OF_IMPACT = {
    Impact.NONE: Status.OPERATIONAL,
    Impact.MINOR: Status.DEGRADED_PERFORMANCE,
    Impact.MAJOR: Status.PARTIAL_OUTAGE,
    Impact.CRITICAL: Status.MAJOR_OUTAGE,
}
RECOVERED = (Status.OPERATIONAL, Status.UNDER_MAINTENANCE)  # planned work is judged at its end
AT_LEAST = Status.DEGRADED_PERFORMANCE  # an open incident is never green, whatever its components show


def state_now(
    phase: Phase, statuses: Iterable[Status], *, override: str = "", impact: Impact = Impact.NONE
) -> State:
    """`statuses`: those of its public components now. `override`: the impact that staff set.

    `impact` counts only for an incident without any public component.
    """
    if phase is Phase.RESOLVED:
        return state_of(Status.OPERATIONAL)
    current = list(statuses)
    if phase is Phase.MONITORING and all(status in RECOVERED for status in current):
        return WATCHING
    reported = override or (Impact.NONE if current else impact)
    return state_of(worst([*current, OF_IMPACT[Impact(reported)], AT_LEAST]))


def state_past(worsts: Iterable[Status], *, override: str = "", impact: Impact = Impact.NONE) -> State:
    """How bad it was, for history: the impact that staff set, or the worst of its public components."""
    statuses = list(worsts)
    status = OF_IMPACT[Impact(override or impact)] if override or not statuses else worst(statuses)
    return State(status, "No impact" if status is Status.OPERATIONAL else status.label)


def place_now(component: Status, row: Status, worst_known: Status, phase: Phase) -> Status:
    """A component's status in an incident: the component's own; while unknown, that of its row.

    If both are unknown it counts as its worst so far, except while the incident is in Monitoring.
    """
    if component is not Status.UNKNOWN:
        return component
    if row is not Status.UNKNOWN:
        return row
    return Status.UNKNOWN if phase is Phase.MONITORING else worst_known


def place_in(
    phase: Phase,
    component: Status,
    row: Status,
    worst_known: Status,
    *,
    manual: str = "",
    is_owned: bool = False,
    is_worked_on: bool = False,
) -> Status:
    """The same where planned work may be under way: it hides what probes see, not what staff set or manage.

    `manual`: the status that staff set for the component; `is_owned`: the incident is managed by staff.
    """
    is_by_people = is_owned or (manual and Status(manual).is_trouble)
    if is_worked_on and not is_by_people:
        return Status.UNDER_MAINTENANCE
    return place_now(component, row, worst_known, phase)
