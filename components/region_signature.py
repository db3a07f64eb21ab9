"""How a remote region and the server sign what they send each other: Standard Webhooks, with the address.

Signed are id, time, subject and body. The subject of a request is its method and path; that of an
answer is its status and path, under the id of the request it answers. So neither can be taken for
another, and a recorded answer answers nothing.
"""

import hmac
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from components.webhook_signature import headers

MAX_SKEW_S = 300  # Standard Webhooks: five minutes between two clocks
REGION_HEADER = "statuspage-region"
ID = re.compile("[A-Za-z0-9_-]{16,64}")
TIMESTAMP = re.compile("[0-9]{1,11}")


class SignatureError(Exception):
    """The signature is missing, or does not match."""


@dataclass(frozen=True, slots=True)
class Signed:
    """What a valid signature covers besides the subject and the body. `timestamp`: seconds since 1970."""

    message_id: str
    timestamp: int


def new_id() -> str:
    """A fresh id for one request."""
    return secrets.token_urlsafe(18)


def sign(message_id: str, timestamp: int, subject: str, body: bytes, keys: Iterable[str]) -> dict[str, str]:
    """The headers to send. One signature for each key, so that either verifies while they rotate."""
    return headers(message_id, timestamp, _content(subject, body), keys)


def verified(given: Mapping[str, str], subject: str, body: bytes, keys: Iterable[str]) -> Signed:
    """Id and time of what was signed with one of these keys. Raises SignatureError.

    Says nothing of the age or of repeats: whoever asks knows the clock and the ids before.
    """
    message_id, stamp = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    signatures = given.get("webhook-signature", "")[:1000].split()
    if not ID.fullmatch(message_id) or not TIMESTAMP.fullmatch(stamp):
        raise SignatureError
    for key in keys:
        wanted = sign(message_id, int(stamp), subject, body, [key])["webhook-signature"].encode()
        if any(hmac.compare_digest(wanted, text.encode()) for text in signatures):
            return Signed(message_id, int(stamp))
    raise SignatureError


def _content(subject: str, body: bytes) -> bytes:
    return f"{subject}\n".encode() + body
