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
    """A link that confirms nothing any more. The docstring of each kind is what its reader is told."""

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


def link(one: Subscriber) -> str:
    """The address that stands in a confirmation mail."""
    signed = _signer().sign(f"{one.public_id}.{_moment(one)}")
    return f"{settings.PUBLIC_URL}{reverse('subscription_confirm', args=[signed])}"


def read(signed: str) -> Subscriber:
    """Whom this link confirms.

    Raises ForgedLinkError, AlreadyConfirmedError, or the kind of ExpiredLinkError that is so now.
    """
    try:
        public_id, moment = _signer().unsign(signed).split(".")
    except (BadSignature, ValueError) as error:
        raise ForgedLinkError from error
    one = Subscriber.objects.filter(public_id=public_id).first()
    if one is None:
        raise Deleted
    if one.state == State.ACTIVE:  # whatever the age of its link
        raise AlreadyConfirmedError(one)
    if one.state != State.UNCONFIRMED:
        raise {State.LEFT: Left, State.QUARANTINED: Stopped}.get(State(one.state), Deleted)
    if _moment(one) != moment:
        raise Newer
    if _is_old(signed):
        raise TooOld
    return one


def _is_old(signed: str) -> bool:
    try:
        _signer().unsign(signed, max_age=LIFE)
    except SignatureExpired:
        return True
    return False


def _moment(one: Subscriber) -> str:
    """Changes with every yes and every goodbye."""
    told = f"{one.state} {one.confirmed_at} {one.left_at} {one.quarantined_at}"
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _signer() -> TimestampSigner:
    return TimestampSigner(salt="subscribers.confirm", sep=":")
