"""What each channel defines about itself."""

import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult

from components.egress import Egress
from subscribers.delivery.envelope import Envelope, Result

Sender = Callable[[Envelope, Egress], Coroutine[Any, Any, Result]]
Body = dict[str, Any]


def nothing_wrong(_: SplitResult) -> str:
    """The `refusal` of channels without further rules for an address."""
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelKind:
    """A way to notify a subscriber.

    `example`: how an address looks; empty where none is typed. `how`: paragraphs under `how_title`, and
    a link. `host` and `path`: patterns that the whole of an address must match; None takes any. `refusal`:
    a sentence for an address that still cannot be right, or nothing. `icon`: the path of an SVG of 16 by 16.
    `short_label`: the word beside it, where the usual one is long.
    """

    send: Sender
    example: str = ""
    address_label: str = ""
    how_title: str = "Where to find the address"
    how: tuple[str, ...] = ()
    how_link: tuple[str, str] | None = None
    host: re.Pattern[str] | None = None
    path: re.Pattern[str] | None = None
    refusal: Callable[[SplitResult], str] = nothing_wrong
    body: Callable[[Envelope], Body] | None = None  # of chat vendors: the JSON to post
    icon: str = ""
    short_label: str = ""
