"""Discord: one embed (discord.com/developers, "Execute Webhook" and "Embed Limits")."""

from datetime import UTC
from typing import Any

from subscribers.channels import chat
from subscribers.channels.chat_message import COLOURS, Message, message
from subscribers.channels.dialect import MARKDOWN
from subscribers.channels.http_post import Answer, judged
from subscribers.channels.text_runs import CUT, clipped, tame, units
from subscribers.delivery.envelope import Envelope, Result

MAX_TITLE, MAX_DESCRIPTION, MAX_VALUE, MAX_FIELDS, MAX_TOTAL = 256, 4_096, 1_024, 25, 6_000
MAX_WORDS = 3_000  # with all else at its longest the whole stays below 6,000


def body(envelope: Envelope) -> dict[str, Any]:
    """The body of a webhook's message. `allowed_mentions` is empty: whatever it says, nobody is called."""
    told = message(envelope)
    links = f"[{told.link_word}]({told.url}) · [Manage]({told.manage})"
    embed: dict[str, Any] = {
        "title": MARKDOWN.plain(told.title, MAX_TITLE - len(CUT)),
        "url": told.url,
        "description": f"{MARKDOWN.fitted(told.words, MAX_WORDS)}\n\n{links}".strip(),
        "color": COLOURS[told.status],
        "fields": _fields(told),
        "footer": {"text": tame(clipped(told.page_name, 100))},
    }
    if told.at:
        embed["timestamp"] = told.at.astimezone(UTC).isoformat(timespec="seconds")
    return {
        "content": f"**{MARKDOWN.plain(told.head, 200)}**",
        "embeds": [embed],
        "allowed_mentions": {"parse": []},
    }


def _fields(told: Message) -> list[dict[str, Any]]:
    fields = []
    if told.components:
        lines = MARKDOWN.plain_lines(told.component_lines, MAX_VALUE)
        fields.append({"name": "Components", "value": lines, "inline": False})
    for name, value in told.facts:
        fields.append({"name": name, "value": MARKDOWN.plain(value, 200), "inline": True})
    return fields


def total(embed: dict[str, Any]) -> int:
    """What counts against the 6,000 of all embeds."""
    texts = [embed["title"], embed["description"], embed["footer"]["text"]]
    texts += [text for one in embed["fields"] for text in (one["name"], one["value"])]
    return sum(units(text) for text in texts)


# discord.com/developers, "JSON Error Codes"
GONE = {
    10003: "The channel no longer exists.",
    10015: "The webhook was removed.",
    50027: "The webhook was recreated: its address has changed.",
}


def read(answer: Answer) -> Result:
    """What an answer means."""
    said = chat.answer_object(answer)
    code = said.get("code")
    if answer.status in (401, 403, 404) and isinstance(code, int) and code in GONE:
        return chat.gone(answer, f"Discord says: {code}. {GONE[code]}")
    if answer.status == 429:
        return chat.later(answer, "Discord is rate-limiting us.", said.get("retry_after"))
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
