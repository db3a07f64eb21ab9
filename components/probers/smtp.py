"""SMTP probes: greeting, EHLO, STARTTLS with a valid certificate, and a login if there is one (RFC 5321)."""

import base64
import re
from collections.abc import Mapping
from typing import Any

from components import steps
from components.egress import Egress, Line
from components.outcomes import Failure, Reading
from components.probers import mail_line, services
from components.probers.base import Clock
from components.probers.mail_line import NONE, STARTTLS, TLS, MailTarget
from components.probers.services import NotSpokenError, RefusedError

REPLY = re.compile(r"([2-5][0-9]{2})([ -]?)(.*)", re.DOTALL)
PORTS = {STARTTLS: 25, TLS: 465, NONE: 25}
OUR_NAME = "statuspage.invalid"  # no server needs to know this machine's name


class SMTP(services.Service):
    kind = "smtp"
    label = "SMTP server"
    target_help = "host or host:port"
    steps: tuple[str, ...] = (steps.DNS, steps.CONNECT, steps.TLS_IF_SPOKEN, steps.GREETING, steps.SESSION)
    options = mail_line.options(STARTTLS)

    def parse(self, target: str, options: Mapping[str, Any]) -> MailTarget:
        """The order, checked. Raises InvalidProbeError."""
        return mail_line.target_of(self, target, options, PORTS)

    async def run(self, order: MailTarget, clock: Clock, egress: Egress) -> Reading:
        """Wait for the greeting, say EHLO, start TLS, log in, and leave."""
        return await services.run(order, clock, egress, _talk, tls=order.tls == TLS)


async def _talk(order: MailTarget, line: Line, clock: Clock, egress: Egress) -> Reading:
    clock.phase = Failure.TIMEOUT_FIRST_BYTE
    began_ms = clock.total_ms
    code, greeting = await _reply(line)
    clock.seen["first_byte_ms"] = clock.total_ms - began_ms
    clock.note(greeting=greeting[:200])
    if code != 220:
        raise RefusedError(f"The server does not accept mail now: it greets with {code}.", greeting)
    clock.phase = Failure.TIMEOUT_TRANSFER
    began_ms = clock.total_ms
    offers = await _hello(line)
    if order.tls == STARTTLS:
        if "STARTTLS" not in offers:
            raise mail_line.missing_starttls("\n".join(offers))
        await _asked(line, "STARTTLS", 220, "The server refuses STARTTLS")
        await mail_line.upgraded(order, line, clock, egress)
        offers = await _hello(line)
    if order.user:
        await _log_in(order, line, offers)
    line.writer.write(b"QUIT\r\n")
    clock.seen["transfer_ms"] = clock.total_ms - began_ms
    return clock.reading()


async def _hello(line: Line) -> list[str]:
    """What the server offers, in capitals, one a line."""
    text = await _asked(line, f"EHLO {OUR_NAME}", 250, "The server refuses EHLO")
    return [offer.strip().upper() for offer in text.splitlines()[1:]]


async def _log_in(order: MailTarget, line: Line, offers: list[str]) -> None:
    """AUTH PLAIN, or LOGIN where only that is offered. Raises RefusedError."""
    ways = next((offer.split()[1:] for offer in offers if offer.startswith("AUTH")), [])
    rejected = "The server rejects the user or password"
    if "PLAIN" in ways:
        plain = _encoded(f"\0{order.user}\0{order.password}")
        await _asked(line, f"AUTH PLAIN {plain}", 235, rejected)
    elif "LOGIN" in ways:
        await _asked(line, "AUTH LOGIN", 334, "The server refuses the login")
        await _asked(line, _encoded(order.user), 334, rejected)
        await _asked(line, _encoded(order.password), 235, rejected)
    else:
        raise RefusedError("The server offers no login by password (PLAIN or LOGIN).", "\n".join(offers))


async def _asked(line: Line, command: str, expected: int, refusal: str) -> str:
    """The text of the answer to a command. Raises RefusedError for another code, NotSpokenError, OSError."""
    line.writer.write(f"{command}\r\n".encode())
    code, text = await _reply(line)
    if code != expected:
        raise RefusedError(f"{refusal}: {code}.", f"{code} {text}")
    return text


async def _reply(line: Line) -> tuple[int, str]:
    """The code and the lines of a reply (RFC 5321, section 4.2). Raises NotSpokenError, OSError."""
    texts: list[str] = []
    while len(texts) < mail_line.MAX_LINES:
        said = REPLY.fullmatch((await services.line_of(line)).decode("utf-8", "replace"))
        if said is None:
            raise NotSpokenError("The response is not SMTP.")
        texts.append(said[3])
        if said[2] != "-":
            return int(said[1]), "\n".join(texts)
    raise NotSpokenError("The response does not end.")


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
