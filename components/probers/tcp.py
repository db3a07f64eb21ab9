"""TCP probes: does it accept a connection, and does it answer as expected."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components import steps
from components.egress import Egress, Line
from components.outcomes import Failure, Reading
from components.probers.base import Clock, Option, broken_off, connect, host_and_port, options_of, printable

MAX_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class TCPTarget:
    host: str
    port: int
    send: bytes
    expect: bytes


class TCP:
    kind = "tcp"
    label = "TCP port"
    target_help = "host:port"
    shows_certificate = False
    steps: tuple[str, ...] = (steps.DNS, steps.CONNECT, steps.TLS_IF_SPOKEN)
    options = (
        Option("send", "Send", type="text", help="Sent after connecting; \\r and \\n are supported."),
        Option("expect", "Expect", type="text", help="The response must contain this."),
    )

    def parse(self, target: str, options: Mapping[str, Any]) -> TCPTarget:
        """The order, checked. Raises InvalidProbeError."""
        given = options_of(self, options)
        host, port = host_and_port(target.removeprefix("tcp://"))
        return TCPTarget(host, port, _bytes(given["send"]), _bytes(given["expect"]))

    def address(self, order: TCPTarget) -> tuple[str, int]:
        """The host and port to dial."""
        return order.host, order.port

    def is_secure(self, order: TCPTarget) -> bool:
        """False: TCP probes do not use TLS."""
        return False

    def is_indirect(self, options: Mapping[str, Any]) -> bool:
        """Whether it asks another system about the target."""
        return False

    async def run(self, order: TCPTarget, clock: Clock, egress: Egress) -> Reading:
        """Connect, send, and wait for the expected bytes."""
        line = await connect(order.host, order.port, clock, egress)
        try:
            return await self._talk(order, line, clock)
        except OSError as error:
            return broken_off(error, clock)
        finally:
            line.close()

    async def _talk(self, order: TCPTarget, line: Line, clock: Clock) -> Reading:
        if order.send:
            line.writer.write(order.send)
        if not order.expect:
            return clock.reading()
        clock.phase = Failure.TIMEOUT_FIRST_BYTE
        sent_ms, heard = clock.total_ms, b""
        while not _holds(order.expect, heard) and len(heard) < MAX_BYTES:
            data = await line.reader.read(4096)
            if not data:
                break
            if not heard:
                clock.seen["first_byte_ms"] = clock.total_ms - sent_ms
                clock.phase = Failure.TIMEOUT_TRANSFER
            heard += data
            clock.seen["excerpt"] = printable(heard)  # what it sent instead, if the deadline comes first
        if _holds(order.expect, heard):
            return clock.reading(excerpt="")
        detail = "The response does not contain the expected text."
        return clock.reading(failure=Failure.ASSERTION, detail=detail)


def _holds(expect: bytes, heard: bytes) -> bool:
    """Whether the expected bytes were received; LF in them also matches CR LF."""
    return expect in heard or (b"\r" not in expect and expect in heard.replace(b"\r\n", b"\n"))


def _bytes(text: str) -> bytes:
    return text.replace("\\r", "\r").replace("\\n", "\n").encode()
