"""From what a subscriber is owed to the one message that goes out next.

Of one incident the newest update is sent, with the earlier ones in the same message;
a daily digest takes everything that is due.
"""

import functools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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
from subscribers.delivery.content import Publisher, Story, Word, house, read
from subscribers.delivery.envelope import Envelope, Links
from subscribers.models import Delivery, DeliveryState, Purpose, State, Subscriber
from subscribers.states import Channel

KEY = "-key-"
LINKED = ("subscription", "unsubscribe")
# of many rows at once only what a message is made of: reading the rest costs more than sending it
NEEDED = ("channel", "address", "key", "state", "host", "shown", "is_all", "is_digest", "signing", "attempts",
          "failing_since", "owner", "public_id", "confirmed_at", "left_at", "quarantined_at")  # fmt: skip
ABOUT = ("incident_id", "maintenance_id", "component_id")
OWED = ("message_id", "subscriber", "notice", "purpose", "is_replay", "context")
MAY_GET_LETTERS = (State.ACTIVE, State.UNCONFIRMED, State.CONTACT)


@dataclass(frozen=True, slots=True)
class Packed:
    """A message, the delivery it fulfils, and those whose words it tells as well."""

    subscriber: Subscriber
    delivery: Delivery
    others: tuple[Delivery, ...]
    envelope: Envelope


@dataclass(frozen=True, slots=True)
class Skipped:
    """A claimed subscriber that is sent nothing; `dropped` are not owed any more."""

    subscriber: Subscriber
    dropped: tuple[Delivery, ...]


def pack(ids: Iterable[int], now: datetime) -> list[Packed | Skipped]:
    """One message for each of these subscribers, read in a fixed number of queries."""
    subscribers = list(Subscriber.objects.filter(pk__in=ids).only(*NEEDED))
    prefetch_related_objects([one for one in subscribers if not one.is_all], "components", "groups")
    owed = _owed(subscribers, now)
    here = house()
    notices = [one.notice_id for one in chain.from_iterable(owed.values()) if one.notice_id]
    stories = read(notices, here.page_id)
    return [_pack_one(one, owed[one.pk], stories, here=here, now=now) for one in subscribers]


def _owed(subscribers: Sequence[Subscriber], now: datetime) -> dict[int, list[Delivery]]:
    """What the next message of each may tell, oldest first: its oldest, and the rest of that story.

    A digest may tell all. After an hour without us a subscriber is owed hundreds of other
    things; reading them with each message would cost more than sending it.
    """
    due = Delivery.objects.filter(subscriber__in=subscribers, state=DeliveryState.OWED, due_at__lte=now)
    oldest = due.order_by().values("subscriber_id").annotate(first=Min("pk")).values("first")
    heads = _with_notices(Delivery.objects.filter(pk__in=oldest))
    stories = {one.subscriber_id: one.notice.story for one in heads if one.notice}
    digests = [one.pk for one in subscribers if one.is_digest]
    news = due.filter(purpose=Purpose.NEWS).exclude(pk__in=[one.pk for one in heads])
    told = [one.notice for one in heads if one.notice]
    about = [Q(**{f"notice__{name}__in": {getattr(one, name) for one in told} - {None}}) for name in ABOUT]
    rest = _with_notices(news.filter(functools.reduce(or_, about, Q(subscriber__in=digests))))
    owed = defaultdict(list, {one.subscriber_id: [one] for one in heads})
    for one in rest:
        whose = one.subscriber_id
        if one.notice and (whose in digests or one.notice.story == stories.get(whose)):
            owed[whose].append(one)
    return owed


def _with_notices(rows: QuerySet[Delivery]) -> list[Delivery]:
    """These, oldest first; the few notices are read once for all."""
    found = list(rows.order_by("subscriber_id", "pk").only(*OWED))
    notices = Notice.objects.in_bulk({one.notice_id for one in found if one.notice_id})
    for one in found:
        one.notice = notices[one.notice_id] if one.notice_id else None
    return found


def _pack_one(
    subscriber: Subscriber,
    owed: list[Delivery],
    stories: dict[int, Story],
    *,
    here: Publisher,
    now: datetime,
) -> Packed | Skipped:
    live = [one for one in owed if _is_wanted(subscriber, one, stories)]
    dropped = tuple(one for one in owed if one not in live)
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
    envelope = Envelope(
        id=newest.message_id,
        channel=Channel(subscriber.channel),
        address=address,
        purpose=newest.purpose,
        house=here,
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


def _is_wanted(subscriber: Subscriber, one: Delivery, stories: dict[int, Story]) -> bool:
    if one.purpose != Purpose.NEWS:
        return subscriber.state in MAY_GET_LETTERS
    return subscriber.state == State.ACTIVE and one.notice_id in stories


def _together(subscriber: Subscriber, head: Delivery, live: list[Delivery]) -> list[Delivery]:
    """What one message tells, oldest first."""
    if head.purpose != Purpose.NEWS or head.is_replay or head.notice is None:
        return [head]
    news = [one for one in live if one.purpose == Purpose.NEWS and not one.is_replay and one.notice]
    if subscriber.is_digest and subscriber.channel == Channel.EMAIL:
        return news
    return [one for one in news if one.notice and one.notice.story == head.notice.story]


def _unsent(together: list[Delivery], stories: dict[int, Story]) -> tuple[Word, ...]:
    newest = stories.get(together[-1].notice_id or 0)
    same = [stories[one.notice_id] for one in together if one.notice_id in stories]
    return tuple(story.newest for story in reversed(same) if newest and story.key == newest.key)


def _others(together: list[Delivery], stories: dict[int, Story], story: Story | None) -> tuple[Story, ...]:
    """The other stories of a digest, each at its newest."""
    by_key = {
        stories[one.notice_id].key: stories[one.notice_id] for one in together if one.notice_id in stories
    }
    return tuple(one for key, one in by_key.items() if story is None or key != story.key)


def links(subscriber: Subscriber, story: Story | None = None, *, only: str = "") -> Links:
    """The addresses that stand in its messages. `only`: the incident a letter without a story speaks of."""
    manage, leave = (_address(name).replace(KEY, subscriber.key) for name in LINKED)
    confirm = ""
    if story is not None and story.kind == NoticeKind.INCIDENT:
        only = story.public_id
    if subscriber.state == State.UNCONFIRMED and subscriber.channel == Channel.EMAIL:
        confirm = confirming.link(subscriber)
    return Links(manage, leave, confirm, only and f"{manage}?only={only}")


@functools.cache  # looking an address up costs more than signing a message
def _address(name: str) -> str:
    return f"{settings.PUBLIC_URL}{reverse(name, args=[KEY])}"


def scope(subscriber: Subscriber) -> str:
    """What it chose, in words: "all components", "Chat and Files", "one incident"."""
    if subscriber.is_all:
        return "all components"
    names = [
        one.name for one in chain[Group | Component](subscriber.groups.all(), subscriber.components.all())
    ]
    if not names:
        return "one incident"
    if len(names) > 3:
        return f"{len(names)} components"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
