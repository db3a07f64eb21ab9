"""What a certificate says of itself."""

from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID


def facts(der: bytes | None, now: datetime | None = None) -> dict[str, Any]:
    """`days_left` (whole days) and `facts` with name, issuer and end; empty without a certificate."""
    if der is None:
        return {}
    certificate = x509.load_der_x509_certificate(der)
    end = certificate.not_valid_after_utc
    return {
        "days_left": (end - (now or datetime.now(UTC))).days,
        "facts": {
            "cert_name": _common_name(certificate.subject),
            "issuer": _common_name(certificate.issuer),
            "not_after": end.isoformat(),
        },
    }


def _common_name(name: x509.Name) -> str:
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else name.rfc4514_string()
