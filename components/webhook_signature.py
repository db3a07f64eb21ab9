"""Standard Webhooks signatures: a receiver can verify sender, time and content.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable

PREFIX = "whsec_"
SECRET_BYTES = 32  # the specification asks for 24 to 64


def new_secret() -> str:
    """A fresh signing secret as receivers keep it: "whsec_" and base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def headers(message_id: str, timestamp: int, body: bytes, keys: Iterable[str]) -> dict[str, str]:
    """The three headers. One signature for each valid secret, so that either verifies while they rotate.

    `timestamp` is seconds since 1970, of this attempt; the id is the same for every attempt.
    """
    content = f"{message_id}.{timestamp}.".encode() + body
    signatures = [_sign(content, key) for key in keys]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }


def fits(message_id: str, timestamp: str, body: bytes, signatures: str, key: str) -> bool:
    """Whether one of the signatures (of the header `webhook-signature`) was made with this secret.

    The caller judges the age of the timestamp. Raises ValueError for a secret that is none.
    """
    expected = _sign(f"{message_id}.{timestamp}.".encode() + body, key).encode()
    # every one is compared, so that the time says nothing of which one fits
    return sum(hmac.compare_digest(expected, given.encode()) for given in signatures.split()) > 0


def _sign(content: bytes, key: str) -> str:
    raw = base64.b64decode(key.removeprefix(PREFIX))
    return "v1," + base64.b64encode(hmac.new(raw, content, hashlib.sha256).digest()).decode()
