"""An answer as bytes: its head, and complete answers that are sent again and again."""

import re
from collections.abc import Iterable
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, Protocol

NAME = b"statuspage"  # as `Server`
MAX_JOINED_BYTES = 16 * 1024  # a larger body is shared by its readers, not copied once a second
UNSAFE = re.compile(rb"[\r\n\0]")
REASONS = {status.value: status.phrase.encode() for status in HTTPStatus}

Headers = Iterable[tuple[bytes, bytes]]
Message = dict[str, Any]


class Writer(Protocol):
    """The part of a transport that takes bytes."""

    def write(self, data: bytes) -> None:
        """Send it after what was sent before."""

    def writelines(self, list_of_data: list[bytes]) -> None:
        """Send them all."""


class HeaderError(ValueError):
    """A header of an answer has a line break or a zero byte."""


class _Clock:
    """The date as headers have it, formatted once a second."""

    second = 0
    text = b""


def date(now: float) -> bytes:
    """This moment (s since 1970) for the `Date` header."""
    second = int(now)
    if second != _Clock.second:
        _Clock.second, _Clock.text = second, formatdate(second, usegmt=True).encode()
    return _Clock.text


def head_bytes(status: int, headers: Headers, now: float, *more: tuple[bytes, bytes]) -> bytes:
    """Status line and headers. Raises HeaderError."""
    pairs = [(b"server", NAME), (b"date", date(now)), *headers, *more]
    lines = [b"HTTP/1.1 %d %s" % (status, REASONS.get(status, b"")), *(b"%s: %s" % pair for pair in pairs)]
    if any(UNSAFE.search(line) for line in lines):
        raise HeaderError
    return b"\r\n".join(lines) + b"\r\n\r\n"


class Reply:
    """One complete answer, as ASGI messages and as bytes that are made once a second."""

    __slots__ = ("_bytes", "_second", "body", "headers", "messages", "status")

    def __init__(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        start = {"type": "http.response.start", "status": status, "headers": headers}
        self.messages: tuple[Message, Message] = (start, {"type": "http.response.body", "body": body})
        self._second = 0
        self._bytes = b""

    def write(self, writer: Writer, now: float) -> None:
        """Send it on a connection that stays open."""
        second = int(now)
        if second != self._second:
            head = head_bytes(self.status, self.headers, now)
            self._bytes = head + self.body if len(self.body) <= MAX_JOINED_BYTES else head
            self._second = second
        if len(self.body) <= MAX_JOINED_BYTES:
            writer.write(self._bytes)
        else:
            writer.writelines([self._bytes, self.body])

    def write_with(self, writer: Writer, now: float, *more: tuple[bytes, bytes]) -> None:
        """The same with more headers."""
        writer.writelines([head_bytes(self.status, self.headers, now, *more), self.body])


def refusal(status: int, sentence: str, security: Headers) -> Reply:
    """A sentence in plain text."""
    body = f"{sentence}\n".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        *security,
    ]
    return Reply(status, headers, body)
