"""The phases of an incident, and which moves are allowed."""

from enum import StrEnum


class Phase(StrEnum):
    """Where we are with it, in the order it usually goes."""

    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    MONITORING = "monitoring"
    RESOLVED = "resolved"

    @property
    def label(self) -> str:
        """The word on the pill."""
        return self.value.capitalize()

    @property
    def now(self) -> str:
        """What we are doing, for the banner."""
        return NOW[self]


class Kind(StrEnum):
    """What an update is. Strangers read posts and facts; the others are for staff."""

    POST = "post"
    FACT = "fact"
    NOTE = "note"
    PROPOSAL = "proposal"
    RETRACTED = "retracted"  # a post that was taken back before anybody was sent it


PUBLIC_KINDS = (Kind.POST, Kind.FACT)

NOW = {
    Phase.INVESTIGATING: "Investigating",
    Phase.IDENTIFIED: "Identified",
    Phase.MONITORING: "Monitoring the fix",
    Phase.RESOLVED: "Resolved",
}

# People change their minds, so every open phase leads to every other; only the end is an end.
MOVES = {
    Phase.INVESTIGATING: frozenset(Phase),
    Phase.IDENTIFIED: frozenset(Phase),
    Phase.MONITORING: frozenset(Phase),
    Phase.RESOLVED: frozenset({Phase.RESOLVED}),
}


def may_move(old: Phase, new: Phase) -> bool:
    """Whether an update may lead from one phase to the other. Reopening is its own verb."""
    return new in MOVES[old]
