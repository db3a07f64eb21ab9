"""Google Chat: a card in the thread of its story (developers.google.com/workspace/chat)."""

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from subscribers.delivery.envelope import Envelope
from subscribers.formats.dialects import GOOGLE_CHAT
from subscribers.formats.runs import tame
from subscribers.formats.telling import Message, message

MAX_BYTES = 32_000
MAX_WORDS = 12_000  # bytes; JSON may double it
REPLY = "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD"


def body(envelope: Envelope) -> dict[str, Any]:
    """The message. Its title is plain text; the rest is the little HTML that cards know."""
    told = message(envelope)
    card = {
        "header": {"title": tame(told.head), "subtitle": tame(told.page_name)},
        "sections": [{"widgets": _widgets(told)}],
    }
    return {
        "fallbackText": tame(told.plain(1_000)),
        "cardsV2": [{"cardId": envelope.id, "card": card}],
        "thread": {"threadKey": told.key},
    }


def address(url: str) -> str:
    """The address, asking for one thread a story."""
    parts = urlsplit(url)
    query = [(name, value) for name, value in parse_qsl(parts.query) if name != "messageReplyOption"]
    return urlunsplit(parts._replace(query=urlencode([*query, ("messageReplyOption", REPLY)])))


def _widgets(told: Message) -> list[dict[str, Any]]:
    widgets = [_paragraph(f"<b>{GOOGLE_CHAT.plain(told.title, 1_200)}</b>")]
    if told.words:
        widgets.append(_paragraph(GOOGLE_CHAT.fitted(told.words, MAX_WORDS).replace("\n", "<br>")))
    if told.components:
        lines = GOOGLE_CHAT.plain_lines(told.component_lines, 6_000)
        widgets.append(_paragraph(lines.replace("\n", "<br>")))
    for name, value in told.facts:
        widgets.append({"decoratedText": {"topLabel": name, "text": GOOGLE_CHAT.plain(value, 400)}})
    buttons = [_button(told.link_word, told.url), _button("Manage", told.manage)]
    return [*widgets, {"buttonList": {"buttons": buttons}}]


def _paragraph(html: str) -> dict[str, Any]:
    return {"textParagraph": {"text": html}}


def _button(word: str, url: str) -> dict[str, Any]:
    return {"text": word, "onClick": {"openLink": {"url": url}}}
