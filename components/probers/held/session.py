"""One open WebSocket: sends, pings, hears, and says why it ended.

Frames are the sans-IO core's of `websockets`. What a server sends is bounded: a message by its size, a
connection by its bytes and frames, and our own unsent bytes by what a server that stopped reading leaves.

Times are those of `time.perf_counter`: uvloop's own clock stands still while others have their turn.
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from websockets.client import ClientProtocol
from websockets.exceptions import PayloadTooBig, ProtocolError
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import OPEN

from components.blame import is_ours
from components.egress import Line
from components.outcomes import Failure
from components.probers.base import printable
from components.probers.held.target import WebSocketTarget

CHUNK = 4096  # a few thousand frames at most, so that other checks have their turn
MAX_BYTES = 16 * 1024 * 1024
MAX_FRAMES = 100_000
MAX_UNSENT_BYTES = 64 * 1024
CUT = int(CloseCode.ABNORMAL_CLOSURE)
CODES = {
    1000: "normal closure", 1001: "going away", 1002: "protocol error", 1003: "unsupported data",
    1005: "no code", 1006: "cut without a close", 1007: "invalid data", 1008: "policy violation",
    1009: "message too big", 1010: "extension missing", 1011: "internal error", 1012: "service restart",
    1013: "try again later", 1014: "bad gateway",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Loss:
    """Why a connection is gone, or never was one. Times in seconds.

    `word` counts it among its like ("1006 (cut without a close)", "no pong"); `sentence` is for one alone.
    """

    failure: Failure
    sentence: str
    word: str
    was_open: bool = True
    code: int | None = None  # the close code; 1006 without a close
    at_s: float = 0.0  # by the clock above
    after_s: float = 0.0  # since it was open
    idle_s: float = 0.0  # since the last byte in either direction
    excerpt: str = ""
    status_code: int | None = None
    said: str = ""  # with the close, at most 100 characters
    facts: Mapping[str, str] = field(default_factory=dict)  # of the answer that refused it


class Session:
    """Of `on_change` nothing is asked but that it takes no time: it hears of each answer."""

    __slots__ = (
        "answer_s", "asked_at", "echo", "ended", "first_s", "frames", "heard", "is_final",
        "last_at", "line", "loop", "loss", "message", "on_change", "opened_at", "order", "patience_s",
        "ping", "protocol",
        "timer", "took_s", "total", "until", "wants_text",
    )  # fmt: skip

    def __init__(
        self, line: Line, protocol: ClientProtocol, order: WebSocketTarget, *, patience_s: float,
        until: float, took_s: float, on_change: Callable[[], None],
    ) -> None:  # fmt: skip
        """`took_s` is how long it took to open, `until` when all is over."""
        self.took_s = took_s
        self.line, self.protocol, self.order = line, protocol, order
        self.patience_s, self.until, self.on_change = patience_s, until, on_change
        self.loop = asyncio.get_running_loop()
        self.opened_at = self.last_at = self.asked_at = time.perf_counter()
        self.ping, self.echo, self.wants_text = b"", "", bool(order.expect)
        self.first_s: float | None = None  # until all that was awaited at first had come
        self.answer_s = 0.0  # the slowest pong or echo
        self.frames = self.total = 0
        self.message: bytearray | None = None  # of a message in fragments
        self.heard = ""  # the beginning of its last message
        self.loss: Loss | None = None
        self.ended = self.is_final = False
        self.timer: asyncio.TimerHandle | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether an answer is still to come."""
        return bool(self.ping or self.echo or self.wants_text)

    async def live(self) -> None:
        """Until it is gone: `loss` says why, unless we ended it."""
        try:
            if self.order.send:
                self.protocol.send_text(self.order.send.encode())
            self.ask()
            await self._read()
        except OSError as error:
            # a server that says why it leaves and is gone at once: the reader would keep that to itself
            if said := bytes(self.line.reader._buffer):  # type: ignore[attr-defined]  # noqa: SLF001
                self._take(said)
            self._lose_line(error)
        finally:
            self._stop()

    async def _read(self) -> None:
        while self.loss is None and not self.ended:
            data = bytes(self.line.unread) or await self.line.reader.read(CHUNK)
            self.line.unread.clear()
            if self.loss is not None or self.ended:
                return
            self._take(data)
            if len(data) >= CHUNK:
                await asyncio.sleep(0)  # the reader may hold more, and would not let others have a turn

    def _take(self, data: bytes) -> None:
        """What came; empty at the end."""
        if data:
            self.protocol.receive_data(data)
            self.total += len(data)
        else:
            self.protocol.receive_eof()
        for event in self.protocol.events_received():
            if isinstance(event, Frame) and self.loss is None:
                self._frame(event)
        if self.protocol.state is not OPEN:
            self._lose_by_protocol()
        elif self.total > MAX_BYTES or self.frames > MAX_FRAMES:
            self._lose(Failure.TOO_LARGE, "The server sends without end: more than we read.", "too much")
        if data:
            self.last_at = time.perf_counter()
        self._flush()

    def _frame(self, frame: Frame) -> None:
        self.frames += 1
        if frame.opcode is Opcode.PONG:
            if self.ping and bytes(frame.data) == self.ping:
                self.ping = b""
                self._answered()
        elif frame.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            self._part(frame)

    def _part(self, frame: Frame) -> None:
        """Of a message; text is checked once it is whole."""
        if frame.opcode is not Opcode.CONT and frame.fin:
            self._message(bytes(frame.data), is_text=frame.opcode is Opcode.TEXT)
            return
        if self.message is None:  # its first byte says which kind it is
            self.message = bytearray([frame.opcode])
        self.message += frame.data
        if frame.fin:
            whole, self.message = self.message, None
            self._message(bytes(whole[1:]), is_text=whole[0] == Opcode.TEXT)

    def _message(self, data: bytes, *, is_text: bool) -> None:
        try:
            text = data.decode("utf-8", "strict" if is_text else "replace")
        except UnicodeDecodeError:
            self._break("a text message is not UTF-8")
            return
        self.heard = text[:1000] or "(empty message)"
        was_waiting = self.is_waiting
        if self.wants_text and self.order.expect in text:
            self.wants_text = False
        if self.echo and self.echo in text:
            self.echo = ""
        if was_waiting:
            self._answered()

    def _answered(self) -> None:
        """Something that was awaited has come; when it was all, the next beat is set."""
        if self.is_waiting:
            return
        took_s = time.perf_counter() - self.asked_at
        if self.first_s is None:
            self.first_s = time.perf_counter() - self.opened_at
        self.answer_s = max(self.answer_s, took_s)
        self._stop()
        if self.order.ping_s and not self.is_final:
            self.timer = self.loop.call_later(max(0.0, self.order.ping_s - took_s), self.ask)
        self.on_change()

    def ask(self) -> None:
        """A beat: ping, and say what is to be echoed. The first comes at once, the last at the end."""
        self._stop()
        if self.loss is not None or self.ended:
            return
        self.asked_at = time.perf_counter()
        if self.order.ping_s:
            self.ping = secrets.token_hex(4).encode()
            self.protocol.send_ping(self.ping)
        if self.order.echo:
            self.echo = self.order.echo.replace("{id}", secrets.token_hex(8))
            self.protocol.send_text(self.echo.encode())
        self._flush()
        if not self.is_waiting:
            self._answered()
            return
        is_first = self.first_s is None
        longest_s = self.patience_s if is_first or self.is_final else min(self.patience_s, self.order.ping_s)
        wait_s = min(longest_s or self.patience_s, max(0.0, self.until - self.asked_at))
        self.timer = self.loop.call_later(wait_s, self._miss, wait_s)

    def ask_last(self) -> None:
        """Whether it still answers at the end: a line that was cut in between says nothing by itself."""
        self.is_final = True
        if not self.is_waiting:
            self.ask()

    def miss_at_end(self) -> None:
        """The time is up: what a check must have heard by then has not come."""
        if self.is_waiting and (self.first_s is None or self.is_final):
            self._miss(time.perf_counter() - self.asked_at)

    def _miss(self, waited_s: float) -> None:
        """An answer did not come in time."""
        if self.loss is not None or self.ended:
            return
        if self.protocol.state is OPEN:
            self.protocol.send_close(CloseCode.NORMAL_CLOSURE)
            self._flush()
        missing = {"pong": self.ping, "echo": self.echo, "message with the expected text": self.wants_text}
        names = [name for name, wanted in missing.items() if wanted]
        words = f"no {' and no '.join(names)}"
        if self.wants_text and self.heard and len(names) == 1:
            sentence = "No message contains the expected text."
            self._lose(Failure.ASSERTION, sentence, words, excerpt=printable(self.heard.encode()))
            return
        is_mute = not self.total
        after = "The server accepted the WebSocket and then stayed silent" if is_mute else "No answer in time"
        self._lose(Failure.TIMEOUT_TRANSFER, f"{after}: {words} within {waited_s:.3g} s.", words)

    def _lose_by_protocol(self) -> None:
        """The core has ended it: by a close, the end of the line, or bytes that are no WebSocket."""
        close, error = self.protocol.close_rcvd, self.protocol.parser_exc
        if isinstance(error, PayloadTooBig):
            most = f"{self.order.max_message_bytes // 1024:,} kB"
            self._lose(Failure.TOO_LARGE, f"A message is larger than {most}.", "message too large")
        elif isinstance(error, ProtocolError | UnicodeDecodeError):
            what = "invalid UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
            self._break(what)
        elif close is not None:
            self._lose_by_close(int(close.code), close.reason)
        elif isinstance(error, EOFError):
            self._lose_by_close(CUT, "")
        else:
            self._break("its frames cannot be read")

    def _lose_by_close(self, code: int, reason: str) -> None:
        meaning = CODES.get(code, "private code" if code >= 4000 else "unknown code")
        after_s = time.perf_counter() - self.opened_at
        sentence = f"The server closed the WebSocket after {seconds(after_s)} with {code} ({meaning})"
        if code == CUT:
            sentence = f"The connection was cut after {seconds(after_s)}, without a close"
        said = printable(reason.encode("utf-8", "replace"))[:100]
        words = f"{sentence}: {said.rstrip('.')}." if said else f"{sentence}."
        self._lose(Failure.RESET, words, f"{code} ({meaning})", code=code, said=said)

    def _lose_line(self, error: OSError) -> None:
        """The line broke under it."""
        if is_ours(error):
            sentence = "This machine could not keep the connection open."
            self._lose(Failure.OWN_FAULT, sentence, "our own fault")
        else:
            self._lose_by_close(CUT, "")

    def _break(self, what: str) -> None:
        self._lose(Failure.PROTOCOL, f"The server breaks the WebSocket protocol: {what}.", "broken protocol")

    def _lose(
        self, failure: Failure, sentence: str, word: str, *,
        code: int | None = None, excerpt: str = "", said: str = "",
    ) -> None:  # fmt: skip
        """It is gone; the first reason counts. The line is hung up, so that `live` ends."""
        if self.loss is not None or self.ended:
            return
        now = time.perf_counter()
        self.loss = Loss(
            failure, sentence, word, code=code, at_s=now, after_s=now - self.opened_at,
            idle_s=now - self.last_at, excerpt=excerpt, said=said,
        )  # fmt: skip
        self._stop()
        # once the answer to a close has left: uvloop writes at the end of its turn
        self.loop.call_soon(self.line.close)

    def _flush(self) -> None:
        """Send what the core has ready. A server that does not read is no open connection."""
        ready = self.protocol.data_to_send()
        if self.line.writer.transport.is_closing():
            return  # it was cut: the reader says so next, after all that came before
        for data in ready:
            if data:  # empty: our half would end, and the line is hung up anyway
                self.line.writer.write(data)
                self.last_at = time.perf_counter()
        if self.line.writer.transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            self._lose(Failure.RESET, "The server stopped reading: nothing more can be sent.", "not reading")

    def _stop(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    def say_goodbye(self) -> None:
        """We end it, with a close that nobody waits for; `close` hangs up."""
        if self.loss is None and not self.ended:
            self.ended = True
            self._stop()
            if self.protocol.state is OPEN:
                self.protocol.send_close(CloseCode.NORMAL_CLOSURE)
                self._flush()


def seconds(length_s: float) -> str:
    """ "0.4 s", "30 s"."""
    return f"{length_s:.1f} s" if length_s < 10 else f"{length_s:.0f} s"
