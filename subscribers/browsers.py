"""A browser's push subscription, kept as JSON text."""

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings

MAX_LENGTH = 2_000
# The push services that browsers use. A browser's subscription is active at once, and its log tells what
# came of a message: with any host taken, strangers would scan ports with it.
PUSH_SERVICES = re.compile(
    r"fcm\.googleapis\.com|android\.googleapis\.com|jmt17\.google\.com"  # Chrome and its kin
    r"|([a-z0-9-]+\.)*push\.services\.mozilla\.com"
    r"|([a-z0-9-]+\.)*push\.apple\.com"
    r"|([a-z0-9-]+\.)*notify\.windows\.com"  # Edge
)


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


def is_push_service(endpoint: str) -> bool:
    """Whether this is where a browser's maker, or the operator's PUSH_SERVICES, takes messages."""
    url = urlsplit(endpoint)
    host = (url.hostname or "").removesuffix(".")
    return host in settings.PUSH_SERVICES or (bool(PUSH_SERVICES.fullmatch(host)) and url.port in (None, 443))
