"""What is not sent after the database was restored from a backup: what may have been sent before.

A backup does not know what was sent after it was made. So nothing is sent that was due when it was restored
(staff can send a message again from its subscriber's log). Updates that stories of the backup get later are
judged by `known_stories`. What is due later than the restore, and what begins after it, is sent as ever.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import Max

from components.models import StatusSpan
from incidents.models import Notice
from subscribers.delivery import fan_out
from subscribers.models import Delivery, DeliveryState, Sorter, Subscriber
from subscribers.models.alert import AlertDelivery, AlertDeliveryState

HELD = "The database was restored from a backup: this may have been sent after the backup was made."


@transaction.atomic
def hold_back(now: datetime) -> int:
    """Mark what is due at the restore as not sent. Returns how many messages and notices that were."""
    held = _hold_deliveries(now)
    held += _hold_notices(now)
    alerts = AlertDelivery.objects.filter(state=AlertDeliveryState.OWED, due_at__lte=now)
    held += alerts.update(state=AlertDeliveryState.CANCELLED, finished_at=now, last_error=HELD)
    Subscriber.objects.exclude(lease_until=None).update(lease_until=None, lease_token="")
    newest = StatusSpan.objects.aggregate(newest=Max("pk"))["newest"] or 0
    Sorter.objects.update_or_create(pk=1, defaults={"restored_at": now, "spans_upto": newest})
    return held


def _hold_deliveries(now: datetime) -> int:
    due = Delivery.objects.filter(state=DeliveryState.OWED, due_at__lte=now)
    ids = list(due.values_list("subscriber_id", flat=True).distinct())
    held = due.update(state=DeliveryState.CANCELLED, finished_at=now, detail=HELD)
    for start in range(0, len(ids), fan_out.CHUNK):
        fan_out.wake(ids[start : start + fan_out.CHUNK], even_failing=True)
    return held


def _hold_notices(now: datetime) -> int:
    return Notice.objects.filter(sorted_at=None, due_at__lte=now).update(sorted_at=now)
