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
AT_LEAST = Status.DEGRADED_PERFORMANCE  # an open incident forbids green, whatever its components say


def state_now(
    phase: Phase, statuses: Iterable[Status], *, override: str = "", impact: Impact = Impact.NONE
) -> State:
    """`statuses`: its public components as they are now. `override`: the impact that people gave it.

    `impact` speaks only for an incident without any public component.
    """
    if phase is Phase.RESOLVED:
        return state_of(Status.OPERATIONAL)
    known = list(statuses)
    if phase is Phase.MONITORING and all(status in RECOVERED for status in known):
        return WATCHING
    said = override or (Impact.NONE if known else impact)
    return state_of(worst([*known, OF_IMPACT[Impact(said)], AT_LEAST]))


def state_past(worsts: Iterable[Status], *, override: str = "", impact: Impact = Impact.NONE) -> State:
    """How bad it was, for history: people's word, or the worst its public components came to."""
    known = list(worsts)
    status = OF_IMPACT[Impact(override or impact)] if override or not known else worst(known)
    return State(status, "No impact" if status is Status.OPERATIONAL else status.label)


def place_now(component: Status, row: Status, worst_known: Status, phase: Phase) -> Status:
    """A component in an incident: as its page shows it; out of sight, as it was last known.

    Losing sight makes nothing better: it is as bad as it has been, unless it is being watched.
    """
    if component is not Status.UNKNOWN:
        return component
    if row is not Status.UNKNOWN:
        return row
    return Status.UNKNOWN if phase is Phase.MONITORING else worst_known
