"""PostgreSQL's protocol as far as a check needs it: start TLS, log in, ask one question.

Spoken here and not by a driver, since libpq dials by itself, gives no SQLSTATE for a refused
connection, and takes settings from the environment.
See "Frontend/Backend Protocol" in PostgreSQL's manual; version 3.0, which every server since 7.4 speaks.
"""

import asyncio
import hashlib
import struct

from components.egress import Line
from components.probers.scram import Scram, ScramError
from components.probers.services import NotSpokenError, RefusedError

VERSION, TLS_REQUEST = 196_608, 80_877_103
MAX_MESSAGE = 64 * 1024
MAX_MESSAGES = 1_000  # parameters, notices and rows of one answer
OK, CLEAR, MD5, SASL, SASL_CONTINUE, SASL_FINAL = 0, 3, 5, 10, 11, 12
FATAL = ("53", "57", "58", "XX")  # classes of errors that are more than one question refused
CAUSES = {
    "53300": "The server has used up its connections (SQLSTATE 53300).",
    "57P03": "The server accepts no connections now: it is starting up or shutting down (SQLSTATE 57P03).",
    "57P01": "The server is shutting down (SQLSTATE 57P01).",
    "57P02": "The server is restarting after a crash (SQLSTATE 57P02).",
    "28P01": "The server rejects the user or password (SQLSTATE 28P01).",
    "28000": "The server does not allow this user to connect from here (SQLSTATE 28000).",
    "3D000": "There is no such database (SQLSTATE 3D000).",
    "53200": "The server is out of memory (SQLSTATE 53200).",
    "53100": "The server's disk is full (SQLSTATE 53100).",
}


class Session:
    """A session on an open line. Anything may raise RefusedError, NotSpokenError, OSError."""

    def __init__(self, line: Line, *, is_secure: bool) -> None:
        self.line = line
        self.is_secure = is_secure
        self.messages_left = MAX_MESSAGES

    async def log_in(self, user: str, password: str, database: str) -> None:
        """Until the server is ready for a question."""
        pairs = {"user": user, "database": database, "application_name": "statuspage"}
        body = b"".join(f"{name}\0{value}\0".encode() for name, value in pairs.items()) + b"\0"
        self._send(b"", struct.pack("!i", VERSION) + body)
        scram: Scram | None = None
        while True:
            kind, message = await self._message()
            if kind == b"Z":
                return
            if kind == b"R":
                scram = await self._authenticate(message, user, password, scram)
            elif kind not in (b"S", b"K", b"v"):
                raise NotSpokenError("The response is not PostgreSQL.")

    async def ask(self, question: str) -> list[str]:
        """The values of the first row, as text; NULL is empty."""
        self._send(b"Q", question.encode() + b"\0")
        values: list[str] = []
        while True:
            kind, message = await self._message()
            if kind == b"Z":
                return values
            if kind == b"D" and not values:
                values = _row(message)

    def leave(self) -> None:
        """Say goodbye, so that the server's log has no broken connection."""
        self._send(b"X", b"")

    async def _authenticate(
        self, message: bytes, user: str, password: str, scram: Scram | None
    ) -> Scram | None:
        """Answer a request for authentication."""
        if len(message) < 4:
            raise NotSpokenError("The response is not PostgreSQL.")
        (asked,), rest = struct.unpack("!i", message[:4]), message[4:]
        if asked == OK:
            return scram
        if not password and asked in (CLEAR, MD5, SASL):
            raise RefusedError("The server requires a password.")
        if asked == CLEAR:
            if not self.is_secure:
                raise RefusedError("The server wants the password in plain text: it is sent only with TLS.")
            self._send(b"p", password.encode() + b"\0")
            return scram
        if asked == MD5:
            self._send(b"p", b"md5" + _md5(_md5(password.encode() + user.encode()) + rest[:4]) + b"\0")
            return scram
        try:
            return await self._scram(asked, rest, password, scram)
        except (ScramError, UnicodeDecodeError):
            raise RefusedError("The server's side of the login by password is not valid.") from None

    async def _scram(self, asked: int, rest: bytes, password: str, scram: Scram | None) -> Scram:
        """One step of SCRAM-SHA-256, each of which comes once. Raises ScramError."""
        if asked == SASL and scram is None and b"SCRAM-SHA-256" in rest.split(b"\0"):
            scram = Scram(password)
            first = scram.first().encode()
            self._send(b"p", b"SCRAM-SHA-256\0" + struct.pack("!i", len(first)) + first)
        elif asked == SASL_CONTINUE and scram is not None:
            # as many rounds of hashing as the server wants: other checks have their turn meanwhile
            final = await asyncio.to_thread(scram.final, rest.decode())
            self._send(b"p", final.encode())
        elif asked == SASL_FINAL and scram is not None:
            scram.verify(rest.decode())
        else:
            raise RefusedError(f"The server wants a kind of login that is not supported (number {asked}).")
        return scram

    def _send(self, kind: bytes, body: bytes) -> None:
        self.line.writer.write(kind + struct.pack("!i", len(body) + 4) + body)

    async def _message(self) -> tuple[bytes, bytes]:
        """The next message but notices; an error is raised."""
        while True:
            self.messages_left -= 1
            if self.messages_left < 0:
                raise NotSpokenError("The response does not end.")
            try:
                head = await self.line.reader.readexactly(5)
                length = int.from_bytes(head[1:], "big") - 4
                if not 0 <= length <= MAX_MESSAGE:
                    raise NotSpokenError("The response is not PostgreSQL.")
                message = await self.line.reader.readexactly(length)
            except asyncio.IncompleteReadError as error:
                raise ConnectionResetError from error
            if head[:1] == b"E":
                raise _refusal(message)
            if head[:1] not in (b"N", b"A"):
                return head[:1], message


async def agree_on_tls(line: Line) -> None:
    """Ask for TLS. Raises RefusedError where the server has none, NotSpokenError, OSError."""
    line.writer.write(struct.pack("!ii", 8, TLS_REQUEST))
    answer = await line.reader.read(1)
    if not answer:
        raise ConnectionResetError
    if answer == b"N":
        raise RefusedError("The server does not offer TLS: turn TLS on there, or off for this probe.")
    if answer != b"S":
        raise NotSpokenError("The response is not PostgreSQL.")


def _refusal(message: bytes) -> RefusedError:
    """The error with its cause; the server's own text is the excerpt, whatever its language."""
    fields = {part[:1]: part[1:].decode("utf-8", "replace") for part in message.split(b"\0") if part}
    code, text = fields.get(b"C", ""), fields.get(b"M", "")
    said = f"{fields.get(b'S', '')}: {code}: {text}"
    if code == "57P03":  # both have this code; the words tell where they are English
        for word in ("starting up", "shutting down", "in recovery mode"):
            if word in text:
                return RefusedError(f"The server is {word} (SQLSTATE 57P03).", said, code)
    sentence = CAUSES.get(code) or f"The server answers with an error: {text[:200]} ({code})."
    return RefusedError(sentence, said, code)


def _row(message: bytes) -> list[str]:
    values, at = [], 2
    try:
        for _ in range(struct.unpack_from("!h", message)[0]):
            (length,) = struct.unpack_from("!i", message, at)
            values.append(message[at + 4 : at + 4 + max(0, length)].decode("utf-8", "replace"))
            at += 4 + max(0, length)
    except struct.error as error:
        raise NotSpokenError("The response is not PostgreSQL.") from error
    return values


def _md5(text: bytes) -> bytes:
    """As the protocol wants it; it protects nothing, and servers are leaving it."""
    return hashlib.md5(text, usedforsecurity=False).hexdigest().encode()
