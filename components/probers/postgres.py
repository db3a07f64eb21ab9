"""PostgreSQL probes: log in, SELECT 1, and how many of the allowed connections are in use."""

from collections.abc import Mapping
from typing import Any

from components.egress import Egress, Line
from components.outcomes import Failure, Reading
from components.probers import databases, services
from components.probers.base import Clock
from components.probers.databases import DatabaseTarget
from components.probers.postgres_line import FATAL, Session, agree_on_tls
from components.probers.services import NotSpokenError, RefusedError

PORT = 5432
# Of what ordinary users may have: where they are refused, some are still reserved for others. Counted in
# pg_stat_database, since pg_stat_activity hides other users' sessions.
CONNECTIONS = """SELECT (SELECT sum(numbackends) FROM pg_stat_database),
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
    - coalesce(nullif(current_setting('reserved_connections', true), '')::int, 0)"""


class Postgres(services.Service):
    kind = "postgres"
    label = "PostgreSQL"
    target_help = "host or host:port"
    steps: tuple[str, ...] = databases.STEPS
    options = databases.options("postgres", "postgres")

    def parse(self, target: str, options: Mapping[str, Any]) -> DatabaseTarget:
        """The order, checked. Raises InvalidProbeError."""
        return databases.target_of(self, target.replace("postgresql://", "postgres://", 1), options, PORT)

    async def run(self, order: DatabaseTarget, clock: Clock, egress: Egress) -> Reading:
        """Log in, ask for 1, and count the connections."""
        return await services.run(order, clock, egress, _talk, tls=False)


async def _talk(order: DatabaseTarget, line: Line, clock: Clock, egress: Egress) -> Reading:
    if order.tls:
        clock.phase = Failure.TIMEOUT_TLS
        await agree_on_tls(line)
        await services.secured(line, order.host, clock, egress)
    clock.phase = Failure.TIMEOUT_FIRST_BYTE
    began_ms = clock.total_ms
    session = Session(line, is_secure=order.tls)
    await session.log_in(order.user, order.password, order.database)
    clock.seen["first_byte_ms"] = clock.total_ms - began_ms
    clock.phase = Failure.TIMEOUT_TRANSFER
    began_ms = clock.total_ms
    if await session.ask("SELECT 1") != ["1"]:
        raise NotSpokenError("The response to SELECT 1 is not 1.")
    clock.seen["transfer_ms"] = clock.total_ms - began_ms
    try:
        values = await session.ask(CONNECTIONS)
    except RefusedError as error:
        if error.code.startswith(FATAL):
            raise
        return databases.uncounted(order, clock, error)
    session.leave()
    return databases.counted(values, order, clock)
