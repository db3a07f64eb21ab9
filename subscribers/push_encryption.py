"""Message encryption for web push (RFC 8291), as one record of `aes128gcm` (RFC 8188).

Our own, because the one library for it has no wheel and builds from source at each install.
"""

import os

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

RECORD_BYTES = 4096  # what every push service takes (RFC 8030, section 7.2)
SALT_BYTES = 16
LAST_RECORD = b"\x02"  # delimiter after the text; padding, if any, would follow (RFC 8188, section 2)


def encrypt(
    plain: bytes,
    receiver: bytes,
    auth: bytes,
    *,
    sender: ec.EllipticCurvePrivateKey | None = None,
    salt: bytes | None = None,
) -> bytes:
    """The body of the POST: header and one encrypted record.

    `receiver` is the browser's public point (65 bytes), `auth` the 16 bytes it shares with us. Key
    and salt are new for each message, unless a test gives those of the standard.
    """
    sender = sender or ec.generate_private_key(ec.SECP256R1())
    salt = salt or os.urandom(SALT_BYTES)
    point = sender.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    key, nonce = keys(sender, receiver, (receiver, point), auth, salt)
    header = salt + RECORD_BYTES.to_bytes(4, "big") + bytes([len(point)]) + point
    return header + AESGCM(key).encrypt(nonce, plain + LAST_RECORD, None)


def keys(
    own: ec.EllipticCurvePrivateKey, other: bytes, points: tuple[bytes, bytes], auth: bytes, salt: bytes
) -> tuple[bytes, bytes]:
    """Key and nonce of the one record; `points` are those of receiver and sender, in this order."""
    peer = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), other)
    secret = own.exchange(ec.ECDH(), peer)
    material = _derive(secret, auth, b"WebPush: info\0" + b"".join(points), 32)
    key = _derive(material, salt, b"Content-Encoding: aes128gcm\0", 16)
    return key, _derive(material, salt, b"Content-Encoding: nonce\0", 12)


def _derive(material: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(material)
