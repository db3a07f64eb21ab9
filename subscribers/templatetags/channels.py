"""The channels offered on the sign-up page, with their icons."""

from typing import NamedTuple

from django import template

from subscribers import channels
from subscribers.states import Channel

register = template.Library()


class Tile(NamedTuple):
    value: str
    label: str
    icon: str


@register.simple_tag
def channel_tiles() -> list[Tile]:
    """The webhook and chat channels that have an icon."""
    offered = [channel for channel in Channel if channel.is_chat or channel is Channel.WEBHOOK]
    kinds = [(channel, channels.kind(channel)) for channel in offered]
    return [
        Tile(channel.value, kind.short_label or str(channel.label), kind.icon)
        for channel, kind in kinds
        if kind.icon
    ]
