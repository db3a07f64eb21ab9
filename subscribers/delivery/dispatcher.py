"""The engine that sends: one event loop per worker process, many receivers at once.

Works in rounds: write down what came back, claim what has room, pack, send.
A receiver that hangs delays only its own message. No transaction is open while
anything is being sent, and a result that cannot be written is tried again until
the lease ends: then another worker sends the message, under the same id.
"""

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import uvloop
from django.db import DatabaseError, DataError, close_old_connections

from components import loops
from components.clock import database_now
from components.egress import Egress
from subscribers.delivery import leases
from subscribers.delivery.envelope import End, Envelope, Result
from subscribers.delivery.message_builder import Packed, Skipped, pack
from subscribers.delivery.results import finish
from subscribers.states import Channel

MAX_CONCURRENT = 1_000  # sockets of one process
ROUND_S = 0.25
BATCH = 800
FULL = 400  # in flight: with fewer, rounds are shorter
PAUSE_S = 1.0  # while the database is away
KEEP_S = leases.LEASE.total_seconds() - leases.DEADLINE_S

log = logging.getLogger(__name__)
Sender = Callable[[Envelope, Egress], Coroutine[Any, Any, Result]]


@dataclass(frozen=True, slots=True)
class Attempt:
    """A message that was tried, and what came of it; `token` is the lease it was tried under."""

    packed: Packed
    token: str
    result: Result


def _write(tried: "Sequence[Attempt]", now: datetime) -> None:
    """Write results together, or else one by one, so that a bad one blocks no other. Raises DatabaseError."""
    try:
        finish(tried, now)
    except Exception as error:
        if isinstance(error, DatabaseError) and not isinstance(error, DataError):
            raise  # the database as a whole fails: everything waits
        if len(tried) > 1:
            for done in tried:
                _write([done], now)
        else:  # its lease ends, and it is tried again: after ten times it is stopped
            log.exception(
                "the result of a delivery by %s could not be saved", tried[0].packed.envelope.channel
            )


class Dispatcher:
    """Delivers whenever it is woken, until nothing is due and nothing is in flight."""

    def __init__(
        self, senders: "Mapping[Channel, Sender]", *, egress: Egress, deadline_s: float = leases.DEADLINE_S
    ) -> None:
        self.senders = senders
        self.deadline_s = deadline_s
        self.egress = egress
        self.holder = leases.holder_name()
        self.loop = uvloop.new_event_loop()
        self.done: queue.SimpleQueue[Attempt] = queue.SimpleQueue()
        self.in_hand = 0
        self.tasks: set[asyncio.Task[None]] = set()  # the loop itself holds only weak references
        self.unwritten: list[tuple[float, Attempt]] = []
        self.woken = threading.Event()
        self.stopping = False
        self.threads = [
            threading.Thread(target=self._run_loop, name="deliveries", daemon=True),
            threading.Thread(target=self._work, name="postman", daemon=True),
        ]
        for thread in self.threads:
            thread.start()

    def wake(self) -> None:
        """Something may be due. Returns at once."""
        self.woken.set()

    def drain(self, timeout_s: float) -> None:
        """Claim nothing more; wait at most this long until messages in flight are sent and written."""
        self.stopping = True
        self.woken.set()
        self.threads[1].join(timeout_s)

    # The thread that writes

    def _work(self) -> None:
        is_new = True
        while not self.stopping or self.in_hand or self.unwritten:
            try:
                if is_new:
                    leases.release_dead(self.holder)
                    is_new = False
                busy = self._round()
                loops.mark("dispatcher")
            except DatabaseError as error:
                log.warning("deliveries are waiting for the database: %s", str(error).strip().split("\n")[0])
                busy = False
                close_old_connections()
                time.sleep(PAUSE_S)
            except Exception:  # our own error must not end the thread: all deliveries wait for it
                log.exception("a delivery round failed")
                busy = False
                time.sleep(PAUSE_S)
            if not busy:
                close_old_connections()
                self.woken.wait(1.0)
                self.woken.clear()

    def _round(self) -> bool:
        """True while there is more to do at once."""
        self._collect()
        if self.unwritten:
            _write([done for _, done in self.unwritten], database_now())
            self.unwritten = []
        claimed = 0 if self.stopping else self._claim()
        return bool(claimed or self.in_hand)

    def _collect(self) -> None:
        """Collect results for at most ROUND_S; drop those that could not be written before the lease ends."""
        now = time.monotonic()
        self.unwritten = [(since, done) for since, done in self.unwritten if now - since < KEEP_S]
        end = now + (ROUND_S if self.in_hand else 0)
        while len(self.unwritten) < BATCH:
            try:
                wait = end - time.monotonic()
                done = self.done.get(timeout=wait) if wait > 0 else self.done.get_nowait()
            except queue.Empty:
                return
            if not self.unwritten:  # write soon, to free the places of a busy host
                end = min(end, time.monotonic() + ROUND_S * min(1.0, 0.04 + self.in_hand / FULL))
            self.unwritten.append((time.monotonic(), done))
            self.in_hand -= 1

    def _claim(self) -> int:
        room = MAX_CONCURRENT - self.in_hand
        if room < MAX_CONCURRENT // 10:
            return 0
        now = database_now()
        token, ids = leases.claim(now, min(room, BATCH), self.holder)
        if not ids:
            return 0
        packed = pack(ids, now)
        skipped = [item for item in packed if isinstance(item, Skipped)]
        if skipped:
            finish(skipped, now, token=token)
        self._send(token, [item for item in packed if isinstance(item, Packed)])
        return len(ids)

    def _send(self, token: str, packed: Iterable[Packed]) -> None:
        orders = list(packed)
        self.in_hand += len(orders)
        asyncio.run_coroutine_threadsafe(self._start(token, orders), self.loop)

    # The thread that sends

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    async def _start(self, token: str, orders: list[Packed]) -> None:
        for packed in orders:
            task = self.loop.create_task(self._deliver(token, packed))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def _deliver(self, token: str, packed: Packed) -> None:
        """One attempt under its one hard deadline. Never raises, never outlives it."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(self.deadline_s):
                result = await self.senders[packed.envelope.channel](packed.envelope, self.egress)
        except TimeoutError:
            result = Result(End.LATER, why=f"No response within {self.deadline_s:g} s.")
        except Exception:
            log.exception("internal error in a delivery by %s", packed.envelope.channel)
            result = Result(End.OURS, why="Internal error; see the log.")
        took_ms = round((time.monotonic() - began) * 1000)
        self.done.put(Attempt(packed, token, replace(result, took_ms=took_ms)))
