"""Mattermost: Slack's older attachments, in Markdown (developers.mattermost.com)."""

from typing import Any

from subscribers.channels import chat
from subscribers.channels.chat_message import compose
from subscribers.channels.dialect import MARKDOWN
from subscribers.channels.http_post import Answer, judged
from subscribers.channels.text_runs import tame
from subscribers.delivery.envelope import Envelope, Result

MAX_WORDS = 8_000  # of a post's 16,383 characters; the whole stays below that


def body(envelope: Envelope) -> dict[str, Any]:
    """The JSON body of the incoming webhook."""
    message = compose(envelope)
    fields = [
        {"short": True, "title": name, "value": MARKDOWN.plain(value, 200)} for name, value in message.facts
    ]
    if message.components:
        lines = MARKDOWN.plain_lines(message.component_lines, 3_500)
        fields.insert(0, {"short": False, "title": "Components", "value": lines})
    attachment = {
        "fallback": tame(message.plain(1_000)),
        "color": message.colour,
        "title": MARKDOWN.plain(message.title, 400),
        "title_link": message.url,
        "text": MARKDOWN.fitted(message.words, MAX_WORDS),
        "fields": fields,
        "footer": tame(message.page_name),
    }
    links = f"[{message.link_word}]({message.url}) · [Manage]({message.manage})"
    attachment["text"] = f"{attachment['text']}\n\n{links}".strip()
    return {"text": f"**{MARKDOWN.plain(message.head, 200)}**", "attachments": [attachment]}


GONE = ("web.incoming_webhook.invalid", "web.incoming_webhook.channel", "store.sql_channel.get")


def read(answer: Answer) -> Result:
    """The result of an answer. A 404 without Mattermost's error id may be a proxy during a restart."""
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
