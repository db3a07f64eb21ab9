"""The kinds of probes. A new kind is one file, and one line in PROBERS."""

from typing import Any

from components import steps
from components.egress import Egress
from components.outcomes import Reading
from components.probers import certificate, redaction
from components.probers.base import Option, Prober, carry_out
from components.probers.dns import DNS
from components.probers.domain import Domain
from components.probers.grpc import GRPC
from components.probers.health import HealthCheck
from components.probers.heartbeat import Heartbeat
from components.probers.http import HTTP
from components.probers.icmp import ICMP
from components.probers.imap import IMAP
from components.probers.inbound import Inbound
from components.probers.mysql import MySQL
from components.probers.numbers import Numbers
from components.probers.passive import Passive
from components.probers.postgres import Postgres
from components.probers.redis import Redis
from components.probers.self_test import SelfTest
from components.probers.smtp import SMTP
from components.probers.sse import SSE
from components.probers.stepwise import Steps
from components.probers.tcp import TCP
from components.probers.tls import TLS
from components.probers.vendor import Vendor
from components.probers.websocket import WebSocket
from components.targets import InvalidProbeError

PROBERS: dict[str, Prober] = {
    prober.kind: prober
    for prober in (
        HTTP(),
        TCP(),
        TLS(),
        DNS(),
        WebSocket(),
        SSE(),
        Numbers(),
        HealthCheck(),
        Vendor(),
        Heartbeat(),
        Inbound(),
        Steps(),
        ICMP(),
        GRPC(),
        Domain(),
        SMTP(),
        IMAP(),
        Postgres(),
        MySQL(),
        Redis(),
    )
}

EVERY_PROBER = {**PROBERS, SelfTest.kind: SelfTest()}  # those that staff cannot choose as well

__all__ = [
    "EVERY_PROBER",
    "PROBERS",
    "InvalidProbeError",
    "Option",
    "Passive",
    "Prober",
    "check",
    "is_passive",
    "leaves_the_machine",
    "measuring_kinds",
    "passive_kinds",
    "steps_of",
]


def is_passive(kind: str) -> bool:
    """Whether probes of this kind are reported to, and look at nothing."""
    return isinstance(PROBERS.get(kind), Passive)


def leaves_the_machine(kind: str) -> bool:
    """Whether its checks need the network of their region: not what is reported, nor the self-test."""
    return not is_passive(kind) and kind != SelfTest.kind


def measuring_kinds() -> list[str]:
    """The kinds whose number has a chart."""
    return [Numbers.kind]


def passive_kinds() -> list[str]:
    """The kinds that are reported to."""
    return [kind for kind in PROBERS if is_passive(kind)]


def steps_of(kind: str) -> tuple[str, ...]:
    """The steps of a check of this kind; of one that is not known any more, those of every connection."""
    return EVERY_PROBER[kind].steps if kind in EVERY_PROBER else (steps.DNS, steps.CONNECT)


async def check(kind: str, order: Any, *, deadline_s: float, egress: Egress) -> Reading:
    """One check of this kind. Never raises, never outlives its deadline (seconds)."""
    prober = EVERY_PROBER[kind]
    reading = await carry_out(prober, order, deadline_s=deadline_s, egress=egress)
    if secrets := getattr(order, "secrets", ()):
        _, port = prober.address(order) or ("", None)
        reading = redaction.without(reading, secrets, port=port)
    return certificate.blamed(reading, getattr(order, "shown", None))
