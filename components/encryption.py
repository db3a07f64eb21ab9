"""Encrypts secrets at rest: subscribers' addresses, signing secrets, private keys.

The key is derived from SECRET_KEY, which is not in the database; older keys
(SECRET_KEY_FALLBACKS) still decrypt what they encrypted.
"""

import base64
import functools
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class DecryptionError(Exception):
    """This was encrypted with a key we no longer have: add the old SECRET_KEY to SECRET_KEY_FALLBACKS."""


def seal(text: str) -> str:
    """The text, encrypted with the current key."""
    return _fernet(*_keys()).encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """The decrypted text. Raises DecryptionError."""
    return _unseal(sealed, *_keys())


@functools.lru_cache(maxsize=20_000)  # an incident has many updates, and opening costs as much as signing
def _unseal(sealed: str, *keys: str) -> str:
    try:
        return _fernet(*keys).decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise DecryptionError from error


def fingerprint(text: str) -> str:
    """A keyed hash: equal for equal texts, and of no use to guess the text without our key."""
    return hmac.new(_derive(settings.SECRET_KEY, b"fingerprint"), text.encode(), hashlib.sha256).hexdigest()


def _keys() -> tuple[str, ...]:
    return (settings.SECRET_KEY, *map(str, settings.SECRET_KEY_FALLBACKS))


@functools.cache
def _fernet(*keys: str) -> MultiFernet:
    return MultiFernet([Fernet(base64.urlsafe_b64encode(_derive(key, b"sealed"))) for key in keys])


@functools.cache
def _derive(key: str, purpose: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt=None, info=b"statuspage " + purpose).derive(key.encode())
