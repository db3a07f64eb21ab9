"""One message to be sent, and the result of sending it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from subscribers.delivery.content import Publisher, Story, Word
from subscribers.states import Channel

UNREACHED = "We can’t reach this address. Check that it is right and answers on the public internet."


class End(StrEnum):
    """What came of an attempt."""

    SENT = "sent"
    LATER = "later"  # the receiver is at fault: try again on the schedule
    GONE = "gone"  # the receiver wants nothing any more
    OURS = "ours"  # we are at fault (our mail server, our network): try again soon, it counts against nobody


@dataclass(frozen=True, slots=True)
class Result:
    """`answer` is the HTTP or SMTP code, if there was one; `why` a sentence for staff."""

    end: End
    answer: int | None = None
    why: str = ""
    retry_after_s: float | None = None
    took_ms: int = 0

    @property
    def public_why(self) -> str:
        """The sentence for whoever typed the address.

        Whether a host is unknown, private, silent, or refuses us would tell strangers what our
        network holds, so no answer is always the same sentence. What an answer says is theirs.
        """
        has_answered = self.answer is not None and self.end is not End.OURS
        return self.why if has_answered or self.end is End.GONE else UNREACHED


@dataclass(frozen=True, slots=True)
class Links:
    """Addresses for one receiver alone. They hold its key, so they stand in no other message."""

    manage: str
    leave: str
    confirm: str = ""
    only: str = ""  # hear of this incident alone


@dataclass(frozen=True, slots=True)
class Envelope:
    """`unsent`: the words of the story this receiver has not had yet, newest first, at least one.

    `id` stays the same in every attempt. `others`: further stories, in a daily digest.
    A letter about the subscription itself has no story; `context` holds what it needs.
    `at`: when it is sent, which may be days after the words; None where nobody waits for it.
    """

    id: str
    channel: Channel
    address: str
    purpose: str
    house: Publisher
    links: Links
    story: Story | None = None
    unsent: tuple[Word, ...] = ()
    others: tuple[Story, ...] = ()
    secrets: tuple[str, ...] = ()
    scope: str = ""  # why it is told: "all components", "Chat and Files", "this incident"
    context: dict[str, Any] = field(default_factory=dict)
    at: datetime | None = None
