"""Microsoft Teams: an Adaptive Card in the envelope that Workflows take (learn.microsoft.com, November 2026).

All words stand in RichTextBlocks: their runs are no Markdown, so nothing in them can be a link, a mention
or a mark unless it is meant.
"""

import json
from collections.abc import Sequence
from typing import Any

from components.status import Status
from subscribers.envelope import Envelope
from subscribers.formats.dialects import CUT, Run, cut, lines, silenced, units
from subscribers.formats.telling import Message, message

MOST_BYTES = 24_000  # of 28 KB, whatever the encoding they count in
MOST_WORDS = 4_000
MOST_LINES = 60
STYLES = {
    Status.OPERATIONAL: "good",
    Status.UNDER_MAINTENANCE: "accent",
    Status.UNKNOWN: "default",
    Status.DEGRADED_PERFORMANCE: "warning",
    Status.PARTIAL_OUTAGE: "warning",
    Status.MAJOR_OUTAGE: "attention",
}


def body(envelope: Envelope) -> dict[str, Any]:
    """The message. Rather fewer lines than one that is refused for its size."""
    told = message(envelope)
    for most in (MOST_LINES, 20, 5):
        made = _body(told, most)
        if len(json.dumps(made, ensure_ascii=False).encode()) <= MOST_BYTES:
            break
    return made


def _body(told: Message, most_lines: int) -> dict[str, Any]:
    card = {
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": "1.4",
        "lang": "en",
        "fallbackText": silenced(told.plain(1_000)),
        "body": _blocks(told, most_lines),
        "actions": [_open(told.link_word, told.url), _open("Manage", told.manage)],
        "msteams": {"width": "Full"},
    }
    content = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": card,
    }
    return {"type": "message", "attachments": [content]}


def _blocks(told: Message, most_lines: int) -> list[dict[str, Any]]:
    words = told.words
    if sum(units(run.text) for run in words) > MOST_WORDS:
        words = tuple(cut(words, MOST_WORDS, lambda run: units(run.text)))
    said = lines(words)
    shown = [*said[:most_lines], [Run(CUT)]] if len(said) > most_lines else said
    head = _line([Run(told.head, strong=True)], spacing="none")
    title = _line([Run(told.title, strong=True)], size="large")
    return [
        {"type": "Container", "style": STYLES[told.status], "bleed": True, "items": [head, title]},
        *(_line(line) for line in shown),
        *(_line([Run(line)], size="small") for line in told.component_lines),
        *(_line([Run(f"{name}: ", strong=True), Run(value)]) for name, value in told.facts),
    ]


def _line(of: Sequence[Run], *, size: str = "default", spacing: str = "small") -> dict[str, Any]:
    return {"type": "RichTextBlock", "spacing": spacing, "inlines": [_run(run, size) for run in of]}


def _run(run: Run, size: str) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "TextRun", "text": silenced(run.text), "size": size}
    if run.strong:
        made["weight"] = "bolder"
    if run.em:
        made["italic"] = True
    if run.strike:
        made["strikethrough"] = True
    if run.code:
        made["fontType"] = "monospace"
    if run.url:
        made["selectAction"] = {"type": "Action.OpenUrl", "url": run.url}
    return made


def _open(word: str, url: str) -> dict[str, Any]:
    return {"type": "Action.OpenUrl", "title": word, "url": url}
