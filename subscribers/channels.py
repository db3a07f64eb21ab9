"""The ways to be told, and what each can do."""

from enum import StrEnum


class Channel(StrEnum):
    """How somebody is told."""

    EMAIL = "email"
    WEBHOOK = "webhook"
    SLACK = "slack"
    DISCORD = "discord"
    TEAMS = "teams"
    GOOGLE_CHAT = "google_chat"
    MATTERMOST = "mattermost"
    TELEGRAM = "telegram"
    WEB_PUSH = "web_push"
    APPRISE = "apprise"  # set up by the operator alone: it opens sockets of its own

    @property
    def label(self) -> str:
        """The word a reader sees."""
        return LABELS[self]

    @property
    def is_chat(self) -> bool:
        """True for rooms that people read."""
        return self in CHATS

    @property
    def spacing_s(self) -> int:
        """How long after one message of a story the next waits, so that a burst becomes one message.

        A program wants each at once; a person wants one mail a minute at most.
        """
        return 0 if self is Channel.WEBHOOK else 60


LABELS = {
    Channel.EMAIL: "Email",
    Channel.WEBHOOK: "Webhook",
    Channel.SLACK: "Slack",
    Channel.DISCORD: "Discord",
    Channel.TEAMS: "Microsoft Teams",
    Channel.GOOGLE_CHAT: "Google Chat",
    Channel.MATTERMOST: "Mattermost",
    Channel.TELEGRAM: "Telegram",
    Channel.WEB_PUSH: "Browser",
    Channel.APPRISE: "Apprise",
}
CHATS = frozenset(
    {
        Channel.SLACK,
        Channel.DISCORD,
        Channel.TEAMS,
        Channel.GOOGLE_CHAT,
        Channel.MATTERMOST,
        Channel.TELEGRAM,
    }
)
