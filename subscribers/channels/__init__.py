"""The notification channels: one file each, named as in `states.Channel`.

Each file has a `CHANNEL`: how a message is written and sent, what an answer means, which addresses are
accepted, and the help text for finding one. A new channel is a file here and a line in `states.Channel`.
"""

from functools import cache
from importlib import import_module

from subscribers.channels.kind import ChannelKind, Sender
from subscribers.states import Channel


@cache
def kind(channel: Channel | str) -> ChannelKind:
    """The definition of this channel, imported on first use, as some need large libraries."""
    channel_kind: ChannelKind = import_module(f"{__name__}.{Channel(channel).value}").CHANNEL
    return channel_kind


def senders() -> dict[Channel, Sender]:
    """The send function of each channel. None of them raises: failures are returned as a Result."""
    return {channel: kind(channel).send for channel in Channel}
