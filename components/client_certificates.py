"""Client certificates of probes: a certificate and its private key, both PEM.

They are validated where they are entered. The key leaves this module only into an SSL context.
"""

import functools
import hashlib
import secrets
import ssl
import tempfile
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

CERTIFICATE, KEY = "client_certificate", "client_key"  # the fields that sentences name
MAX_PEM_LENGTH = 50_000  # a chain of ten long ones
MAX_NAME_LENGTH = 200  # of a subject, in a sentence
MAX_CONTEXTS = 64  # each holds all authorities of the system: about a megabyte
UNREADABLE = (
    ValueError,
    TypeError,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
    UnsupportedAlgorithm,
)
PEM = serialization.Encoding.PEM
Protocols = tuple[str, ...]  # what TLS offers to speak behind it, as in "http/1.1"


class CertificateError(ValueError):
    """A certificate or key that cannot be used: the field, and a sentence that says how to fix it."""

    def __init__(self, field_name: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field_name
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A certificate (with the rest of its chain) and its key. Compared by `digest` alone."""

    digest: str
    chain: str = field(compare=False, repr=False)
    key: str = field(compare=False, repr=False)

    @property
    def ends_at(self) -> datetime:
        """When it expires. Raises ValueError if it is not a certificate."""
        return ends_at(self.chain)


def of(chain: str, key: str) -> ClientCertificate:
    """From a stored chain and key, without validating them again."""
    return ClientCertificate(hashlib.sha256(f"{chain}\0{key}".encode()).hexdigest(), chain, key)


@functools.lru_cache(maxsize=4096)  # asked for at each check of a probe that has one
def ends_at(chain: str) -> datetime:
    """When the chain's first certificate expires. Raises ValueError if it is not a certificate."""
    return x509.load_pem_x509_certificates(chain.encode())[0].not_valid_after_utc


@functools.lru_cache(maxsize=4096)  # asked for with each row that is read
def identity(chain: str) -> tuple[str, ...]:
    """The subject of the chain's first certificate, then its alternative names in order.

    A renewed certificate has the same. Empty if it is not a certificate.
    """
    try:
        certificate = x509.load_pem_x509_certificates(chain.encode())[0]
        return certificate.subject.rfc4514_string(), *sorted(_other_names(certificate))
    except UNREADABLE:
        return ()


def _other_names(certificate: x509.Certificate) -> list[str]:
    """Alternative names; with an empty subject, as in SPIFFE, there are no others. Raises UNREADABLE."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return [str(name.value) for name in extension.value]


def summary(chain: str, now: datetime) -> str:
    """What staff see of a stored certificate, as "set, valid until 3 Mar 2027 (CN=probe)"."""
    try:
        end = ends_at(chain)
    except UNREADABLE:
        return "set, but cannot be read: set it again"
    name = next(filter(None, identity(chain)), "")
    shown = "".join(c if c.isprintable() else "·" for c in name)[:MAX_NAME_LENGTH]
    until = f"set, {'valid until' if end > now else 'expired on'} {end:%-d %b %Y}"
    return f"{until} ({shown})" if shown else until


def checked(chain: str, key: str, now: datetime) -> ClientCertificate:
    """Validate an entered chain and key. Raises CertificateError.

    An expired one is refused: no server accepts it, so it was probably pasted by mistake.
    """
    chain, key = (text.replace("\r\n", "\n").strip() for text in (chain, key))
    if not chain:
        raise CertificateError(CERTIFICATE, "Add the certificate for this key.")
    if not key:
        raise CertificateError(KEY, "Add the private key for this certificate.")
    certificate, secret = _certificate(chain), _key(key)
    if _public(certificate.public_key()) != _public(secret.public_key()):
        raise CertificateError(KEY, "This key does not match the certificate: paste a matching pair.")
    if certificate.not_valid_after_utc <= now:
        ended = certificate.not_valid_after_utc.strftime("%-d %b %Y")
        raise CertificateError(CERTIFICATE, f"This certificate expired on {ended}: paste a renewed one.")
    if certificate.not_valid_before_utc > now:
        begins = certificate.not_valid_before_utc.strftime("%-d %b %Y, %H:%M")
        raise CertificateError(
            CERTIFICATE, f"This certificate is valid only from {begins} UTC: wait until then."
        )
    made = of(chain, key)
    try:
        _load(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), made)
    except (ssl.SSLError, ValueError) as error:
        raise CertificateError(
            CERTIFICATE,
            "OpenSSL does not accept this certificate: use RSA of 2048 bits or more, or an elliptic curve.",
        ) from error
    return made


def _certificate(text: str) -> x509.Certificate:
    """The chain's first certificate; all of them must be readable. Raises CertificateError."""
    if len(text) > MAX_PEM_LENGTH:
        raise CertificateError(
            CERTIFICATE,
            f"Longer than {MAX_PEM_LENGTH} characters: include only the certificate and its chain.",
        )
    if "PRIVATE KEY-----" in text:
        raise CertificateError(
            CERTIFICATE, "This contains a private key: paste it into the private key field."
        )
    try:
        return x509.load_pem_x509_certificates(text.encode())[0]
    except (ValueError, TypeError, x509.InvalidVersion, UnsupportedAlgorithm) as error:
        raise CertificateError(
            CERTIFICATE, "This is not a certificate: paste PEM, from BEGIN CERTIFICATE to END CERTIFICATE."
        ) from error


def _key(text: str) -> CertificateIssuerPrivateKeyTypes:
    """Raises CertificateError, whose cause never holds the key."""
    if len(text) > MAX_PEM_LENGTH:
        raise CertificateError(KEY, f"Longer than {MAX_PEM_LENGTH} characters: paste only the key.")
    try:
        return serialization.load_pem_private_key(text.encode(), password=None)  # type: ignore[return-value]
    except TypeError:
        sentence = (
            "This key is encrypted: remove its passphrase (openssl pkey -in key.pem) and paste the result."
        )
        raise CertificateError(KEY, sentence) from None
    except (ValueError, UnsupportedAlgorithm):
        sentence = "This is not a private key: paste PEM, from BEGIN PRIVATE KEY to END PRIVATE KEY."
        raise CertificateError(KEY, sentence) from None


def _public(key: object) -> bytes:
    return key.public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined, no-any-return]


@functools.lru_cache(maxsize=MAX_CONTEXTS)  # making one costs more than a check
def context(shown: ClientCertificate, ca_file: str | None, offers: Protocols = ()) -> ssl.SSLContext:
    """A context as from `trusting` that presents this certificate. Raises SSLError, ValueError."""
    made = trusting(ca_file, offers)
    _load(made, shown)
    return made


def trusting(ca_file: str | None, offers: Protocols = ()) -> ssl.SSLContext:
    """A context that trusts these authorities, or the system's, and presents no certificate.

    `offers` are the protocols that the peer may choose from (ALPN); empty: ALPN is not used.
    """
    made = ssl.create_default_context(cafile=ca_file)
    if offers:
        made.set_alpn_protocols(offers)
    made.hostname_checks_common_name = False  # no browser takes it for a host (RFC 9110, section 4.3.4)
    return made


def _load(into: ssl.SSLContext, shown: ClientCertificate) -> None:
    """Load the pair through a file, as Python needs one; its key is encrypted with a random password."""
    password = secrets.token_bytes(32)
    lock = serialization.BestAvailableEncryption(password)
    key = serialization.load_pem_private_key(shown.key.encode(), password=None)
    locked = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, lock)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "shown.pem"
        file.write_bytes(shown.chain.encode() + b"\n" + locked)
        into.load_cert_chain(file, password=password)
