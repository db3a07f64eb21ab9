"""Confirmation links: signed, for one purpose, valid for a week, used once."""

import hashlib
from datetime import timedelta

from django.conf import settings
from django.core.signing import BadSignature, SignatureExpired, TimestampSigner
from django.urls import reverse

from subscribers.models import State, Subscriber

LIFE = timedelta(days=7)


class ForgedLinkError(Exception):
    """This link is not one of ours, or was cut short on its way. Copy all of it from the mail."""


class ExpiredLinkError(Exception):
    """A link that confirms nothing any more. The docstring of each kind is shown to its reader."""

    heading = "This link has expired"


class TooOld(ExpiredLinkError):
    """This link is older than seven days. Subscribe again to get a fresh one."""


class Deleted(ExpiredLinkError):
    """The address was deleted here, or not confirmed within a week. Subscribe again to get updates."""

    heading = "You're not subscribed"


class Left(ExpiredLinkError):
    """No updates are sent to this address. Subscribe again to get them: this link can't bring them back."""

    heading = "You've unsubscribed"


class Stopped(ExpiredLinkError):
    """Our messages were refused, so we send no more. Subscribe again and we'll ask the address anew."""

    heading = "We stopped sending updates to this address"


class Newer(ExpiredLinkError):
    """We have asked again since. Use the link in our newest mail, or subscribe again to get another."""

    heading = "There is a newer link"


class AlreadyConfirmedError(Exception):
    """You're already subscribed. There is nothing more to do."""

    def __init__(self, subscriber: Subscriber) -> None:
        super().__init__(subscriber)
        self.subscriber = subscriber


def link(subscriber: Subscriber) -> str:
    """The URL in a confirmation mail."""
    signed = _signer().sign(f"{subscriber.public_id}.{_moment(subscriber)}")
    return f"{settings.PUBLIC_URL}{reverse('subscription_confirm', args=[signed])}"


def read(signed: str) -> Subscriber:
    """The subscriber whom this link confirms.

    Raises ForgedLinkError, AlreadyConfirmedError, or the kind of ExpiredLinkError that applies.
    """
    try:
        public_id, moment = _signer().unsign(signed).split(".")
    except (BadSignature, ValueError) as error:
        raise ForgedLinkError from error
    subscriber = Subscriber.objects.filter(public_id=public_id).first()
    if subscriber is None:
        raise Deleted
    if subscriber.state == State.ACTIVE:  # whatever the age of its link
        raise AlreadyConfirmedError(subscriber)
    if subscriber.state != State.UNCONFIRMED:
        raise {State.LEFT: Left, State.QUARANTINED: Stopped}.get(State(subscriber.state), Deleted)
    if _moment(subscriber) != moment:
        raise Newer
    if _is_old(signed):
        raise TooOld
    return subscriber


def _is_old(signed: str) -> bool:
    try:
        _signer().unsign(signed, max_age=LIFE)
    except SignatureExpired:
        return True
    return False


def _moment(subscriber: Subscriber) -> str:
    """A mark of its state, which changes with each confirmation, unsubscription and stop."""
    stamp = f"{subscriber.state} {subscriber.confirmed_at} {subscriber.left_at} {subscriber.quarantined_at}"
    return hashlib.sha256(stamp.encode()).hexdigest()[:16]


def _signer() -> TimestampSigner:
    return TimestampSigner(salt="subscribers.confirm", sep=":")
