"""Who would be notified, and the progress of notifying. `subscribers` answers; the console asks.

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
    """How many would be notified, by channel: ("Email", 1204), only channels with subscribers."""

    channels: tuple[tuple[str, int], ...] = ()

    @property
    def total(self) -> int:
        """The sum of all channels."""
        return sum(number for _, number in self.channels)

    @property
    def words(self) -> str:
        """ "1,204 email, 37 webhooks, 61 chat channels"; empty for nobody."""
        return self._said("chat channel", "chat channels")

    @property
    def short(self) -> str:
        """The same for a phone: "1,204 email, 37 webhooks, 61 chats"."""
        return self._said("chat", "chats")

    def _said(self, singular: str, plural: str) -> str:
        numbers: dict[tuple[str, str], int] = {}
        for label, number in self.channels:
            nouns = NOUNS.get(label, (singular, plural))
            numbers[nouns] = numbers.get(nouns, 0) + number
        order = [*NOUNS.values(), (singular, plural)]
        counts = sorted(numbers.items(), key=lambda row: order.index(row[0]))
        return ", ".join(f"{number:,} {nouns[number != 1]}" for nouns, number in counts if number)


# channels with a noun of their own; all others are chat channels
NOUNS = {"Email": ("email", "email"), "Webhook": ("webhook", "webhooks"), "Browser": ("browser", "browsers")}


@dataclass(frozen=True, slots=True)
class Progress:
    """Numbers of deliveries by state. `waiting` includes those that are spaced to one a minute."""

    sent: int = 0
    waiting: int = 0
    retrying: int = 0
    failed: int = 0

    @property
    def total(self) -> int:
        """The number of all deliveries."""
        return self.sent + self.waiting + self.retrying + self.failed

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to be sent."""
        return not self.waiting and not self.retrying

    @property
    def words(self) -> str:
        """ "1,204 sent · 3 retrying · 12 waiting"; zeros are left out, except for sent."""
        parts = [f"{self.sent:,} sent"]
        parts += [
            f"{number:,} {word}"
            for number, word in (
                (self.retrying, "retrying"), (self.waiting, "waiting"), (self.failed, "failed"),
            )
            if number
        ]  # fmt: skip
        return " · ".join(parts)


class Answers(Protocol):
    """What `subscribers` answers."""

    def audience(
        self,
        kind: NoticeKind,
        components: Iterable[Component],
        *,
        impact: Impact = Impact.CRITICAL,
        incident: Incident | None = None,
        maintenance: Maintenance | None = None,
    ) -> Audience:
        """Who would be notified of this now."""
        ...

    def progress(self, incident: Incident) -> dict[int, Progress]:
        """Progress by number of the update, without updates that notify no one."""
        ...

    def health(self, now: datetime) -> "Health":
        """The health of delivery as a whole."""
        ...

    def oldest_due_s(self, now: datetime) -> float:
        """How long (s) the oldest message has waited for us; 0 when none does."""
        ...

    def hold_back(self, now: datetime) -> int:
        """After a restore: do not send what may have been sent after the backup. How many messages."""
        ...


@dataclass(frozen=True, slots=True)
class Failing:
    """What cannot be delivered now: "2 webhooks retrying", the time of the next try, the last answer."""

    text: str
    next_at: datetime | None
    answer: str


@dataclass(frozen=True, slots=True)
class Health:
    """Lines for the overview: ("Email", "1,204 subscribers", whether it is healthy)."""

    lines: tuple[tuple[str, str, bool], ...] = ()
    oldest_due_s: float = 0.0
    failing: tuple[Failing, ...] = ()


class Nobody:
    """The answers when no app keeps subscribers."""

    def audience(self, kind: NoticeKind, components: Iterable[Component], **_: object) -> Audience:
        """Always empty."""
        return Audience()

    def progress(self, incident: Incident) -> dict[int, Progress]:
        """Always empty."""
        return {}

    def health(self, now: datetime) -> Health:
        """Always empty."""
        return Health()

    def oldest_due_s(self, now: datetime) -> float:
        """Always 0."""
        return 0.0

    def hold_back(self, now: datetime) -> int:
        """Always 0."""
        return 0


_answers: Callable[[], Answers] = Nobody


def answer_by(keeper: Callable[[], Answers]) -> None:
    """Register the class that answers."""
    global _answers  # noqa: PLW0603 - one per process
    _answers = keeper


def answers() -> Answers:
    """The registered answers; `Nobody` without one."""
    return _answers()
