"""The doors: one file a kind of channel. Each takes an envelope and says what came of it; none raises."""

from subscribers.channels import Channel
from subscribers.senders import mail, webhook

SENDERS = {
    Channel.EMAIL: mail.send,
    Channel.WEBHOOK: webhook.send,
}
