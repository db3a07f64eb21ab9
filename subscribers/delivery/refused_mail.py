"""Mail that our own server refuses because of us: how long it waits, and whether other mail gets through.

What is known of the refusals stands in the delivery itself, as `context["refused"]`.
"""

from datetime import datetime, timedelta

from django.db import models

from subscribers.delivery import fan_out
from subscribers.models import Delivery, DeliveryState
from subscribers.states import Channel

MAX_WAIT = timedelta(minutes=15)
NOTED = "refused"
MAX_READ = 200
OFTEN = 6  # a quarter of an hour of refusals: then it is no passing trouble


def note(delivery: Delivery, now: datetime) -> int:
    """One more refusal. How many that makes."""
    known = delivery.context.get(NOTED) or {"since": now.isoformat(), "times": 0}
    noted = {**known, "times": known["times"] + 1}
    delivery.context = {**delivery.context, NOTED: noted}
    delivery.save(update_fields=["context"])
    times: int = noted["times"]
    return times


def wait_after(times: int, first: timedelta) -> timedelta:
    """The pause after so many refusals, twice as long each time."""
    return min(first * (1 << min(times - 1, 20)), MAX_WAIT)


def is_alone(delivery: Delivery) -> bool:
    """Whether the server took other mail since it refused this for the first time: then it is not down."""
    noted = delivery.context.get(NOTED)
    if not noted:
        return False
    since = datetime.fromisoformat(noted["since"])
    taken = Delivery.objects.filter(state=DeliveryState.SENT, finished_at__gte=since)
    return taken.filter(subscriber__channel=Channel.EMAIL).exists()


def waiting() -> models.QuerySet[Delivery]:
    """All mail that was refused so and is still owed."""
    owed = Delivery.objects.filter(state=DeliveryState.OWED, subscriber__channel=Channel.EMAIL)
    return owed.filter(context__has_key=NOTED)


def domains_alone() -> list[str]:
    """The domains of readers who are refused again and again while others get their mail."""
    rows = waiting().select_related("subscriber").order_by("pk")[:MAX_READ]
    often = [one for one in rows if one.context[NOTED]["times"] >= OFTEN]
    return sorted({one.subscriber.host for one in often if is_alone(one)})


def wake(now: datetime) -> None:
    """The server takes mail again: what it refused is tried at once."""
    ids = dict(waiting().filter(due_at__gt=now).values_list("pk", "subscriber"))
    Delivery.objects.filter(pk__in=ids).update(due_at=now)
    fan_out.wake(list(set(ids.values())))
