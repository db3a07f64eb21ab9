"""Telegram: sendMessage in its HTML (core.telegram.org/bots/api)."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from subscribers.envelope import Envelope
from subscribers.formats.dialects import TELEGRAM
from subscribers.formats.telling import Message, message

MOST_TEXT = 4_096  # UTF-16 units once the entities are read
MOST_COMPONENT_LINES = 1_000


def body(envelope: Envelope) -> dict[str, Any]:
    """The method's parameters, those of the address (chat_id, message_thread_id) among them."""
    told = message(envelope)
    asked = {
        name: int(value) if name == "message_thread_id" and value.isdigit() else value
        for name, value in parse_qsl(urlsplit(envelope.address).query)
    }
    return {
        **asked,
        "text": _text(told),
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
    }


def address(url: str) -> str:
    """The method's address without the parameters: they stand in the body."""
    return urlunsplit(urlsplit(url)._replace(query=""))


def _text(told: Message) -> str:
    head = f"<b>{TELEGRAM.plain(told.head, 200)}</b>\n<b>{TELEGRAM.plain(told.title, 400)}</b>"
    after = []
    if told.components:
        after.append(TELEGRAM.plain_lines(told.component_lines, MOST_COMPONENT_LINES))
    after += [f"<b>{name}</b> {TELEGRAM.plain(value, 200)}" for name, value in told.facts]
    after.append(f"{TELEGRAM.link(told.link_word, told.url)} · {TELEGRAM.link('Manage', told.manage)}")
    frame = "\n\n".join([head, *after])
    room = MOST_TEXT - TELEGRAM.measure(frame) - 2
    words = TELEGRAM.fitted(told.words, room)
    return "\n\n".join(part for part in (head, words, *after) if part)
