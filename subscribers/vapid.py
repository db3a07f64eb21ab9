"""The VAPID key (RFC 8292) by which push services know this installation: made once and kept.

Browsers that subscribed know us by this key only: with another key every
subscription is lost.
"""

import base64
import contextlib
import functools
import os
import secrets
import time
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from django.conf import settings

LIVES_S = 12 * 3600  # of a token; a day at most (RFC 8292, section 2)


def public_key() -> str:
    """The browser's `applicationServerKey`: the public point, base64url."""
    return text_of(_key(settings.VAR_DIR / "vapid_key").public_key())


def text_of(key: ec.EllipticCurvePublicKey) -> str:
    """A public key as the Push API writes it."""
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(point).rstrip(b"=").decode()


def headers(endpoint: str) -> dict[str, str]:
    """The VAPID headers, signed for this push service only."""
    parts = urlsplit(endpoint)
    claims = {
        "aud": f"{parts.scheme}://{parts.netloc}",
        "exp": int(time.time()) + LIVES_S,
        "sub": _contact(),
    }
    from py_vapid import Vapid02  # type: ignore[import-untyped]

    signed: dict[str, str] = Vapid02(_key(settings.VAR_DIR / "vapid_key")).sign(claims)
    return signed


def _contact() -> str:
    """The contact for the push service: our page, or our mail address if that is not on https."""
    if settings.IS_HTTPS and not urlsplit(settings.PUBLIC_URL).port:
        return f"https://{settings.PUBLIC_HOST}"
    return f"mailto:{settings.DEFAULT_FROM_EMAIL.rpartition('<')[2].rstrip('>')}"


@functools.lru_cache(maxsize=4)
def _key(path: Path) -> ec.EllipticCurvePrivateKey:
    if not path.exists():
        _make(path)
    key = load_pem_private_key(path.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


def _make(path: Path) -> None:
    """Create the key file atomically: of two processes one wins, and none reads half a key."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(pem)
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
