"""The doors: one file a kind of channel. Each takes an envelope and says what came of it; none raises."""

from subscribers.channels import CHATS, Channel
from subscribers.senders import apprise_sender, chat, mail, push, webhook

SENDERS = {
    Channel.EMAIL: mail.send,
    Channel.WEBHOOK: webhook.send,
    Channel.WEB_PUSH: push.send,
    Channel.APPRISE: apprise_sender.send,
    **dict.fromkeys(CHATS, chat.send),
}
