"""What the web server asks of the application behind it."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, Protocol

from statuspage.serving.http1.reply import Reply

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
STREAM = "/live"


class Asked(NamedTuple):
    """The parts of a request for a document that decide which bytes answer it."""

    method: str
    path: str
    query: bytes
    accepts: bytes  # the last Accept-Encoding; empty without one
    condition: bytes  # the last If-None-Match


class Words:
    """A message to streams, framed once for all of them: plain for HTTP/1.0, as a chunk for HTTP/1.1."""

    __slots__ = ("chunk", "plain")

    def __init__(self, plain: bytes) -> None:
        self.plain = plain
        self.chunk = b"%x\r\n%s\r\n" % (len(plain), plain)


class Listener(Protocol):
    """The connection of an open page."""

    def tell(self, words: Words) -> None:
        """Send it; a reader that takes nothing for long is disconnected."""

    def end(self) -> None:
        """End the stream."""


class Streams(Protocol):
    """The open pages of one kind."""

    def leave(self, listener: Listener) -> None:
        """Tell it nothing any more."""


class Application(Protocol):
    """An ASGI application that has some answers at hand."""

    security: list[tuple[bytes, bytes]]
    stream_headers: list[tuple[bytes, bytes]]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer any request."""

    async def start(self) -> None:
        """Before the first request."""

    async def stop(self) -> None:
        """After the last; ends the streams first."""

    def question(self, asked: Asked) -> Any | None:
        """What `at_hand` needs to know of a request; None for one that is never answered at once."""

    def at_hand(self, question: Any, now: float) -> Reply | None:
        """The answer, if it needs no waiting."""

    def join(self, listener: Listener, scope: Scope) -> tuple[Streams, Words] | None:
        """Add a stream, and its first words; None when there are too many."""

    def close_streams(self) -> None:
        """End all streams."""
