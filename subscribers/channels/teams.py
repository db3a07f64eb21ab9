"""Microsoft Teams: an Adaptive Card in the format that Workflows accept (learn.microsoft.com).

All text is in RichTextBlocks, which have no Markdown, so nothing in it can become a link, a mention or a
mark by accident.
"""

import json
from collections.abc import Sequence
from typing import Any

from components.status import Status
from subscribers.channels import chat
from subscribers.channels.chat_message import Message, compose
from subscribers.channels.http_post import Answer, judged
from subscribers.channels.text_runs import Run, cut, lines, tame
from subscribers.delivery.envelope import Envelope, Result

MAX_WORDS = 14_000  # bytes of JSON; with everything else at its longest, the whole stays below 28 KB
STYLES = {
    Status.OPERATIONAL: "good",
    Status.UNDER_MAINTENANCE: "accent",
    Status.UNKNOWN: "default",
    Status.DEGRADED_PERFORMANCE: "warning",
    Status.PARTIAL_OUTAGE: "warning",
    Status.MAJOR_OUTAGE: "attention",
}


def body(envelope: Envelope) -> dict[str, Any]:
    """The JSON body."""
    message = compose(envelope)
    card = {
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": "1.4",
        "lang": "en",
        "fallbackText": tame(f"{message.head}: {message.title}\n{message.url}"),
        "body": _card_body(message),
        "actions": [_open(message.link_word, message.url), _open("Manage", message.manage)],
        "msteams": {"width": "full"},
    }
    content = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": card,
    }
    return {"type": "message", "attachments": [content]}


def _card_body(message: Message) -> list[dict[str, Any]]:
    text_lines = lines(cut(message.words, MAX_WORDS, _bytes))
    head = _line([Run(message.head, strong=True)], spacing="none")
    title = _line([Run(message.title, strong=True)], size="large")
    return [
        {"type": "Container", "style": STYLES[message.status], "bleed": True, "items": [head, title]},
        *(_line(line) for line in text_lines),
        *(_line([Run(line)], size="small") for line in message.component_lines),
        *(_line([Run(f"{name}: ", strong=True), Run(value)]) for name, value in message.facts),
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
    """The bytes of a run in JSON; the end of a line counts as the start of the next block."""
    made = _line([]) if run.is_end else _run(run, "default")
    return len(json.dumps(made, ensure_ascii=False).encode()) + 2


def _open(word: str, url: str) -> dict[str, Any]:
    return {"type": "Action.OpenUrl", "title": word, "url": url}


def read(answer: Answer) -> Result:
    """The result of an answer. Old connectors answer 200 with an error text when Teams refuses."""
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
