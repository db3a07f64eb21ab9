"""Signing up: an address is accepted and asked to confirm; whether it was known is never shown.

The same statements run whether we know the address or not. What they change of an
active subscriber is undone at once: strangers change nothing for others.
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
    """`secret`: of a webhook, shown now and never again. `letter`: the id of the message sent; or empty."""

    secret: str
    letter: str


def sign_up(
    channel: Channel, address: str, now: datetime, *, choice: Choice, source: str = "page", contact: str = ""
) -> SignedUp:
    """Ask the address whether it wants this.

    The address and `contact`, the mail of a webhook's owner, must be checked.
    Of an active webhook the secret is made up: it keeps its own.
    """
    with transaction.atomic():
        one = _row(channel, address, now, is_all=choice.is_all, source=source)
        is_known = one.state == State.ACTIVE
        may_write = limits.may_write(channel, address)
        here = transaction.savepoint()
        secret = _begin(one, choice, now, contact=contact)
        (transaction.savepoint_rollback if is_known else transaction.savepoint_commit)(here)
        letter = ""
        if may_write:
            purpose = Purpose.KNOWN if is_known else Purpose.CONFIRM
            letter = one.owe(purpose, now, **_context(choice)).message_id
    return SignedUp(secret, letter)


def _row(channel: Channel | str, address: str, now: datetime, **told: Any) -> Subscriber:
    """Who has this address, held until the transaction ends; made by the database if nobody has."""
    fresh = Subscriber(channel=channel, created_at=now, key=new_key(), **told)
    fresh.point_to(address)
    known = Subscriber.objects.at(channel, address)  # it may be kept as an earlier version spelled it
    fresh.fingerprint = known.fingerprint if known else fresh.fingerprint
    Subscriber.objects.bulk_create([fresh], ignore_conflicts=True)
    return Subscriber.objects.select_for_update().get(channel=channel, fingerprint=fresh.fingerprint)


def _begin(one: Subscriber, choice: Choice, now: datetime, *, contact: str) -> str:
    """Write down what was chosen; wait for the yes."""
    if choice.is_follow and one.state in KEPT:
        one.follows.add(*choice.follows)  # beside what was chosen before
    else:
        one.choose(choice)
    if contact:
        one.owner = _row(Channel.EMAIL, contact, now, state=State.CONTACT, source=one.source)
    one.await_yes(now)
    return one.rotate(now) if one.channel == Channel.WEBHOOK else ""


def _context(choice: Choice) -> dict[str, Any]:
    """What the letter needs: the incident somebody asked to follow."""
    if not choice.is_follow:
        return {}
    return {"only": choice.follows[0].public_id, "title": choice.follows[0].title}
