"""Redis probes (also Valkey): log in, PING, and how many of the allowed clients are connected.

RESP is spoken here in a few lines, so that `components.pulse` stays the only module with a Redis client.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from components import steps
from components.egress import Egress, Line
from components.outcomes import Failure, Reading
from components.probers import services
from components.probers.base import Clock, Option, host_and_port, options_of
from components.probers.services import Limits, NotSpokenError, RefusedError

PORT = 6379
MAX_BULK = 64 * 1024  # INFO clients is under a kilobyte
CAUSES = {
    "LOADING": "The server is starting up: it is still loading its data.",
    "MASTERDOWN": "The replica has lost its primary, and is set not to serve old data.",
    "NOAUTH": "The server requires a password.",
    "WRONGPASS": "The server rejects the user or password.",
    "NOPERM": "The user may not run a command that the check needs (PING, INFO).",
    "DENIED": "The server is in protected mode, and accepts only connections from its own machine.",
    "BUSY": "The server is busy with a script.",
}
FULL = "The server has used up its connections: max number of clients reached."


@dataclass(frozen=True, slots=True)
class RedisTarget:
    host: str
    port: int
    user: str
    password: str = field(repr=False)
    tls: bool
    limits: Limits

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be stored with a reading."""
        return (self.password,)


class Redis(services.Service):
    kind = "redis"
    label = "Redis or Valkey"
    target_help = "host or host:port"
    steps: tuple[str, ...] = (steps.DNS, steps.CONNECT, steps.TLS_IF_SPOKEN, steps.LOGIN, steps.QUERY)
    options = (
        Option("user", "User", help="Leave empty for the default user."),
        Option("password", "Password", type="secret"),
        Option("tls", "TLS", type="bool", default=False, help="Connect with TLS."),
        *services.LIMITS,
    )

    def parse(self, target: str, options: Mapping[str, Any]) -> RedisTarget:
        """The order, checked. Raises InvalidProbeError."""
        given = options_of(self, options)
        host, port = host_and_port(target.removeprefix("redis://"), default=PORT)
        user, password = given["user"], given["password"]
        if user:
            services.login_of(given)
        return RedisTarget(host, port, user, password, given["tls"], services.limits_of(given))

    async def run(self, order: RedisTarget, clock: Clock, egress: Egress) -> Reading:
        """Log in, ping, and ask how many clients are connected."""
        return await services.run(order, clock, egress, self._talk, tls=order.tls)

    async def _talk(self, order: RedisTarget, line: Line, clock: Clock, egress: Egress) -> Reading:
        clock.phase = Failure.TIMEOUT_FIRST_BYTE
        began_ms = clock.total_ms
        if order.password:
            login = ("AUTH", order.user, order.password) if order.user else ("AUTH", order.password)
            await _asked(line, *login)
        answer = await _asked(line, "PING")
        clock.seen["first_byte_ms"] = clock.total_ms - began_ms
        if answer != "PONG":
            raise NotSpokenError("The response to PING is not PONG.")
        clock.phase = Failure.TIMEOUT_TRANSFER
        began_ms = clock.total_ms
        used, most = await _clients(line, clock, is_needed=order.limits != Limits())
        clock.seen["transfer_ms"] = clock.total_ms - began_ms
        return services.judged(used, most, order.limits, clock)


async def _clients(line: Line, clock: Clock, *, is_needed: bool) -> tuple[int, int]:
    """Connected clients and the most there may be; zeros if the server does not say.

    Raises RefusedError where a limit was set for them.
    """
    try:
        text = await _asked(line, "INFO", "clients")
        found = dict(row.split(":", 1) for row in text.splitlines() if ":" in row)
        most = found.get("maxclients") or (await _asked(line, "CONFIG", "GET", "maxclients")).split()[-1]
        return int(found["connected_clients"]), int(most)
    except (RefusedError, ValueError, KeyError, IndexError) as error:
        if is_needed:
            said = error.said if isinstance(error, RefusedError) else ""
            raise RefusedError("The server does not say how many clients are connected.", said) from error
        clock.remark("The server does not say how many clients are connected.")
        return 0, 0


async def _asked(line: Line, *words: str) -> str:
    """The answer to a command as text. Raises RefusedError, NotSpokenError, OSError."""
    parts = [word.encode() for word in words]
    line.writer.write(
        b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)
    )
    return await _value(line)


async def _value(line: Line, depth: int = 0) -> str:
    head = await services.line_of(line)
    mark, text = head[:1], head[1:].decode("utf-8", "replace")
    if mark == b"-":
        raise _refusal(text)
    if mark in (b"+", b":"):
        return text
    try:
        length = int(text)
    except ValueError:
        length = -2
    if mark == b"$" and -1 <= length <= MAX_BULK:
        return await _bulk(line, length) if length >= 0 else ""
    if mark == b"*" and -1 <= length <= 64 and depth < 2:
        return "\n".join([await _value(line, depth + 1) for _ in range(length)])
    raise NotSpokenError("The response is not Redis.")


async def _bulk(line: Line, length: int) -> str:
    try:
        data = await line.reader.readexactly(length + 2)
    except EOFError as error:  # IncompleteReadError
        raise ConnectionResetError from error
    return data[:-2].decode("utf-8", "replace")


def _refusal(text: str) -> RefusedError:
    """ "LOADING Redis is loading the dataset in memory" as a sentence with its cause."""
    if "max number of clients" in text:
        return RefusedError(FULL, text)
    code = text.partition(" ")[0]
    return RefusedError(CAUSES.get(code, f"The server answers with an error: {text[:200]}"), text)
