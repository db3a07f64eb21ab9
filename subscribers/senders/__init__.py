"""The doors: one file a kind of channel. Each takes an envelope and says what came of it; none raises."""

from subscribers.channels import CHATS, Channel
from subscribers.senders import apprise_sender, chat, push, webhook

SENDERS = {
    Channel.WEBHOOK: webhook.send,
    Channel.WEB_PUSH: push.send,
    Channel.APPRISE: apprise_sender.send,
    **dict.fromkeys(CHATS, chat.send),
}
