"""gRPC probes: the standard health service, grpc.health.v1.Health/Check.

One call over HTTP/2 (`components.http2`), and a message of one field, so no gRPC library is needed.
See "GRPC Health Checking Protocol" and "gRPC over HTTP2" in the gRPC documentation.
"""

import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote

from h2 import events

from components import http2, steps, wire
from components.egress import Egress, Line
from components.outcomes import Failure, Reading
from components.probers import redaction, services
from components.probers.base import Clock, Option, broken_off, host_and_port, options_of, printable
from components.probers.services import NotSpokenError
from components.targets import InvalidProbeError

PATH = "/grpc.health.v1.Health/Check"
MAX_ANSWER = 64 * 1024
MAX_SERVICE = 200
NAME = re.compile(r"[0-9a-z_.-]{1,100}")
OK, NOT_FOUND, UNIMPLEMENTED = 0, 5, 12
CODES = ("OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
         "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE",
         "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED")  # fmt: skip
STATES = ("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")
STRANGE = "The response is not gRPC."


@dataclass(frozen=True, slots=True)
class GRPCTarget:
    host: str
    port: int
    service: str
    tls: bool
    metadata: Mapping[str, str] = field(repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be stored with a reading."""
        return redaction.with_tokens(self.metadata.values())


class GRPC(services.Service):
    kind = "grpc"
    label = "gRPC health"
    target_help = "host:port"
    steps: tuple[str, ...] = (steps.DNS, steps.CONNECT, steps.TLS_IF_SPOKEN, steps.ANSWER)
    options = (
        Option("service", "Service", help="Its full name; leave empty for the server as a whole."),
        Option("tls", "TLS", type="bool", default=True, help="With a valid certificate."),
        Option("metadata", "Metadata", type="secrets", default={}, help="One “name: value” per line."),
    )

    def parse(self, target: str, options: Mapping[str, Any]) -> GRPCTarget:
        """The order, checked. Raises InvalidProbeError."""
        given = options_of(self, options)
        host, port = host_and_port(target.removeprefix("grpc://"))
        service = services.one_line("service", given["service"].strip())
        if len(service) > MAX_SERVICE:
            raise InvalidProbeError("service", f"Longer than {MAX_SERVICE} characters: check the name.")
        metadata = {name.lower(): value for name, value in given["metadata"].items()}
        for name, value in metadata.items():
            if not NAME.fullmatch(name) or name.startswith("grpc-"):
                raise InvalidProbeError("metadata", f"“{name[:40]}” is not a valid name of metadata.")
            if not value.isascii() or not value.isprintable():
                raise InvalidProbeError("metadata", f"The value of {name} has other than ASCII characters.")
        return GRPCTarget(host, port, service, given["tls"], metadata)

    async def run(self, order: GRPCTarget, clock: Clock, egress: Egress) -> Reading:
        """Ask the health service."""
        line = await services.dialled(
            order, clock, egress, tls=order.tls, offers=("h2",) if order.tls else ()
        )
        try:
            return await _ask(order, line, clock)
        except wire.TooLargeError as error:
            return clock.reading(failure=Failure.TOO_LARGE, detail=f"Too large: the {error}.")
        except (NotSpokenError, wire.MalformedAnswerError):
            return clock.reading(failure=Failure.PROTOCOL, detail=STRANGE)
        except http2.StreamEndedError as error:
            return clock.reading(failure=Failure.RESET, detail=f"The server ended the call ({error}).")
        except OSError as error:
            return broken_off(error, clock)
        finally:
            line.close()


async def _ask(order: GRPCTarget, line: Line, clock: Clock) -> Reading:
    clock.phase = Failure.TIMEOUT_FIRST_BYTE
    began_ms = clock.total_ms
    service = order.service.encode()
    call = _Call(line)
    await call.send(
        _fields(order, clock), _framed(b"\x0a" + _varint(len(service)) + service if service else b"")
    )
    await call.receive()
    clock.seen["first_byte_ms"] = clock.total_ms - began_ms
    return _judged(order, call, clock)


class _Call(http2.Exchange):
    """One unary call: what was answered, with the headers behind it."""

    def __init__(self, line: Line) -> None:
        super().__init__(line)
        self.headers: dict[str, str] = {}
        self.data = bytearray()

    async def send(self, fields: list[tuple[bytes, bytes]], body: bytes) -> None:
        """Send the request."""
        self.frames.initiate_connection()
        self.frames.increment_flow_control_window(http2.WINDOW - 65_535)  # that of the line begins there
        self.frames.send_headers(http2.STREAM, fields)
        self.unsent = body
        await self._send()

    async def receive(self) -> None:
        """Read until the end of the answer. Raises Broken, StreamEndedError, TooLargeError, OSError."""
        while True:
            event = await self._event()
            if isinstance(event, (events.ResponseReceived, events.TrailersReceived)):
                self.headers |= dict(_decoded(event.headers))
            elif isinstance(event, events.DataReceived):
                self.data += event.data
                if len(self.data) > MAX_ANSWER:
                    raise wire.TooLargeError("body")
                await self._take(event.flow_controlled_length)
            if isinstance(event, events.StreamEnded):
                return


def _decoded(headers: Any) -> Iterator[tuple[str, str]]:
    for name, value in headers:
        yield bytes(name).decode("latin-1").lower(), bytes(value).decode("latin-1")


def _fields(order: GRPCTarget, clock: Clock) -> list[tuple[bytes, bytes]]:
    host = f"[{order.host}]" if ":" in order.host else order.host
    left_ms = max(1, round(clock.deadline_s * 1000 - clock.total_ms))
    fields = {
        ":method": "POST",
        ":scheme": "https" if order.tls else "http",
        ":authority": f"{host}:{order.port}",
        ":path": PATH,
        "content-type": "application/grpc",
        "te": "trailers",
        "grpc-timeout": f"{left_ms}m",
        "user-agent": "statuspage/1",
        **order.metadata,
    }
    return [(name.encode(), value.encode()) for name, value in fields.items()]


def _judged(order: GRPCTarget, call: _Call, clock: Clock) -> Reading:
    """The reading of an answer: by its HTTP status, its gRPC status, and what it says of the service."""
    status, code = call.headers.get(":status", ""), call.headers.get("grpc-status", "")
    if not code.isascii() or not code.isdigit():
        if status.isascii() and status.isdigit() and len(status) == 3 and status != "200":
            return _wrong_status(int(status), call, clock)
        return clock.reading(failure=Failure.PROTOCOL, detail=STRANGE)
    number = int(code[:4])
    name = CODES[number] if number < len(CODES) else f"code {number}"
    clock.note(grpc_status=name)
    reading = clock.reading(excerpt=printable(unquote(call.headers.get("grpc-message", "")).encode()))
    if number == NOT_FOUND:
        detail = f"The server does not know the service “{order.service}”: check its name."
        return replace(reading, failure=Failure.NO_DATA, detail=detail)
    if number == UNIMPLEMENTED:
        detail = "The server has no health service (grpc.health.v1.Health)."
        return replace(reading, failure=Failure.NO_DATA, detail=detail)
    if number != OK:
        return replace(reading, failure=Failure.STATUS, detail=f"The call failed with {name}.")
    state = _state(bytes(call.data))
    if state == "SERVING":
        return replace(reading, excerpt="")
    what = f"the service “{order.service}”" if order.service else "the server"
    failure = Failure.REPORTED if state == "NOT_SERVING" else Failure.NO_DATA
    return replace(reading, failure=failure, detail=f"The health of {what} is reported as {state}.")


def _wrong_status(status: int, call: _Call, clock: Clock) -> Reading:
    detail = f"Responded with {status}, and not as gRPC."
    return clock.reading(
        failure=Failure.STATUS, detail=detail, status_code=status, excerpt=printable(bytes(call.data))
    )


def _state(data: bytes) -> str:
    """The status in a HealthCheckResponse. Raises NotSpokenError."""
    if len(data) < 5 or data[0] != 0 or struct.unpack("!I", data[1:5])[0] != len(data) - 5:
        raise NotSpokenError(STRANGE)
    state = 0
    for number, value in _protobuf(data[5:]):
        if number == 1 and isinstance(value, int):
            state = value
    return STATES[state] if state < len(STATES) else f"number {state}"


def _protobuf(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message by number. Raises NotSpokenError."""
    at = 0
    while at < len(message):
        key, at = _read_varint(message, at)
        kind = key & 7
        if kind == 0:
            value, at = _read_varint(message, at)
            yield key >> 3, value
            continue
        length, at = _read_varint(message, at) if kind == 2 else ({1: 8, 5: 4}.get(kind, -1), at)
        if length < 0 or at + length > len(message):
            raise NotSpokenError(STRANGE)
        yield key >> 3, message[at : at + length]
        at += length


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 64, 7):
        if at >= len(message):
            break
        value |= (message[at] & 127) << shift
        at += 1
        if message[at - 1] < 128:
            return value, at
    raise NotSpokenError(STRANGE)


def _varint(number: int) -> bytes:
    parts = []
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes([*parts, number])


def _framed(message: bytes) -> bytes:
    """Not compressed, and how long it is."""
    return b"\0" + struct.pack("!I", len(message)) + message
