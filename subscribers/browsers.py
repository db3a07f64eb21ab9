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
# The push services that browsers use. A browser's subscription is active at once, and its log shows the
# result of each message: if any host were accepted, strangers could scan ports with it.
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
    """`key` is its public point (65 bytes), `auth` a shared secret (16 bytes; RFC 8291, section 2)."""

    endpoint: str
    key: bytes
    auth: bytes

    @classmethod
    def read(cls, text: str) -> "Browser":
        """From what the browser's `PushSubscription.toJSON()` gave. Raises InvalidBrowserError."""
        try:
            data = json.loads(text)
            browser = cls(
                _text(data["endpoint"]), _bytes(data["keys"]["p256dh"]), _bytes(data["keys"]["auth"])
            )
            ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), browser.key)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise InvalidBrowserError from error
        if len(browser.key) != 65 or len(browser.auth) != 16 or len(browser.endpoint) > MAX_LENGTH:
            raise InvalidBrowserError
        return browser

    @property
    def text(self) -> str:
        """The subscription as JSON, always spelled the same."""
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
    """Whether the endpoint is a browser maker's push service or in the operator's PUSH_SERVICES."""
    url = urlsplit(endpoint)
    host = (url.hostname or "").removesuffix(".")
    return host in settings.PUSH_SERVICES or (bool(PUSH_SERVICES.fullmatch(host)) and url.port in (None, 443))
