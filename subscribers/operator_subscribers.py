"""Subscribers named by the operator in APPRISE_URLS."""

from collections.abc import Iterable
from datetime import datetime

from django.db import IntegrityError, transaction

from subscribers import address_identity
from subscribers.models import State, Subscriber
from subscribers.states import Channel

SOURCE = "operator"
_followed: tuple[str, ...] | None = None  # what this process has seen to already


def follow(urls: Iterable[str], now: datetime) -> None:
    """See to it that exactly these are told. Asked every second, so only the first time costs anything."""
    global _followed  # noqa: PLW0603 - settings do not change while a process lives
    wanted = tuple(urls)
    if wanted != _followed:
        keep(wanted, now)
        _followed = wanted


def keep(urls: Iterable[str], now: datetime) -> None:
    """Add those that are missing, bring back those that left, let the rest leave. Twice is once."""
    by_fingerprint = {address_identity.fingerprint(Channel.APPRISE, url): url for url in urls}
    mine = Subscriber.objects.filter(channel=Channel.APPRISE, source=SOURCE)
    for one in mine.exclude(fingerprint__in=by_fingerprint).exclude(state=State.LEFT):
        one.leave(now)
    for one in mine.filter(fingerprint__in=by_fingerprint, state=State.LEFT):
        one.confirm(now)
    known = set(Subscriber.objects.filter(channel=Channel.APPRISE).values_list("fingerprint", flat=True))
    for fingerprint, url in by_fingerprint.items():
        if fingerprint not in known:
            _add(url, now)


def _add(url: str, now: datetime) -> None:
    one = Subscriber(
        channel=Channel.APPRISE, source=SOURCE, state=State.ACTIVE, created_at=now, confirmed_at=now
    )
    one.point_to(url)
    try:
        with transaction.atomic():
            one.save()
    except IntegrityError:
        pass  # another process was first
