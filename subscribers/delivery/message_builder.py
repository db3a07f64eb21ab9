"""Builds the next message of a subscriber from its pending deliveries.

Of one incident the newest update is sent, with the earlier ones in the same message;
a daily digest takes everything that is due.
"""

import functools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from operator import or_

from django.conf import settings
from django.db.models import Min, Q, QuerySet, prefetch_related_objects
from django.urls import reverse

from components import encryption
from components.models import Component, Group
from incidents.models import Notice, NoticeKind
from subscribers import confirming
from subscribers.delivery.content import Publisher, Story, Word, publisher_now, read
from subscribers.delivery.envelope import Envelope, Links
from subscribers.models import Delivery, DeliveryState, Purpose, State, Subscriber
from subscribers.states import Channel

KEY = "-key-"
LINKED = ("subscription", "unsubscribe", "unsubscribe_report")
# the columns a message needs: reading the rest of many rows costs more than sending
NEEDED = ("channel", "address", "key", "state", "host", "shown", "is_all", "is_digest", "wants_report",
          "signing", "attempts", "failing_since", "owner", "public_id", "confirmed_at", "left_at",
          "quarantined_at")  # fmt: skip
ABOUT = ("incident_id", "maintenance_id", "component_id", "report_id")
OWED = ("message_id", "subscriber", "notice", "purpose", "is_replay", "context")
MAY_GET_LETTERS = (State.ACTIVE, State.UNCONFIRMED, State.CONTACT)


@dataclass(frozen=True, slots=True)
class Packed:
    """A message, its delivery, and other deliveries that it includes."""

    subscriber: Subscriber
    delivery: Delivery
    others: tuple[Delivery, ...]
    envelope: Envelope


@dataclass(frozen=True, slots=True)
class Skipped:
    """A claimed subscriber with nothing to send; `dropped` are cancelled."""

    subscriber: Subscriber
    dropped: tuple[Delivery, ...]


def pack(ids: Iterable[int], now: datetime) -> list[Packed | Skipped]:
    """One message for each of these subscribers, read in a fixed number of queries."""
    subscribers = list(Subscriber.objects.filter(pk__in=ids).only(*NEEDED))
    prefetch_related_objects(
        [subscriber for subscriber in subscribers if not subscriber.is_all], "components", "groups"
    )
    owed = _owed(subscribers, now)
    publisher = publisher_now()
    notices = [delivery.notice_id for delivery in chain.from_iterable(owed.values()) if delivery.notice_id]
    stories = read(notices, publisher.page_id)
    return [
        _pack_one(subscriber, owed[subscriber.pk], stories, publisher=publisher, now=now)
        for subscriber in subscribers
    ]


def _owed(subscribers: Sequence[Subscriber], now: datetime) -> dict[int, list[Delivery]]:
    """Deliveries for the next message, by subscriber, oldest first: the oldest, and the rest of its story.

    For a digest, all that are due. After an hour's outage of ours a subscriber may have hundreds
    pending; reading all of them with each message would cost more than sending it.
    """
    due = Delivery.objects.filter(subscriber__in=subscribers, state=DeliveryState.OWED, due_at__lte=now)
    oldest = due.order_by().values("subscriber_id").annotate(first=Min("pk")).values("first")
    heads = _with_notices(Delivery.objects.filter(pk__in=oldest))
    stories = {delivery.subscriber_id: delivery.notice.story for delivery in heads if delivery.notice}
    digests = [subscriber.pk for subscriber in subscribers if subscriber.is_digest]
    news = due.filter(purpose=Purpose.NEWS).exclude(pk__in=[delivery.pk for delivery in heads])
    notices = [delivery.notice for delivery in heads if delivery.notice]
    about = [
        Q(**{f"notice__{name}__in": {getattr(notice, name) for notice in notices} - {None}}) for name in ABOUT
    ]
    rest = _with_notices(news.filter(functools.reduce(or_, about, Q(subscriber__in=digests))))
    owed = defaultdict(list, {delivery.subscriber_id: [delivery] for delivery in heads})
    for delivery in rest:
        whose = delivery.subscriber_id
        if delivery.notice and (whose in digests or delivery.notice.story == stories.get(whose)):
            owed[whose].append(delivery)
    return owed


def _with_notices(rows: QuerySet[Delivery]) -> list[Delivery]:
    """These deliveries, oldest first, with their notices, each read once."""
    deliveries = list(rows.order_by("subscriber_id", "pk").only(*OWED))
    notices = Notice.objects.in_bulk({delivery.notice_id for delivery in deliveries if delivery.notice_id})
    for delivery in deliveries:
        delivery.notice = notices[delivery.notice_id] if delivery.notice_id else None
    return deliveries


def _pack_one(
    subscriber: Subscriber,
    owed: list[Delivery],
    stories: dict[int, Story],
    *,
    publisher: Publisher,
    now: datetime,
) -> Packed | Skipped:
    live = [delivery for delivery in owed if _is_wanted(subscriber, delivery, stories)]
    dropped = tuple(delivery for delivery in owed if delivery not in live)
    if not live:
        return Skipped(subscriber, dropped)
    try:
        address = subscriber.open_address
    except encryption.DecryptionError as error:
        subscriber.quarantine(now, str(error.__doc__))
        return Skipped(subscriber, tuple(owed))
    head = live[0]
    together = _together(subscriber, head, live)
    newest = together[-1]
    story = stories.get(newest.notice_id or 0)
    story = story and _followed(subscriber, story)
    envelope = Envelope(
        id=newest.message_id,
        channel=Channel(subscriber.channel),
        address=address,
        purpose=newest.purpose,
        house=publisher,
        links=links(subscriber, story, only=newest.context.get("only", "")),
        story=story,
        unsent=_unsent(together, stories),
        others=_others(together, stories, story),
        secrets=tuple(subscriber.secrets(now)) if subscriber.channel == Channel.WEBHOOK else (),
        scope=scope(subscriber),
        context=newest.context,
        at=now,
    )
    return Packed(subscriber, newest, (*together[:-1], *dropped), envelope)


def _is_wanted(subscriber: Subscriber, delivery: Delivery, stories: dict[int, Story]) -> bool:
    if delivery.purpose != Purpose.NEWS:
        return subscriber.state in MAY_GET_LETTERS
    story = stories.get(delivery.notice_id or 0)
    return subscriber.state == State.ACTIVE and story is not None and _followed(subscriber, story) is not None


def _followed(subscriber: Subscriber, story: Story) -> Story | None:
    """The story as this subscriber gets it: of a monthly report its part, or None if there is none."""
    if story.month is None:
        return story
    if not subscriber.wants_report:  # no longer
        return None
    if subscriber.is_all:
        return story
    components = {component.pk for component in subscriber.components.all()}
    part = story.month.part_of(components, {group.pk for group in subscriber.groups.all()})
    return replace(story, month=part) if part else None


def _together(subscriber: Subscriber, head: Delivery, live: list[Delivery]) -> list[Delivery]:
    """The deliveries that one message includes, oldest first."""
    if head.purpose != Purpose.NEWS or head.is_replay or head.notice is None or _is_report(head):
        return [head]
    news = [
        delivery
        for delivery in live
        if delivery.purpose == Purpose.NEWS
        and not delivery.is_replay
        and delivery.notice
        and not _is_report(delivery)
    ]
    if subscriber.is_digest and subscriber.channel == Channel.EMAIL:
        return news
    return [delivery for delivery in news if delivery.notice and delivery.notice.story == head.notice.story]


def _is_report(delivery: Delivery) -> bool:
    """Whether it is a monthly report: a mail of its own, in no digest."""
    return delivery.notice is not None and delivery.notice.kind == NoticeKind.REPORT


def _unsent(together: list[Delivery], stories: dict[int, Story]) -> tuple[Word, ...]:
    newest = stories.get(together[-1].notice_id or 0)
    same = [stories[delivery.notice_id] for delivery in together if delivery.notice_id in stories]
    return tuple(story.newest for story in reversed(same) if newest and story.key == newest.key)


def _others(together: list[Delivery], stories: dict[int, Story], story: Story | None) -> tuple[Story, ...]:
    """The other stories of a digest, each at its newest."""
    by_key = {
        stories[delivery.notice_id].key: stories[delivery.notice_id]
        for delivery in together
        if delivery.notice_id in stories
    }
    return tuple(other for key, other in by_key.items() if story is None or key != story.key)


def links(subscriber: Subscriber, story: Story | None = None, *, only: str = "") -> Links:
    """The URLs in its messages. `only`: the id of the incident that a message without a story is about."""
    manage, leave, leave_report = (_address(name).replace(KEY, subscriber.key) for name in LINKED)
    confirm = ""
    if story is not None and story.kind == NoticeKind.REPORT:
        leave = leave_report
    if story is not None and story.kind == NoticeKind.INCIDENT:
        only = story.public_id
    if subscriber.state == State.UNCONFIRMED and subscriber.channel == Channel.EMAIL:
        confirm = confirming.link(subscriber)
    return Links(manage, leave, confirm, only and f"{manage}?only={only}")


@functools.cache  # resolving a URL costs more than signing a message
def _address(name: str) -> str:
    return f"{settings.PUBLIC_URL}{reverse(name, args=[KEY])}"


def scope(subscriber: Subscriber) -> str:
    """What it subscribed to: "all components", "Chat and Files", "one incident"."""
    if subscriber.is_all:
        return "all components"
    names = [
        place.name for place in chain[Group | Component](subscriber.groups.all(), subscriber.components.all())
    ]
    if not names:
        return "one incident"
    if len(names) > 3:
        return f"{len(names)} components"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
