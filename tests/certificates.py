"""Certificates of our own making."""

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


def make(
    folder: Path, host: str, *, days: int = 30, ago: int = 1, is_named: bool = True
) -> tuple[Path, Path]:
    """A self-signed certificate for this address: (key file, certificate file).

    One that is not named says its host in the common name alone.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    names = [x509.IPAddress(ipaddress.ip_address(host))] if is_named else [x509.RFC822Name("a@b.example")]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=ago))
        .not_valid_after(now + timedelta(days=days, hours=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    key_file, file = folder / f"{host}-{days}.key", folder / f"{host}-{days}.pem"
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return key_file, file


def make_chain(root: Path, middle: Path, leaf: Path, *, days: int) -> Path:
    """Root, an intermediate with few days left, and a leaf in front of it: the leaf's key file."""
    root_key, root_made = _issue("root", None, days=900, is_authority=True)
    middle_key, middle_made = _issue("middle", (root_key, root_made), days=days, is_authority=True)
    leaf_key, leaf_made = _issue("leaf", (middle_key, middle_made), days=300, is_authority=False)
    pem = serialization.Encoding.PEM
    root.write_bytes(root_made.public_bytes(pem))
    middle.write_bytes(middle_made.public_bytes(pem))
    leaf.write_bytes(leaf_made.public_bytes(pem) + middle_made.public_bytes(pem))
    file = leaf.with_suffix(".key")
    plain = serialization.NoEncryption()
    file.write_bytes(leaf_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    return file


def _issue(name, by, *, days, is_authority):
    """A key and its certificate for loopback, signed by another, or by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    signer, issuer = (by[0], by[1].subject) if by else (key, subject)
    now = datetime.now(UTC)
    addresses = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    constraints = x509.BasicConstraints(ca=is_authority, path_length=None)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
    builder = builder.not_valid_after(now + timedelta(days=days, hours=1))
    builder = builder.add_extension(addresses, critical=False).add_extension(constraints, critical=True)
    return key, builder.sign(signer, hashes.SHA256())
