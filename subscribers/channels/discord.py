"""Discord: one embed (discord.com/developers, "Execute Webhook" and "Embed Limits")."""

from datetime import UTC
from typing import Any

from subscribers.channels import chat
from subscribers.channels.chat_message import COLOURS, Message, compose
from subscribers.channels.dialect import MARKDOWN
from subscribers.channels.http_post import Answer, judged
from subscribers.channels.text_runs import CUT, clipped, tame, units
from subscribers.delivery.envelope import Envelope, Result

MAX_TITLE, MAX_DESCRIPTION, MAX_VALUE, MAX_FIELDS, MAX_TOTAL = 256, 4_096, 1_024, 25, 6_000
MAX_WORDS = 3_000  # with everything else at its longest, the total stays below 6,000


def body(envelope: Envelope) -> dict[str, Any]:
    """The JSON body of the webhook. `allowed_mentions` is empty, so that no text can mention anyone."""
    message = compose(envelope)
    links = f"[{message.link_word}]({message.url}) · [Manage]({message.manage})"
    embed: dict[str, Any] = {
        "title": MARKDOWN.plain(message.title, MAX_TITLE - len(CUT)),
        "url": message.url,
        "description": f"{MARKDOWN.fitted(message.words, MAX_WORDS)}\n\n{links}".strip(),
        "color": COLOURS[message.status],
        "fields": _fields(message),
        "footer": {"text": tame(clipped(message.page_name, 100))},
    }
    if message.at:
        embed["timestamp"] = message.at.astimezone(UTC).isoformat(timespec="seconds")
    return {
        "content": f"**{MARKDOWN.plain(message.head, 200)}**",
        "embeds": [embed],
        "allowed_mentions": {"parse": []},
    }


def _fields(message: Message) -> list[dict[str, Any]]:
    fields = []
    if message.components:
        lines = MARKDOWN.plain_lines(message.component_lines, MAX_VALUE)
        fields.append({"name": "Components", "value": lines, "inline": False})
    for name, value in message.facts:
        fields.append({"name": name, "value": MARKDOWN.plain(value, 200), "inline": True})
    return fields


def total(embed: dict[str, Any]) -> int:
    """The length (UTF-16 units) that counts towards the limit of 6,000 for all embeds."""
    texts = [embed["title"], embed["description"], embed["footer"]["text"]]
    texts += [text for field in embed["fields"] for text in (field["name"], field["value"])]
    return sum(units(text) for text in texts)


# discord.com/developers, "JSON Error Codes"
GONE = {
    10003: "The channel no longer exists.",
    10015: "The webhook was removed.",
    50027: "The webhook was recreated: its address has changed.",
}


def read(answer: Answer) -> Result:
    """The result of an answer."""
    error = chat.answer_object(answer)
    code = error.get("code")
    if answer.status in (401, 403, 404) and isinstance(code, int) and code in GONE:
        return chat.gone(answer, f"Discord says: {code}. {GONE[code]}")
    if answer.status == 429:
        return chat.later(answer, "Discord is rate-limiting us.", error.get("retry_after"))
    return judged(answer)


CHANNEL = chat.channel(
    body=body,
    read=read,
    host=r"(ptb\.|canary\.)?discord(app)?\.com",
    path=r"/api/(v\d+/)?webhooks/\d+/.+",
    example="https://discord.com/api/webhooks/…",
    how=(
        "In Discord, open the settings of your channel, then Integrations, Webhooks, New webhook, and "
        "copy its address here."
    ),
    icon="M3 13.5 4 11a5.5 5.5 0 1 1 2 1.6z",
)
