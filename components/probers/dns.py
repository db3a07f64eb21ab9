"""DNS: does a name have the records it should."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components.egress import Egress
from components.outcomes import Failure, Reading
from components.probers.base import Clock, Option, checked_host, options_of

TYPES = ("A", "AAAA", "CNAME", "MX", "NS", "TXT", "SOA", "SRV", "CAA", "PTR")


@dataclass(frozen=True, slots=True)
class Order:
    name: str
    record_type: str
    expect: str


class DNS:
    kind = "dns"
    label = "DNS record"
    target_help = "a name"
    options = (
        Option("record_type", "Record type", type="choice", default="A", choices=TYPES),
        Option("expect", "Expect", help="One of the answers must be this."),
    )

    def parse(self, target: str, options: Mapping[str, Any]) -> Order:
        """The order, checked. Raises InvalidProbe."""
        given = options_of(self, options)
        name = checked_host(target.removeprefix("dns://").strip())
        return Order(name, given["record_type"], given["expect"].strip())

    def host(self, order: Order) -> str:
        """None: only our own resolver is asked."""
        return ""

    async def run(self, order: Order, clock: Clock, egress: Egress) -> Reading:
        """Ask, and compare."""
        answers = await egress.query(order.name, order.record_type)
        clock.seen["dns_ms"] = clock.total_ms
        clock.seen["facts"] = {"answer": ", ".join(answers)[:300]}
        if not answers:
            return clock.reading(
                failure=Failure.DNS, detail=f"{order.name} has no {order.record_type} record."
            )
        wanted = order.expect.rstrip(".").lower()
        if wanted and wanted not in [answer.strip('"').rstrip(".").lower() for answer in answers]:
            return clock.reading(
                failure=Failure.ASSERTION,
                detail=f"No {order.record_type} record is {order.expect}.",
                excerpt="\n".join(answers)[:1000],
            )
        return clock.reading()
