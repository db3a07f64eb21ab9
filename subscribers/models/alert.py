"""Alerts to staff: their channels, the alerts, and their deliveries."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from components import encryption
from components.models.lines import LineField
from subscribers.models.delivery import new_id
from subscribers.states import Channel

RESPONDER, ADMIN = 2, 4  # as numbered in statuspage.models.member
ALERT_CHANNELS = (Channel.EMAIL, Channel.WEB_PUSH, Channel.APPRISE)
LEASE = timedelta(seconds=40)


class Step(models.TextChoices):
    """Which message of an alert it is; reminders are "reminder 1" and so on."""

    OPENED = "opened", "Opened"
    CLOSED = "closed", "Closed"


class AlertDeliveryState(models.TextChoices):
    """The state of a message. All but the first are final."""

    OWED = "owed", "Pending"
    SENT = "sent", "Sent"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Not sent"


class AlertChannelManager(models.Manager["AlertChannel"]):
    def may_be_told(self) -> models.QuerySet["AlertChannel"]:
        """Channels of active people with the role of responder or higher."""
        role = Q(user__is_superuser=True) | Q(user__member__role__gte=RESPONDER)
        return self.filter(role, user__is_active=True)

    def for_group(self, group: str) -> models.QuerySet["AlertChannel"]:
        """Those that want alerts of this group: "incidents" or "system"."""
        return self.may_be_told().filter(**{f"wants_{group}": True})


class AlertChannel(models.Model):
    """One way to reach one person. The address may be a secret in itself, so it is encrypted."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="alert_channels"
    )
    channel = models.CharField(max_length=12, choices=[(c.value, c.label) for c in ALERT_CHANNELS])
    sealed_address = models.TextField()
    fingerprint = models.CharField(max_length=64)
    shown = models.CharField(max_length=200)
    wants_incidents = models.BooleanField(default=True)
    wants_system = models.BooleanField(default=True)
    least_impact = models.PositiveSmallIntegerField(default=0, db_default=0)  # rank in Impact, of incidents
    created_at = models.DateTimeField()
    last_sent_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=250, blank=True)

    objects = AlertChannelManager()

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(fields=("user", "fingerprint"), name="alert_channel_once_per_person"),
        )

    def __str__(self) -> str:
        return f"{Channel(self.channel).label} {self.shown}"

    def point_to(self, address: str, shown: str) -> None:
        """Set the address, encrypted. The caller saves."""
        self.sealed_address, self.shown = encryption.seal(address), shown[:200]
        self.fingerprint = encryption.fingerprint(f"{self.channel} {address}")

    @property
    def address(self) -> str:
        """Where messages go. Raises DecryptionError."""
        return encryption.unseal(self.sealed_address)


class Alert(models.Model):
    """A finding for staff. One open row per kind and subject, closed when it is over."""

    kind = models.CharField(max_length=30)
    subject = models.CharField(max_length=120)
    title = LineField(max_length=300)
    url = models.CharField(max_length=300)
    back = models.CharField(max_length=300, blank=True)  # the message once it is over
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    reminders = models.PositiveIntegerField(default=0)
    # its worst impact, as rank in Impact; None: sent whatever minimum a channel has
    rank = models.PositiveSmallIntegerField(null=True)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                fields=("kind", "subject"), condition=Q(closed_at=None), name="alert_open_once"
            ),
        )

    def __str__(self) -> str:
        return self.title


class AlertDelivery(models.Model):
    """One message to one channel, owed until it is sent; leased while it is on its way."""

    message_id = models.CharField(max_length=32, default=new_id, unique=True, editable=False)
    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="deliveries")
    channel = models.ForeignKey(AlertChannel, on_delete=models.CASCADE, related_name="deliveries")
    step = models.CharField(max_length=20)
    message: Any = models.JSONField()
    state = models.CharField(max_length=10, choices=AlertDeliveryState, default=AlertDeliveryState.OWED)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    last_error = models.CharField(max_length=250, blank=True)
    lease_token = models.CharField(max_length=40, blank=True)
    lease_until = models.DateTimeField(null=True)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(fields=("alert", "channel", "step"), name="alert_told_once_per_step"),
        )
        indexes = (models.Index(fields=("due_at",), condition=Q(state="owed"), name="alert_deliveries_due"),)

    def __str__(self) -> str:
        return f"{self.message_id} {self.state}"
