"""One HTTP/1.1 exchange over a fresh line: send, read head, read body, all capped.

Small on purpose. httpx's pool costs a probe more than the check itself
(measured 0.10 of blackbox_exporter's rate with keep-alive, 0.5 without).
"""

import asyncio
import re
import zlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import brotli

from components.egress import Line

CHUNK = 64 * 1024
# digits alone: int() reads signs, underscores and foreign digits too, and fails at "²" that isdigit() takes
NUMBER = re.compile("[0-9]{1,18}")
CHUNK_SIZE = re.compile(rb"[0-9a-fA-F]{1,15}")
USER_AGENT = "statuspage-probe/1"


class Garbled(Exception):
    """The answer is not HTTP."""


class TooLarge(Exception):
    """The answer is larger than we are willing to read."""


@dataclass(frozen=True, slots=True)
class Head:
    """The first part of an answer. Header names are lower-case; the first of a name wins."""

    status: int
    version: str
    headers: Mapping[str, str]


def request_bytes(method: str, host: str, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """A request that asks for the connection to be closed afterwards."""
    names = {name.lower() for name in headers}
    lines = [f"{method} {path} HTTP/1.1"]
    for name, value in (
        ("Host", host),
        ("User-Agent", USER_AGENT),
        ("Accept", "*/*"),
        ("Accept-Encoding", "gzip, deflate, br"),
        ("Connection", "close"),
    ):
        if name.lower() not in names:
            lines.append(f"{name}: {value}")
    lines.extend(f"{name}: {value}" for name, value in headers.items())
    if body and "content-length" not in names:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + body


async def read_head(line: Line) -> Head:
    """The status line and headers; interim 1xx answers are skipped. Raises Garbled, TooLarge."""
    while True:
        try:
            raw = await line.reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError as error:
            raise TooLarge("headers") from error
        except asyncio.IncompleteReadError as error:
            if not error.partial:
                raise ConnectionResetError from error
            raise Garbled from error
        head = _parse(raw)
        if head.status >= 200 or head.status == 101:
            return head


def _parse(raw: bytes) -> Head:
    first, *rest = raw[:-4].decode("latin-1").split("\r\n")
    version, _, after = first.partition(" ")
    code = after[:3]
    if not version.startswith("HTTP/1.") or not NUMBER.fullmatch(code):
        raise Garbled(first[:80])
    headers: dict[str, str] = {}
    for text in rest:
        name, _, value = text.partition(":")
        headers.setdefault(name.strip().lower(), value.strip())
    return Head(int(code), version, headers)


async def read_body(line: Line, head: Head, method: str, *, most: int) -> bytes:
    """The decoded body, at most `most` bytes. Raises TooLarge, Garbled, ConnectionError."""
    if method == "HEAD" or head.status in (204, 304):
        return b""
    body, unpack = bytearray(), _Unpacker(head.headers.get("content-encoding", ""))
    async for piece in _pieces(line, head):
        body += unpack.feed(piece, most - len(body))
        if len(body) > most:
            raise TooLarge("body")
    return bytes(body)


async def _pieces(line: Line, head: Head) -> AsyncIterator[bytes]:
    """The body as it comes, by its framing (RFC 9112, section 6.3)."""
    if "chunked" in head.headers.get("transfer-encoding", "").lower():
        async for piece in _chunks(line):
            yield piece
        return
    length = head.headers.get("content-length")
    if length is not None and not NUMBER.fullmatch(length):
        raise Garbled("content-length")
    left = int(length) if length is not None else None
    while left is None or left > 0:
        piece = await line.reader.read(CHUNK if left is None else min(CHUNK, left))
        if not piece:
            if left:
                raise ConnectionResetError
            return
        if left is not None:
            left -= len(piece)
        yield piece


async def _chunks(line: Line) -> AsyncIterator[bytes]:
    reader = line.reader
    while True:
        try:
            text = (await reader.readuntil(b"\r\n")).split(b";")[0].strip()
            if not CHUNK_SIZE.fullmatch(text):
                raise Garbled("chunk")
            size = int(text, 16)
            if size == 0:
                return
            while size:
                piece = await reader.read(min(CHUNK, size))
                if not piece:
                    raise ConnectionResetError
                size -= len(piece)
                yield piece
            await reader.readexactly(2)
        except (ValueError, asyncio.LimitOverrunError) as error:
            raise Garbled("chunk") from error
        except asyncio.IncompleteReadError as error:
            raise ConnectionResetError from error


class _Unpacker:
    """Undoes the content encoding, never further than asked: a bomb stops at the cap."""

    def __init__(self, encoding: str) -> None:
        self.encoding = encoding.strip().lower()
        self.zlib = zlib.decompressobj(47) if self.encoding in ("gzip", "x-gzip") else None
        if self.encoding == "deflate":
            self.zlib = zlib.decompressobj()
        self.brotli = brotli.Decompressor() if self.encoding == "br" else None

    def feed(self, piece: bytes, room: int) -> bytes:
        """The decoded bytes, at most one more than there is room for."""
        try:
            if self.zlib is not None:
                return self.zlib.decompress(piece, room + 1)
            if self.brotli is not None:
                unpacked: bytes = self.brotli.process(piece, output_buffer_limit=room + 1)
                return unpacked
        except (zlib.error, brotli.error) as error:
            raise Garbled(self.encoding) from error
        return piece
