"""IMAP probes: greeting, capabilities, STARTTLS, and a login if there is one (RFC 9051)."""

from collections.abc import Mapping
from typing import Any

from components import steps
from components.egress import Egress, Line
from components.outcomes import Failure, Reading
from components.probers import mail_line, services
from components.probers.base import Clock
from components.probers.mail_line import NONE, STARTTLS, TLS, MailTarget
from components.probers.services import NotSpokenError, RefusedError

PORTS = {STARTTLS: 143, TLS: 993, NONE: 143}


class IMAP(services.Service):
    kind = "imap"
    label = "IMAP server"
    target_help = "host or host:port"
    steps: tuple[str, ...] = (steps.DNS, steps.CONNECT, steps.TLS_IF_SPOKEN, steps.GREETING, steps.SESSION)
    options = mail_line.options(TLS)

    def parse(self, target: str, options: Mapping[str, Any]) -> MailTarget:
        """The order, checked. Raises InvalidProbeError."""
        return mail_line.target_of(self, target, options, PORTS)

    async def run(self, order: MailTarget, clock: Clock, egress: Egress) -> Reading:
        """Wait for the greeting, ask for capabilities, start TLS, log in, and leave."""
        return await services.run(order, clock, egress, _talk, tls=order.tls == TLS)


async def _talk(order: MailTarget, line: Line, clock: Clock, egress: Egress) -> Reading:
    clock.phase = Failure.TIMEOUT_FIRST_BYTE
    began_ms = clock.total_ms
    greeting = (await services.line_of(line)).decode("utf-8", "replace")
    clock.seen["first_byte_ms"] = clock.total_ms - began_ms
    clock.note(greeting=greeting[:200])
    _judge_greeting(greeting)
    clock.phase = Failure.TIMEOUT_TRANSFER
    began_ms = clock.total_ms
    offers = await _capabilities(line, "a1")
    if order.tls == STARTTLS:
        if "STARTTLS" not in offers:
            raise mail_line.missing_starttls(" ".join(offers))
        await _asked(line, "a2", "STARTTLS", "The server refuses STARTTLS")
        await mail_line.upgraded(order, line, clock, egress)
        offers = await _capabilities(line, "a3")
    if order.user and not greeting.upper().startswith("* PREAUTH"):
        if "LOGINDISABLED" in offers:
            raise RefusedError("The server does not allow a login by password.", " ".join(offers))
        login = f"LOGIN {_quoted(order.user)} {_quoted(order.password)}"
        await _asked(line, "a4", login, "The server rejects the user or password")
    line.writer.write(b"a5 LOGOUT\r\n")
    clock.seen["transfer_ms"] = clock.total_ms - began_ms
    return clock.reading()


def _judge_greeting(greeting: str) -> None:
    """Raises RefusedError for a server that takes nobody now, NotSpokenError for another protocol."""
    words = greeting.upper()
    if words.startswith("* BYE"):
        raise RefusedError("The server does not accept connections now: it greets with BYE.", greeting)
    if not words.startswith(("* OK", "* PREAUTH")):
        raise NotSpokenError("The response is not IMAP.")


async def _capabilities(line: Line, tag: str) -> list[str]:
    """What the server offers, in capitals."""
    lines = await _asked(line, tag, "CAPABILITY", "The server refuses CAPABILITY")
    offers = next((text for text in lines if text.upper().startswith("* CAPABILITY")), "")
    return offers.upper().split()[2:]


async def _asked(line: Line, tag: str, command: str, refusal: str) -> list[str]:
    """The untagged lines of the answer. Raises RefusedError unless it is OK, NotSpokenError, OSError."""
    line.writer.write(f"{tag} {command}\r\n".encode())
    lines: list[str] = []
    while len(lines) < mail_line.MAX_LINES:
        text = (await services.line_of(line)).decode("utf-8", "replace")
        if text.startswith(f"{tag} "):
            if not text.upper().startswith(f"{tag.upper()} OK"):
                raise RefusedError(f"{refusal}.", text)
            return lines
        if text.upper().startswith("* BYE"):
            raise RefusedError("The server ended the session: it says BYE.", text)
        if not text.startswith("*"):
            raise NotSpokenError("The response is not IMAP.")
        lines.append(text)
    raise NotSpokenError("The response does not end.")


def _quoted(text: str) -> str:
    """A quoted string; line breaks were refused when it was typed."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
