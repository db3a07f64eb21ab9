"""What kinds that speak to a service at host:port have in common: address, TLS, connections used.

A service's own refusal (an error code, a wrong password) is `Failure.STATUS`; what is no answer of its
protocol is `Failure.PROTOCOL`.
"""

import asyncio
import importlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from components.egress import Egress, EgressError, Line
from components.outcomes import Failure, Reading
from components.probers import certificate
from components.probers.base import Clock, Option, broken_off, connect, printable
from components.targets import InvalidProbeError

MAX_CONNECTIONS = 1_000_000_000

DEGRADED_ABOVE = Option(
    "degraded_above", "Degraded above (%)", type="int", help="Share of the connections that are in use."
)
DOWN_ABOVE = Option(
    "down_above", "Down above (%)", type="int", help="Share of the connections that are in use, such as 95."
)
LIMITS = (DEGRADED_ABOVE, DOWN_ABOVE)


class RefusedError(Exception):
    """The service answered, and refused. Its text is a sentence for staff; `said` is what it answered.

    `code` is the service's own, where its protocol has codes.
    """

    def __init__(self, sentence: str, said: str = "", code: str = "") -> None:
        super().__init__(sentence)
        self.said = said
        self.code = code


class NotSpokenError(Exception):
    """The answer is not this protocol. Its text is a sentence for staff."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Shares of the connections (%) above which a service is degraded or down; None: no limit."""

    degraded_above: int | None = None
    down_above: int | None = None


class Service:
    """The attributes of `Prober` that are the same for all of these kinds."""

    shows_certificate = False

    def address(self, order: Any) -> tuple[str, int] | None:
        """What is dialled."""
        return order.host, order.port

    def is_secure(self, order: Any) -> bool:
        """No client certificate is shown."""
        return False

    def is_indirect(self, options: Mapping[str, Any]) -> bool:
        """Whether it asks another system about the target."""
        return False


def limits_of(given: Mapping[str, Any]) -> Limits:
    """From the options. Raises InvalidProbeError."""
    values: dict[str, int | None] = {}
    for option in LIMITS:
        value = given[option.name]
        if value != "" and not 1 <= value <= 100:
            raise InvalidProbeError(option.name, "Use a percentage from 1 to 100, or leave it empty.")
        values[option.name] = None if value == "" else value
    low, high = values["degraded_above"], values["down_above"]
    if low is not None and high is not None and low >= high:
        raise InvalidProbeError("degraded_above", "It must be lower than “down above”.")
    return Limits(low, high)


def judged(used: int, most: int, limits: Limits, clock: Clock) -> Reading:
    """The reading of so many connections in use; without a known maximum nothing is judged.

    Raises NotSpokenError for numbers that cannot be.
    """
    if most <= 0:
        return clock.reading()
    if not 0 <= used <= MAX_CONNECTIONS or most > MAX_CONNECTIONS:
        raise NotSpokenError("The number of connections in the response is not possible.")
    share = used / most
    clock.note(value=f"{share:.4g}", connections=f"{used} of {most}")
    reading = clock.reading()
    words = f"{used} of {most} connections are in use ({share:.0%}); the limit is"
    # in whole numbers: 0.07 * 100 is more than 7
    if limits.down_above is not None and used * 100 > limits.down_above * most:
        return replace(reading, failure=Failure.LIMIT, detail=f"{words} {limits.down_above}%.")
    if limits.degraded_above is not None and used * 100 > limits.degraded_above * most:
        return replace(reading, degraded=f"{words} {limits.degraded_above}%.")
    return reading


def refused(error: RefusedError, clock: Clock) -> Reading:
    """The reading when the service answered with a refusal."""
    return clock.reading(failure=Failure.STATUS, detail=str(error), excerpt=printable(error.said.encode()))


def not_spoken(error: Exception, clock: Clock) -> Reading:
    """The reading when the answer is another protocol."""
    return clock.reading(failure=Failure.PROTOCOL, detail=str(error))


async def dialled(order: Any, clock: Clock, egress: Egress, *, tls: bool, offers: Any = ()) -> Line:
    """A connection, with TLS if asked for, and the certificate noted. Raises EgressError."""
    line = await connect(order.host, order.port, clock, egress, tls=tls, offers=offers)
    note_certificate(line, clock)
    return line


Talk = Callable[[Any, Line, Clock, Egress], Awaitable[Reading]]


async def run(order: Any, clock: Clock, egress: Egress, talk: Talk, *, tls: bool) -> Reading:
    """Connect, talk, and say what went wrong."""
    line = await dialled(order, clock, egress, tls=tls)
    try:
        return await talk(order, line, clock, egress)
    except RefusedError as error:
        return refused(error, clock)
    except NotSpokenError as error:
        return not_spoken(error, clock)
    except EgressError as error:
        return clock.reading(failure=error.failure, detail=error.sentence)
    except OSError as error:
        return broken_off(error, clock)
    finally:
        line.close()


async def secured(line: Line, host: str, clock: Clock, egress: Egress) -> None:
    """Start TLS on an open line, once the server has agreed. Raises EgressError.

    Raises NotSpokenError where it has said more in plain text, which would count as said in TLS
    (CVE-2011-0411).
    """
    if line.reader._buffer:  # type: ignore[attr-defined]  # noqa: SLF001 - streams have no public way to ask
        raise NotSpokenError("The server sends plain text after it agreed to TLS.")
    clock.phase = Failure.TIMEOUT_TLS
    await egress.secure(line, host)
    clock.seen["tls_ms"] = line.tls_ms
    note_certificate(line, clock)


def note_certificate(line: Line, clock: Clock) -> None:
    """Keep the days that the server's certificate has left, and whose it is; nothing without TLS."""
    about = certificate.facts_of(line)
    if about:
        clock.seen["days_left"] = about["days_left"]
        clock.note(**about["facts"])


async def line_of(line: Line) -> bytes:
    """The next line of an answer without its end. Raises NotSpokenError, OSError."""
    try:
        text = await line.reader.readuntil(b"\n")
    except asyncio.LimitOverrunError as error:
        raise NotSpokenError("A line of the response is too long.") from error
    except asyncio.IncompleteReadError as error:
        raise ConnectionResetError from error
    return text.rstrip(b"\r\n")


def needed(module: str, extra: str) -> Any:
    """The module of an optional extra. Raises InvalidProbeError with how to install it."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise InvalidProbeError(
            "kind",
            f"This kind needs the extra “{extra}”, which is not installed here: install it with"
            f" pip install 'statuspage[{extra}]', then restart.",
        ) from None


def one_line(name: str, text: str) -> str:
    """The same text. Raises InvalidProbeError for line breaks and control characters."""
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise InvalidProbeError(name, "It contains a line break or control character: remove it.")
    return text


def login_of(given: Mapping[str, Any]) -> tuple[str, str]:
    """User and password, both or neither. Raises InvalidProbeError."""
    user, password = one_line("user", given["user"]), one_line("password", given["password"])
    if user and not password:
        raise InvalidProbeError("password", "Enter the password of this user, or remove the user.")
    if password and not user:
        raise InvalidProbeError("user", "Enter the user this password belongs to.")
    return user, password
