"""One HTTP/2 exchange over a fresh connection, with the interface of `wire`: a head, then pieces of a body.

`h2` reads frames and header compression, one frame at a time: so a head is not endless, a flood lets
other checks in between, and a graceful GOAWAY is not the end.
See docs/decisions/0013-httpx-through-the-door.md.
"""

import asyncio
import contextlib
import re
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Mapping

from h2 import events, exceptions
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.settings import SettingCodes, Settings

from components import wire
from components.egress import Line
from components.wire import Head

STREAM = 1  # the only one of a line
MAX_FRAME_BYTES = 16_384  # as announced (RFC 9113, section 4.2)
WINDOW = 256 * 1024  # what may come before it was read
MAX_IDLE_FRAMES = 1_000  # that neither begin nor continue an answer: thirty streams open at once need fewer
FRAMES_A_TURN = 64  # about 2 ms, then other checks get a turn
DATA, HEADERS, PUSH, GOAWAY, CONTINUATION = 0, 1, 5, 7, 9
OF_A_HEAD = (HEADERS, PUSH, CONTINUATION)
STATUS = re.compile(rb"[1-9][0-9]{2}")
# What belongs to a line of HTTP/1.1 has no place here (RFC 9113, section 8.2.2)
OF_THE_LINE = ("host", "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "te")


class Broken(wire.MalformedAnswerError):
    """The answer is not HTTP/2. Says why in a sentence."""


class StreamEndedError(ConnectionResetError):
    """The server ended the stream or the connection. Its text is the code (RFC 9113, section 7)."""


class Exchange:
    """One request on a line, and its answer. Anything may raise Broken, Ended, OSError."""

    def __init__(self, line: Line) -> None:
        self.line = line
        # judged here, as leniently as elsewhere: a name in capitals is no outage
        self.frames = H2Connection(
            H2Configuration(validate_inbound_headers=False, validate_outbound_headers=False)
        )
        self.frames.local_settings = Settings(
            client=True,
            initial_values={
                SettingCodes.ENABLE_PUSH: 0,
                SettingCodes.MAX_CONCURRENT_STREAMS: 100,
                SettingCodes.MAX_HEADER_LIST_SIZE: wire.MAX_HEAD_BYTES,
                SettingCodes.INITIAL_WINDOW_SIZE: WINDOW,
            },
        )
        self.unsent = b""
        self.events: deque[events.Event] = deque()
        self.head_left = wire.MAX_HEAD_BYTES
        self.idle_left = MAX_IDLE_FRAMES
        self.turn = self.taken = 0

    async def ask(
        self, method: str, authority: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> Head:
        """Send the request and read the head; interim answers are skipped. Raises TooLargeError as well."""
        self.frames.initiate_connection()
        self.frames.increment_flow_control_window(WINDOW - 65_535)  # that of the line begins there
        self.frames.send_headers(STREAM, _fields(method, authority, path, headers, body), end_stream=not body)
        self.unsent = body
        await self._send()
        while True:
            event = await self._event()
            if isinstance(event, events.ResponseReceived):
                return _head(event)
            if isinstance(event, (events.DataReceived, events.StreamEnded)):
                raise Broken("The response has no headers.")

    async def pieces(self, head: Head, method: str) -> AsyncGenerator[bytes, None]:
        """The unpacked body as it comes. Raises DecompressionError as well."""
        if wire.has_body(head, method):
            async for piece in wire.unpacked(self._data(), head):
                yield piece

    async def _data(self) -> AsyncIterator[bytes]:
        while True:
            event = await self._event()
            if isinstance(event, events.StreamEnded):
                return
            if isinstance(event, events.DataReceived):
                yield event.data
                await self._take(event.flow_controlled_length)

    async def _take(self, length: int) -> None:
        """Extend the receive window, in large steps: a server that has sent everything may be gone."""
        self.taken += length
        if self.taken >= WINDOW // 2:
            self.frames.acknowledge_received_data(self.taken, STREAM)
            self.taken = 0
            await self._send()

    async def _event(self) -> events.Event:
        while not self.events:
            frame = await self._frame()
            if frame[3] == GOAWAY:
                _judge_goodbye(frame)
                continue
            try:
                self.events.extend(self.frames.receive_data(frame))
            except exceptions.ProtocolError as error:
                raise Broken("The response violates HTTP/2.") from error
            await self._send()
        event = self.events.popleft()
        if isinstance(event, events.StreamReset):
            raise StreamEndedError(_name(event.error_code))
        return event

    async def _frame(self) -> bytes:
        """The next whole frame, as bytes."""
        self.turn += 1
        if self.turn % FRAMES_A_TURN == 0:
            await asyncio.sleep(0)
        try:
            begin = await self.line.reader.readexactly(9)
            length = int.from_bytes(begin[:3], "big")
            if length > MAX_FRAME_BYTES:  # also what "HTTP/1.1" looks like, read as a frame
                raise Broken("The response violates HTTP/2.")
            frame = begin + await self.line.reader.readexactly(length)
        except asyncio.IncompleteReadError as error:
            raise ConnectionResetError from error
        self._count(frame)
        return frame

    def _count(self, frame: bytes) -> None:
        """Limit heads and frames that would never end. Raises TooLargeError, Broken."""
        if frame[3] in OF_A_HEAD:
            self.head_left -= len(frame)
            if self.head_left < 0:
                raise wire.TooLargeError("headers")
        elif frame[3] != DATA or len(frame) == 9:
            self.idle_left -= 1
            if self.idle_left < 0:
                raise Broken("It sends endless control frames and no response.")

    async def _send(self) -> None:
        """Send acknowledgements, and as much of our body as the server's window allows."""
        while self.unsent and (room := self._room()):
            piece, self.unsent = self.unsent[:room], self.unsent[room:]
            self.frames.send_data(STREAM, piece, end_stream=not self.unsent)
        if owed := self.frames.data_to_send():
            with contextlib.suppress(
                ConnectionError
            ):  # data sent before is still to be read, or gives the reason
                self.line.writer.write(owed)
                await self.line.writer.drain()

    def _room(self) -> int:
        try:
            window = self.frames.local_flow_control_window(STREAM)
        except exceptions.ProtocolError:  # the stream is closed: the rest is not read
            self.unsent = b""
            return 0
        return max(0, min(window, self.frames.max_outbound_frame_size))


def _fields(
    method: str, authority: str, path: str, headers: Mapping[str, str], body: bytes
) -> list[tuple[bytes, bytes]]:
    """The head of the request; a Host of staff's names the authority, as it does in HTTP/1.1."""
    fields = wire.fields(method, authority, headers, body)
    host = next(value for name, value in fields if name.lower() == "host")
    pseudo = [(":method", method), (":scheme", "https"), (":authority", host), (":path", path)]
    regular = [(name.lower(), value) for name, value in fields if name.lower() not in OF_THE_LINE]
    return [(name.encode(), value.encode("utf-8", "replace")) for name, value in [*pseudo, *regular]]


def _head(event: events.ResponseReceived) -> Head:
    """Raises Broken when there is no status."""
    status = b""
    lines: list[tuple[str, str]] = []
    for name, value in event.headers:
        if bytes(name) == b":status":
            status = bytes(value)
        elif not name.startswith(b":"):
            # what RFC 9110, section 5.5 calls dangerous counts as a blank
            text = bytes(value).decode("latin-1").translate({0: " ", 10: " ", 13: " "})
            lines.append((bytes(name).decode("latin-1").strip().lower(), text.strip()))
    if not STATUS.fullmatch(status):
        raise Broken("The response has no status.")
    headers = tuple(pair for pair in lines if pair[0] != "transfer-encoding")  # frames are the framing here
    return Head(int(status), "HTTP/2", dict(reversed(headers)), headers)


def _judge_goodbye(frame: bytes) -> None:
    """Accept a GOAWAY after which our stream is still served: the answer follows.

    Raises StreamEndedError.
    """
    if len(frame) < 9 + 8:
        raise Broken("The response violates HTTP/2.")
    last = int.from_bytes(frame[9:13], "big") & 0x7FFFFFFF
    code = int.from_bytes(frame[13:17], "big")
    if code != ErrorCodes.NO_ERROR or last < STREAM:
        raise StreamEndedError(_name(code))


def _name(code: ErrorCodes | int) -> str:
    try:
        return ErrorCodes(code).name
    except ValueError:
        return f"code {int(code)}"
