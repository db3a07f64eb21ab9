"""SCRAM-SHA-256, the login that PostgreSQL asks for (RFC 5802, RFC 7677): neither side sends the password."""

import base64
import binascii
import hashlib
import hmac
import secrets
import stringprep
import unicodedata

MAX_ITERATIONS = 200_000  # PostgreSQL's default is 4,096; a hostile server must not keep the loop busy


class ScramError(Exception):
    """The server does not keep to the protocol, or does not know the password itself."""


class Scram:
    """The client's side of one login."""

    def __init__(self, password: str, nonce: str = "") -> None:
        self.password = prepared(password)
        self.nonce = nonce or secrets.token_urlsafe(18)
        self.signature = b""

    def first(self, user: str = "") -> str:
        """The first message; PostgreSQL knows the user already, and ignores this one."""
        return f"n,,{self._bare(user)}"

    def final(self, server_first: str, user: str = "") -> str:
        """The answer to the server's one challenge. Raises ScramError."""
        if self.signature:
            raise ScramError  # another one would be as much work again, and any number of them may come
        nonce, salt, iterations = self._challenge(server_first)
        salted = hashlib.pbkdf2_hmac("sha256", self.password, salt, iterations)
        without_proof = f"c=biws,r={nonce}"
        spoken = f"{self._bare(user)},{server_first},{without_proof}".encode()
        client_key = _mac(salted, b"Client Key")
        proof = _xor(client_key, _mac(hashlib.sha256(client_key).digest(), spoken))
        self.signature = _mac(_mac(salted, b"Server Key"), spoken)
        return f"{without_proof},p={base64.b64encode(proof).decode()}"

    def verify(self, server_final: str) -> None:
        """Whether the server knows the password as well. Raises ScramError."""
        expected = f"v={base64.b64encode(self.signature).decode()}"
        if not self.signature or not hmac.compare_digest(server_final.encode(), expected.encode()):
            raise ScramError

    def _bare(self, user: str) -> str:
        return f"n={user},r={self.nonce}"

    def _challenge(self, text: str) -> tuple[str, bytes, int]:
        """Nonce, salt and iterations of "r=…,s=…,i=…"."""
        try:
            parts = dict(part.split("=", 1) for part in text.split(","))
            nonce, iterations = parts["r"], int(parts["i"])
            salt = base64.b64decode(parts["s"], validate=True)
        except (ValueError, KeyError, binascii.Error) as error:
            raise ScramError from error
        if not nonce.startswith(self.nonce) or not 1 <= iterations <= MAX_ITERATIONS or not salt:
            raise ScramError
        return nonce, salt, iterations


def prepared(password: str) -> bytes:
    """By SASLprep (RFC 4013) as PostgreSQL does it: a password it would refuse is used as it is."""
    mapped = "".join(
        " " if stringprep.in_table_c12(character) else character
        for character in password
        if not stringprep.in_table_b1(character)
    )
    return unicodedata.normalize("NFKC", mapped).encode()


def _mac(key: bytes, text: bytes) -> bytes:
    return hmac.new(key, text, hashlib.sha256).digest()


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))
