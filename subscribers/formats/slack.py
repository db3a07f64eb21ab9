"""Slack: Block Kit, with a colour bar and a plain fallback (docs.slack.dev).

The head is in `blocks`, so that `text` is shown in notifications alone; the bar
belongs to an attachment.
"""

from typing import Any

from subscribers.delivery.envelope import Envelope
from subscribers.formats.dialects import SLACK
from subscribers.formats.telling import Message, message

MAX_WORDS = 2_900  # of the 3,000 of a section
MAX_TITLE = 1_000
MAX_FALLBACK = 3_000  # of 40,000


def body(envelope: Envelope) -> dict[str, Any]:
    """The body of an incoming webhook."""
    told = message(envelope)
    head = f"*{SLACK.plain(told.head, MAX_TITLE)}*\n*<{told.url}|{_label(told.title)}>*"
    blocks = [_section(SLACK.fitted(told.words, MAX_WORDS))] if told.words else []
    if told.components:
        blocks.append(_section(SLACK.plain_lines(told.component_lines, MAX_WORDS)))
    blocks.append({"type": "context", "elements": [_text(_foot(told))]})
    return {
        "text": SLACK.plain_lines(told.fallback.split("\n"), MAX_FALLBACK),
        "blocks": [_section(head)],
        "attachments": [
            {"color": told.colour, "fallback": SLACK.plain(told.title, MAX_TITLE), "blocks": blocks}
        ],
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _label(title: str) -> str:
    return SLACK.plain(title, MAX_TITLE).replace("|", "¦")


def _foot(told: Message) -> str:
    parts = [f"*{name}* {SLACK.plain(value, 200)}" for name, value in told.facts]
    links = [f"<{told.url}|{told.link_word}>", f"<{told.manage}|Manage>"]
    return " · ".join([*parts, *links])


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": _text(text)}


def _text(text: str) -> dict[str, Any]:
    """`verbatim`: names of people and channels are not made links of."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}
