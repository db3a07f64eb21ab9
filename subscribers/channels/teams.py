"""Microsoft Teams: an Adaptive Card in the envelope that Workflows take (learn.microsoft.com).

All words stand in RichTextBlocks: their runs are no Markdown, so nothing in them can be a link, a mention
or a mark unless it is meant.
"""

import json
from collections.abc import Sequence
from typing import Any

from components.status import Status
from subscribers.channels import chat
from subscribers.channels.chat_message import Message, message
from subscribers.channels.http_post import Answer, judged
from subscribers.channels.text_runs import Run, cut, lines, tame
from subscribers.delivery.envelope import Envelope, Result

MAX_WORDS = 14_000  # bytes of JSON; with all else at its longest the whole stays below 28 KB
STYLES = {
    Status.OPERATIONAL: "good",
    Status.UNDER_MAINTENANCE: "accent",
    Status.UNKNOWN: "default",
    Status.DEGRADED_PERFORMANCE: "warning",
    Status.PARTIAL_OUTAGE: "warning",
    Status.MAJOR_OUTAGE: "attention",
}


def body(envelope: Envelope) -> dict[str, Any]:
    """The message."""
    told = message(envelope)
    card = {
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": "1.4",
        "lang": "en",
        "fallbackText": tame(f"{told.head}: {told.title}\n{told.url}"),
        "body": _blocks(told),
        "actions": [_open(told.link_word, told.url), _open("Manage", told.manage)],
        "msteams": {"width": "full"},
    }
    content = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": card,
    }
    return {"type": "message", "attachments": [content]}


def _blocks(told: Message) -> list[dict[str, Any]]:
    said = lines(cut(told.words, MAX_WORDS, _bytes))
    head = _line([Run(told.head, strong=True)], spacing="none")
    title = _line([Run(told.title, strong=True)], size="large")
    return [
        {"type": "Container", "style": STYLES[told.status], "bleed": True, "items": [head, title]},
        *(_line(line) for line in said),
        *(_line([Run(line)], size="small") for line in told.component_lines),
        *(_line([Run(f"{name}: ", strong=True), Run(value)]) for name, value in told.facts),
    ]


def _line(of: Sequence[Run], *, size: str = "default", spacing: str = "small") -> dict[str, Any]:
    return {"type": "RichTextBlock", "spacing": spacing, "inlines": [_run(run, size) for run in of]}


def _run(run: Run, size: str) -> dict[str, Any]:
    is_exact = run.code or run.is_literal or run.text == run.url
    made: dict[str, Any] = {"type": "TextRun", "text": run.text if is_exact else tame(run.text), "size": size}
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


def _bytes(run: Run) -> int:
    """What a run costs; the end of a line costs the next block."""
    made = _line([]) if run.is_end else _run(run, "default")
    return len(json.dumps(made, ensure_ascii=False).encode()) + 2


def _open(word: str, url: str) -> dict[str, Any]:
    return {"type": "Action.OpenUrl", "title": word, "url": url}


def read(answer: Answer) -> Result:
    """Workflows answer 202. Older connectors answer 200 even when Teams refuses, and say so in words."""
    words = answer.body.decode("utf-8", "replace")
    error = chat.answer_object(answer).get("error")
    code = error.get("code") if isinstance(error, dict) else None
    if answer.status == 200 and "delivery failed" in words:
        return chat.later(answer, "Teams accepted it but could not deliver it.")
    if answer.status == 404 and code in ("WorkflowNotFound", "TriggerNotFound"):
        return chat.gone(answer, "The workflow was removed.")
    if answer.status == 400 and code in ("WorkflowTriggerIsNotEnabled", "WorkflowDisabled"):
        return chat.later(answer, "The workflow is turned off.")
    return judged(answer)


CHANNEL = chat.channel(
    body=body,
    read=read,
    host=r"[a-z0-9-]+\.webhook\.office\.com|.+\.logic\.azure\.com|.+\.api\.powerplatform\.com",
    example="https://….logic.azure.com/workflows/…",
    how=(
        "In Teams, open the menu of your channel, then Workflows, choose “Post to a channel when a "
        "webhook request is received”, and copy the address it gives you."
    ),
    icon=(
        "M6 7.5a2.4 2.4 0 1 0 0-4.8 2.4 2.4 0 0 0 0 4.8zM1.5 13.5c0-4.5 9-4.5 9 0M10.5 3a2.2 2.2 0"
        " 0 1 0 4.3M12 10c1.5.5 2.5 1.7 2.5 3.5"
    ),
    short_label="Teams",
)
