"""Who would be notified, and how far notifying is. `subscribers` answers; the console asks.

The console and `subscribers` do not import each other, so `subscribers` registers its answers here
(`answer_by`) when the apps start.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
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

    @property
    def words(self) -> str:
        """ "1,204 email, 37 webhooks, 61 chat channels"; empty for nobody."""
        return self._said("chat channel", "chat channels")

    @property
    def short(self) -> str:
        """The same for a phone: "1,204 email, 37 webhooks, 61 chats"."""
        return self._said("chat", "chats")

    def _said(self, one: str, many: str) -> str:
        numbers: dict[tuple[str, str], int] = {}
        for label, number in self.channels:
            nouns = NOUNS.get(label, (one, many))
            numbers[nouns] = numbers.get(nouns, 0) + number
        order = [*NOUNS.values(), (one, many)]
        told = sorted(numbers.items(), key=lambda row: order.index(row[0]))
        return ", ".join(f"{number:,} {nouns[number != 1]}" for nouns, number in told if number)


# what is counted by a word of its own; all other channels are rooms where people talk
NOUNS = {"Email": ("email", "email"), "Webhook": ("webhook", "webhooks"), "Browser": ("browser", "browsers")}


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

    @property
    def is_over(self) -> bool:
        """Nothing of it is still to be sent."""
        return not self.waiting and not self.retrying

    @property
    def words(self) -> str:
        """ "1,204 sent · 3 retrying · 12 waiting"; what is none is not said, but for what was sent."""
        told = [f"{self.sent:,} sent"]
        told += [
            f"{number:,} {word}"
            for number, word in (
                (self.retrying, "retrying"), (self.waiting, "waiting"), (self.failed, "failed"),
            )
            if number
        ]  # fmt: skip
        return " · ".join(told)


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

    def oldest_due_s(self, now: datetime) -> float:
        """How long what could be sent has waited for us; 0 when nothing does."""
        ...


@dataclass(frozen=True, slots=True)
class Failing:
    """What cannot be delivered now: "2 webhooks retrying", the next try, the last answer."""

    text: str
    next_at: datetime | None
    answer: str


@dataclass(frozen=True, slots=True)
class Health:
    """Lines for the overview: ("Email", "1,204 subscribers", is it well)."""

    lines: tuple[tuple[str, str, bool], ...] = ()
    oldest_due_s: float = 0.0
    failing: tuple[Failing, ...] = ()


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

    def oldest_due_s(self, now: datetime) -> float:
        """Nothing is due."""
        return 0.0


_answers: Callable[[], Answers] = Nobody


def answer_by(keeper: Callable[[], Answers]) -> None:
    """From now on this one answers."""
    global _answers  # noqa: PLW0603 - one house, one keeper
    _answers = keeper


def answers() -> Answers:
    """Who answers."""
    return _answers()
