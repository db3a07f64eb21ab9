"""The engine that runs checks: one event loop per worker process, all checks concurrently.

A slow or hanging target delays only its own check. Results are handed over in
small batches as they arrive, so that one write every quarter second serves them all.
"""

import asyncio
import gc
import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import uvloop

from components import probers
from components.canaries import Canaries
from components.egress import Egress
from components.models.claims import Claim
from components.outcomes import Failure, Reading

MAX_CONCURRENT = 2_000  # sockets of one process; more wait their turn
MAX_LAG_MS = 86_400_000  # a larger lag is cut to this, as it must fit its column
BATCH_S = 0.25
GC_THRESHOLD = (10_000, 20, 20)
BATCH_SIZE = 500
STALL_S = 1.0  # a loop that slept this long past its time cannot be trusted with timeouts


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """One check to run: the claim it fulfils, and what to do."""

    claim: Claim
    kind: str
    order: Any  # what the prober's parse() made of target and options
    deadline_s: float


@dataclass(frozen=True, slots=True)
class Finding:
    """One check that was run."""

    claim: Claim
    reading: Reading
    started_at: datetime
    lag_ms: int


class Checker:
    """Runs orders in a thread of its own and hands findings to `on_found` in another.

    While `on_found` returns True it is called again at once, with what has come meanwhile, or with none.
    """

    def __init__(
        self, on_found: Callable[[list[Finding]], object], *, egress: Egress, canaries: Sequence[str] = ()
    ) -> None:
        self.on_found = on_found
        self.egress = egress
        self.canaries = Canaries(canaries, egress=egress)
        self.loop = uvloop.new_event_loop()
        self.found: queue.SimpleQueue[Finding | None] = queue.SimpleQueue()
        self.in_hand = 0
        self.stalled_at = 0.0
        self.places: asyncio.Semaphore | None = None
        self.threads = [
            threading.Thread(target=self._run_loop, name="checks", daemon=True),
            threading.Thread(target=self._hand_over, name="findings", daemon=True),
        ]
        for thread in self.threads:
            thread.start()

    def submit(self, orders: Iterable[CheckRequest]) -> None:
        """Start these checks now. Returns at once."""
        asyncio.run_coroutine_threadsafe(self._start(list(orders)), self.loop)

    def drain(self, timeout_s: float) -> None:
        """Wait until running checks have ended and their results are written, at most this long."""
        end = time.monotonic() + timeout_s
        while self.in_hand and time.monotonic() < end:
            time.sleep(0.02)
        self.found.put(None)
        self.threads[1].join(max(0.1, end - time.monotonic()))

    def _run_loop(self) -> None:
        _spare_the_collector()
        asyncio.set_event_loop(self.loop)
        self.places = asyncio.Semaphore(MAX_CONCURRENT)
        self.loop.create_task(self._watch_for_stalls())
        self.loop.run_forever()

    async def _watch_for_stalls(self) -> None:
        """Detect pauses of this process, which cause timeouts that are our own fault."""
        while True:
            before = time.monotonic()
            await asyncio.sleep(BATCH_S)
            if time.monotonic() - before > BATCH_S + STALL_S:
                self.stalled_at = time.monotonic()

    async def _start(self, orders: list[CheckRequest]) -> None:
        self.in_hand += len(orders)
        for order in orders:
            # the running task keeps itself alive through `tasks`
            task = self.loop.create_task(self._check(order))
            task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self.in_hand -= 1
        if not task.cancelled() and task.exception() is not None:
            self.loop.call_exception_handler({"message": "check", "exception": task.exception()})

    async def _check(self, order: CheckRequest) -> None:
        assert self.places is not None
        async with self.places:
            started_at, began = datetime.now(UTC), time.monotonic()
            reading = await probers.check(
                order.kind, order.order, deadline_s=order.deadline_s, egress=self.egress
            )
        late = self.stalled_at >= began or time.monotonic() - began > order.deadline_s + STALL_S
        if late and reading.failure is not None and reading.failure.value.startswith("timeout"):
            reading = replace(
                reading, failure=Failure.OWN_FAULT, detail="Our own process stalled during the check."
            )
        if probers.leaves_the_machine(order.kind):
            reading = await self.canaries.judged(reading, began)
        else:
            self.canaries.forget_old(began)
        lag_ms = int(started_at.timestamp() * 1000) - order.claim.slot * 1000
        self.found.put(Finding(order.claim, reading, started_at, min(max(0, lag_ms), MAX_LAG_MS)))

    def _hand_over(self) -> None:
        is_owing = is_closing = False
        while not is_closing or is_owing:
            batch, is_closing = ([], True) if is_closing else self._gathered(is_hasty=is_owing)
            if batch or is_owing:
                is_owing = self.on_found(batch) is True

    def _gathered(self, *, is_hasty: bool) -> tuple[list[Finding], bool]:
        """The next findings, and whether they are the last. `is_hasty`: what is there, perhaps none."""
        batch: list[Finding] = []
        end = float("inf")  # until the first has come
        while len(batch) < BATCH_SIZE:
            remaining_s = max(0.0, end - time.monotonic())
            try:
                more = self.found.get(timeout=0 if is_hasty else min(remaining_s, threading.TIMEOUT_MAX))
            except queue.Empty:
                break
            if more is None:
                return batch, True
            batch.append(more)
            end = min(end, time.monotonic() + BATCH_S)
        return batch, False


def _spare_the_collector() -> None:
    """What was imported stays for good, so it is not looked through for garbage over and over.

    A check makes hundreds of small objects, nearly all of which go without the collector.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLD)
