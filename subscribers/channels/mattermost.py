"""Mattermost: Slack's older attachments, in Markdown (developers.mattermost.com)."""

from typing import Any

from subscribers.channels import chat
from subscribers.channels.chat_message import message
from subscribers.channels.dialect import MARKDOWN
from subscribers.channels.http_post import Answer, judged
from subscribers.channels.text_runs import tame
from subscribers.delivery.envelope import Envelope, Result

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


GONE = ("web.incoming_webhook.invalid", "web.incoming_webhook.channel", "store.sql_channel.get")


def read(answer: Answer) -> Result:
    """A 404 alone may be a proxy while the server restarts: its own word must stand beside it."""
    word = str(chat.answer_object(answer).get("id", ""))
    if answer.status in (400, 404) and word.startswith(GONE):
        return chat.gone(answer, "Mattermost says that the webhook or its channel was removed.")
    return judged(answer)


CHANNEL = chat.channel(
    body=body,
    read=read,
    path=r".*/hooks/.+",
    example="https://<your server>/hooks/…",
    how=(
        "In Mattermost, open Integrations, Incoming webhooks, Add, choose the channel, and copy the "
        "address here."
    ),
)
