"""Telegram: sendMessage in its HTML (core.telegram.org/bots/api)."""

import re
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlsplit, urlunsplit

from subscribers.channels import chat
from subscribers.channels.chat_message import Message, compose
from subscribers.channels.dialect import Dialect, escape_html, exactly, html_link
from subscribers.channels.http_post import Answer, judged
from subscribers.channels.text_runs import units
from subscribers.delivery.envelope import Envelope, Result

EXAMPLE = "https://api.telegram.org/bot<token>/sendMessage?chat_id=…"
MAX_TEXT = 4_096  # UTF-16 units once the entities are read
MAX_COMPONENT_LINES = 1_000
NUMBERS = frozenset({"message_thread_id", "direct_messages_topic_id"})
SWITCHES = frozenset({"disable_notification", "protect_content"})


def visible_units(html: str) -> int:
    """The length (UTF-16 units) without tags and with entities decoded, as Telegram counts."""
    bare = re.sub(r"<[^>]*>", "", html)
    return units(re.sub(r"&(amp|lt|gt|quot);", "x", bare))


TELEGRAM = Dialect(
    escape_html,
    strong=("<b>", "</b>"),
    em=("<i>", "</i>"),
    strike=("<s>", "</s>"),
    code=lambda text: f"<code>{exactly(text)}</code>",
    link=html_link,
    literal=exactly,
    measure=visible_units,
    strikes_code=False,  # core.telegram.org/bots/api, "HTML style": code is part of no other entity
)


def body(envelope: Envelope) -> dict[str, Any]:
    """The parameters of sendMessage, including those in the address, such as chat_id."""
    message = compose(envelope)
    return {
        **_asked(envelope.address),
        "text": _text(message),
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
    }


def _asked(url: str) -> dict[str, str | int | bool]:
    """The parameters taken from the address, in the types of sendMessage; others are ignored."""
    asked: dict[str, str | int | bool] = {}
    for name, value in parse_qsl(urlsplit(url).query):
        if name == "chat_id":
            asked[name] = value
        elif name in NUMBERS and value.isdecimal():
            asked[name] = int(value)
        elif name in SWITCHES:
            asked[name] = value.lower() in ("true", "1")
    return asked


def target(url: str) -> str:
    """The URL without parameters, as they are sent in the body."""
    return urlunsplit(urlsplit(url)._replace(query=""))


def _text(message: Message) -> str:
    head = f"<b>{TELEGRAM.plain(message.head, 200)}</b>\n<b>{TELEGRAM.plain(message.title, 400)}</b>"
    after = []
    if message.components:
        after.append(TELEGRAM.plain_lines(message.component_lines, MAX_COMPONENT_LINES))
    after += [f"<b>{name}</b> {TELEGRAM.plain(value, 200)}" for name, value in message.facts]
    after.append(
        f"{TELEGRAM.link(message.link_word, message.url)} · {TELEGRAM.link('Manage', message.manage)}"
    )
    frame = "\n\n".join([head, *after])
    room = MAX_TEXT - TELEGRAM.measure(frame) - 2
    words = TELEGRAM.fitted(message.words, room)
    return "\n\n".join(part for part in (head, words, *after) if part)


def read(answer: Answer) -> Result:
    """The result of an answer (core.telegram.org/bots/api, "Making requests")."""
    error = chat.answer_object(answer)
    words = str(error.get("description", "")).lower()
    parameters = error.get("parameters")
    asked = parameters if isinstance(parameters, dict) else {}
    if answer.status == 403:
        return chat.gone(answer, "The bot was blocked, or removed from the chat.")
    if answer.status in (401, 404):
        return chat.gone(answer, "Telegram does not know this bot: its token was changed.")
    if answer.status == 400 and "chat not found" in words:
        return chat.gone(answer, "The chat no longer exists.")
    if answer.status == 400 and "migrate_to_chat_id" in asked:
        return chat.gone(answer, "The group became a supergroup: subscribe it again with its new number.")
    if answer.status == 429:
        return chat.later(answer, "Telegram is rate-limiting us.", asked.get("retry_after"))
    return judged(answer)


def refusal(url: SplitResult) -> str:
    """A sentence for an address without chat_id; else empty."""
    return "" if "chat_id=" in url.query else f"Add the chat: the address looks like {EXAMPLE}."


CHANNEL = chat.channel(
    body=body,
    read=read,
    target=target,
    host=r"api\.telegram\.org",
    path=r"/bot\d+:[A-Za-z0-9_-]+/sendMessage",
    refusal=refusal,
    example=EXAMPLE,
    how=(
        "Create a bot with @BotFather, add it to your group, and put its token and the number of the "
        "chat in the address."
    ),
)
