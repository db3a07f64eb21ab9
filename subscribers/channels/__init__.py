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
    """What is known of this channel. Imported when it is first asked for: some bring large libraries."""
    found: ChannelKind = import_module(f"{__name__}.{Channel(channel).value}").CHANNEL
    return found


def senders() -> dict[Channel, Sender]:
    """How each channel sends. None raises: each says what came of it."""
    return {channel: kind(channel).send for channel in Channel}
