"""One message to one subscriber, from pending to sent; kept for 30 days as a log."""

import secrets
from datetime import datetime

from django.db import models
from django.db.models import Q

from incidents.models import Notice
from subscribers.models.subscriber import Subscriber
from subscribers.states import DeliveryState, Purpose


def new_id() -> str:
    """A new message id, for webhook-id and Message-ID; the same in every attempt."""
    return f"msg_{secrets.token_hex(12)}"


class Delivery(models.Model):
    """`told_by`: the later message of the same story that included this one."""

    message_id = models.CharField(max_length=32, default=new_id, unique=True, editable=False)
    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="deliveries")
    notice = models.ForeignKey(Notice, null=True, on_delete=models.CASCADE, related_name="deliveries")
    purpose = models.CharField(max_length=10, choices=Purpose, default=Purpose.NEWS)
    state = models.CharField(max_length=12, choices=DeliveryState, default=DeliveryState.OWED)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    answer = models.PositiveSmallIntegerField(null=True)  # the HTTP or SMTP code of the last attempt
    last_error = models.CharField(max_length=250, blank=True)  # shown to the subscriber
    detail = models.CharField(max_length=250, blank=True, default="", db_default="")  # shown to staff only
    took_ms = models.PositiveIntegerField(null=True)
    told_by = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="told_too")
    is_replay = models.BooleanField(default=False)
    context = models.JSONField(default=dict)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                fields=("notice", "subscriber"), name="one_delivery_a_notice_and_subscriber"
            ),
        )
        indexes = (
            models.Index(fields=("subscriber", "due_at"), condition=Q(state="owed"), name="delivery_owed"),
            models.Index(fields=("finished_at",)),
        )

    def __str__(self) -> str:
        return f"{self.message_id} to {self.subscriber}"

    def replay(self, now: datetime) -> bool:
        """Send it again, under the same id. False while it is pending anyway."""
        finished = Delivery.objects.filter(pk=self.pk).exclude(state=DeliveryState.OWED)
        if not finished.update(
            state=DeliveryState.OWED, due_at=now, is_replay=True, finished_at=None, told_by=None, attempts=0
        ):
            return False
        Subscriber.objects.filter(pk=self.subscriber_id).update(next_at=now)
        return True
