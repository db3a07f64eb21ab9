"""Headers that staff typed: what may be sent."""

from collections.abc import Mapping

from components.probers.base import Option
from components.targets import InvalidProbeError

HEADERS = Option("headers", "Headers (sent)", type="mapping", default={}, help="One “Name: value” per line.")


def can_be_name(name: str) -> bool:
    """Whether a header can be called this (RFC 9110, section 5.6.2)."""
    return all(33 <= ord(c) < 127 and c not in '()<>@,;:\\"/[]?={}' for c in name)


def refuse_unprintable(headers: Mapping[str, str]) -> None:
    """Raises InvalidProbeError, naming the header."""
    for name, value in headers.items():
        if not (name and can_be_name(name)):
            raise InvalidProbeError("headers", f"“{name[:40]}” is not a valid header name.")
        if any(ord(c) < 32 and c != "\t" for c in value):
            raise InvalidProbeError("headers", f"The value of {name} contains control characters.")
