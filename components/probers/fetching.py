"""One HTTP request of a check, with the redirects it leads to; what the answer means is the caller's.

Follows up to five redirects, each judged by the egress door again; headers that
staff typed are not sent to another origin.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Protocol

from components import wire
from components.client_certificates import ClientCertificate
from components.egress import HTTP2, Egress, Line
from components.outcomes import Failure, Reading
from components.probers import answer_facts, exchange
from components.probers.base import EXCERPT_CHARACTERS, Clock, Option, printable
from components.probers.body import Answer
from components.probers.hops import followed, location_of
from components.probers.redirects import Hop, first_hop, next_hop

BAD_STATUS = 400
HTTP2_OPTION = Option(
    "http2",
    "HTTP/2",
    type="bool",
    default=False,
    help="Offered over https://; the server may still choose HTTP/1.1.",
)


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


async def fetch(
    order: Request, clock: Clock, egress: Egress, judged: Judge, ours: Mapping[str, str] | None = None
) -> Reading:
    """Ask, follow redirects, and have the last answer judged; what goes wrong on the way is its own reading.

    `ours` are headers that go to every origin, unless staff typed their own. Raises EgressError; is cancelled
    at the deadline.
    """

    async def visit(hop: Hop, line: Line) -> Hop | Reading:
        head, pieces = await exchange.ask(hop, line, clock, ours)
        if order.http2:
            clock.note(protocol=head.version)
        if order.follows and (location := location_of(head)):
            return next_hop(hop, head.status, location, head.values("set-cookie"))
        if head.status >= BAD_STATUS:
            clock.note(**answer_facts.of_head(head))  # now: its body may never end
        return _explained(await judged(head, pieces, hop.method), head)

    first = first_hop(order.url, order.method, order.headers, order.body)
    offers = HTTP2 if order.http2 else ()
    return await followed(first, clock, egress, visit, shown=order.shown, offers=offers)


def _explained(reading: Reading, head: wire.Head) -> Reading:
    """A failure, with what its answer says of who made it; a document that was read speaks for itself."""
    if reading.failure in (None, Failure.REPORTED, Failure.LIMIT):
        return reading
    return replace(reading, facts={**answer_facts.of_head(head), **reading.facts})


def excerpt(head: wire.Head, answer: Answer) -> str:
    """The beginning of a body, as text that is safe to keep and to show."""
    begin = Answer(answer.data[: 4 * EXCERPT_CHARACTERS])
    return printable(begin.text(head).encode("utf-8", "replace"))
