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
    """The filters of the list; empty means all. `incident`: with pending or failed messages of this one."""

    words: str = ""
    channel: str = ""
    state: str = ""
    failing: bool = False
    incident: str = ""
    first: str = ""  # "failing": those come first

    @classmethod
    def of(cls, query: Any) -> "Asked":
        """From the query of a URL; invalid values are ignored."""
        channel, state = query.get("channel", ""), query.get("state", "")
        return cls(
            words=query.get("q", "").replace("\0", "").strip()[:300],
            channel=channel if channel in list(Channel) else "",
            state=state if state in State.values else "",
            failing=query.get("failing") == "1",
            incident=query.get("incident", "")[:12].replace("\0", ""),
            first="failing" if query.get("first") == "failing" else "",
        )

    def parts(self, **changes: Any) -> dict[str, str]:
        """The query of a URL, with some values changed."""
        held = {
            "q": self.words, "channel": self.channel, "state": self.state,
            "failing": "1" if self.failing else "", "incident": self.incident, "first": self.first,
        }  # fmt: skip
        return {name: value for name, value in (held | changes).items() if value}


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the list. `last_at`: when it was last sent a message."""

    subscriber: Subscriber
    shown: str
    channel: str
    scope: str
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class Share:
    """The number of subscribers of a channel or state."""

    value: str
    label: str
    number: int


def find(asked: Asked, *, in_full: bool) -> QuerySet[Subscriber]:
    """The filtered subscribers, newest first. `in_full`: parts of mail addresses may be searched."""
    subscribers = Subscriber.objects.all()
    if asked.words:
        subscribers = subscribers.filter(_holds(asked.words, in_full=in_full))
    if asked.channel:
        subscribers = subscribers.filter(channel=asked.channel)
    if asked.state:
        subscribers = subscribers.filter(state=asked.state)
    if asked.failing:
        subscribers = subscribers.filter(FAILING)
    if asked.incident:
        of_it = Delivery.objects.filter(notice__incident__public_id=asked.incident)
        open_ = of_it.filter(state__in=(DeliveryState.OWED, DeliveryState.FAILED))
        subscribers = subscribers.filter(pk__in=open_.values("subscriber"))
    order = (F("failing_since").asc(nulls_last=True), "-pk") if asked.first else ("-pk",)
    return subscribers.order_by(*order)


def _holds(words: str, *, in_full: bool) -> Q:
    """Match whole addresses by fingerprint, as they are encrypted, or what staff may read of them."""
    channels = (Channel.EMAIL, Channel.WEBHOOK)
    prints = {mark for channel in channels for mark in address_identity.fingerprints(channel, words)}
    readable = Q(shown__icontains=words) if in_full else Q(host__icontains=words)
    return Q(fingerprint__in=prints) | readable


def with_last(subscribers: QuerySet[Subscriber]) -> QuerySet[Subscriber]:
    """With `last_at` and prefetched choices, for `row`."""
    sent = Delivery.objects.filter(subscriber=OuterRef("pk"), state=DeliveryState.SENT)
    last = sent.order_by("-finished_at").values("finished_at")[:1]
    return subscribers.annotate(last_at=Subquery(last)).prefetch_related("components", "groups")


def row(subscriber: Subscriber, *, in_full: bool) -> Row:
    """The row of a subscriber from `with_last`. `in_full`: with the whole mail address."""
    last_at: datetime | None = subscriber.last_at  # type: ignore[attr-defined]
    shown = subscriber.shown if in_full else discreet(subscriber)
    return Row(subscriber, shown, Channel(subscriber.channel).label, scope(subscriber), last_at)


def counts() -> tuple[list[Share], list[Share], int, int]:
    """(active ones by channel, all by state, number of all, number failing now). One query."""
    rows = Subscriber.objects.values("channel", "state").annotate(
        number=Count("pk"), failing=Count("pk", FAILING)
    )
    channels: dict[str, int] = defaultdict(int)
    states: dict[str, int] = defaultdict(int)
    failing = 0
    for row in rows.order_by():
        states[row["state"]] += row["number"]
        channels[row["channel"]] += row["number"] if row["state"] == State.ACTIVE else 0
        failing += row["failing"]
    by_channel = [
        Share(channel.value, channel.label, channels[channel.value])
        for channel in Channel
        if channel.value in channels
    ]
    by_state = [Share(value, label, states[value]) for value, label in State.choices if value in states]
    return by_channel, by_state, sum(states.values()), failing
