"""One request of an HTTP check: a line to its hop, the head read, the body handed on in pieces."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping

from components import http2, wire
from components.client_certificates import ClientCertificate, Protocols
from components.decompression import DecompressionError
from components.egress import Egress, EgressError, Line
from components.outcomes import Failure, Reading
from components.probers import certificate
from components.probers.base import EXCERPT_CHARACTERS, PHASES, Clock, broken_off, connect, printable
from components.probers.body import Answer
from components.probers.redirects import Hop
from components.targets import InvalidProbeError

Pieces = AsyncGenerator[bytes, None]
# What an exchange can end in, all of it the target's: numbers that are none, addresses beyond repair
ERRORS = (wire.TooLargeError, wire.MalformedAnswerError, DecompressionError, http2.StreamEndedError, OSError,
          ValueError, RecursionError, OverflowError)  # fmt: skip


async def dial(
    hop: Hop, clock: Clock, egress: Egress, *, shown: ClientCertificate | None, offers: Protocols = ()
) -> Line:
    """A line to this hop; what is known of it so far is said of no other. Raises EgressError.

    `shown` goes to the origin that staff named and to no other.
    """
    clock.phase = Failure.TIMEOUT_DNS
    ours = shown if hop.is_home else None
    if hop.number:
        clock.seen = {name: seen for name, seen in clock.seen.items() if name in ("days_left", "facts")}
        clock.note(hop=str(hop.number + 1), host=hop.host)
    try:
        line = await connect(hop.host, hop.port, clock, egress, tls=hop.is_secure, shown=ours, offers=offers)
    except EgressError as error:
        if hop.number:
            if error.address:
                clock.note(address=error.address)
            error.sentence = f"Redirected to {hop.host}, port {hop.port}: {error.sentence}"
        raise
    about = certificate.facts_of(line)
    days = about.get("days_left")
    if days is not None and days < clock.seen.get("days_left", days + 1):
        clock.seen["days_left"] = days
        clock.note(**about["facts"])
    if not hop.number:
        certificate.remark_on_ours(ours, clock)
    return line


async def ask(
    hop: Hop, line: Line, clock: Clock, ours: Mapping[str, str] | None = None
) -> tuple[wire.Head, Pieces]:
    """Send the request and read the head. Raises TooLargeError, MalformedAnswerError, OSError.

    `ours` are headers that go to every origin, unless staff typed their own.
    """
    clock.phase = Failure.TIMEOUT_FIRST_BYTE
    sent_ms = clock.total_ms
    fields = hop.fields()
    if ours:
        typed = {name.lower() for name in fields}
        fields |= {name: value for name, value in ours.items() if name.lower() not in typed}
    if line.protocol == "h2":
        spoken = http2.Exchange(line)
        head = await spoken.ask(hop.method, hop.authority, hop.path, fields, hop.body)
        pieces = spoken.pieces(head, hop.method)
    else:
        line.writer.write(wire.request_bytes(hop.method, hop.authority, hop.path, fields, hop.body))
        head = await wire.read_head(line)
        pieces = wire.pieces(line, head, hop.method)
    clock.seen.update(first_byte_ms=clock.total_ms - sent_ms, status_code=head.status)
    return head, pieces


async def glimpse(pieces: Pieces, head: wire.Head, clock: Clock) -> str:
    """As much of a body as comes within a moment, printable: what it says beside a status that is wrong."""
    answer = Answer()
    with contextlib.suppress(*ERRORS):  # TimeoutError is an OSError
        async with asyncio.timeout(clock.patience_s), contextlib.aclosing(pieces):
            async for piece in pieces:
                answer.data += piece
                if len(answer.data) >= 4 * EXCERPT_CHARACTERS:
                    break
    del answer.data[4 * EXCERPT_CHARACTERS :]
    return printable(answer.text(head).encode("utf-8", "replace"))


def failed(error: Exception, clock: Clock) -> Reading:
    """What one of ERRORS says of the target."""
    if isinstance(error, wire.TooLargeError):
        return clock.reading(failure=Failure.TOO_LARGE, detail=f"Too large: the {error}.")
    if isinstance(error, DecompressionError):
        return clock.reading(failure=Failure.PROTOCOL, detail=str(error))
    if isinstance(error, wire.MalformedAnswerError):
        return garbled(error, clock)
    if isinstance(error, InvalidProbeError):
        detail = f"Redirected to a bad address: {error.sentence}"
        return clock.reading(failure=Failure.REDIRECT, detail=detail)
    if isinstance(error, http2.StreamEndedError):
        return ended(error, clock)
    if isinstance(error, OSError):
        return broken_off(error, clock)
    return clock.reading(failure=Failure.PROTOCOL, detail="The response cannot be read.")


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
