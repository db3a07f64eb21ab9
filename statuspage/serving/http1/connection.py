"""One connection: requests in, answers out, one after the other.

What the application has at hand is written at once, from bytes that are shared by all readers; for
everything else the application runs as a task (`Exchange`), and the next request waits.
"""

import asyncio
import time
from typing import TYPE_CHECKING, cast

from statuspage.serving.http1.application import STREAM, Streams, Words
from statuspage.serving.http1.exchange import CLOSE, KEEP, MAX_AHEAD_BYTES, Exchange
from statuspage.serving.http1.head import END, BadRequestError, Head, end_of, parse, skip_empty_lines
from statuspage.serving.http1.reply import Reply, head_bytes, refusal

if TYPE_CHECKING:
    from statuspage.serving.http1.server import Server

HEAD_S = 10.0  # for a whole head to arrive
IDLE_S = 75.0  # between two requests, as nginx; longer than nginx keeps its own to us (60 s)
STUCK_S = 60.0  # a reader that takes nothing for this long is disconnected, as by nginx
STREAM_STUCK_S = 45.0  # the same for an open page, which is told something every 15 s
LINGER_S = 5.0  # after an answer to a request that was not read to its end: an early end would destroy it
CHUNKED = (b"transfer-encoding", b"chunked")


class Connection(asyncio.Protocol):
    """Belongs to one server."""

    __slots__ = (
        "at", "buffer", "exchange", "has_eof", "is_ending", "is_free", "is_lost", "is_plain", "is_reading",
        "is_stuck", "left", "looked", "roomy", "server", "stream", "transport",
    )  # fmt: skip
    transport: asyncio.Transport

    def __init__(self, server: "Server") -> None:
        self.server = server
        self.buffer = bytearray()
        self.looked = 0  # bytes of the buffer in which no end of a head was found
        self.exchange: Exchange | None = None
        self.stream: Streams | None = None
        self.at = server.tick  # of the last answer, or the first byte after it (s, of the loop)
        self.left = 0  # bytes that a slow reader had not taken at the last look
        self.roomy: asyncio.Future[None] | None = None
        self.is_free = True  # a complete request may be answered at once
        self.is_reading = True
        self.is_stuck = False  # the reader is slower than the answers
        self.is_ending = False
        self.has_eof = False  # the client sends no more, but waits for answers
        self.is_lost = False
        self.is_plain = False  # a stream to HTTP/1.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.transport = cast("asyncio.Transport", transport)
        if not self.server.admit(self):
            self._refuse(
                503, "Too many connections. Try again in a minute.", may_linger=self.server.may_linger
            )

    def connection_lost(self, exc: Exception | None) -> None:
        """Release everything."""
        self.is_lost, self.is_free = True, False
        self.server.release(self)
        if self.stream is not None:
            self.stream.leave(self)
            self.stream = None
        if self.exchange is not None:
            self.exchange.leave()
        self._make_room()

    def data_received(self, data: bytes) -> None:
        """Answer; the first lines are the shortest way there is."""
        if self.is_free:
            now = time.time()
            reply = self.server.at_hand(data, now)
            if reply is not None:
                self.at = self.server.tick
                reply.write(self.transport, now)
                return
        if self.stream is not None or self.is_ending:
            return  # nothing that comes now is a request
        if not self.buffer:
            self.at = self.server.tick
        self.buffer += data
        self._advance()

    def eof_received(self) -> bool:
        """The client sends no more. An answer that it waits for is still sent."""
        if self.exchange is None or not self.exchange.body.is_over:
            return False
        self.has_eof = True
        return True

    def pause_writing(self) -> None:
        """The reader is slower than the answers."""
        self.is_stuck, self.left = True, 0
        self.regulate()

    def resume_writing(self) -> None:
        """The reader has caught up."""
        self.is_stuck = False
        self.at = self.server.tick
        self._make_room()
        self._advance()

    async def room(self) -> None:
        """Wait until the reader has caught up, or is gone."""
        if self.is_stuck and not self.is_lost:
            self.roomy = asyncio.get_running_loop().create_future()
            await self.roomy

    def _make_room(self) -> None:
        if self.roomy is not None and not self.roomy.done():
            self.roomy.set_result(None)

    def regulate(self) -> None:
        """Read no more than is needed."""
        is_full = self.exchange is not None and self.exchange.is_full
        may_read = self.is_ending or not (self.is_stuck or is_full)
        if may_read != self.is_reading and not self.transport.is_closing():
            self.is_reading = may_read
            (self.transport.resume_reading if may_read else self.transport.pause_reading)()
        is_busy = self.buffer or self.exchange or self.stream or self.is_stuck or self.is_ending
        self.is_free = not is_busy and not self.is_lost

    def _advance(self) -> None:
        """Answer what has arrived, in order."""
        if self.is_lost:
            return
        if self.exchange is not None:
            self.exchange.feed(self.buffer)
            if len(self.buffer) > MAX_AHEAD_BYTES:  # requests behind one that takes time
                self.exchange.is_last = self.exchange.is_overrun = True
                self.buffer.clear()
        try:
            while (
                self.buffer and self.exchange is None and not (self.stream or self.is_stuck or self.is_ending)
            ):
                block = self._next()
                if block is None:
                    break
                self._answer(block)
        except BadRequestError as error:
            self._refuse(error.status, error.sentence)
        if self.has_eof and self.exchange is None and not (self.is_stuck or self.is_ending):
            self._end(is_unread=False)
        self.regulate()

    def _next(self) -> bytes | None:
        """The next head; None while it is not complete. Raises BadRequestError."""
        if skip_empty_lines(self.buffer):
            self.looked = 0
        end = end_of(self.buffer, self.looked)
        if end < 0:
            self.looked = len(self.buffer)
            return None
        block = bytes(self.buffer[: end + len(END)])
        del self.buffer[: end + len(END)]
        self.looked = 0
        return block

    def _answer(self, block: bytes) -> None:
        """At once, if the application has it at hand. Raises BadRequestError."""
        self.at = self.server.tick
        now = time.time()
        reply = self.server.at_hand(block, now)
        if reply is not None:
            reply.write(self.transport, now)
            return
        head = parse(block[: -len(END)])
        question = None if head.has_body else self.server.application.question(head.asked)
        reply = None if question is None else self.server.application.at_hand(question, now)
        if reply is not None:
            self._send(reply, head, now)
            return
        scope = head.scope(self._address("peername"), self._address("sockname"))
        if head.path == STREAM and head.method in ("GET", "HEAD") and not head.has_body:
            self._open_stream(head, scope, now)
            return
        self.exchange = Exchange(self, head, scope)
        self.exchange.feed(self.buffer)
        self.server.run(self.exchange)

    def _address(self, of: str) -> tuple[str, int] | None:
        """None once it is not known any more."""
        address = self.transport.get_extra_info(of)
        return (str(address[0]), int(address[1])) if address else None

    def _send(self, reply: Reply, head: Head, now: float) -> None:
        """Send an answer that says what becomes of the connection."""
        is_last = head.is_last or self.server.is_draining
        more = [CLOSE] if is_last else [] if head.minor else [KEEP]
        reply.write_with(self.transport, now, *more)
        if is_last:
            self._end(is_unread=bool(self.buffer))

    def finished(self, exchange: Exchange) -> None:
        """The application is done with its request."""
        self.exchange = None
        if self.is_lost:
            return
        if not exchange.is_complete:
            self.transport.abort()
        elif exchange.is_last or self.server.is_draining:
            is_unread = not exchange.body.is_over or exchange.is_overrun or bool(self.buffer)
            self._end(is_unread=is_unread)
        else:
            self.at = self.server.tick
            self._advance()

    def _refuse(self, status: int, sentence: str, *, may_linger: bool = True) -> None:
        """Refuse a request that cannot be understood, and everything behind it."""
        reply = refusal(status, sentence, self.server.application.security)
        reply.write_with(self.transport, time.time(), CLOSE)
        self._end(is_unread=may_linger)

    def _end(self, *, is_unread: bool) -> None:
        """Close once all is sent. Bytes that nobody read would reset the connection under the answer."""
        self.is_ending, self.is_free = True, False
        self.at = self.server.tick
        self.buffer.clear()
        if (
            is_unread
            and not self.has_eof
            and self.transport.can_write_eof()
            and not self.transport.is_closing()
        ):
            self.regulate()
            self.transport.write_eof()
        else:
            self.transport.close()

    def close_if_idle(self) -> bool:
        """Close a connection that waits for no answer. Whether it was one."""
        if not self.is_free:
            return False
        self._end(is_unread=False)
        return True

    def judge(self, now: float) -> None:
        """End what takes too long."""
        waited_s = now - self.at
        if self.is_stuck or self.transport.is_closing():
            left = self.transport.get_write_buffer_size()
            if left != self.left:
                self.left, self.at = left, now
            elif waited_s > STUCK_S:
                self.transport.abort()
        elif self.is_ending:
            if waited_s > LINGER_S:
                self.transport.abort()
        elif self.exchange is None and waited_s > (HEAD_S if self.buffer else IDLE_S):
            self.transport.abort()

    # Event streams

    def _open_stream(self, head: Head, scope: dict[str, object], now: float) -> None:
        if head.method == "HEAD":
            self._send(Reply(200, [*self.server.application.stream_headers], b""), head, now)
            return
        joined = self.server.application.join(self, scope)
        if joined is None:
            reply = refusal(503, "Too many streams: ask again.", [(b"retry-after", b"60")])
            self._send(reply, head, now)
            return
        self.stream, hello = joined
        self.is_plain = not head.minor
        self.buffer.clear()
        self.server.forget(self)
        framing = CLOSE if self.is_plain else CHUNKED
        beginning = head_bytes(200, self.server.application.stream_headers, now, framing)
        self.transport.write(beginning + (hello.plain if self.is_plain else hello.chunk))

    def tell(self, words: Words) -> None:
        """Send it to the open page; one that takes nothing for long is disconnected."""
        if not self.transport.get_write_buffer_size():
            self.left = 0
        elif not self.left:
            self.left, self.at = 1, self.server.tick
        elif self.server.tick - self.at > STREAM_STUCK_S:
            self.transport.abort()
            return
        self.transport.write(words.plain if self.is_plain else words.chunk)

    def end(self) -> None:
        """End the stream."""
        if not self.is_plain:
            self.transport.write(b"0\r\n\r\n")
        self.transport.close()
