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
    GONE = "gone"  # the address is gone, or wants nothing more
    OURS = "ours"  # we are at fault (our mail server, our network): try again soon, not counted as a failure


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
        """The sentence for the person who entered the address.

        Whether a host is unknown, private, silent or refuses us would reveal our network to
        strangers, so without an answer the sentence is always the same.
        """
        has_answered = self.answer is not None and self.end is not End.OURS
        return self.why if has_answered or self.end is End.GONE else UNREACHED


@dataclass(frozen=True, slots=True)
class Links:
    """URLs for one receiver. They contain its key, so they are never in another's message."""

    manage: str
    leave: str
    confirm: str = ""
    only: str = ""  # to follow only this incident


@dataclass(frozen=True, slots=True)
class Envelope:
    """`unsent`: the story's updates not sent to this receiver yet, newest first, at least one.

    `id` stays the same in every attempt. `others`: further stories, in a daily digest.
    A message about the subscription itself has no story; `context` holds its data.
    `at`: when it is sent, which may be days after the update; None if that does not matter.
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
    scope: str = ""  # what it subscribed to: "all components", "Chat and Files", "one incident"
    context: dict[str, Any] = field(default_factory=dict)
    at: datetime | None = None
