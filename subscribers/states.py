"""Where a subscriber and a delivery stand, and why a message is sent: the words their columns hold."""

from django.db import models


class State(models.TextChoices):
    """Whether somebody is told."""

    UNCONFIRMED = "unconfirmed", "Not confirmed"
    ACTIVE = "active", "Active"
    QUARANTINED = "quarantined", "Stopped after failures"
    LEFT = "left", "Left"
    CONTACT = "contact", "Contact only"  # told of trouble with a webhook, never of incidents


class Purpose(models.TextChoices):
    """Why it is sent."""

    NEWS = "news", "News"
    CONFIRM = "confirm", "Confirmation"
    KNOWN = "known", "Already subscribed"
    WELCOME = "welcome", "Welcome"
    TEST = "test", "Test"
    STOPPED = "stopped", "Stopped after failures"


class DeliveryState(models.TextChoices):
    """Where it is. All but the first are final."""

    OWED = "owed", "Owed"
    SENT = "sent", "Sent"
    SUPERSEDED = "superseded", "Told with a later one"
    FAILED = "failed", "Given up"
    CANCELLED = "cancelled", "Not sent"
