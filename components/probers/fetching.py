"""One HTTP request of a check, with the redirects it leads to; what the answer means is the caller's.

Follows up to five redirects, each judged by the egress door again; headers that
staff typed are not sent to another origin.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from components import http2, wire
from components.client_certificates import ClientCertificate
from components.decompression import DecompressionError
from components.egress import HTTP2, Egress, EgressError, Line
from components.outcomes import Failure, Reading
from components.probers import certificate, exchange
from components.probers.base import EXCERPT_CHARACTERS, Clock, broken_off, connect, printable
from components.probers.body import Answer
from components.probers.redirects import Hop, first_hop, next_hop
from components.targets import InvalidProbeError

MAX_REDIRECTS = 5
REDIRECTS = (301, 302, 303, 307, 308)
# What can go wrong once a connection is there, and says something of the target; TLS alerts are OSErrors
FAULTS = (
    wire.TooLargeError, DecompressionError, wire.MalformedAnswerError, http2.StreamEndedError, OSError,
    ValueError, RecursionError, OverflowError,
)  # fmt: skip


class Request(Protocol):
    """What an order says about its request: `shown` is for the origin of `url` alone."""

    @property
    def url(self) -> str: ...

    @property
    def method(self) -> str: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    @property
    def body(self) -> bytes: ...

    @property
    def follows(self) -> bool: ...

    @property
    def http2(self) -> bool: ...

    @property
    def shown(self) -> ClientCertificate | None: ...


# Reads the body (its pieces, asked for by this method) and judges it
Judge = Callable[[wire.Head, exchange.Pieces, str], Awaitable[Reading]]


async def fetch(order: Request, clock: Clock, egress: Egress, judged: Judge) -> Reading:
    """Ask, follow redirects, and have the last answer judged; what goes wrong on the way is its own reading.

    Raises EgressError; is cancelled at the deadline.
    """
    hop = first_hop(order.url, order.method, order.headers, order.body)
    for _ in range(MAX_REDIRECTS + 1):
        line = await _connect(hop, order, clock, egress)
        try:
            head, pieces = await exchange.ask(hop, line, clock)
            if order.http2:
                clock.note(protocol=head.version)
            location = next(filter(None, head.values("location")), "")
            if order.follows and head.status in REDIRECTS and location:
                hop = next_hop(hop, head.status, location, head.values("set-cookie"))
                continue
            return await judged(head, pieces, hop.method)
        except FAULTS as error:
            return _fault(error, clock)
        finally:
            line.close()
    return clock.reading(failure=Failure.REDIRECT, detail=f"Redirected more than {MAX_REDIRECTS} times.")


def _fault(error: Exception, clock: Clock) -> Reading:
    """What one of FAULTS says of the target."""
    if isinstance(error, wire.TooLargeError):
        return clock.reading(failure=Failure.TOO_LARGE, detail=f"Too large: the {error}.")
    if isinstance(error, DecompressionError):
        return clock.reading(failure=Failure.PROTOCOL, detail=str(error))
    if isinstance(error, wire.MalformedAnswerError):
        return exchange.garbled(error, clock)
    if isinstance(error, InvalidProbeError):
        sentence = f"Redirected to a bad address: {error.sentence}"
        return clock.reading(failure=Failure.REDIRECT, detail=sentence)
    if isinstance(error, http2.StreamEndedError):
        return exchange.ended(error, clock)
    if isinstance(error, OSError):
        return broken_off(error, clock)
    # all that is read here came from the target: numbers that are none, addresses beyond repair
    return clock.reading(failure=Failure.PROTOCOL, detail="The response cannot be read.")


async def _connect(hop: Hop, order: Request, clock: Clock, egress: Egress) -> Line:
    """A line to this hop; what is known of it so far is said of no other. Raises EgressError."""
    shown = order.shown if hop.is_home else None
    offers = HTTP2 if order.http2 else ()
    clock.phase = Failure.TIMEOUT_DNS
    if hop.number:
        clock.seen = {name: seen for name, seen in clock.seen.items() if name in ("days_left", "facts")}
        clock.note(hop=str(hop.number + 1), host=hop.host)
    try:
        line = await connect(hop.host, hop.port, clock, egress, tls=hop.is_secure, shown=shown, offers=offers)
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
        certificate.remark_on_ours(shown, clock)
    return line


def excerpt(head: wire.Head, answer: Answer) -> str:
    """The beginning of a body, as text that is safe to keep and to show."""
    begin = Answer(answer.data[: 4 * EXCERPT_CHARACTERS])
    return printable(begin.text(head).encode("utf-8", "replace"))


def can_be_header(name: str) -> bool:
    """Whether a header may be called so (RFC 9110, section 5.1)."""
    return all(33 <= ord(c) < 127 and c not in '()<>@,;:\\"/[]?={}' for c in name)


def check_headers(headers: Mapping[str, str]) -> None:
    """Refuse what would break a request. Raises InvalidProbeError."""
    for name, value in headers.items():
        if not (name and can_be_header(name)):
            raise InvalidProbeError("headers", f"“{name[:40]}” is not a valid header name.")
        if any(ord(c) < 32 and c != "\t" for c in value):
            raise InvalidProbeError("headers", f"The value of {name} contains control characters.")
