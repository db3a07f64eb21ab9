"""One request of an HTTP check: sent, the head read, the body handed on in pieces."""

from collections.abc import AsyncGenerator

from components import http2, wire
from components.egress import Line
from components.outcomes import Failure, Reading
from components.probers.base import PHASES, Clock
from components.probers.redirects import Hop

Pieces = AsyncGenerator[bytes, None]


async def ask(hop: Hop, line: Line, clock: Clock) -> tuple[wire.Head, Pieces]:
    """Send the request and read the head.

    Raises TooLargeError, MalformedAnswerError, OSError.
    """
    clock.phase = Failure.TIMEOUT_FIRST_BYTE
    sent_ms = clock.total_ms
    if line.protocol == "h2":
        spoken = http2.Exchange(line)
        head = await spoken.ask(hop.method, hop.authority, hop.path, hop.fields(), hop.body)
        pieces = spoken.pieces(head, hop.method)
    else:
        line.writer.write(wire.request_bytes(hop.method, hop.authority, hop.path, hop.fields(), hop.body))
        head = await wire.read_head(line)
        pieces = wire.pieces(line, head, hop.method)
    clock.seen.update(first_byte_ms=clock.total_ms - sent_ms, status_code=head.status)
    return head, pieces


def ended(error: http2.StreamEndedError, clock: Clock) -> Reading:
    """The reading when the server ended the exchange, with its reason."""
    where = PHASES[clock.phase]
    detail = f"The server ended the request while {where} ({error})."
    if str(error) == "HTTP_1_1_REQUIRED":
        detail = "The server requires HTTP/1.1: turn HTTP/2 off for this probe."
    return clock.reading(failure=Failure.RESET, detail=detail)


def garbled(error: wire.MalformedAnswerError, clock: Clock) -> Reading:
    """The reading when the answer is not valid HTTP."""
    detail = str(error) if isinstance(error, http2.Broken) else "The response is not HTTP."
    return clock.reading(failure=Failure.PROTOCOL, detail=detail)
