"""TLS: name, chain, and the days a certificate has left."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components.egress import Egress
from components.outcomes import Reading
from components.probers import certificate
from components.probers.base import Clock, Option, connect, host_and_port, options_of

HTTPS_PORT = 443


@dataclass(frozen=True, slots=True)
class Order:
    host: str
    port: int


class TLS:
    kind = "tls"
    label = "TLS certificate"
    target_help = "host or host:port"
    options: tuple[Option, ...] = ()

    def parse(self, target: str, options: Mapping[str, Any]) -> Order:
        """The order, checked. Raises InvalidProbe."""
        options_of(self, options)
        return Order(*host_and_port(target.removeprefix("tls://"), default=HTTPS_PORT))

    def address(self, order: Order) -> tuple[str, int]:
        """What is dialled."""
        return order.host, order.port

    async def run(self, order: Order, clock: Clock, egress: Egress) -> Reading:
        """Shake hands and read the certificate."""
        line = await connect(order.host, order.port, clock, egress, tls=True)
        try:
            return clock.reading(**certificate.facts_of(line))
        finally:
            line.close()
