"""Channels, and the states of subscribers and deliveries."""

from django.db import models


class Channel(models.TextChoices):
    """How somebody is notified: what the column holds, and the word a reader sees.

    Each has a file of its name in `subscribers.channels`.
    """

    EMAIL = "email", "Email"
    WEBHOOK = "webhook", "Webhook"
    SLACK = "slack", "Slack"
    DISCORD = "discord", "Discord"
    TEAMS = "teams", "Microsoft Teams"
    GOOGLE_CHAT = "google_chat", "Google Chat"
    MATTERMOST = "mattermost", "Mattermost"
    TELEGRAM = "telegram", "Telegram"
    WEB_PUSH = "web_push", "Browser"
    APPRISE = "apprise", "Apprise"  # set up by the operator alone: it opens sockets of its own

    @property
    def is_chat(self) -> bool:
        """True for rooms that people read."""
        return self not in (Channel.EMAIL, Channel.WEBHOOK, Channel.WEB_PUSH, Channel.APPRISE)

    @property
    def spacing_s(self) -> int:
        """How long after one message of a story the next waits, so that a burst becomes one message.

        A program wants each at once; a person wants one mail a minute at most.
        """
        return 0 if self is Channel.WEBHOOK else 60


CHATS = tuple(channel for channel in Channel if channel.is_chat)


def channel_choices() -> list[tuple[str, str]]:
    """For the column: a new channel needs no migration."""
    return Channel.choices


class State(models.TextChoices):
    """Whether somebody is told."""

    UNCONFIRMED = "unconfirmed", "Not confirmed"
    ACTIVE = "active", "Active"
    QUARANTINED = "quarantined", "Stopped after failures"
    LEFT = "left", "Unsubscribed"
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

    OWED = "owed", "Pending"
    SENT = "sent", "Sent"
    SUPERSEDED = "superseded", "Included in a later message"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Not sent"
