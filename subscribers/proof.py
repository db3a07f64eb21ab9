"""A proof of work before an address is accepted; off unless it is set.

The form carries a signed challenge; its browser looks for a number that makes
the hash of both begin with so many zero bits. No third party is asked.
"""

import hashlib
import secrets

from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner

from subscribers import limits

LIFE_S = 900


def challenge() -> str:
    """A new challenge for a form; empty if none is required."""
    return _signer().sign(secrets.token_urlsafe(12)) if settings.SUBSCRIBE_PROOF_BITS else ""


def is_solved(signed: str, number: str) -> bool:
    """Whether the work was done within LIFE_S, and used only once. True if none is required."""
    if not settings.SUBSCRIBE_PROOF_BITS:
        return True
    try:
        nonce = _signer().unsign(signed, max_age=LIFE_S)
    except BadSignature:
        return False
    digest = hashlib.sha256(f"{signed}.{number}".encode()).digest()
    has_zeros = int.from_bytes(digest) >> (256 - settings.SUBSCRIBE_PROOF_BITS) == 0
    return number.isdecimal() and has_zeros and limits.once_an_hour("proof", nonce)


def _signer() -> TimestampSigner:
    return TimestampSigner(salt="subscribers.proof", sep=":")
