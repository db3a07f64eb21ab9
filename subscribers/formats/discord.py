"""Discord: one embed (discord.com/developers, "Execute Webhook" and "Embed Limits")."""

from datetime import UTC
from typing import Any

from subscribers.delivery.envelope import Envelope
from subscribers.formats.dialects import MARKDOWN
from subscribers.formats.runs import CUT, clipped, tame, units
from subscribers.formats.telling import COLOURS, Message, message

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
