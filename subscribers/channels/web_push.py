"""Web push: a short message encrypted for one browser (RFC 8291), through its push service."""

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from components.egress import Egress
from subscribers import push_encryption, vapid
from subscribers.browsers import Browser, InvalidBrowserError, is_push_service
from subscribers.channels.chat_message import compose
from subscribers.channels.http_post import FAILURES, failed, judged, post
from subscribers.channels.kind import ChannelKind
from subscribers.channels.text_runs import clipped
from subscribers.delivery.envelope import End, Envelope, Result

MAX_BYTES = 3_000  # before encryption, of 4,096 that every service takes (RFC 8030, section 7.2)
MAX_WORDS = 300  # UTF-16 units: no system shows more
KEEP_S = 86_400  # how long the service keeps it for a closed browser


async def send(envelope: Envelope, egress: Egress) -> Result:
    """One encrypted POST to the push service."""
    return await show(envelope.address, written(envelope), egress)


async def show(address: str, payload: Mapping[str, str], egress: Egress) -> Result:
    """Send a notification to a browser. `payload`: title, body, url and tag."""
    try:
        browser = Browser.read(address)
    except InvalidBrowserError as error:
        return Result(End.GONE, why=str(error.__doc__))
    if not is_push_service(browser.endpoint):  # subscribed before push services were checked
        return Result(End.GONE, why="The address is not from a known push service.")
    body = sealed(json.dumps(payload, ensure_ascii=False).encode(), browser)
    headers = {
        "Content-Type": "application/octet-stream",
        "Content-Encoding": "aes128gcm",
        "TTL": str(KEEP_S),
        "Urgency": "high",
        "Topic": _topic(payload["tag"]),
        **vapid.headers(browser.endpoint),
    }
    try:
        answer = await post(egress, browser.endpoint, body, headers)
    except FAILURES as error:
        return failed(error)
    if answer.status in (404, 410):  # RFC 8030, section 7.3
        return Result(End.GONE, answer.status, "The browser cancelled it.")
    return judged(answer)


def written(envelope: Envelope) -> dict[str, Any]:
    """The payload for the service worker. A later message with the same tag replaces it."""
    message = compose(envelope)
    words = clipped("".join(run.text for run in message.words), MAX_WORDS)
    facts = " ".join(f"{name} {value}." for name, value in message.facts)
    return {
        "title": clipped(f"{message.head}: {message.title}", 150),
        "body": "\n".join(part for part in (words, facts) if part),
        "url": message.url,
        "tag": message.key,
    }


def sealed(plain: bytes, browser: Browser) -> bytes:
    """Encrypted for this browser; the push service only sees the length (RFC 8291)."""
    assert len(plain) <= MAX_BYTES
    return push_encryption.encrypt(plain, browser.key, browser.auth)


def _topic(tag: str) -> str:
    """The topic, at most 32 characters; the service keeps only its newest message (RFC 8030, section 5.4)."""
    return base64.urlsafe_b64encode(hashlib.sha256(tag.encode()).digest()[:24]).decode()


CHANNEL = ChannelKind(send=send)
