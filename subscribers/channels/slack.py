"""Slack: Block Kit, with a colour bar and a plain fallback (docs.slack.dev).

The head is in `blocks`, so that `text` is only shown in notifications; the colour bar
needs an attachment.
"""

import re
from typing import Any

from subscribers.channels import chat
from subscribers.channels.chat_message import Message, compose
from subscribers.channels.dialect import Dialect, escape_entities
from subscribers.channels.http_post import Answer, judged
from subscribers.channels.text_runs import silenced, units
from subscribers.delivery.envelope import Envelope, Result

MAX_WORDS = 2_900  # of the 3,000 of a section
MAX_TITLE = 1_000
MAX_FALLBACK = 3_000  # of 40,000
TWINS = str.maketrans("*_~`", "∗ˍ∼ˋ")  # lookalikes: mrkdwn has no escape for these
MARKS = re.compile(r"(?<!\w)[*_~`]+|[*_~`]+(?!\w)")


def _escaped(text: str) -> str:
    """Escape &, < and > (docs.slack.dev), and replace marks at the edges of words by lookalikes."""
    twins = MARKS.sub(lambda match: match.group().translate(TWINS), text)
    return escape_entities(silenced(twins))


def _link(text: str, url: str) -> str:
    label = "" if text == url else f"|{_escaped(text).replace('|', '¦')}"
    return f"<{escape_entities(url)}{label}>"


SLACK = Dialect(
    _escaped,
    strong=("*", "*"),
    em=("_", "_"),
    strike=("~", "~"),
    code=lambda text: f"`{escape_entities(text.replace('`', 'ˋ'))}`",
    link=_link,
    literal=escape_entities,
    measure=units,
    marks_in_words=False,
)


def body(envelope: Envelope) -> dict[str, Any]:
    """The JSON body of the incoming webhook."""
    message = compose(envelope)
    head = f"*{SLACK.plain(message.head, MAX_TITLE)}*\n*<{message.url}|{_label(message.title)}>*"
    blocks = [_section(SLACK.fitted(message.words, MAX_WORDS))] if message.words else []
    if message.components:
        blocks.append(_section(SLACK.plain_lines(message.component_lines, MAX_WORDS)))
    blocks.append({"type": "context", "elements": [_text(_foot(message))]})
    return {
        "text": SLACK.plain_lines(message.fallback.split("\n"), MAX_FALLBACK),
        "blocks": [_section(head)],
        "attachments": [
            {"color": message.colour, "fallback": SLACK.plain(message.title, MAX_TITLE), "blocks": blocks}
        ],
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _label(title: str) -> str:
    return SLACK.plain(title, MAX_TITLE).replace("|", "¦")


def _foot(message: Message) -> str:
    parts = [f"*{name}* {SLACK.plain(value, 200)}" for name, value in message.facts]
    links = [f"<{message.url}|{message.link_word}>", f"<{message.manage}|Manage>"]
    return " · ".join([*parts, *links])


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": _text(text)}


def _text(text: str) -> dict[str, Any]:
    """A text object. `verbatim`: names of people and channels are not linked."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


# docs.slack.dev, "Handling errors" of incoming webhooks
GONE = {
    "no_service": "The webhook was removed.",
    "no_service_id": "The webhook was removed.",
    "no_active_hooks": "The webhook is turned off.",
    "invalid_token": "The webhook was removed.",
    "channel_not_found": "The channel no longer exists.",
    "channel_is_archived": "The channel is archived.",
    "no_team": "The workspace no longer exists.",
    "team_disabled": "The workspace is closed.",
}


def read(answer: Answer) -> Result:
    """The result of an answer."""
    word = answer.body.decode("utf-8", "replace").strip()
    if answer.status in (400, 403, 404, 410) and word in GONE:
        return chat.gone(answer, f"Slack says: {word}. {GONE[word]}")
    return judged(answer)


CHANNEL = chat.channel(
    body=body,
    read=read,
    host=r"hooks\.slack(-gov)?\.com",
    path=r"/(services|workflows|triggers)/.+",
    example="https://hooks.slack.com/services/…",
    how=(
        "In Slack, create an app with an incoming webhook for your channel (api.slack.com/apps, then "
        "Incoming Webhooks), and copy its address here."
    ),
    icon="M6.5 2 5 14M11 2 9.5 14M2.5 5.5h11.2M2.3 10.5h11.2",
)
