"""Subscribers named by the operator in APPRISE_URLS."""

from collections.abc import Iterable
from datetime import datetime

from django.db import IntegrityError, transaction

from subscribers import address_identity
from subscribers.models import State, Subscriber
from subscribers.states import Channel

SOURCE = "operator"
_followed: tuple[str, ...] | None = None  # the URLs this process has applied already


def follow(urls: Iterable[str], now: datetime) -> None:
    """Make exactly these the operator's subscribers. Called every second; only changes cost a query."""
    global _followed  # noqa: PLW0603 - settings do not change while a process lives
    wanted = tuple(urls)
    if wanted != _followed:
        keep(wanted, now)
        _followed = wanted


def keep(urls: Iterable[str], now: datetime) -> None:
    """Add missing ones, reactivate unsubscribed ones, unsubscribe the rest. May be called twice."""
    by_fingerprint = {address_identity.fingerprint(Channel.APPRISE, url): url for url in urls}
    subscribers = Subscriber.objects.filter(channel=Channel.APPRISE, source=SOURCE)
    for subscriber in subscribers.exclude(fingerprint__in=by_fingerprint).exclude(state=State.LEFT):
        subscriber.leave(now)
    for subscriber in subscribers.filter(fingerprint__in=by_fingerprint, state=State.LEFT):
        subscriber.confirm(now)
    existing = set(Subscriber.objects.filter(channel=Channel.APPRISE).values_list("fingerprint", flat=True))
    for fingerprint, url in by_fingerprint.items():
        if fingerprint not in existing:
            _add(url, now)


def _add(url: str, now: datetime) -> None:
    subscriber = Subscriber(
        channel=Channel.APPRISE, source=SOURCE, state=State.ACTIVE, created_at=now, confirmed_at=now
    )
    subscriber.point_to(url)
    try:
        with transaction.atomic():
            subscriber.save()
    except IntegrityError:
        pass  # another process was first
