"""Which email address an identity provider vouches for, if any.

A provider speaks twice, in the signed token and at its userinfo address, and the two do not always agree
(some send a text where the standard has true or false). The stricter one counts; a missing claim
proves nothing.
"""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from components.texts import one_line

Claims = Mapping[str, Any]
ADDRESS = ("email", "email_verified")


class ClaimsError(Exception):
    """The provider's answer speaks of nobody, or of somebody else than its signed token does."""


def is_verified(value: object) -> bool:
    """True, or the text "true" that some providers send. Nothing else: not 1, not "True", not a full list."""
    return value is True or value == "true"


def settle(userinfo: Claims, signed: Claims | None = None) -> dict[str, Any]:
    """One set of claims, all of them texts; `email` is there when, and only when, it is vouched for.

    `signed` is the ID token's; None when the provider sent none. Raises ClaimsError when the two
    are not of one person (OpenID Connect Core 5.3.2).
    """
    subject = userinfo.get("sub")
    if not subject or not isinstance(subject, str | int):
        raise ClaimsError
    if signed is not None and str(signed.get("sub")) != str(subject):
        raise ClaimsError
    sources = [userinfo] if signed is None else [userinfo, signed]
    email = next((address for source in sources if (address := _address(source))), "")
    texts = {name: text for name, text in userinfo.items() if isinstance(text, str)}
    cleaned = {name: one_line(text) for name, text in texts.items() if name not in ADDRESS}
    vouched = {"email": email, "email_verified": True} if _is_vouched_for(email, sources) else {}
    return {**cleaned, **vouched, "sub": str(subject)}


def _is_vouched_for(email: str, sources: list[Claims]) -> bool:
    """Whether one source verifies this very address, and none contradicts it."""
    if any("email" in source and _address(source) != email for source in sources):
        return False
    if not all(is_verified(source["email_verified"]) for source in sources if "email_verified" in source):
        return False
    return bool(email) and any("email" in source and "email_verified" in source for source in sources)


def _address(source: Claims) -> str:
    """The email address of a source; empty if it is not a text, or has letters that look like others."""
    email = source.get("email")
    if not isinstance(email, str):
        return ""
    try:
        validate_email(email)
    except ValidationError:
        return ""
    return email.lower()
