"""Mattermost: Slack's older attachments, in Markdown (developers.mattermost.com)."""

from typing import Any

from subscribers.delivery.envelope import Envelope
from subscribers.formats.dialects import MARKDOWN
from subscribers.formats.runs import tame
from subscribers.formats.telling import message

MAX_WORDS = 8_000  # of a post of 16,383 characters; ours stays below it as a whole


def body(envelope: Envelope) -> dict[str, Any]:
    """The body of an incoming webhook."""
    told = message(envelope)
    fields = [
        {"short": True, "title": name, "value": MARKDOWN.plain(value, 200)} for name, value in told.facts
    ]
    if told.components:
        lines = MARKDOWN.plain_lines(told.component_lines, 3_500)
        fields.insert(0, {"short": False, "title": "Components", "value": lines})
    attachment = {
        "fallback": tame(told.plain(1_000)),
        "color": told.colour,
        "title": MARKDOWN.plain(told.title, 400),
        "title_link": told.url,
        "text": MARKDOWN.fitted(told.words, MAX_WORDS),
        "fields": fields,
        "footer": tame(told.page_name),
    }
    links = f"[{told.link_word}]({told.url}) · [Manage]({told.manage})"
    attachment["text"] = f"{attachment['text']}\n\n{links}".strip()
    return {"text": f"**{MARKDOWN.plain(told.head, 200)}**", "attachments": [attachment]}
