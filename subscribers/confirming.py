"""The link that says yes: signed, for one purpose, a week long, and worth nothing once it was used."""

import hashlib
from datetime import timedelta

from django.conf import settings
from django.core.signing import BadSignature, SignatureExpired, TimestampSigner
from django.urls import reverse

from subscribers.models import State, Subscriber

LIFE = timedelta(days=7)


class Forged(Exception):
    """This link is not one of ours, or was cut short on its way. Copy all of it from the mail."""


class TooOld(Exception):
    """This link is older than seven days. Subscribe again to get a fresh one."""


class Used(Exception):
    """This link was used before, and the subscription has ended since. Subscribe again to get a fresh one."""


class Confirmed(Exception):
    """You're already subscribed. There is nothing more to do."""

    def __init__(self, subscriber: Subscriber) -> None:
        super().__init__(subscriber)
        self.subscriber = subscriber


def link(one: Subscriber) -> str:
    """The address that stands in a confirmation mail."""
    signed = _signer().sign(f"{one.public_id}.{_moment(one)}")
    return f"{settings.PUBLIC_URL}{reverse('subscription_confirm', args=[signed])}"


def read(signed: str) -> Subscriber:
    """Whom this link confirms. Raises Forged, TooOld, Used or Confirmed."""
    try:
        public_id, moment = _signer().unsign(signed, max_age=LIFE).split(".")
    except SignatureExpired as error:
        raise TooOld from error
    except (BadSignature, ValueError) as error:
        raise Forged from error
    one = Subscriber.objects.filter(public_id=public_id).first()
    if one is None:
        raise TooOld
    if one.state == State.ACTIVE:
        raise Confirmed(one)
    if one.state != State.UNCONFIRMED or _moment(one) != moment:
        raise Used
    return one


def _moment(one: Subscriber) -> str:
    """Changes with every yes and every goodbye."""
    told = f"{one.state} {one.confirmed_at} {one.left_at} {one.quarantined_at}"
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _signer() -> TimestampSigner:
    return TimestampSigner(salt="subscribers.confirm", sep=":")
