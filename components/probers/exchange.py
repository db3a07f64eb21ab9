"""One request of an HTTP check: a line to its hop, the head read, the body handed on in pieces."""

from collections.abc import AsyncGenerator

from components import http2, wire
from components.client_certificates import ClientCertificate, Protocols
from components.egress import Egress, EgressError, Line
from components.outcomes import Failure, Reading
from components.probers import certificate
from components.probers.base import PHASES, Clock, connect
from components.probers.redirects import Hop

Pieces = AsyncGenerator[bytes, None]


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


async def ask(hop: Hop, line: Line, clock: Clock) -> tuple[wire.Head, Pieces]:
    """In the protocol that the line speaks. Raises TooLargeError, MalformedAnswerError, OSError."""
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
    """The server said that it ends the exchange, and why."""
    where = PHASES[clock.phase]
    detail = f"The server ended the request while {where} ({error})."
    if str(error) == "HTTP_1_1_REQUIRED":
        detail = "The server requires HTTP/1.1: turn HTTP/2 off for this probe."
    return clock.reading(failure=Failure.RESET, detail=detail)


def garbled(error: wire.MalformedAnswerError, clock: Clock) -> Reading:
    """What came is not the protocol that it should be."""
    detail = str(error) if isinstance(error, http2.Broken) else "The response is not HTTP."
    return clock.reading(failure=Failure.PROTOCOL, detail=detail)
