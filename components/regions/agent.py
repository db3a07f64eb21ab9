"""The agent of a remote region: asks for due checks every second, runs them, sends what they found.

Whatever was found is on disk before it is sent (`spool.py`), and is sent in order. While the server
cannot be reached nothing is checked: without a lease a result counts for nothing, and the server sets
the region's probes to unknown by itself.
"""

import asyncio
import json
import logging
import secrets
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from components.checking import MAX_CONCURRENT, Checker, CheckRequest, Finding
from components.egress import Egress
from components.outcomes import Failure, Reading
from components.regions.messages import (
    MAX_BODY_BYTES,
    MAX_FINDINGS,
    MAX_ORDERS,
    RESULTS_PATH,
    WORK_PATH,
    MessageError,
    batch_body,
    claim_of,
    finding_line,
    request_of,
)
from components.regions.server import RefusedError, Server, ServerError
from components.regions.spool import Spool
from components.targets import InvalidProbeError

log = logging.getLogger(__name__)

EVERY_S = 1.0
AFTER_S = 0.05  # into the server's second: slots are whole seconds
MAX_PAUSE_S = 10.0  # between two tries while the server cannot be reached
DRAIN_S = 5.0  # for running checks, when it is stopped
LAST_PUSH_S = 3.0
OVERHEAD = 1000  # bytes of a body around its results


class Agent:
    """One region's agent. `run` until `stop` is set."""

    def __init__(self, server: Server, spool: Spool, *, egress: Egress, canaries: Iterable[str] = ()) -> None:
        self.server, self.spool = server, spool
        self.egress, self.canaries = egress, tuple(canaries)
        self.run_id = secrets.token_urlsafe(12)
        self.ahead_s = 0.0
        self.said: dict[str, str] = {}  # the newest fault by path, so that each is logged once
        self.fresh = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop; then finish what is running and send what can be sent."""
        self.loop, self.stop = asyncio.get_running_loop(), stop
        self.checker = Checker(self._keep, egress=self.egress, canaries=self.canaries)
        pushing = asyncio.create_task(self._push())
        try:
            await self._pull()
            await asyncio.to_thread(self.checker.drain, DRAIN_S)
            self.fresh.set()
            await asyncio.wait([pushing], timeout=LAST_PUSH_S)
        finally:
            pushing.cancel()
            await asyncio.gather(pushing, return_exceptions=True)
            self.spool.close()

    async def _pull(self) -> None:
        failures = 0
        while not self.stop.is_set():
            try:
                answer = await self.server.ask(WORK_PATH, self._hello())
                self.ahead_s = answer.ahead_s
                orders = answer.values.get("orders")
                self._begin(orders if isinstance(orders, list) else [])
                self._say(WORK_PATH, "")
                failures = 0
                pause = 0.0 if answer.values.get("more") is True else self._until_next_second()
            except ServerError as error:
                self._say(WORK_PATH, str(error))
                failures += 1
                pause = min(MAX_PAUSE_S, 2.0 ** min(failures, 10)) * (0.5 + secrets.randbelow(500) / 1000)
            await self._rest(self.stop, pause)

    def _hello(self) -> bytes:
        """What we say with each request for work: how many orders we can take, and how we are."""
        room = min(MAX_ORDERS, max(0, MAX_CONCURRENT - self.checker.in_hand))
        told = {
            "room": room,
            "run": self.run_id,
            "sent_at": round(time.time(), 3),
            "is_blind": self.checker.canaries.is_blind,
            "lost": self.spool.lost,
            "waiting": self.spool.waiting,
        }
        return json.dumps(told).encode()

    def _until_next_second(self) -> float:
        now = time.time() - self.ahead_s
        return max(0.05, EVERY_S - (now % EVERY_S) + AFTER_S)

    def _begin(self, orders: list[Any]) -> None:
        """Start these checks. One that cannot be run is unknown, with a sentence for staff."""
        requests: list[CheckRequest] = []
        for order in orders:
            try:
                requests.append(request_of(order, self.server.region))
            except InvalidProbeError as invalid:
                self._refuse(order, invalid.sentence)
            except (MessageError, AttributeError) as error:
                log.warning("order.not_read reason=%s", error)
        self.checker.submit(requests)

    def _refuse(self, order: Mapping[str, Any], sentence: str) -> None:
        claim = claim_of(order, self.server.region)
        reading = Reading(0.0, Failure.OWN_FAULT, sentence)
        self.checker.found.put(Finding(claim, reading, datetime.now(UTC), 0))

    def _keep(self, findings: list[Finding]) -> None:
        """Called in the engine's thread: on disk first."""
        self.spool.append([finding_line(finding, self.ahead_s) for finding in findings])
        self.loop.call_soon_threadsafe(self.fresh.set)

    async def _push(self) -> None:
        """Send what is kept, oldest first. Ends when told to stop and nothing is left."""
        failures = 0
        while True:
            self.fresh.clear()
            lines, place = await asyncio.to_thread(self.spool.next, MAX_FINDINGS, MAX_BODY_BYTES - OVERHEAD)
            if not lines:
                if self.stop.is_set() and not self.checker.in_hand:
                    return
                await self._rest(self.fresh, EVERY_S)
                continue
            try:
                await self.server.ask(RESULTS_PATH, batch_body(lines))
            except RefusedError as error:
                log.warning("results.refused lost=%d reason=%s", len(lines), error)
                self.spool.lost += len(lines)
            except ServerError as error:
                self._say(RESULTS_PATH, str(error))
                failures += 1
                await asyncio.sleep(min(MAX_PAUSE_S, 0.5 * 2.0 ** min(failures, 10)))
                continue
            self._say(RESULTS_PATH, "")
            failures = 0
            await asyncio.to_thread(self.spool.taken, len(lines), place)

    async def _rest(self, event: asyncio.Event, pause_s: float) -> None:
        """Wait for this event, at most so long."""
        try:
            await asyncio.wait_for(event.wait(), pause_s)
        except TimeoutError:
            return

    def _say(self, path: str, fault: str) -> None:
        """Log a change: cut off, another reason, connected."""
        if self.said.get(path) == fault:
            return
        self.said[path] = fault
        if fault:
            log.warning("region.cut_off path=%s waiting=%d reason=%s", path, self.spool.waiting, fault)
        else:
            log.info("region.connected path=%s ahead_s=%.3f", path, self.ahead_s)
