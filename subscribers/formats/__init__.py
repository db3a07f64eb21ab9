"""What we say, as each chat vendor likes to read it: one file a vendor, from an Envelope to a JSON body.

Pure: no database, no network. Everything that staff or probes wrote is escaped,
so that no word of ours can call people or lead them elsewhere.
"""

from collections.abc import Callable
from typing import Any

from subscribers.channels import Channel
from subscribers.delivery.envelope import Envelope
from subscribers.formats import discord, google_chat, mattermost, slack, teams, telegram

Body = dict[str, Any]
FORMATS: dict[Channel, Callable[[Envelope], Body]] = {
    Channel.SLACK: slack.body,
    Channel.DISCORD: discord.body,
    Channel.TEAMS: teams.body,
    Channel.GOOGLE_CHAT: google_chat.body,
    Channel.MATTERMOST: mattermost.body,
    Channel.TELEGRAM: telegram.body,
}
