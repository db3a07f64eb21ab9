"""Opens a probe's connections over the ramp, holds them, and notes what becomes of each.

All of it ends a little before the one hard deadline, and at once when more are lost than may be.
"""

import asyncio
import contextlib
import copy
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from components import failures
from components.egress import Egress
from components.lookup import KeptLookup
from components.outcomes import Failure, Reading
from components.probers.base import Clock, too_late
from components.probers.held.session import Loss, Session
from components.probers.held.target import MANY, Plan, WebSocketTarget, fitted
from components.probers.held.upgrade import NotOpenedError, opened

BREATH_S = 0.002  # of many answers that come at once, not each is worth a look at all connections
GATHER_S = 0.2  # how far apart those are that were cut together
TICK_S = 0.05
STALL_S = 1.0
MAX_LAG = 0.25  # of what is waited for an answer: with more, a timeout says nothing of the target
RECONNECT_S = 1.0  # between tries to open a dropped one again; and for it once the check is over early


@dataclass(slots=True)
class Held:
    """What came of all connections. Times in seconds, since the check began where nothing else is said."""

    order: WebSocketTarget
    plan: Plan
    opened_at: list[float] = field(default_factory=list)
    took: list[float] = field(default_factory=list)  # each to open, since its own begin
    ready: list[float] = field(default_factory=list)  # the same with its first answers
    first_s: float | None = None  # of one, from the upgrade to its first answers
    answer_s: float = 0.0  # the slowest pong or echo
    losses: list[Loss] = field(default_factory=list)
    seen: dict[str, Any] = field(default_factory=dict)  # of the first that opened
    held_s: float = 0.0
    lag_s: float = 0.0  # by how much our own event loop was late, in all
    stall_s: float = 0.0  # the longest time that it stood still
    dropped_first: Loss | None = None
    reconnect_s: float | None = None  # until the first that was dropped was open again
    refused_again: Reading | None = None  # what the last try to open it met

    @property
    def faults(self) -> int:
        """Losses that are our own."""
        return sum(loss.failure is Failure.OWN_FAULT for loss in self.losses)

    @property
    def doubtful(self) -> int:
        """Losses by a timeout while this process was too busy to keep time, or out of something.

        One that stood still answered no ping either: that it was hung up on says nothing of the server.
        """
        if self.stall_s >= STALL_S:
            return sum(loss.was_open or loss.failure.startswith("timeout") for loss in self.losses)
        if self.lag_s < self.plan.patience_s * MAX_LAG and not self.faults:
            return 0
        return sum(loss.failure.startswith("timeout") for loss in self.losses)

    @property
    def lost(self) -> int:
        """Losses that are the target's, or the network's."""
        return len(self.losses) - self.faults


class Hold:
    """One check. Made inside the event loop; `run` once."""

    def __init__(self, order: WebSocketTarget, clock: Clock, egress: Egress) -> None:
        self.order, self.clock = order, clock
        # a thousand connections are no reason for a thousand look-ups
        self.egress = copy.copy(egress)
        self.egress.lookup = KeptLookup(egress.lookup)
        self.plan = fitted(order, clock.deadline_s)
        self.began = time.perf_counter() - clock.total_ms / 1000
        self.until = self.began + self.plan.end_s
        self.found = Held(order, self.plan)
        self.sessions: set[Session] = set()  # that are open now
        self.settled = 0  # that have opened or failed to
        self.leader: Session | None = None  # the first that opened: its times are those of the steps
        self.opening: set[Clock] = set()  # of those that have begun to open
        self.changed = asyncio.Event()
        self.lost = 0
        self.is_closing = False
        self.error: BaseException | None = None
        self.reopening: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Everything, to its end; `found` says what came of it, also when it is cancelled."""
        each_s = self.plan.ramp_s / max(1, self.order.connections - 1)
        tasks = [
            asyncio.create_task(self._one(number, number * each_s))
            for number in range(self.order.connections)
        ]
        for task in tasks:
            task.add_done_callback(self._notice)
        if len(tasks) >= MANY or self.plan.hold_s:
            tasks.append(asyncio.create_task(self._feel_lag()))
        try:
            await self._wait(self._are_all_ready)
            began = time.perf_counter()
            if self.plan.hold_s:
                await self._wait(None, self.plan.hold_s)
                self.found.held_s = time.perf_counter() - began
                await self._ask_last()
            await self._gather()
        finally:
            self._end()
            await self._leave(tasks)
        if self.error is not None:
            raise self.error

    async def _one(self, number: int, after_s: float) -> None:
        """One connection: its place on the ramp, its opening, its life."""
        if after_s:
            await asyncio.sleep(after_s)
        session = await self._open(self.clock if number == 0 else None)
        self.settled += 1
        if session is not None:
            self.sessions.add(session)
            await session.live()
            self._part_with(session)
        self.changed.set()

    async def _open(self, clock: Clock | None) -> Session | None:
        """An open one; else it is noted why there is none. The first one's clock is that of the check."""
        began = time.perf_counter()
        left_s = max(0.01, min(self.plan.patience_s, self.until - began))
        clock = clock or Clock(left_s)
        self.opening.add(clock)
        reading = await self._try(clock, left_s)
        self.opening.discard(clock)
        if isinstance(reading, Reading):
            self._lose(_refusal(reading, time.perf_counter()))
            return None
        line, protocol = reading
        if self.is_closing:  # too late: it counts as one that did not open
            line.close()
            return None
        now = time.perf_counter()
        clock.phase = Failure.TIMEOUT_TRANSFER
        self.found.opened_at.append(now - self.began)
        self.found.took.append(now - began)
        session = Session(
            line, protocol, self.order,
            patience_s=self.plan.patience_s, until=self.until, took_s=now - began, on_change=self.changed.set,
        )  # fmt: skip
        if self.leader is None:
            self.leader, self.found.seen = session, clock.seen
        return session

    async def _try(self, clock: Clock, patience_s: float) -> Any:
        """Line and protocol of an open one, or the reading that says why there is none."""
        try:
            async with asyncio.timeout(patience_s):
                return await opened(self.order, clock, self.egress)
        except TimeoutError:
            return too_late(clock, patience_s)
        except NotOpenedError as error:
            return error.reading

    def _part_with(self, session: Session) -> None:
        """It is not held any more: note its answers, and why it is gone if that was not our wish."""
        if session in self.sessions:
            self.sessions.discard(session)
            if session.first_s is not None:
                self.found.ready.append(session.took_s + session.first_s)
                self.found.answer_s = max(self.found.answer_s, session.answer_s)
            if session.loss is not None:
                self._lose(session.loss)

    def _lose(self, loss: Loss) -> None:
        if self.is_closing:
            return  # what happens while we leave is nobody's
        self.found.losses.append(loss)
        self.lost += loss.failure is not Failure.OWN_FAULT
        is_drop = loss.was_open and loss.code is not None
        if is_drop and self.found.dropped_first is None and self.plan.hold_s:
            self.found.dropped_first = loss
            self.reopening = asyncio.create_task(self._reopen())
            self.reopening.add_done_callback(self._notice)
        self.changed.set()

    async def _reopen(self) -> None:
        """Open the first dropped one again, to see how long that takes; one alone, for it is no help."""
        began = time.perf_counter()
        while (left_s := self.until - time.perf_counter()) > 0:
            reading = await self._try(Clock(left_s), left_s)
            if not isinstance(reading, Reading):
                reading[0].close()
                self.found.reconnect_s = time.perf_counter() - began
                return
            self.found.refused_again = reading
            await asyncio.sleep(RECONNECT_S)

    async def _gather(self) -> None:
        """Once too many are lost: a moment for those that go with them, and for the one opened again."""
        is_more = bool(self.sessions) or self.settled < self.order.connections
        if self._is_over() and is_more and self.error is None:
            await asyncio.sleep(min(GATHER_S, max(0.0, self._left_s())))
        if self.reopening is not None:
            await asyncio.wait({self.reopening}, timeout=min(RECONNECT_S, max(0.0, self._left_s())))

    def _left_s(self) -> float:
        return self.until - time.perf_counter()

    def _is_over(self) -> bool:
        """Whether the verdict is clear already, or nobody is left to be held."""
        is_empty = self.settled == self.order.connections and not self.sessions
        return self.error is not None or is_empty or self.lost > self.order.max_lost

    def _are_all_ready(self) -> bool:
        return self.settled == self.order.connections and not any(
            session.first_s is None for session in self.sessions
        )

    async def _wait(self, is_done: Callable[[], bool] | None, most_s: float = 1e9) -> None:
        """Until it is done, the verdict is clear, or the time is up."""
        end = min(self.until, time.perf_counter() + most_s)
        while not self._is_over() and not (is_done and is_done()) and (left := end - time.perf_counter()) > 0:
            self.changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self.changed.wait()
                    await asyncio.sleep(BREATH_S if self.order.connections > 1 else 0)

    async def _ask_last(self) -> None:
        """Every one that is left must answer once more: a silent cut shows in nothing else."""
        if self._is_over():
            return
        for session in list(self.sessions):
            session.ask_last()
        await self._wait(lambda: not any(session.is_waiting for session in self.sessions))

    def _end(self) -> None:
        """What is not open or has not answered when the time is up never will be for this check."""
        if self.is_closing:
            return
        if not self._is_over():  # else the rest was not given its time
            for clock in self.opening:
                self._lose(_refusal(too_late(clock, clock.total_ms / 1000), time.perf_counter()))
            for session in list(self.sessions):
                session.miss_at_end()
                if session.loss is not None:
                    self._part_with(session)
        if self.leader is not None:
            self.found.first_s = self.leader.first_s
        self.is_closing = True

    async def _leave(self, tasks: "list[asyncio.Task[None]]") -> None:
        """Politely, all at once. Of many nobody waits until they are closed: the verdict is known."""
        self.is_closing = True
        sessions = list(self.sessions)
        for session in sessions:
            session.say_goodbye()
            self._part_with(session)
        if self.reopening is not None:
            tasks = [*tasks, self.reopening]
        closing = asyncio.create_task(_hang_up(sessions, tasks))
        _closing.add(closing)
        closing.add_done_callback(_closing.discard)
        if len(sessions) < MANY:
            await closing

    async def _feel_lag(self) -> None:
        """Until it is cancelled."""
        while True:
            began = time.perf_counter()
            await asyncio.sleep(TICK_S)
            late_s = time.perf_counter() - began - 1.5 * TICK_S
            self.found.lag_s += max(0.0, late_s)
            self.found.stall_s = max(self.found.stall_s, late_s)

    def _notice(self, task: "asyncio.Task[None]") -> None:
        """An error of our own ends the wait; `run` raises it."""
        if not task.cancelled() and self.error is None:
            self.error = task.exception()
        self.changed.set()


_closing: set["asyncio.Task[None]"] = set()  # else nothing keeps them alive


async def _hang_up(sessions: list[Session], tasks: "list[asyncio.Task[None]]") -> None:
    """Once the closes have left: uvloop writes at the end of its turn."""
    try:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    finally:
        for session in sessions:
            session.line.close()
        for task in tasks:
            task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _refusal(reading: Reading, now: float) -> Loss:
    """Of a connection that was never open."""
    word = str(reading.status_code or failures.words(str(reading.failure)).seen)
    failure = reading.failure or Failure.PROTOCOL
    return Loss(
        failure, reading.detail, word, was_open=False, at_s=now, excerpt=reading.excerpt,
        status_code=reading.status_code, facts=reading.facts,
    )  # fmt: skip
