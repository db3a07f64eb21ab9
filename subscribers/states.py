"""Channels, and the states of subscribers and deliveries."""

from django.db import models


class Channel(models.TextChoices):
    """How a subscriber is notified: the column's value, and its label.

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
    APPRISE = "apprise", "Apprise"  # set up by the operator only: it opens its own sockets

    @property
    def is_chat(self) -> bool:
        """Whether it is a chat channel."""
        return self not in (Channel.EMAIL, Channel.WEBHOOK, Channel.WEB_PUSH, Channel.APPRISE)

    @property
    def spacing_s(self) -> int:
        """The least seconds between two messages of a story, so that a burst becomes one message.

        Webhooks get each at once; people get at most one a minute.
        """
        return 0 if self is Channel.WEBHOOK else 60


CHATS = tuple(channel for channel in Channel if channel.is_chat)


def channel_choices() -> list[tuple[str, str]]:
    """The choices of the column; a function, so that a new channel needs no migration."""
    return Channel.choices


class State(models.TextChoices):
    """The state of a subscriber."""

    UNCONFIRMED = "unconfirmed", "Not confirmed"
    ACTIVE = "active", "Active"
    QUARANTINED = "quarantined", "Stopped after failures"
    LEFT = "left", "Unsubscribed"
    CONTACT = "contact", "Contact only"  # notified of problems with a webhook, never of incidents


class Purpose(models.TextChoices):
    """Why a message is sent: news, or about the subscription itself."""

    NEWS = "news", "News"
    CONFIRM = "confirm", "Confirmation"
    KNOWN = "known", "Already subscribed"
    WELCOME = "welcome", "Welcome"
    TEST = "test", "Test"
    STOPPED = "stopped", "Stopped after failures"


class DeliveryState(models.TextChoices):
    """The state of a delivery. All but the first are final."""

    OWED = "owed", "Pending"
    SENT = "sent", "Sent"
    SUPERSEDED = "superseded", "Included in a later message"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Not sent"
