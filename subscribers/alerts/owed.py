"""What a kind of alert is, and what it finds."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.urls import NoReverseMatch, reverse

INCIDENTS, SYSTEM = "incidents", "system"
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Owed:
    """A finding that staff should know now. `subject` identifies it for as long as it lasts."""

    subject: str
    title: str
    body: str = ""
    url: str = ""
    back: str = ""  # the message once it is over; empty: none
    rank: int | None = None  # the rank of its Impact; None: sent whatever minimum a channel has


@dataclass(frozen=True, slots=True)
class World:
    """The input of `find`: the time, and the checks of /healthz.

    `node`: this machine, whose copies of the page we judge; empty if this process serves no page.
    """

    now: datetime
    vitals: Mapping[str, Mapping[str, Any]]
    node: str = ""

    def may_judge(self, subject: str) -> bool:
        """Whether this process may close it: a disk is judged only by its own machine."""
        _, at, node = subject.partition("@")
        return not at or node == self.node


@dataclass(frozen=True, slots=True)
class Kind:
    """`hold_s`: how long it must last, or be over, before it counts. `reminders`: times after opening.

    `over`: from the subject, the message once it is over, or empty for none. Without it, the message is
    the `back` that it was opened with.
    """

    group: str
    find: Callable[[World], Iterable[Owed]]
    over: Callable[[str], str] | None = None
    hold_s: float = 0.0
    reminders: tuple[timedelta, ...] = ()
    repeat: timedelta | None = None  # after the last of `reminders`


def address(name: str, *args: str) -> str:
    """The full URL of a page by its URL name; PUBLIC_URL if there is none."""
    try:
        return f"{settings.PUBLIC_URL}{reverse(name, args=args)}"
    except NoReverseMatch:
        return settings.PUBLIC_URL
