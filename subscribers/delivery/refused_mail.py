"""Mail that our own server refuses because of us: when it is retried, and whether other mail gets through.

The refusals are noted in the delivery itself: `context["refused"]`, with `since` and `times`.
"""

from datetime import datetime, timedelta

from django.db import models

from subscribers.delivery import fan_out
from subscribers.models import Delivery, DeliveryState
from subscribers.states import Channel

MAX_WAIT = timedelta(minutes=15)
NOTED = "refused"
MAX_READ = 200
OFTEN = 6  # a quarter of an hour of refusals: then it is not temporary


def note(delivery: Delivery, now: datetime) -> int:
    """Note one more refusal. Returns how many there were."""
    earlier = delivery.context.get(NOTED) or {"since": now.isoformat(), "times": 0}
    noted = {**earlier, "times": earlier["times"] + 1}
    delivery.context = {**delivery.context, NOTED: noted}
    delivery.save(update_fields=["context"])
    times: int = noted["times"]
    return times


def wait_after(times: int, first: timedelta) -> timedelta:
    """The pause after this many refusals (1 and up): doubled each time, at most MAX_WAIT."""
    return min(first * (1 << min(times - 1, 20)), MAX_WAIT)


def is_alone(delivery: Delivery) -> bool:
    """Whether the server accepted other mail since it first refused this: then it is not down."""
    noted = delivery.context.get(NOTED)
    if not noted:
        return False
    since = datetime.fromisoformat(noted["since"])
    taken = Delivery.objects.filter(state=DeliveryState.SENT, finished_at__gte=since)
    return taken.filter(subscriber__channel=Channel.EMAIL).exists()


def waiting() -> models.QuerySet[Delivery]:
    """Pending mail that was refused because of us."""
    owed = Delivery.objects.filter(state=DeliveryState.OWED, subscriber__channel=Channel.EMAIL)
    return owed.filter(context__has_key=NOTED)


def domains_alone() -> list[str]:
    """Domains of recipients that are refused again and again while others get their mail."""
    rows = waiting().select_related("subscriber").order_by("pk")[:MAX_READ]
    often = [delivery for delivery in rows if delivery.context[NOTED]["times"] >= OFTEN]
    return sorted({delivery.subscriber.host for delivery in often if is_alone(delivery)})


def wake(now: datetime) -> None:
    """Retry all refused mail at once: the server accepts mail again."""
    ids = dict(waiting().filter(due_at__gt=now).values_list("pk", "subscriber"))
    Delivery.objects.filter(pk__in=ids).update(due_at=now)
    fan_out.wake(list(set(ids.values())))
