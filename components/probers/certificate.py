"""Facts from a server's certificates: days left, and whose certificate was refused."""

import functools
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.oid import NameOID

from components.blame import REFUSED
from components.client_certificates import ClientCertificate
from components.egress import Line
from components.outcomes import Failure, Reading
from components.probers.base import Clock

NEAR_DAYS = 14  # of our own certificate, when staff get a note to renew it


@dataclass(frozen=True, slots=True)
class Certificate:
    """The fields of a certificate that staff see."""

    name: str
    issuer: str
    ends_at: datetime


def facts_of(line: Line, now: datetime | None = None) -> dict[str, Any]:
    """`days_left` (whole days) and `facts` of the certificate sent that ends first; empty without one.

    Not only of the server's own: a chain is valid no longer than the first to expire.
    """
    read = [certificate for der in line.chain if (certificate := _read(der)) is not None]
    if not read:
        return {}
    first = min(read, key=lambda certificate: certificate.ends_at)
    return {
        "days_left": (first.ends_at - (now or datetime.now(UTC))).days,
        "facts": {
            "cert_name": first.name,
            "issuer": first.issuer,
            "not_after": first.ends_at.isoformat(),
        },
    }


def remark_on_ours(shown: ClientCertificate | None, clock: Clock, now: datetime | None = None) -> None:
    """Note for staff that our own certificate expires soon; customers don't see it: the target is healthy."""
    if shown is None:
        return
    days = (shown.ends_at - (now or datetime.now(UTC))).days
    if days < 0:
        clock.remark("Our client certificate has expired: renew it.")
    elif days < NEAR_DAYS:
        clock.remark(f"Our client certificate expires in {days} {'day' if days == 1 else 'days'}: renew it.")


def blamed(reading: Reading, shown: ClientCertificate | None, now: datetime | None = None) -> Reading:
    """The reading; our own fault if it was refused and our certificate has expired."""
    is_refused = reading.failure is Failure.TLS and reading.detail.startswith(REFUSED)
    if shown is None or not is_refused or shown.ends_at > (now or datetime.now(UTC)):
        return reading
    detail = f"Our client certificate expired on {shown.ends_at:%-d %b %Y}, and is rejected: renew it."
    return replace(reading, failure=Failure.OWN_FAULT, detail=detail)


@functools.lru_cache(maxsize=4096)
def _read(der: bytes) -> Certificate | None:
    """None for what OpenSSL took and we cannot read; targets send the same ones for months."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        return Certificate(
            _common_name(certificate.subject),
            _common_name(certificate.issuer),
            certificate.not_valid_after_utc,
        )
    except (ValueError, TypeError, x509.InvalidVersion, UnsupportedAlgorithm):
        return None


def _common_name(name: x509.Name) -> str:
    attributes = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(attributes[0].value) if attributes else name.rfc4514_string()
