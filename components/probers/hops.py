"""A request with the redirects that it leads to: one line to each hop, closed behind it.

Staff named the first address; where a redirect leads is named by whoever answered. So what the operator's
list opens to probes is open to redirects only if the first address is on such a network itself.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from components import wire
from components.client_certificates import ClientCertificate, Protocols
from components.egress import Egress, Line
from components.outcomes import Failure, Reading
from components.probers import exchange
from components.probers.base import Clock
from components.probers.redirects import Hop

MAX_REDIRECTS = 5
REDIRECTS = (301, 302, 303, 307, 308)

T = TypeVar("T")
# Asks this hop over this line: the next hop, or what comes of the last one
Visit = Callable[[Hop, Line], Awaitable[T | Hop | Reading]]


async def followed(
    hop: Hop,
    clock: Clock,
    egress: Egress,
    visit: Visit[T],
    *,
    shown: ClientCertificate | None = None,
    offers: Protocols = (),
    keeps_line: bool = False,
) -> T | Reading:
    """What the last hop led to; what goes wrong on the way is its own reading.

    `keeps_line`: the line of a result that is no reading stays open. Raises EgressError.
    """
    for _ in range(MAX_REDIRECTS + 1):
        line = await exchange.dial(hop, clock, egress, shown=shown, offers=offers)
        if not hop.number and egress.is_public(line):
            egress = egress.for_strangers()
        result: T | Hop | Reading | None = None
        try:
            result = await visit(hop, line)
        except exchange.ERRORS as error:
            return exchange.failed(error, clock)
        finally:
            if not keeps_line or result is None or isinstance(result, (Hop, Reading)):
                line.close()
        if not isinstance(result, Hop):
            return result
        hop = result
    return clock.reading(failure=Failure.REDIRECT, detail=f"Redirected more than {MAX_REDIRECTS} times.")


def location_of(head: wire.Head) -> str:
    """Where a redirect leads, as its answer says; empty for any other answer."""
    if head.status not in REDIRECTS:
        return ""
    return next(filter(None, head.values("location")), "")
