"""A browser that asked to be told: its PushSubscription, kept as JSON text."""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

MAX_LENGTH = 2_000


class InvalidBrowserError(Exception):
    """This is no subscription of a browser."""


@dataclass(frozen=True, slots=True)
class Browser:
    """`key` is its public point (65 bytes), `auth` 16 bytes both share (RFC 8291, section 2)."""

    endpoint: str
    key: bytes
    auth: bytes

    @classmethod
    def read(cls, text: str) -> "Browser":
        """From what the browser's `PushSubscription.toJSON()` gave. Raises InvalidBrowserError."""
        try:
            told = json.loads(text)
            made = cls(_text(told["endpoint"]), _bytes(told["keys"]["p256dh"]), _bytes(told["keys"]["auth"]))
            ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), made.key)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise InvalidBrowserError from error
        if len(made.key) != 65 or len(made.auth) != 16 or len(made.endpoint) > MAX_LENGTH:
            raise InvalidBrowserError
        return made

    @property
    def text(self) -> str:
        """One spelling for one browser."""
        keys = {"p256dh": _base64(self.key), "auth": _base64(self.auth)}
        return json.dumps({"endpoint": self.endpoint, "keys": keys}, separators=(",", ":"))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _bytes(value: Any) -> bytes:
    text = _text(value).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(text) from error


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
