"""Headers that staff typed: what may be sent, and what of it is secret."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from components.probers import redaction
from components.probers.base import Option
from components.probers.redirects import origin
from components.targets import InvalidProbeError

HEADERS = Option(
    "headers", "Headers (sent)", type="mapping", default={},
    help="One “Name: value” per line. Tokens and keys belong below.",
)  # fmt: skip
SECRET_HEADERS = Option(
    "secret_headers", "Secret headers (sent)", type="secrets", default={},
    help="Such as “Authorization: Bearer …”, one per line.",
)  # fmt: skip
OF_REQUEST = ("host", "content-type", "content-encoding", "content-language", "content-length")


class SendsHeaders:
    """The part of a `Prober` that says where its secret headers go."""

    def places(self, order: Any) -> str:
        """The origin of the address: what staff typed goes nowhere else, redirects included."""
        scheme, host, port = origin(urlsplit(order.url))
        return f"{scheme}://{host}:{port}"

    def named_hosts(self, order: Any) -> set[str]:
        """The host that a header names: behind one address there may be several sites."""
        return {text.strip().lower() for name, text in order.headers.items() if name.lower() == "host"}


def can_be_name(name: str) -> bool:
    """Whether a header can be called this (RFC 9110, section 5.6.2)."""
    return all(33 <= ord(c) < 127 and c not in '()<>@,;:\\"/[]?={}' for c in name)


def refuse_unprintable(headers: Mapping[str, str], field: str = "headers") -> None:
    """Raises InvalidProbeError, naming the header."""
    for name, value in headers.items():
        if not (name and can_be_name(name)):
            raise InvalidProbeError(field, f"“{name[:40]}” is not a valid header name.")
        if any(ord(c) < 32 and c != "\t" for c in value):
            raise InvalidProbeError(field, f"The value of {name} contains control characters.")


def typed(given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an order about its headers: all that are sent, and what of them must not be stored.

    Raises InvalidProbeError.
    """
    plain, secret = given.get("headers", {}), given.get("secret_headers", {})
    refuse_unprintable(plain)
    refuse_unprintable(secret, "secret_headers")
    names = {name.lower() for name in plain}
    for name in secret:
        if name.lower() in OF_REQUEST:
            raise InvalidProbeError("secret_headers", f"{name} is no secret: put it into “{HEADERS.label}”.")
        if name.lower() in names:
            raise InvalidProbeError(
                "secret_headers", f"{name} is in “{HEADERS.label}” as well: remove one of them."
            )
    return {"headers": {**plain, **secret}, "secrets": redaction.with_tokens(secret.values())}
