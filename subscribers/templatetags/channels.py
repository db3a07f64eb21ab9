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
    """Those that have an icon, the webhook and chat rooms among them."""
    offered = [one for one in Channel if one.is_chat or one is Channel.WEBHOOK]
    known = [(one, channels.kind(one)) for one in offered]
    return [
        Tile(one.value, kind.short_label or str(one.label), kind.icon) for one, kind in known if kind.icon
    ]
