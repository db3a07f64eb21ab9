"""The list of subscribers: search, counts and rows, in a fixed number of queries."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery

from subscribers import address_identity
from subscribers.delivery.message_builder import scope
from subscribers.models import Delivery, DeliveryState, State, Subscriber
from subscribers.staff.asking import discreet
from subscribers.states import Channel

PAGE_SIZE = 50
FAILING = Q(failing_since__isnull=False)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the list shall hold; empty means all. `incident`: to whom a word of this one is still owed."""

    words: str = ""
    channel: str = ""
    state: str = ""
    failing: bool = False
    incident: str = ""
    first: str = ""  # "failing": those come first

    @classmethod
    def of(cls, given: Any) -> "Asked":
        """From an address; what makes no sense is left out."""
        channel, state = given.get("channel", ""), given.get("state", "")
        return cls(
            words=given.get("q", "").replace("\0", "").strip()[:300],
            channel=channel if channel in list(Channel) else "",
            state=state if state in State.values else "",
            failing=given.get("failing") == "1",
            incident=given.get("incident", "")[:12].replace("\0", ""),
            first="failing" if given.get("first") == "failing" else "",
        )

    def parts(self, **changes: Any) -> dict[str, str]:
        """As an address holds it, with some of it changed."""
        held = {
            "q": self.words, "channel": self.channel, "state": self.state,
            "failing": "1" if self.failing else "", "incident": self.incident, "first": self.first,
        }  # fmt: skip
        return {name: value for name, value in (held | changes).items() if value}


@dataclass(frozen=True, slots=True)
class Row:
    """One of the list."""

    one: Subscriber
    shown: str
    channel: str
    scope: str
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class Share:
    """How many of a channel or state there are."""

    value: str
    label: str
    number: int


def find(asked: Asked, *, in_full: bool) -> QuerySet[Subscriber]:
    """Those asked for, newest first. `in_full`: parts of a mail address may be searched."""
    found = Subscriber.objects.all()
    if asked.words:
        found = found.filter(_holds(asked.words, in_full=in_full))
    if asked.channel:
        found = found.filter(channel=asked.channel)
    if asked.state:
        found = found.filter(state=asked.state)
    if asked.failing:
        found = found.filter(FAILING)
    if asked.incident:
        of_it = Delivery.objects.filter(notice__incident__public_id=asked.incident)
        open_ = of_it.filter(state__in=(DeliveryState.OWED, DeliveryState.FAILED))
        found = found.filter(pk__in=open_.values("subscriber"))
    order = (F("failing_since").asc(nulls_last=True), "-pk") if asked.first else ("-pk",)
    return found.order_by(*order)


def _holds(words: str, *, in_full: bool) -> Q:
    """The whole address by its fingerprint, as it is sealed; else what staff may read of it."""
    both = (Channel.EMAIL, Channel.WEBHOOK)
    prints = {one for channel in both for one in address_identity.fingerprints(channel, words)}
    readable = Q(shown__icontains=words) if in_full else Q(host__icontains=words)
    return Q(fingerprint__in=prints) | readable


def with_last(found: QuerySet[Subscriber]) -> QuerySet[Subscriber]:
    """With what a row needs."""
    sent = Delivery.objects.filter(subscriber=OuterRef("pk"), state=DeliveryState.SENT)
    last = sent.order_by("-finished_at").values("finished_at")[:1]
    return found.annotate(last_at=Subquery(last)).prefetch_related("components", "groups")


def row(one: Subscriber, *, in_full: bool) -> Row:
    """As the list shows it."""
    last_at: datetime | None = one.last_at  # type: ignore[attr-defined]
    shown = one.shown if in_full else discreet(one)
    return Row(one, shown, Channel(one.channel).label, scope(one), last_at)


def counts() -> tuple[list[Share], list[Share], int, int]:
    """Active ones by channel, all by state, all, and those that fail now. One query."""
    rows = Subscriber.objects.values("channel", "state").annotate(
        number=Count("pk"), failing=Count("pk", FAILING)
    )
    channels: dict[str, int] = defaultdict(int)
    states: dict[str, int] = defaultdict(int)
    failing = 0
    for found in rows.order_by():
        states[found["state"]] += found["number"]
        channels[found["channel"]] += found["number"] if found["state"] == State.ACTIVE else 0
        failing += found["failing"]
    by_channel = [
        Share(one.value, one.label, channels[one.value]) for one in Channel if one.value in channels
    ]
    by_state = [Share(value, label, states[value]) for value, label in State.choices if value in states]
    return by_channel, by_state, sum(states.values()), failing
