"""From what a subscriber is owed to the one message that goes out next.

Of one story the newest word is sent and tells the earlier ones with it; a daily
digest takes everything that is due.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from django.conf import settings
from django.urls import reverse

from components.models import Component, Group
from incidents.models import NoticeKind
from subscribers import confirming, sealed
from subscribers.channels import Channel
from subscribers.envelope import Envelope, Links
from subscribers.models import Delivery, DeliveryState, Purpose, State, Subscriber
from subscribers.story import House, Story, Word, house, read

MAY_GET_LETTERS = (State.ACTIVE, State.UNCONFIRMED, State.CONTACT)


@dataclass(frozen=True, slots=True)
class Packed:
    """A message, the delivery it fulfils, and those whose words it tells as well."""

    subscriber: Subscriber
    delivery: Delivery
    others: tuple[Delivery, ...]
    envelope: Envelope


@dataclass(frozen=True, slots=True)
class Nothing:
    """A claimed subscriber that is sent nothing; `dropped` are not owed any more."""

    subscriber: Subscriber
    dropped: tuple[Delivery, ...]


def pack(ids: Iterable[int], now: datetime) -> list[Packed | Nothing]:
    """One message for each of these subscribers, read in a fixed number of queries."""
    subscribers = Subscriber.objects.filter(pk__in=ids).prefetch_related("components", "groups")
    owed: dict[int, list[Delivery]] = defaultdict(list)
    due = Delivery.objects.filter(subscriber__in=ids, state=DeliveryState.OWED, due_at__lte=now)
    for delivery in due.select_related("notice").order_by("subscriber_id", "pk"):
        owed[delivery.subscriber_id].append(delivery)
    here = house()
    notices = [one.notice_id for one in chain.from_iterable(owed.values()) if one.notice_id]
    stories = read(notices, here.page_id)
    heard = _heard(owed)
    return [_pack_one(one, owed[one.pk], stories, here=here, heard=heard, now=now) for one in subscribers]


def _heard(owed: dict[int, list[Delivery]]) -> set[tuple[int, str]]:
    """Who was sent something of which story before."""
    incidents = [one.notice.incident_id for one in chain.from_iterable(owed.values()) if one.notice]
    rows = Delivery.objects.filter(
        subscriber__in=owed, state=DeliveryState.SENT, notice__incident__in={pk for pk in incidents if pk}
    )
    return {
        (pk, f"incident:{incident}") for pk, incident in rows.values_list("subscriber_id", "notice__incident")
    }


def _pack_one(
    subscriber: Subscriber,
    owed: list[Delivery],
    stories: dict[int, Story],
    *,
    here: House,
    heard: set[tuple[int, str]],
    now: datetime,
) -> Packed | Nothing:
    live = [one for one in owed if _is_wanted(subscriber, one, stories)]
    dropped = tuple(one for one in owed if one not in live)
    if not live:
        return Nothing(subscriber, dropped)
    try:
        address = subscriber.open_address
    except sealed.CannotOpen as error:
        subscriber.quarantine(now, str(error.__doc__))
        return Nothing(subscriber, tuple(owed))
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
        is_first=story is None or (subscriber.pk, story.key) not in heard,
        scope=scope(subscriber),
        context=newest.context,
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

    def address(name: str) -> str:
        return f"{settings.PUBLIC_URL}{reverse(name, args=[subscriber.key])}"

    confirm = ""
    if story is not None and story.kind == NoticeKind.INCIDENT:
        only = story.public_id
    only = only and f"{address('subscription')}?only={only}"
    if subscriber.state == State.UNCONFIRMED and subscriber.channel == Channel.EMAIL:
        confirm = confirming.link(subscriber)
    return Links(address("subscription"), address("unsubscribe"), confirm, only)


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
