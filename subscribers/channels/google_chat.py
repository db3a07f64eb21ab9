"""Google Chat: a card, threaded by incident (developers.google.com/workspace/chat)."""

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from subscribers.channels import chat
from subscribers.channels.chat_message import Message, compose
from subscribers.channels.dialect import Dialect, escape_html, exactly, html_link
from subscribers.channels.http_post import Answer, judged
from subscribers.channels.text_runs import tame
from subscribers.delivery.envelope import Envelope, Result

MAX_BYTES = 32_000
MAX_WORDS = 12_000  # bytes; JSON may double it
REPLY = "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD"
GOOGLE_CHAT = Dialect(
    escape_html,
    strong=("<b>", "</b>"),
    em=("<i>", "</i>"),
    strike=("<s>", "</s>"),
    code=exactly,
    link=html_link,
    literal=exactly,
    measure=lambda text: len(text.replace("\n", "<br>").encode()),
)


def body(envelope: Envelope) -> dict[str, Any]:
    """The JSON body. The title is plain text; the rest is the HTML subset of cards."""
    message = compose(envelope)
    card = {
        "header": {"title": tame(message.head), "subtitle": tame(message.page_name)},
        "sections": [{"widgets": _widgets(message)}],
    }
    return {
        "fallbackText": tame(message.plain(1_000)),
        "cardsV2": [{"cardId": envelope.id, "card": card}],
        "thread": {"threadKey": message.key},
    }


def target(url: str) -> str:
    """The URL with the parameter that puts messages of one story into one thread."""
    parts = urlsplit(url)
    query = [(name, value) for name, value in parse_qsl(parts.query) if name != "messageReplyOption"]
    return urlunsplit(parts._replace(query=urlencode([*query, ("messageReplyOption", REPLY)])))


def _widgets(message: Message) -> list[dict[str, Any]]:
    widgets = [_paragraph(f"<b>{GOOGLE_CHAT.plain(message.title, 1_200)}</b>")]
    if message.words:
        widgets.append(_paragraph(GOOGLE_CHAT.fitted(message.words, MAX_WORDS).replace("\n", "<br>")))
    if message.components:
        lines = GOOGLE_CHAT.plain_lines(message.component_lines, 6_000)
        widgets.append(_paragraph(lines.replace("\n", "<br>")))
    for name, value in message.facts:
        widgets.append({"decoratedText": {"topLabel": name, "text": GOOGLE_CHAT.plain(value, 400)}})
    buttons = [_button(message.link_word, message.url), _button("Manage", message.manage)]
    return [*widgets, {"buttonList": {"buttons": buttons}}]


def _paragraph(html: str) -> dict[str, Any]:
    return {"textParagraph": {"text": html}}


def _button(word: str, url: str) -> dict[str, Any]:
    return {"text": word, "onClick": {"openLink": {"url": url}}}


def read(answer: Answer) -> Result:
    """The result of an answer."""
    if answer.status in (403, 404):
        return chat.gone(answer, f"Responded with {answer.status}: the space or its webhook was removed.")
    return judged(answer)


CHANNEL = chat.channel(
    body=body,
    read=read,
    target=target,
    host=r"chat\.googleapis\.com",
    path=r"/v1/spaces/[^/]+/messages",
    example="https://chat.googleapis.com/v1/spaces/…/messages?key=…",
    how=(
        "In Google Chat, open the menu of your space, then Apps and integrations, Webhooks, Add "
        "webhook, and copy its address here."
    ),
)
