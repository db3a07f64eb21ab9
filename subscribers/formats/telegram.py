"""Telegram: sendMessage in its HTML (core.telegram.org/bots/api)."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from subscribers.delivery.envelope import Envelope
from subscribers.formats.dialects import TELEGRAM
from subscribers.formats.telling import Message, message

MAX_TEXT = 4_096  # UTF-16 units once the entities are read
MAX_COMPONENT_LINES = 1_000
NUMBERS = frozenset({"message_thread_id", "direct_messages_topic_id"})
SWITCHES = frozenset({"disable_notification", "protect_content"})


def body(envelope: Envelope) -> dict[str, Any]:
    """The method's parameters, those of the address that choose the place and the loudness among them."""
    told = message(envelope)
    return {
        **_asked(envelope.address),
        "text": _text(told),
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
    }


def _asked(url: str) -> dict[str, str | int | bool]:
    """What the address asks for, in the types of sendMessage; all else in it is ours to say."""
    asked: dict[str, str | int | bool] = {}
    for name, value in parse_qsl(urlsplit(url).query):
        if name == "chat_id":
            asked[name] = value
        elif name in NUMBERS and value.isdecimal():
            asked[name] = int(value)
        elif name in SWITCHES:
            asked[name] = value.lower() in ("true", "1")
    return asked


def address(url: str) -> str:
    """The method's address without the parameters: they stand in the body."""
    return urlunsplit(urlsplit(url)._replace(query=""))


def _text(told: Message) -> str:
    head = f"<b>{TELEGRAM.plain(told.head, 200)}</b>\n<b>{TELEGRAM.plain(told.title, 400)}</b>"
    after = []
    if told.components:
        after.append(TELEGRAM.plain_lines(told.component_lines, MAX_COMPONENT_LINES))
    after += [f"<b>{name}</b> {TELEGRAM.plain(value, 200)}" for name, value in told.facts]
    after.append(f"{TELEGRAM.link(told.link_word, told.url)} · {TELEGRAM.link('Manage', told.manage)}")
    frame = "\n\n".join([head, *after])
    room = MAX_TEXT - TELEGRAM.measure(frame) - 2
    words = TELEGRAM.fitted(told.words, room)
    return "\n\n".join(part for part in (head, words, *after) if part)
