"""The protocol of MySQL and MariaDB as far as a check needs it: start TLS, log in, ask a question.

Spoken here and not by a driver: those block a thread, which a deadline cannot end.
See "Client/Server Protocol" in MySQL's source documentation; version 10, which all servers since 3.21 speak.
"""

import asyncio
import hashlib
import struct
from collections.abc import Awaitable, Callable

from components.egress import Line
from components.probers.services import NotSpokenError, RefusedError

MAX_PACKET = 64 * 1024
MAX_PACKETS = 1_000
LONG_PASSWORD, WITH_DB, PROTOCOL_41, TLS, TRANSACTIONS = 0x1, 0x8, 0x200, 0x800, 0x2000
SECURE, PLUGINS = 0x8000, 0x80000
UTF8MB4 = 45
OK, MORE, END, ERROR = 0x00, 0x01, 0xFE, 0xFF
QUIT, QUERY = b"\x01", b"\x03"
FAST_OK, FULL_LOGIN = b"\x03", b"\x04"  # of caching_sha2_password
NATIVE, SHA2, CLEAR = "mysql_native_password", "caching_sha2_password", "mysql_clear_password"
STRANGE = "The response is not MySQL."
CAUSES = {
    1040: "The server has used up its connections (error 1040).",
    1203: "This user has used up its connections (error 1203).",
    1226: "This user has used up what it may use (error 1226).",
    1053: "The server is shutting down (error 1053).",
    1044: "The user may not use this database (error 1044).",
    1045: "The server rejects the user or password (error 1045).",
    1049: "There is no such database (error 1049).",
    1129: "The server blocks our address after too many failed connections (error 1129).",
    1130: "The server does not allow connections from our address (error 1130).",
    3159: "The server allows logins only with TLS: turn TLS on for this probe (error 3159).",
}
Upgrade = Callable[[], Awaitable[None]] | None


class Session:
    """A session on an open line. Anything may raise RefusedError, NotSpokenError, OSError."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.number = 0  # of the next packet of this exchange
        self.packets_left = MAX_PACKETS
        self.is_secure = False
        self.nonce, self.plugin, self.flags = b"", "", 0

    async def greet(self) -> str:
        """The server's version, from its greeting."""
        packet = await self._packet()
        try:
            version, rest = packet[1:].split(b"\0", 1)
            if packet[0] != 10 or len(rest) < 31:
                raise NotSpokenError(STRANGE)
            low, high = struct.unpack_from("<H", rest, 13)[0], struct.unpack_from("<H", rest, 18)[0]
            self.flags = low | high << 16
            self.nonce = rest[4:12] + rest[31 : 31 + max(13, rest[20] - 8)].rstrip(b"\0")
            self.plugin = rest[31 + max(13, rest[20] - 8) :].split(b"\0")[0].decode("ascii", "replace")
        except (ValueError, struct.error) as error:
            raise NotSpokenError(STRANGE) from error
        return version.decode("utf-8", "replace")

    async def log_in(self, user: str, password: str, database: str, upgrade: Upgrade) -> None:
        """Until the server is ready for a question; `upgrade` starts TLS on the line."""
        flags = LONG_PASSWORD | PROTOCOL_41 | TRANSACTIONS | SECURE | PLUGINS | (WITH_DB if database else 0)
        if upgrade is not None:
            if not self.flags & TLS:
                raise RefusedError("The server does not offer TLS: turn TLS on there, or off for this probe.")
            flags |= TLS
            self._send(_begin(flags))
            await upgrade()
            self.is_secure = True
        proof = _proof(self.plugin, password, self.nonce)
        body = user.encode() + b"\0" + bytes([len(proof)]) + proof
        body += (database.encode() + b"\0" if database else b"") + self.plugin.encode() + b"\0"
        self._send(_begin(flags) + body)
        while (packet := await self._packet())[0] != OK:
            self._go_on(packet, password)

    async def ask(self, question: str) -> list[str]:
        """The values of the first row, as text; NULL is empty."""
        self.number = 0
        self._send(QUERY + question.encode())
        columns = (await self._packet())[0]
        if not 1 <= columns <= 16:
            raise NotSpokenError(STRANGE)
        for _ in range(columns):
            await self._packet()
        await self._packet()  # the end of the columns
        values: list[str] = []
        while not _is_end(packet := await self._packet()):
            values = values or _row(packet, columns)
        return values

    def leave(self) -> None:
        """Say goodbye, so that the server's log has no broken connection."""
        self.number = 0
        self._send(QUIT)

    def _go_on(self, packet: bytes, password: str) -> None:
        """Answer a step of the login that is not its end."""
        if packet[0] == END and len(packet) > 1:
            name, _, nonce = packet[1:].partition(b"\0")
            self.plugin, self.nonce = name.decode("ascii", "replace"), nonce.rstrip(b"\0")
            if self.plugin == CLEAR:
                self._send_password(password)
            else:
                self._send(_proof(self.plugin, password, self.nonce))
        elif packet[0] == MORE and packet[1:2] == FULL_LOGIN:
            self._send_password(password)
        elif packet[:2] != bytes([MORE]) + FAST_OK:
            raise NotSpokenError(STRANGE)

    def _send_password(self, password: str) -> None:
        if not self.is_secure:
            raise RefusedError("The server wants the password in plain text: it is sent only with TLS.")
        self._send(password.encode() + b"\0")

    def _send(self, body: bytes) -> None:
        self.line.writer.write(struct.pack("<I", len(body))[:3] + bytes([self.number]) + body)
        self.number = (self.number + 1) % 256

    async def _packet(self) -> bytes:
        """The next packet, of at least one byte; an error is raised."""
        self.packets_left -= 1
        if self.packets_left < 0:
            raise NotSpokenError("The response does not end.")
        try:
            head = await self.line.reader.readexactly(4)
            length = int.from_bytes(head[:3], "little")
            if not 1 <= length <= MAX_PACKET:
                raise NotSpokenError(STRANGE)
            packet = await self.line.reader.readexactly(length)
        except asyncio.IncompleteReadError as error:
            raise ConnectionResetError from error
        self.number = (head[3] + 1) % 256
        if packet[0] == ERROR:
            raise _refusal(packet)
        return packet


def _begin(flags: int) -> bytes:
    """What the wish for TLS and the login begin with."""
    return struct.pack("<IIB23x", flags, MAX_PACKET, UTF8MB4)


def _proof(plugin: str, password: str, nonce: bytes) -> bytes:
    """That we know the password, without saying it. Raises RefusedError for another kind of login."""
    if plugin not in (NATIVE, SHA2, ""):
        raise RefusedError(f"The server wants a kind of login that is not supported ({plugin[:40]}).")
    if not password:
        return b""
    nonce, secret = nonce[:20], password.encode()
    if plugin == SHA2:
        once = hashlib.sha256(secret).digest()
        return _xor(once, hashlib.sha256(hashlib.sha256(once).digest() + nonce).digest())
    once = _sha1(secret)
    return _xor(once, _sha1(nonce + _sha1(once)))


def _sha1(text: bytes) -> bytes:
    """As the protocol of older servers wants it."""
    return hashlib.sha1(text, usedforsecurity=False).digest()


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def _is_end(packet: bytes) -> bool:
    return packet[0] == END and len(packet) < 9


def _row(packet: bytes, columns: int) -> list[str]:
    values, at = [], 0
    for _ in range(columns):
        length = packet[at] if at < len(packet) else 0
        if length > 250:  # NULL, or longer than a number can be
            length = 0
        values.append(packet[at + 1 : at + 1 + length].decode("utf-8", "replace"))
        at += 1 + length
    return values


def _refusal(packet: bytes) -> RefusedError:
    """The error with its cause; the server's own text is the excerpt, whatever its language."""
    if len(packet) < 3:
        raise NotSpokenError(STRANGE)
    code, text = int.from_bytes(packet[1:3], "little"), packet[3:]
    said = text[6:] if text[:1] == b"#" else text
    words = said.decode("utf-8", "replace")
    sentence = CAUSES.get(code) or f"The server answers with an error: {words[:200]} ({code})."
    return RefusedError(sentence, f"{code}: {words}", str(code))
