"""Who would be told, and how far the telling is: asked here, answered by the floor above.

The composer and the console stand beside the subscribers and may not reach
over. Whoever keeps subscribers answers for them (`answer_by`, when the apps start).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from components.models import Component
from components.status import Impact
from incidents.models import Incident, Maintenance, NoticeKind


@dataclass(frozen=True, slots=True)
class Audience:
    """How many would be told, by channel ("Email", 1204), only channels with somebody."""

    channels: tuple[tuple[str, int], ...] = ()

    @property
    def total(self) -> int:
        """All of them."""
        return sum(number for _, number in self.channels)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the telling of something is. `waiting` includes those that are told within their minute."""

    sent: int = 0
    waiting: int = 0
    retrying: int = 0
    failed: int = 0

    @property
    def total(self) -> int:
        """All that were owed."""
        return self.sent + self.waiting + self.retrying + self.failed


class Answers(Protocol):
    """What the keeper of subscribers can say."""

    def audience(
        self,
        kind: NoticeKind,
        components: Iterable[Component],
        *,
        impact: Impact = Impact.CRITICAL,
        incident: Incident | None = None,
        maintenance: Maintenance | None = None,
    ) -> Audience:
        """Who would be told of this now."""
        ...

    def progress(self, incident: Incident) -> dict[int, Progress]:
        """How far each update of an incident is told, by its number; those that notify nobody are missing."""
        ...

    def health(self) -> "Health":
        """How delivery is as a whole."""
        ...


@dataclass(frozen=True, slots=True)
class Health:
    """Lines for the overview: ("Email", "1,204 subscribers", is it well)."""

    lines: tuple[tuple[str, str, bool], ...] = ()
    oldest_due_s: float = 0.0


class Nobody:
    """No subscribers are kept."""

    def audience(self, kind: NoticeKind, components: Iterable[Component], **_: object) -> Audience:
        """Nobody."""
        return Audience()

    def progress(self, incident: Incident) -> dict[int, Progress]:
        """Nothing."""
        return {}

    def health(self) -> Health:
        """Nothing to say."""
        return Health()


_answers: Callable[[], Answers] = Nobody


def answer_by(keeper: Callable[[], Answers]) -> None:
    """From now on this one answers."""
    global _answers  # noqa: PLW0603 - one house, one keeper
    _answers = keeper


def answers() -> Answers:
    """Who answers."""
    return _answers()
