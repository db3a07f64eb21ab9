"""Any JSON: where the id, the state and the text are is said by JSON paths; Standard Webhooks signs it.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
from dataclasses import replace
from typing import Any

from components import webhook_signature
from components.inbound.message import (
    MAX_ID_LENGTH,
    Message,
    PayloadError,
    SecretError,
    Source,
    Terms,
    UnsignedError,
    clean,
    report,
)
from components.passive.reports import Report

PREFIX = "whsec_"
MAX_AGE_S = 300
ID, STATE, TEXT = "id_path", "state_path", "text_path"


def read(message: Message, terms: Terms) -> list[Report]:
    """The one report of a message. Raises PayloadError."""
    body = message.json_object
    state = _at(body, terms, STATE)
    kind = terms.words.get(state.strip().lower())
    if kind is None:
        raise PayloadError(
            f"The state at {STATE} is “{state[:100]}”: add it to the firing, resolved or unknown states."
        )
    text = _at(body, terms, TEXT, needed=False)
    source = _at(body, terms, ID)
    message_id = clean(message.headers.get("webhook-id", ""))[:MAX_ID_LENGTH]
    return [replace(report(message, kind, source, name=source, texts=(text,)), message_id=message_id)]


def _at(body: dict[str, Any], terms: Terms, path: str, *, needed: bool = True) -> str:
    """The first value there as text. Raises PayloadError."""
    found = terms.find[path](body)
    if not found or found[0] in (None, "") or isinstance(found[0], dict | list):
        if not needed:
            return ""
        raise PayloadError(f"There is no text or number where {path} points to.")
    value = found[0]
    return clean(str(value).lower() if isinstance(value, bool) else str(value))


def verify(message: Message, secret: str) -> None:
    """The three headers of Standard Webhooks. Raises UnsignedError."""
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    message_id, stamp, signatures = (message.headers.get(name, "") for name in names)
    if not (message_id and stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        raise UnsignedError(f"The headers {', '.join(names)} are needed.")
    if abs(message.at.timestamp() - int(stamp)) > MAX_AGE_S:
        raise UnsignedError("The header webhook-timestamp is more than five minutes off: check the clocks.")
    _key(secret)
    if not webhook_signature.fits(message_id, stamp, message.body, signatures, secret.strip()):
        raise UnsignedError("The header webhook-signature does not fit the message.")


def check_secret(secret: str) -> None:
    """Raises SecretError for one that is not in the form of Standard Webhooks."""
    _key(secret)


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.strip().removeprefix(PREFIX), validate=True)
    except (ValueError, binascii.Error):
        key = b""
    if not key:
        raise SecretError("Write the signing secret as whsec_ and base64.")
    return key


GENERIC = Source(
    "generic",
    "Other (generic JSON)",
    "Send a JSON object; the paths below say where its id, its state and its text are.",
    read,
    signs=True,
    verify=verify,
    check_secret=check_secret,
)
