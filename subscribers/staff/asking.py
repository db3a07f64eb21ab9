"""What `statuspage.staff.access` adds to a staff request, and how subscribers are named in the audit log."""

from dataclasses import dataclass
from typing import Any, Protocol

from django.http import HttpRequest

from subscribers.models import Subscriber
from subscribers.states import Channel


class Noting(Protocol):
    """The audit log."""

    def __call__(self, act: str, thing: object = "", *, before: Any = None, after: Any = None) -> object:
        """Write an act down."""
        ...


class StaffRequest(HttpRequest):
    """A request that the gate has let in (components.access_marks)."""

    role: Any
    note: Noting
    section: str


@dataclass(frozen=True, slots=True)
class Named:
    """Somebody in the audit log, which outlives them: not by the whole address."""

    public_id: str
    text: str

    def __str__(self) -> str:
        return self.text


def named(one: Subscriber) -> Named:
    """Who it was, as the log may keep it."""
    return Named(one.public_id, f"{Channel(one.channel).label} {discreet(one)}")


def discreet(one: Subscriber) -> str:
    """ "r…@example.org": enough to know it again, not enough to write to."""
    if one.channel != Channel.EMAIL:
        return one.host
    name, _, domain = one.shown.rpartition("@")
    return f"{name[:1]}…@{domain}"


def may_see(request: StaffRequest) -> bool:
    """Whether mail addresses are shown in full: viewers read without them."""
    return bool(request.role.name != "VIEWER")
