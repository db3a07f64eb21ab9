"""What `statuspage.staff.access` adds to a staff request, and how subscribers are named in the audit log."""

from dataclasses import dataclass
from typing import Any, Protocol

from django.http import HttpRequest

from subscribers.models import Subscriber
from subscribers.states import Channel


class Noting(Protocol):
    """The audit log."""

    def __call__(self, act: str, thing: object = "", *, before: Any = None, after: Any = None) -> object:
        """Write an entry to the audit log."""
        ...


class StaffRequest(HttpRequest):
    """A request that passed the role check (components.access_marks)."""

    role: Any
    note: Noting
    section: str


@dataclass(frozen=True, slots=True)
class Named:
    """A subscriber's name in the audit log, without the whole address, as the log is kept longer."""

    public_id: str
    text: str

    def __str__(self) -> str:
        return self.text


def named(subscriber: Subscriber) -> Named:
    """The subscriber's name for the audit log."""
    return Named(subscriber.public_id, f"{Channel(subscriber.channel).label} {discreet(subscriber)}")


def discreet(subscriber: Subscriber) -> str:
    """ "r…@example.org", or the host: enough to recognize it, not enough to write to."""
    if subscriber.channel != Channel.EMAIL:
        return subscriber.host
    name, _, domain = subscriber.shown.rpartition("@")
    return f"{name[:1]}…@{domain}"


def may_see(request: StaffRequest) -> bool:
    """Whether mail addresses are shown in full: not to viewers."""
    return bool(request.role.name != "VIEWER")
