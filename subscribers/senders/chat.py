"""Chat channels: one POST of the vendor's own body, and the vendor's own words for what went wrong.

No word of an answer is passed on: a room's address may lead anywhere, and it
holds a key. We say our own sentence for the words we know.
"""

import json
from collections.abc import Callable
from typing import Any

from components.egress import Egress
from subscribers.channels import Channel
from subscribers.delivery.envelope import End, Envelope, Result
from subscribers.formats import FORMATS, google_chat, telegram
from subscribers.senders.posting import FAILURES, Answer, failed, judged, post

ADDRESSES: dict[Channel, Callable[[str], str]] = {
    Channel.GOOGLE_CHAT: google_chat.address,
    Channel.TELEGRAM: telegram.address,
}


async def send(envelope: Envelope, egress: Egress) -> Result:
    """One POST to a room."""
    channel = envelope.channel
    body = json.dumps(FORMATS[channel](envelope), ensure_ascii=False, separators=(",", ":")).encode()
    url = ADDRESSES.get(channel, str)(envelope.address)
    try:
        answer = await post(egress, url, body, {"Content-Type": JSON}, reads=True)
    except FAILURES as error:
        return failed(error)
    return READERS[channel](answer)


JSON = "application/json; charset=utf-8"
MAX_PAUSE_S = 10**9  # beyond it JSON holds numbers that no float is


def _gone(answer: Answer, why: str) -> Result:
    return Result(End.GONE, answer=answer.status, why=why)


def _later(answer: Answer, why: str, asked_s: Any = None) -> Result:
    """Later, and not before the vendor asks for. Its number is data from outside: it may be anything."""
    is_number = isinstance(asked_s, int | float) and not isinstance(asked_s, bool)
    pause = float(min(max(asked_s, 0), MAX_PAUSE_S)) if is_number else answer.retry_after_s
    return Result(End.LATER, answer.status, why, pause)


def _json(answer: Answer) -> dict[str, Any]:
    """The answer as an object; empty if it is none."""
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


# docs.slack.dev, "Handling errors" of incoming webhooks
SLACK_GONE = {
    "no_service": "The webhook was removed.",
    "no_service_id": "The webhook was removed.",
    "no_active_hooks": "The webhook is switched off.",
    "invalid_token": "The webhook was removed.",
    "channel_not_found": "The channel does not exist any more.",
    "channel_is_archived": "The channel is archived.",
    "no_team": "The workspace does not exist any more.",
    "team_disabled": "The workspace is closed.",
}


def _slack(answer: Answer) -> Result:
    word = answer.body.decode("utf-8", "replace").strip()
    if answer.status in (400, 403, 404, 410) and word in SLACK_GONE:
        return _gone(answer, f"Slack says: {word}. {SLACK_GONE[word]}")
    return judged(answer)


# discord.com/developers, "JSON Error Codes"
DISCORD_GONE = {
    10003: "The channel does not exist any more.",
    10015: "The webhook was removed.",
    50027: "The webhook was made anew: its address has changed.",
}


def _discord(answer: Answer) -> Result:
    said = _json(answer)
    code = said.get("code")
    if answer.status in (401, 403, 404) and isinstance(code, int) and code in DISCORD_GONE:
        return _gone(answer, f"Discord says: {code}. {DISCORD_GONE[code]}")
    if answer.status == 429:
        return _later(answer, "Discord asks us to slow down.", said.get("retry_after"))
    return judged(answer)


def _teams(answer: Answer) -> Result:
    """Workflows answer 202. Older connectors answer 200 even when Teams refuses, and say so in words."""
    words = answer.body.decode("utf-8", "replace")
    error = _json(answer).get("error")
    code = error.get("code") if isinstance(error, dict) else None
    if answer.status == 200 and "delivery failed" in words:
        return _later(answer, "Teams took it but could not deliver it.")
    if answer.status == 404 and code in ("WorkflowNotFound", "TriggerNotFound"):
        return _gone(answer, "The workflow was removed.")
    if answer.status == 400 and code in ("WorkflowTriggerIsNotEnabled", "WorkflowDisabled"):
        return _later(answer, "The workflow is switched off.")
    return judged(answer)


def _google_chat(answer: Answer) -> Result:
    if answer.status in (403, 404):
        return _gone(answer, f"Answered {answer.status}: the space or its webhook was removed.")
    return judged(answer)


MATTERMOST_GONE = ("web.incoming_webhook.invalid", "web.incoming_webhook.channel", "store.sql_channel.get")


def _mattermost(answer: Answer) -> Result:
    """A 404 alone may be a proxy while the server restarts: its own word must stand beside it."""
    word = str(_json(answer).get("id", ""))
    if answer.status in (400, 404) and word.startswith(MATTERMOST_GONE):
        return _gone(answer, "Mattermost says that the webhook or its channel was removed.")
    return judged(answer)


def _telegram(answer: Answer) -> Result:
    """core.telegram.org/bots/api, "Making requests"; its sentences are no promise, its codes are."""
    said = _json(answer)
    words = str(said.get("description", "")).lower()
    parameters = said.get("parameters")
    asked = parameters if isinstance(parameters, dict) else {}
    if answer.status == 403:
        return _gone(answer, "The bot was blocked, or removed from the chat.")
    if answer.status in (401, 404):
        return _gone(answer, "Telegram does not know this bot: its token was changed.")
    if answer.status == 400 and "chat not found" in words:
        return _gone(answer, "The chat does not exist any more.")
    if answer.status == 400 and "migrate_to_chat_id" in asked:
        return _gone(answer, "The group became a supergroup: subscribe it anew with its new number.")
    if answer.status == 429:
        return _later(answer, "Telegram asks us to slow down.", asked.get("retry_after"))
    return judged(answer)


READERS: dict[Channel, Callable[[Answer], Result]] = {
    Channel.SLACK: _slack,
    Channel.DISCORD: _discord,
    Channel.TEAMS: _teams,
    Channel.GOOGLE_CHAT: _google_chat,
    Channel.MATTERMOST: _mattermost,
    Channel.TELEGRAM: _telegram,
}
