"""ICMP probes (ping): loss and round-trip times of a few echo requests."""

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from components import echo, steps
from components.blame import NO_WAY, dial_error
from components.egress import Egress, has_route
from components.outcomes import Failure, Reading
from components.probers import services
from components.probers.base import Clock, Option, options_of, whole_number
from components.targets import InvalidProbeError, checked_host

MAX_COUNT = 20
MIN_INTERVAL_MS, MAX_INTERVAL_MS = 20, 5_000
MIN_WAIT_S, MAX_WAIT_S = 0.1, 2.0  # for the last reply; a slower one counts as lost


@dataclass(frozen=True, slots=True)
class ICMPTarget:
    host: str
    count: int
    interval_s: float
    degraded_above: int
    down_above: int

    @property
    def sending_s(self) -> float:
        """How long sending takes by itself."""
        return self.interval_s * (self.count - 1)

    @property
    def lasts_s(self) -> int:
        """The same in whole seconds, for whoever chooses the timeout; 0 for less than one."""
        return math.floor(self.sending_s)


class ICMP(services.Service):
    kind = "icmp"
    label = "Ping (ICMP)"
    target_help = "a host name or address"
    steps: tuple[str, ...] = (steps.DNS, steps.ECHO)
    options = (
        Option(
            "count", "Requests", type="int", default=5, help=f"Echo requests per check, 1 to {MAX_COUNT}."
        ),
        Option("interval_ms", "Interval (ms)", type="int", default=200, help="Between two requests."),
        Option("loss_degraded_above", "Degraded above (% lost)", type="int", default=0, help="Lost replies."),
        Option("loss_down_above", "Down above (% lost)", type="int", default=99, help="Lost replies."),
    )

    def parse(self, target: str, options: Mapping[str, Any]) -> ICMPTarget:
        """The order, checked. Raises InvalidProbeError."""
        given = options_of(self, options)
        host = target.removeprefix("icmp://").strip().removeprefix("[").removesuffix("]")
        whole_number("count", given["count"], 1, MAX_COUNT)
        whole_number("interval_ms", given["interval_ms"], MIN_INTERVAL_MS, MAX_INTERVAL_MS)
        low, high = given["loss_degraded_above"], given["loss_down_above"]
        whole_number("loss_degraded_above", low, 0, 99)
        whole_number("loss_down_above", high, 0, 99)
        if low > high:
            raise InvalidProbeError("loss_degraded_above", "It must not be higher than “down above”.")
        return ICMPTarget(checked_host(host), given["count"], given["interval_ms"] / 1000, low, high)

    def address(self, order: ICMPTarget) -> tuple[str, int]:
        """What is asked; ICMP has no ports."""
        return order.host, 0

    def refuse_untried(self, order: ICMPTarget, egress: Egress) -> None:
        """Refuse it where this process may not send echo requests. Raises InvalidProbeError."""
        if not echo.is_allowed():
            raise InvalidProbeError("kind", echo.NOT_ALLOWED)

    async def run(self, order: ICMPTarget, clock: Clock, egress: Egress) -> Reading:
        """Look up the name, send the requests, and count the replies."""
        addresses = await egress.addresses(order.host, 0)
        clock.seen["dns_ms"] = clock.total_ms
        clock.phase = Failure.TIMEOUT_CONNECT
        failure: OSError | None = None
        for address in addresses:
            try:
                return await self._ask(order, echo.open_echo(address), clock)
            except echo.NotAllowedError:
                return clock.reading(failure=Failure.OWN_FAULT, detail=echo.NOT_ALLOWED)
            except OSError as error:  # no way for this family: perhaps for the other
                failure = error
        assert failure is not None  # a name without an address is an EgressError
        raise dial_error(failure, 0, has_route=failure.errno not in NO_WAY or has_route(addresses[-1]))

    async def _ask(self, order: ICMPTarget, asking: echo.Echo, clock: Clock) -> Reading:
        clock.seen.update(address=str(asking.address), family=asking.address.version)
        left_s = clock.deadline_s - clock.total_ms / 1000 - order.sending_s
        if left_s < MIN_WAIT_S:
            asking.close()
            detail = f"Sending takes {order.sending_s:.1f} s: use a longer timeout, or fewer requests."
            return clock.reading(failure=Failure.OWN_FAULT, detail=detail)
        try:
            times = await echo.ask(
                asking,
                count=order.count,
                interval_s=order.interval_s,
                wait_s=min(MAX_WAIT_S, left_s * 0.9),
            )
        finally:
            asking.close()
        return _judged(order, times, clock)


def _judged(order: ICMPTarget, times: list[float | None], clock: Clock) -> Reading:
    """The reading of these round-trip times (ms); None is a lost one."""
    replies = [took_ms for took_ms in times if took_ms is not None]
    lost = len(times) - len(replies)
    clock.note(loss=f"{lost} of {len(times)}", value=f"{lost / len(times):.4g}")
    if replies:
        middle = statistics.median(replies)
        clock.seen["first_byte_ms"] = middle
        clock.note(rtt=f"{min(replies):.1f} / {middle:.1f} / {max(replies):.1f} ms (min / median / max)")
    # what it took to send several requests says nothing about the target: its time is the median
    reading = clock.reading()
    reading = replace(reading, total_ms=clock.seen.get("first_byte_ms", reading.total_ms))
    share = lost * 100 / len(times)
    words = f"{lost} of {len(times)} replies are missing ({share:.0f}%)"
    if not replies:
        return replace(reading, failure=Failure.TIMEOUT_FIRST_BYTE, detail="No reply to any echo request.")
    if share > order.down_above:
        detail = f"{words}; the limit is {order.down_above}%."
        return replace(reading, failure=Failure.LIMIT, detail=detail)
    if share > order.degraded_above:
        return replace(reading, degraded=f"{words}; the limit is {order.degraded_above}%.")
    return reading
