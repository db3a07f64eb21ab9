"""One request that the application answers as ASGI: its body in, the answer out."""

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from statuspage.serving.http1.application import Application, Message, Scope
from statuspage.serving.http1.body import Body
from statuspage.serving.http1.head import BadRequestError, Head
from statuspage.serving.http1.reply import head_bytes, refusal

if TYPE_CHECKING:
    from statuspage.serving.http1.connection import Connection

log = logging.getLogger(__name__)

MAX_AHEAD_BYTES = 64 * 1024  # read before the application asks for it
BODILESS = (204, 304)
OF_THE_CONNECTION = (b"connection", b"keep-alive", b"transfer-encoding", b"server", b"date")
CLOSE, KEEP = (b"connection", b"close"), (b"connection", b"keep-alive")


class Exchange:
    """Belongs to one connection until the application is done."""

    def __init__(self, connection: "Connection", head: Head, scope: Scope) -> None:
        self.connection = connection
        self.head = head
        self.scope = scope
        self.body = Body(head.length)
        self.arrived = bytearray()
        self.may_go_on = head.expects_continue  # the client waits to be told so
        self.is_last = head.is_last
        self.is_overrun = False  # requests behind it were dropped
        self.is_gone = False  # the client left, or its body cannot be understood
        self.is_delivered = False
        self.is_complete = False
        self.start: Message | None = None
        self.has_begun = False
        self.is_chunked = False
        self.missing: int | None = None  # bytes of the answer, as its Content-Length says
        self.waiting: asyncio.Future[None] | None = None

    @property
    def is_full(self) -> bool:
        """Whether the application has not asked for what arrived."""
        return len(self.arrived) > MAX_AHEAD_BYTES

    def feed(self, buffer: bytearray) -> None:
        """Take what the buffer has of the body."""
        if self.body.is_over or self.is_gone:
            return
        try:
            self.arrived += self.body.take(buffer)
        except BadRequestError:
            self.leave()
            return
        self.wake()

    def leave(self) -> None:
        """The request will not be complete, or its client does not listen any more."""
        self.is_gone = True
        self.wake()

    def wake(self) -> None:
        """Let the application look again."""
        if self.waiting is not None and not self.waiting.done():
            self.waiting.set_result(None)

    async def run(self, application: Application) -> None:
        """Let the application answer."""
        try:
            await application(self.scope, self._receive, self._send)
        except ConnectionError:
            if not self.connection.is_lost:
                log.exception("web.request_failed method=%s", self.head.method)
        except Exception:
            log.exception("web.request_failed method=%s", self.head.method)  # the path may be a secret
        if not self.has_begun and not self.connection.is_lost:
            self.is_last = self.is_complete = True
            reply = refusal(500, "The server failed to answer. Try again.", application.security)
            reply.write_with(self.connection.transport, time.time(), CLOSE)
        self.connection.finished(self)

    async def _receive(self) -> Message:
        if self.may_go_on and not self.arrived and not self.body.is_over and not self.has_begun:
            self.may_go_on = False
            self.connection.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        while not self._has_news():
            self.waiting = asyncio.get_running_loop().create_future()
            await self.waiting
        if self.is_gone or self.is_complete:
            return {"type": "http.disconnect"}
        piece = bytes(self.arrived)
        self.arrived.clear()
        self.is_delivered = self.body.is_over
        self.connection.regulate()
        return {"type": "http.request", "body": piece, "more_body": not self.is_delivered}

    def _has_news(self) -> bool:
        is_news = bool(self.arrived) or self.body.is_over
        return self.is_gone or self.is_complete or (is_news and not self.is_delivered)

    async def _send(self, message: Message) -> None:
        """Raises ConnectionResetError when the client is gone."""
        if self.connection.is_lost:
            raise ConnectionResetError
        if message["type"] == "http.response.start":
            self.start = message
            return
        piece, is_more = message.get("body", b""), message.get("more_body", False)
        self._write(piece, is_more=is_more)
        if not is_more:
            self.is_complete = not self.missing  # else it is shorter than it says: cut, so that this is seen
            self.wake()
        elif self.connection.is_stuck:
            await self.connection.room()

    def _write(self, piece: bytes, *, is_more: bool) -> None:
        first = b"" if self.has_begun else self._begin(len(piece), is_more=is_more)
        assert self.start is not None
        if self.head.method == "HEAD" or self.start["status"] in BODILESS:
            piece = b""
        if self.missing is not None:
            piece = piece[: self.missing]
            self.missing -= len(piece)
        parts = [first, piece]
        if self.is_chunked:
            parts = [first, b"%x\r\n" % len(piece), piece, b"\r\n"] if piece else [first]
            parts += [] if is_more else [b"0\r\n\r\n"]
        if any(parts):
            self.connection.transport.writelines([part for part in parts if part])

    def _begin(self, length: int, *, is_more: bool) -> bytes:
        """The head of the answer; decides how its body is framed and whether the connection stays open."""
        assert self.start is not None, "an answer begins with http.response.start"
        status, given = self.start["status"], [(name.lower(), value) for name, value in self.start["headers"]]
        headers = [pair for pair in given if pair[0] not in OF_THE_CONNECTION]
        if status in BODILESS:  # of 304 it would be the page's length, which is not known here
            headers = [pair for pair in headers if pair[0] != b"content-length"]
        said = next((value for name, value in headers if name == b"content-length"), None)
        self.is_last |= CLOSE in given or not self.body.is_over or self.connection.server.is_draining
        if self.head.method == "HEAD" or status in BODILESS:
            pass
        elif said is not None:
            self.missing = int(said)
        elif not is_more:
            headers.append((b"content-length", str(length).encode()))
        elif self.head.minor:
            self.is_chunked = True
            headers.append((b"transfer-encoding", b"chunked"))
        else:
            self.is_last = True
        more = [CLOSE] if self.is_last else [] if self.head.minor else [KEEP]
        beginning = head_bytes(status, headers, time.time(), *more)
        self.has_begun = True
        return beginning
