"""Domain probes: how many days until a domain expires, as its registry says by RDAP.

A warning and never an outage: what no registry could tell is unknown.
"""

import asyncio
import functools
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from components import rdap, steps
from components.egress import Egress
from components.networks import literal_address
from components.outcomes import Failure, Reading
from components.probers import services
from components.probers.base import Clock, Option, options_of
from components.targets import InvalidProbeError, checked_host

EXTRA = "domain"
SAVE_S = 5.0  # how long saving a probe may wait for IANA's list
SPARE = 0.9  # of the time left, so that what was learned is still written


@dataclass(frozen=True, slots=True)
class DomainTarget:
    domain: str
    warn_days: int


class Domain(services.Service):
    kind = "domain"
    label = "Domain expiry"
    target_help = "a domain, or any name below it"
    steps: tuple[str, ...] = (steps.ANSWER,)
    options = (
        Option(
            "warn_days",
            "Warn (days)",
            type="int",
            default=30,
            help="Fewer days until it expires are degraded.",
        ),
    )

    def parse(self, target: str, options: Mapping[str, Any]) -> DomainTarget:
        """The order, checked. Raises InvalidProbeError."""
        given = options_of(self, options)
        if not 1 <= given["warn_days"] <= 3650:
            raise InvalidProbeError("warn_days", "Use 1 to 3,650 days.")
        host = target.removeprefix("domain://").strip().rstrip(".")
        if literal_address(host):
            raise InvalidProbeError("target", "Enter a domain name: an address does not expire.")
        name = checked_host(host).lower()
        services.needed("publicsuffixlist", EXTRA)
        domain = _suffixes().privatesuffix(name)
        if not domain:
            raise InvalidProbeError(
                "target", f"“{host}” is a suffix under which domains are registered: enter a domain below it."
            )
        return DomainTarget(domain, given["warn_days"])

    def address(self, order: DomainTarget) -> None:
        """None: the registry is asked, not the domain."""

    def is_indirect(self, options: Mapping[str, Any]) -> bool:
        """The registry is asked."""
        return True

    def refuse_untried(self, order: DomainTarget, egress: Egress) -> None:
        """Refuse a top-level domain whose registry says nothing, if IANA's list is known.

        Raises InvalidProbeError.
        """
        asking = rdap.server_of(order.domain, egress, datetime.now(UTC), deadline_s=SAVE_S)
        try:
            with ThreadPoolExecutor(1) as thread:  # a loop of its own, whatever runs in this thread
                thread.submit(asyncio.run, asking).result()
        except rdap.NoServerError as error:
            raise InvalidProbeError("target", str(error)) from error
        except rdap.RDAPError:
            return  # the check will say so

    async def run(self, order: DomainTarget, clock: Clock, egress: Egress) -> Reading:
        """Ask the registry if it is time, and count the days."""
        now = datetime.now(UTC)
        clock.phase = Failure.TIMEOUT_FIRST_BYTE
        clock.note(domain=order.domain)
        left_s = (clock.deadline_s - clock.total_ms / 1000) * SPARE
        try:
            known = await rdap.registration(order.domain, egress, now, deadline_s=left_s)
        except rdap.RDAPError as error:
            return clock.reading(failure=Failure.NO_DATA, detail=str(error))
        clock.seen["first_byte_ms"] = clock.total_ms
        if not rdap.is_fresh(known.known_at, now):
            detail = f"The registry has not answered since {known.known_at:%-d %b %Y}."
            return clock.reading(failure=Failure.NO_DATA, detail=detail)
        return judged(order, known, clock, now)


def judged(order: DomainTarget, known: rdap.Registration, clock: Clock, now: datetime) -> Reading:
    """The reading of a registration."""
    if known.expires_at is None:
        return clock.reading(degraded=f"The registry knows no domain {order.domain}: it is not registered.")
    days = (known.expires_at - now).days
    clock.note(
        value=str(days), expires=f"{known.expires_at:%Y-%m-%d}", asked=f"{known.known_at:%Y-%m-%d %H:%M}"
    )
    if known.registrar:
        clock.note(registrar=known.registrar)
    reading = clock.reading()
    when = f"{known.expires_at:%-d %b %Y}"
    if known.expires_at <= now:
        return replace(reading, degraded=f"The domain {order.domain} expired on {when}: renew it.")
    if days < order.warn_days:
        left = f"{days} {'day' if days == 1 else 'days'}"
        detail = f"The domain {order.domain} expires in {left} ({when}); the limit is {order.warn_days}."
        return replace(reading, degraded=detail)
    return reading


@functools.cache
def _suffixes() -> Any:
    """The public suffix list, without those that are no registry's (github.io): only registries are asked."""
    return services.needed("publicsuffixlist", EXTRA).PublicSuffixList(only_icann=True)
