"""The self-test: a target of our own that fails on purpose, by which we know that failures are noticed.

It is served on loopback for the length of one check, and fails in the first minute of every three. The
check goes the whole way of any other: claimed, queued, dialled, judged, written. Staff cannot choose this
kind, and no page or figure shows it (components.self_test).
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from components import steps
from components.egress import Door, Egress, through
from components.outcomes import Reading
from components.probers.base import Clock
from components.probers.http import HTTP

KIND = "self_test"
PERIOD_S = 180
FAILS_S = 60  # at the start of each period
HEAD_BYTES = 8 * 1024


@dataclass(frozen=True, slots=True)
class SelfTestOrder:
    """The target has no address until it is served."""


def is_failing(now_s: float) -> bool:
    """Whether the target fails on purpose at this time (seconds since 1970)."""
    return now_s % PERIOD_S < FAILS_S


class SelfTest:
    kind = KIND
    label = "Self-test"
    target_help = ""
    shows_certificate = False
    steps: tuple[str, ...] = (steps.CONNECT, steps.FIRST_BYTE)
    options = ()

    def parse(self, target: str, options: Mapping[str, Any]) -> SelfTestOrder:
        """The order; there is nothing to choose."""
        return SelfTestOrder()

    def address(self, order: SelfTestOrder) -> None:
        """None: its address is known only while it is served."""
        return

    def is_secure(self, order: SelfTestOrder) -> bool:
        """False: it is plain HTTP."""
        return False

    def is_indirect(self, options: Mapping[str, Any]) -> bool:
        """False: it asks the target itself."""
        return False

    async def run(self, order: SelfTestOrder, clock: Clock, egress: Egress) -> Reading:
        """Serve the target, and check it as an HTTP probe does."""
        async with _served() as port:
            http = HTTP()
            asked = http.parse(f"http://127.0.0.1:{port}/", {})
            return await http.run(asked, clock, through(Door.SELF_TEST))


@contextlib.asynccontextmanager
async def _served() -> AsyncIterator[int]:
    """The target on a free port of loopback, until the block ends."""
    server = await asyncio.start_server(_answer, "127.0.0.1", 0, limit=HEAD_BYTES)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One answer: 503 while it fails on purpose, else 200."""
    try:
        await reader.readuntil(b"\r\n\r\n")
        status = b"503 Service Unavailable" if is_failing(time.time()) else b"200 OK"
        head = b"HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        writer.write(head % status)
        await writer.drain()
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        pass  # the check was cut off
    finally:
        writer.close()
