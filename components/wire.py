"""One HTTP/1.1 exchange over a fresh connection: send, read the head, read the body, all capped.

Small on purpose, and as tolerant as browsers are. Why it is ours, and what it accepts that a
strict parser refuses: docs/decisions/0002-own-http-exchange.md.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass

from components.decompression import DecompressionError, Unpacker
from components.egress import Line

PORTS = {"http": 80, "https": 443}  # unless the address names another
CHUNK = 64 * 1024
MAX_HEAD_BYTES = 64 * 1024  # all of it, interim answers as well
MAX_CHUNK_LINE_LENGTH = 4096
MAX_IN_A_ROW = 100  # pieces of a body: some send it byte by byte
USER_AGENT = "statuspage-probe/1"
WITH_CONTENT = ("POST", "PUT", "PATCH")  # a server may wait for their length (RFC 9110, section 8.6)
# digits alone: int() reads signs, underscores and foreign digits too, and fails at "²" that isdigit() takes
STATUS_LINE = re.compile(rb"(HTTP/1\.[0-9])[ \t]+([1-9][0-9]{2})(?:[ \t](.*))?")
# A head with the line ends of the standard, all of it received; any other is read line by line
WHOLE_HEAD = re.compile(rb"(HTTP/1[^\r\n]*+)((?:\r\n[^\r\n]++)*+)\r\n\r\n")
NUMBER = re.compile("[0-9]{1,18}")
CHUNK_SIZE = re.compile(rb"0*[0-9a-fA-F]{1,15}")


class MalformedAnswerError(Exception):
    """The answer is not HTTP."""


class TooLargeError(Exception):
    """The answer is larger than allowed."""


@dataclass(frozen=True, slots=True)
class Head:
    """The first part of an answer. Header names are lower-case; in `headers` the first of a name wins.

    `reason` is the phrase behind the status; empty where none was sent (HTTP/2 has none).
    """

    status: int
    version: str
    headers: Mapping[str, str]
    lines: tuple[tuple[str, str], ...] = ()
    reason: str = ""

    def values(self, name: str) -> list[str]:
        """Every value of a header, in order."""
        return [value for other, value in self.lines if other == name]


def request_bytes(method: str, host: str, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """A request that asks for the connection to be closed afterwards."""
    lines = [f"{name}: {value}" for name, value in fields(method, host, headers, body)]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode("utf-8", "replace") + body


def fields(method: str, host: str, headers: Mapping[str, str], body: bytes) -> list[tuple[str, str]]:
    """The headers of a request: ours, unless `headers` has its own, and then those."""
    names = {name.lower() for name in headers}
    defaults = (
        ("Host", host),
        ("User-Agent", USER_AGENT),
        ("Accept", "*/*"),
        ("Accept-Encoding", "gzip, deflate, br"),
        ("Connection", "close"),
    )
    chosen = [(name, value) for name, value in defaults if name.lower() not in names] + list(headers.items())
    if (body or method in WITH_CONTENT) and not names & {"content-length", "transfer-encoding"}:
        chosen.append(("Content-Length", str(len(body))))
    return chosen


async def read_head(line: Line) -> Head:
    """The status line and headers; interim 1xx answers are skipped.

    Raises MalformedAnswerError, TooLargeError.
    """
    remaining = MAX_HEAD_BYTES
    while True:
        head, remaining = await _one_head(line, remaining)
        if head.status >= 200 or head.status == 101:
            return head


async def _one_head(line: Line, remaining: int) -> tuple[Head, int]:
    """A head, and how many bytes remain for further ones."""
    if not line.unread:
        line.unread += await line.reader.read(CHUNK)
    whole = WHOLE_HEAD.match(line.unread)
    if whole is not None and whole.end() <= remaining:  # most heads come in one piece
        status, rows = STATUS_LINE.fullmatch(whole[1]), whole[2].split(b"\r\n")[1:]
        if status is None:
            raise MalformedAnswerError("status line")
        del line.unread[: whole.end()]
        return _parse(status, rows), remaining - whole.end()
    return await _head_by_rows(line, remaining)


async def _head_by_rows(line: Line, remaining: int) -> tuple[Head, int]:
    """The same, however it comes and whatever ends its lines."""
    status: re.Match[bytes] | None = None
    rows: list[bytes] = []
    while True:
        row = await _head_row(line, remaining, is_first=status is None)
        remaining -= len(row)
        text = row.rstrip(b"\r\n")
        if status is not None:
            if not text:
                return _parse(status, rows), remaining
            rows.append(text)
        elif text:  # an empty line before the first one is let pass, as servers do (RFC 9112, section 2.2)
            status = STATUS_LINE.fullmatch(text)
            if status is None:
                raise MalformedAnswerError("status line")


async def _head_row(line: Line, most: int, *, is_first: bool) -> bytes:
    """One line of a head; a bare LF ends it as well (RFC 9112, section 2.2)."""
    try:
        row = await _row(line, most)
    except EOFError as error:
        if is_first and not line.unread:
            raise ConnectionResetError from error
        raise MalformedAnswerError("head") from error
    if row is None:
        raise TooLargeError("headers")
    return row


async def _row(line: Line, most: int) -> bytes | None:
    """The next line with its end; None when it is longer than `most` bytes. Raises EOFError.

    What a read brings is kept with the line and cut up here: a head is one read, not one a row.
    """
    unread, looked = line.unread, 0
    while (end := unread.find(b"\n", looked) + 1) == 0 and len(unread) <= most:
        looked = len(unread)
        piece = await line.reader.read(CHUNK)
        if not piece:
            raise EOFError
        unread += piece
    if end > most or end == 0:
        return None
    row = bytes(unread[:end])
    del unread[:end]
    return row


async def _take(line: Line, most: int) -> bytes:
    """What was received, at most this many bytes; empty at the end."""
    if not line.unread:
        return await line.reader.read(most)
    piece = bytes(line.unread[:most])
    del line.unread[:most]
    return piece


def _parse(status: re.Match[bytes], rows: list[bytes]) -> Head:
    lines: list[tuple[str, str]] = []
    for row in rows:
        # what RFC 9110, section 5.5 calls dangerous counts as a blank
        text = row.decode("latin-1").replace("\0", " ").replace("\r", " ")
        if text[0] in " \t":  # a folded line belongs to the one before (RFC 9112, section 5.2)
            if lines:
                name, value = lines[-1]
                lines[-1] = (name, f"{value} {text.strip()}".strip())
            continue
        name, colon, value = text.partition(":")
        if colon and name.strip():
            lines.append((name.strip().lower(), value.strip()))
    reason = (status[3] or b"").decode("latin-1").strip()
    return Head(int(status[2]), status[1].decode(), dict(reversed(lines)), tuple(lines), reason)


async def read_body(line: Line, head: Head, method: str, *, most: int) -> bytes:
    """The unpacked body, at most `most` bytes.

    Raises TooLargeError, MalformedAnswerError, ConnectionError.
    """
    body = bytearray()
    try:
        async for piece in pieces(line, head, method):
            body += piece
            if len(body) > most:
                raise TooLargeError("body")
    except DecompressionError as error:
        raise MalformedAnswerError(str(error)) from error
    return bytes(body)


def pieces(line: Line, head: Head, method: str) -> AsyncGenerator[bytes, None]:
    """The unpacked body as it comes, 64 kB at a time.

    Raises MalformedAnswerError, DecompressionError, ConnectionError.
    """
    return unpacked(_framed(line, head), head) if has_body(head, method) else _nothing()


async def _nothing() -> AsyncGenerator[bytes, None]:
    none: tuple[bytes, ...] = ()
    for piece in none:
        yield piece


async def unpacked(framed: AsyncIterator[bytes], head: Head) -> AsyncGenerator[bytes, None]:
    """The body that these bytes are once its packing is undone. Raises DecompressionError."""
    codings = [name for name in transfer_codings(head) if name != "chunked"]
    unpack, count = Unpacker(*head.values("content-encoding"), *codings), 0
    async for raw in framed:
        for piece in unpack.feed(raw):
            yield piece
            count += 1
            if count % MAX_IN_A_ROW == 0:  # read without waiting: let others have their turn
                await asyncio.sleep(0)
    unpack.end()


def has_body(head: Head, method: str) -> bool:
    """Whether anything may follow the head (RFC 9112, section 6.3)."""
    return method != "HEAD" and head.status not in (101, 204, 304)


def is_chunked(head: Head) -> bool:
    """Whether the body comes in chunks."""
    return transfer_codings(head)[-1:] == ["chunked"]


def transfer_codings(head: Head) -> list[str]:
    """The transfer codings, in lower case, the last one applied last."""
    if "transfer-encoding" not in head.headers:
        return []
    named = ",".join(head.values("transfer-encoding")).lower().split(",")
    return [name for text in named if (name := text.partition(";")[0].strip()) not in ("", "identity")]


def stated_length(head: Head) -> int | None:
    """How many bytes follow; None if the head does not say.

    Raises MalformedAnswerError for lengths that contradict.
    """
    if transfer_codings(head):  # it overrides a length (RFC 9112, section 6.3)
        return None
    named = {text.strip() for value in head.values("content-length") for text in value.split(",")}
    if not named:
        return None
    if len(named) > 1 or not all(NUMBER.fullmatch(text) for text in named):
        raise MalformedAnswerError("content-length")
    return int(named.pop())


async def _framed(line: Line, head: Head) -> AsyncIterator[bytes]:
    """The body as it was sent, by its framing (RFC 9112, section 6.3)."""
    if is_chunked(head):
        async for piece in _chunks(line):
            yield piece
        return
    remaining = stated_length(head)
    while remaining is None or remaining > 0:
        piece = await _take(line, CHUNK if remaining is None else min(CHUNK, remaining))
        if not piece:
            if remaining:
                raise ConnectionResetError
            return
        if remaining is not None:
            remaining -= len(piece)
        yield piece


async def _chunks(line: Line) -> AsyncIterator[bytes]:
    """Trailers are not waited for: the line is closed, and nothing in them is asked for."""
    while size := await _chunk_size(line):
        while size:
            piece = await _take(line, min(CHUNK, size))
            if not piece:
                raise ConnectionResetError
            size -= len(piece)
            yield piece
        if await _chunk_line(line):
            raise MalformedAnswerError("chunk")


async def _chunk_size(line: Line) -> int:
    text = (await _chunk_line(line)).partition(b";")[0].strip(b" \t")
    if not CHUNK_SIZE.fullmatch(text):
        raise MalformedAnswerError("chunk size")
    return int(text, 16)


async def _chunk_line(line: Line) -> bytes:
    """A line between chunks, without its end."""
    try:
        row = await _row(line, MAX_CHUNK_LINE_LENGTH)
    except EOFError as error:
        raise ConnectionResetError from error
    if row is None:
        raise MalformedAnswerError("chunk")
    return row.rstrip(b"\r\n")
