"""The head of a request, read strictly (RFC 9112).

Whatever two programs could read differently is refused: that is how requests are smuggled past a proxy.
Limits and statuses are nginx's where it has them.
"""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from statuspage.serving.http1.application import Asked

MAX_LINE_BYTES = 8 * 1024  # of the request line and of each header, as nginx
MAX_HEAD_BYTES = 32 * 1024
MAX_HEADERS = 100
MAX_EMPTY_BYTES = 1024  # before a request
END = b"\r\n\r\n"

REQUEST_LINE = re.compile(rb"([A-Z][A-Z_-]*) ([\x21-\x7e\x80-\xff]+) HTTP/([0-9])\.([0-9]{1,2})")
NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
FORBIDDEN = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
LONE_LINE_FEED = re.compile(rb"(?<!\r)\n")
EMPTY_LINES = re.compile(rb"(?:\r\n)+")
ABSOLUTE = re.compile(rb"https?://([^/?#]+)([^#]*)", re.IGNORECASE)
HOST = re.compile(rb"[^\x00-\x20\x7f/?#@\\,]+")
BAD_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})|%00")
LENGTH = re.compile(rb"[0-9]{1,18}")

Headers = list[tuple[bytes, bytes]]


class BadRequestError(Exception):
    """The request is refused with this status, and the connection is closed."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


@dataclass(slots=True)  # not frozen: that would cost a tenth of the time to read it
class Head:
    """`length` is the body's in bytes; None when it comes in chunks."""

    method: str
    raw_path: bytes
    path: str
    query: bytes
    minor: int  # of HTTP/1.x
    headers: Headers  # names in lower case, values without spaces around them
    is_last: bool  # the connection ends after the answer
    length: int | None
    expects_continue: bool

    @property
    def has_body(self) -> bool:
        """Whether a body follows."""
        return self.length != 0

    def value(self, wanted: bytes) -> bytes:
        """The last header of this name; empty without one."""
        return next((value for name, value in reversed(self.headers) if name == wanted), b"")

    @property
    def asked(self) -> Asked:
        """What it asks of a document."""
        accepts, condition = self.value(b"accept-encoding"), self.value(b"if-none-match")
        return Asked(self.method, self.path, self.query, accepts, condition)

    def scope(self, client: tuple[str, int] | None, server: tuple[str, int] | None) -> dict[str, Any]:
        """The same as ASGI has it."""
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1" if self.minor else "1.0",
            "method": self.method,
            "scheme": "http",
            "path": self.path,
            "raw_path": self.raw_path,
            "query_string": self.query,
            "root_path": "",
            "headers": self.headers,
            "client": client,
            "server": server,
        }


def skip_empty_lines(buffer: bytearray) -> bool:
    """Remove those before a request (RFC 9112, section 2.2). Whether there were any.

    While nothing else has come they stay: they count as a slow head. Raises BadRequestError for many.
    """
    match = EMPTY_LINES.match(buffer)
    if match is None:
        return False
    if match.end() > MAX_EMPTY_BYTES:
        raise BadRequestError(400, "There are too many empty lines.")
    if match.end() >= len(buffer) - 1:
        return False
    del buffer[: match.end()]
    return True


def end_of(buffer: bytearray, start: int) -> int:
    """Where the head ends; -1 while it is not complete. `start`: how much was looked at before.

    Raises BadRequestError for what can be no head any more.
    """
    begin = max(0, start - len(END) + 1)
    end = -1 if buffer.startswith(b"\r\n") else buffer.find(END, begin)
    # only in this head: many requests behind it would be looked through again for each of them
    if LONE_LINE_FEED.search(buffer, begin, end if end >= 0 else len(buffer)):
        raise BadRequestError(400, "Lines end with CR and LF.")
    if (end if end >= 0 else len(buffer)) > MAX_HEAD_BYTES:
        raise BadRequestError(431, f"The headers are larger than {MAX_HEAD_BYTES // 1024} kB.")
    if end < 0 and len(buffer) > MAX_LINE_BYTES and b"\r\n" not in buffer:
        raise BadRequestError(414, f"The address is longer than {MAX_LINE_BYTES // 1024} kB.")
    return end


def parse(block: bytes) -> Head:
    """The head in these bytes, without the empty line at their end. Raises BadRequestError."""
    line, *lines = block.split(b"\r\n")
    if len(line) > MAX_LINE_BYTES:
        raise BadRequestError(414, f"The address is longer than {MAX_LINE_BYTES // 1024} kB.")
    match = REQUEST_LINE.fullmatch(line)
    if match is None:
        raise BadRequestError(400, "The request line is malformed.")
    method, target, major, minor = match.groups()
    if method == b"CONNECT":
        raise BadRequestError(400, "This is no proxy.")
    if major != b"1":
        raise BadRequestError(505, "Use HTTP/1.1.")
    headers = _headers(lines)
    is_old = int(minor) == 0
    authority, raw_path, query = _target(target)
    headers = _with_host(headers, authority, is_old=is_old)
    length, connection, expects_continue = _framing(headers, is_old=is_old)
    return Head(
        method.decode(), raw_path, _decoded(raw_path), query,
        0 if is_old else 1, headers,
        is_last=b"close" in connection or (is_old and b"keep-alive" not in connection),
        length=length, expects_continue=expects_continue and not is_old,
    )  # fmt: skip


def _decoded(raw_path: bytes) -> str:
    return (unquote_to_bytes(raw_path) if b"%" in raw_path else raw_path).decode("utf-8", "replace")


def _headers(lines: list[bytes]) -> Headers:
    if len(lines) > MAX_HEADERS:
        raise BadRequestError(431, f"There are more than {MAX_HEADERS} headers.")
    headers: Headers = []
    for line in lines:
        name, colon, value = line.partition(b":")
        if len(line) > MAX_LINE_BYTES:
            raise BadRequestError(431, f"A header is longer than {MAX_LINE_BYTES // 1024} kB.")
        if not colon or not NAME.fullmatch(name) or FORBIDDEN.search(value):
            raise BadRequestError(400, "A header is malformed.")
        headers.append((name.lower(), value.strip(b" \t")))
    return headers


def _target(target: bytes) -> tuple[bytes, bytes, bytes]:
    """(authority, path, query); the authority is empty unless the target names one."""
    authority = b""
    if not target.startswith(b"/"):
        absolute = ABSOLUTE.match(target)
        if absolute is None:
            raise BadRequestError(400, "The address is malformed.")
        authority, target = absolute.groups()
        target = target if target.startswith(b"/") else b"/" + target
    path, _, query = target.partition(b"#")[0].partition(b"?")
    if BAD_PERCENT.search(path):
        raise BadRequestError(400, "The address is malformed.")
    return authority, path, query


def _with_host(headers: Headers, authority: bytes, *, is_old: bool) -> Headers:
    """The headers with one valid host; an address that names its own replaces it (RFC 9112, 3.2.2)."""
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) > 1 or (not hosts and not is_old):
        raise BadRequestError(400, "There must be one Host header.")
    if any(
        not HOST.fullmatch(host) or b".." in host for host in (*hosts, *([authority] if authority else []))
    ):
        raise BadRequestError(400, "The Host header is malformed.")
    if not authority:
        return headers
    return [(b"host", authority), *((name, value) for name, value in headers if name != b"host")]


def _framing(headers: Headers, *, is_old: bool) -> tuple[int | None, set[bytes], bool]:
    """(length of the body, words of Connection, whether the client waits for 100).

    A length and chunks together, or either twice, are refused: the next program might take the other.
    """
    lengths: list[bytes] = []
    codings: list[bytes] = []
    connection: set[bytes] = set()
    expects_continue = False
    for name, value in headers:
        if name == b"content-length":
            lengths.append(value)
        elif name == b"transfer-encoding":
            codings.append(value.lower())
        elif name == b"connection":
            connection.update(word.strip(b" \t") for word in value.lower().split(b","))
        elif name == b"expect":
            expects_continue = value.lower() == b"100-continue"
    if len(lengths) + len(codings) > 1:
        raise BadRequestError(400, "The length of the body is ambiguous.")
    if codings:
        if is_old:
            raise BadRequestError(400, "HTTP/1.0 has no chunks.")
        if codings != [b"chunked"]:
            raise BadRequestError(501, "Only chunked is understood as Transfer-Encoding.")
        return None, connection, expects_continue
    if lengths and not LENGTH.fullmatch(lengths[0]):
        raise BadRequestError(400, "Content-Length is not a number.")
    return int(lengths[0]) if lengths else 0, connection, expects_continue
