"""TLS probes: name, chain, and the days a certificate has left."""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components import steps
from components.client_certificates import ClientCertificate
from components.egress import Egress, Line
from components.outcomes import Reading
from components.probers import certificate
from components.probers.base import Clock, Option, broken_off, connect, host_and_port, options_of

HTTPS_PORT = 443


@dataclass(frozen=True, slots=True)
class TLSTarget:
    host: str
    port: int
    shown: ClientCertificate | None = None


class TLS:
    kind = "tls"
    label = "TLS certificate"
    target_help = "host or host:port"
    shows_certificate = True
    steps: tuple[str, ...] = (steps.DNS, steps.CONNECT, steps.TLS)
    options: tuple[Option, ...] = ()

    def parse(self, target: str, options: Mapping[str, Any]) -> TLSTarget:
        """The order, checked. Raises InvalidProbeError."""
        options_of(self, options)
        return TLSTarget(*host_and_port(target.removeprefix("tls://"), default=HTTPS_PORT))

    def address(self, order: TLSTarget) -> tuple[str, int]:
        """The host and port to dial."""
        return order.host, order.port

    def is_secure(self, order: TLSTarget) -> bool:
        """Always."""
        return True

    def is_indirect(self, options: Mapping[str, Any]) -> bool:
        """Whether it asks another system about the target."""
        return False

    async def run(self, order: TLSTarget, clock: Clock, egress: Egress) -> Reading:
        """Shake hands and read the certificate."""
        line = await connect(order.host, order.port, clock, egress, tls=True, shown=order.shown)
        try:
            clock.seen.update(certificate.facts_of(line))
            certificate.remark_on_ours(order.shown, clock)
            reading = clock.reading()
            if order.shown is not None:
                await _verdict_on_ours(line, clock)
            return reading
        except OSError as error:
            return broken_off(error, clock)
        finally:
            line.close()


async def _verdict_on_ours(line: Line, clock: Clock) -> None:
    """In TLS 1.3 a server judges our certificate after our handshake has ended. Raises OSError.

    It says nothing when it takes it, so silence for a while is a yes.
    """
    left_s = clock.deadline_s - clock.total_ms / 1000
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(min(clock.patience_s, left_s / 2)):
            await line.reader.read(1)
