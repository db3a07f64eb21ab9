"""The phases of an incident, and which moves are allowed."""

from enum import StrEnum


class Phase(StrEnum):
    """The phases of an incident, in their usual order."""

    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    MONITORING = "monitoring"
    RESOLVED = "resolved"

    @property
    def label(self) -> str:
        """The phase as a word: "Investigating"."""
        return self.value.capitalize()

    @property
    def now(self) -> str:
        """The phase as the banner shows it: "Monitoring the fix"."""
        return NOW[self]


class Kind(StrEnum):
    """What an update is. Posts and facts are public; the others are for staff."""

    POST = "post"
    FACT = "fact"
    NOTE = "note"
    PROPOSAL = "proposal"
    RETRACTED = "retracted"  # a post that was undone before anyone was notified


PUBLIC_KINDS = (Kind.POST, Kind.FACT)

NOW = {
    Phase.INVESTIGATING: "Investigating",
    Phase.IDENTIFIED: "Identified",
    Phase.MONITORING: "Monitoring the fix",
    Phase.RESOLVED: "Resolved",
}

# Staff may correct themselves, so every open phase leads to every other; only resolved is final.
MOVES = {
    Phase.INVESTIGATING: frozenset(Phase),
    Phase.IDENTIFIED: frozenset(Phase),
    Phase.MONITORING: frozenset(Phase),
    Phase.RESOLVED: frozenset({Phase.RESOLVED}),
}


def may_move(old: Phase, new: Phase) -> bool:
    """Whether an update may move from one phase to the other. Reopening is separate (`Post.reopens`)."""
    return new in MOVES[old]
