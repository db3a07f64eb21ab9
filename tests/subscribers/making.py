"""Subscribers for tests."""

from django.utils import timezone

from subscribers.models import State, Subscriber
from subscribers.states import Channel


def webhook(url, **more):
    """An active subscriber by webhook, with its first secret."""
    one = somebody(Channel.WEBHOOK, url, **{"wants_component": True, **more})
    one.rotate(timezone.now())
    return one


def mail(address="reader@example.org", **more):
    """An active subscriber by mail."""
    return somebody(Channel.EMAIL, address, **more)


def somebody(channel, address, *, components=(), groups=(), **more):
    one = Subscriber(channel=channel, **{"state": State.ACTIVE, "created_at": timezone.now(), **more})
    one.point_to(address)
    if one.state == State.ACTIVE and one.confirmed_at is None:
        one.confirmed_at = one.created_at
    if components or groups:
        one.is_all = False
    one.save()
    one.components.set(components)
    one.groups.set(groups)
    return one
