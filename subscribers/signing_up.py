"""Signing up: an address is accepted and asked to confirm; whether it is subscribed is never shown.

The same statements run whether we know the address or not. What they change of an
active subscriber is rolled back: strangers must not change another's subscription.
"""

from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction

from subscribers import limits
from subscribers.choice import Choice
from subscribers.models.subscriber import Subscriber, new_key
from subscribers.states import Channel, Purpose, State

KEPT = (State.UNCONFIRMED, State.ACTIVE)


class SignedUp(NamedTuple):
    """`secret`: of a webhook, shown only now. `letter`: the id of the message sent, or empty."""

    secret: str
    letter: str


def sign_up(
    channel: Channel, address: str, now: datetime, *, choice: Choice, source: str = "page", contact: str = ""
) -> SignedUp:
    """Send the address a confirmation, or a note if it is already subscribed.

    The address and `contact`, the email address of a webhook's owner, must be checked.
    For an active webhook the returned secret is not used: it keeps its own.
    """
    with transaction.atomic():
        subscriber = _row(channel, address, now, is_all=choice.is_all, source=source)
        is_known = subscriber.state == State.ACTIVE
        may_write = limits.may_write(channel, address)
        savepoint = transaction.savepoint()
        secret = _begin(subscriber, choice, now, contact=contact)
        (transaction.savepoint_rollback if is_known else transaction.savepoint_commit)(savepoint)
        letter = ""
        if may_write:
            purpose = Purpose.KNOWN if is_known else Purpose.CONFIRM
            letter = subscriber.owe(purpose, now, **_context(choice)).message_id
    return SignedUp(secret, letter)


def _row(channel: Channel | str, address: str, now: datetime, **fields: Any) -> Subscriber:
    """The subscriber with this address, locked until the transaction ends; created if there is none."""
    fresh = Subscriber(channel=channel, created_at=now, key=new_key(), **fields)
    fresh.point_to(address)
    existing = Subscriber.objects.at(
        channel, address
    )  # it may be stored under an earlier version's fingerprint
    fresh.fingerprint = existing.fingerprint if existing else fresh.fingerprint
    Subscriber.objects.bulk_create([fresh], ignore_conflicts=True)
    return Subscriber.objects.select_for_update().get(channel=channel, fingerprint=fresh.fingerprint)


def _begin(subscriber: Subscriber, choice: Choice, now: datetime, *, contact: str) -> str:
    """Store the choice and set it to unconfirmed. Returns a webhook's new secret, else empty."""
    if choice.is_follow and subscriber.state in KEPT:
        subscriber.follows.add(*choice.follows)  # in addition to earlier choices
    else:
        subscriber.choose(choice, now)
    if contact:
        subscriber.owner = _row(Channel.EMAIL, contact, now, state=State.CONTACT, source=subscriber.source)
    subscriber.await_yes(now)
    return subscriber.rotate(now) if subscriber.channel == Channel.WEBHOOK else ""


def _context(choice: Choice) -> dict[str, Any]:
    """The message's context: the incident to follow, if that is the choice."""
    if not choice.is_follow:
        return {}
    return {"only": choice.follows[0].public_id, "title": choice.follows[0].title}
