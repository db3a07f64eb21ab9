"""MySQL probes (also MariaDB): log in, SELECT 1, and how many of the allowed connections are in use."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from components.egress import Egress, Line
from components.outcomes import Failure, Reading
from components.probers import databases, services
from components.probers.base import Clock
from components.probers.databases import DatabaseTarget
from components.probers.mysql_line import Session
from components.probers.services import NotSpokenError, RefusedError

PORT = 3306
FATAL = ("1040", "1053")  # more than one question refused


class MySQL(services.Service):
    kind = "mysql"
    label = "MySQL or MariaDB"
    target_help = "host or host:port"
    steps: tuple[str, ...] = databases.STEPS
    options = databases.options("root", "")

    def parse(self, target: str, options: Mapping[str, Any]) -> DatabaseTarget:
        """The order, checked. Raises InvalidProbeError."""
        return databases.target_of(self, target.replace("mariadb://", "mysql://", 1), options, PORT)

    async def run(self, order: DatabaseTarget, clock: Clock, egress: Egress) -> Reading:
        """Log in, ask for 1, and count the connections."""
        return await services.run(order, clock, egress, _talk, tls=False)


async def _talk(order: DatabaseTarget, line: Line, clock: Clock, egress: Egress) -> Reading:
    clock.phase = Failure.TIMEOUT_FIRST_BYTE
    began_ms = clock.total_ms
    session = Session(line)
    clock.note(server=(await session.greet())[:200])
    upgrade = partial(_upgrade, order, line, clock, egress) if order.tls else None
    await session.log_in(order.user, order.password, order.database, upgrade)
    clock.seen["first_byte_ms"] = clock.total_ms - began_ms - (clock.seen.get("tls_ms") or 0)
    clock.phase = Failure.TIMEOUT_TRANSFER
    began_ms = clock.total_ms
    if await session.ask("SELECT 1") != ["1"]:
        raise NotSpokenError("The response to SELECT 1 is not 1.")
    clock.seen["transfer_ms"] = clock.total_ms - began_ms
    try:
        used = await session.ask("SHOW GLOBAL STATUS LIKE 'Threads_connected'")
        values = [*used[-1:], *await session.ask("SELECT @@global.max_connections")]
    except RefusedError as error:
        if error.code in FATAL:
            raise
        return databases.uncounted(order, clock, error)
    session.leave()
    return databases.counted(values, order, clock)


async def _upgrade(order: DatabaseTarget, line: Line, clock: Clock, egress: Egress) -> None:
    await services.secured(line, order.host, clock, egress)
    clock.phase = Failure.TIMEOUT_FIRST_BYTE
