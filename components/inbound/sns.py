"""Messages of Amazon SNS: their fields, the addresses they may name, and their signature.

Version 1 signs with SHA-1, version 2 with SHA-256; which fields, and in what order, is fixed by the type:
https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

import base64
import binascii
import re
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from components.inbound.message import PayloadError, UnsignedError, as_object, text_at

NOTIFICATION = "Notification"
CONFIRMATION, FAREWELL = "SubscriptionConfirmation", "UnsubscribeConfirmation"
SIGNED = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    CONFIRMATION: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    FAREWELL: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
OPTIONAL = ("Subject",)
HOST = re.compile(r"sns\.[a-z0-9-]{2,40}\.amazonaws\.com(\.cn)?")
# What else SNS serves there may hold texts of whoever asks, and a certificate in them would be theirs
CERTIFICATE = re.compile(r"/SimpleNotificationService-[A-Za-z0-9]{6,64}\.pem")
# SHA-1 is what version 1 is, and all that older topics have
HASHES: dict[str, hashes.HashAlgorithm] = {"1": hashes.SHA1(), "2": hashes.SHA256()}  # noqa: S303


def envelope(body: bytes) -> dict[str, str]:
    """The fields of a message, all that are signed and those about the signature. Raises PayloadError."""
    row = as_object(body, "The body")
    kind = text_at(row, "Type")
    if kind not in SIGNED:
        raise PayloadError(f"The field “Type” must be one of {', '.join(SIGNED)}.")
    fields = {name: text_at(row, name, needed=name not in OPTIONAL) for name in SIGNED[kind]}
    fields |= {name: text_at(row, name) for name in ("SignatureVersion", "Signature", "SigningCertURL")}
    if fields["SignatureVersion"] not in HASHES:
        raise PayloadError("The field “SignatureVersion” must be “1” or “2”.")
    return fields


def is_amazon(url: str) -> bool:
    """Whether this is an address of SNS itself: https, its usual port, no login."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    is_plain = parts.scheme == "https" and port in (None, 443) and "@" not in parts.netloc
    return is_plain and HOST.fullmatch(parts.hostname or "") is not None


def names_certificate(url: str) -> bool:
    """Whether the path is one under which SNS keeps its certificates, with nothing behind it."""
    parts = urlsplit(url)
    is_bare = not (parts.query or parts.fragment) and url.isprintable()
    return is_bare and CERTIFICATE.fullmatch(parts.path) is not None


def signed_text(fields: dict[str, str]) -> bytes:
    """What was signed: each field's name and value on lines of their own; none for a missing subject."""
    names = [name for name in SIGNED[fields["Type"]] if fields[name] or name not in OPTIONAL]
    return "".join(f"{name}\n{fields[name]}\n" for name in names).encode()


def verify(fields: dict[str, str], certificate: bytes) -> None:
    """Raises UnsignedError unless the holder of this certificate (PEM) has signed the fields."""
    try:
        key = x509.load_pem_x509_certificate(certificate).public_key()
        signature = base64.b64decode(fields["Signature"], validate=True)
    except (ValueError, binascii.Error, UnsupportedAlgorithm):
        raise UnsignedError("The certificate or the field “Signature” cannot be read.") from None
    if not isinstance(key, rsa.RSAPublicKey):
        raise UnsignedError("The certificate holds no RSA key.")
    try:
        key.verify(signature, signed_text(fields), padding.PKCS1v15(), HASHES[fields["SignatureVersion"]])
    except InvalidSignature:
        raise UnsignedError("The field “Signature” does not fit the message.") from None
