"""The doors: one file a kind of channel. Each takes an envelope and says what came of it; none raises."""

from subscribers.channels import CHATS, Channel
from subscribers.senders import chat, webhook

SENDERS = {
    Channel.WEBHOOK: webhook.send,
    **dict.fromkeys(CHATS, chat.send),
}
