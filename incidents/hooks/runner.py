"""The thread that watches over hooks, and the loop that calls them; one of each in the message worker.

Rounds write: heartbeat, interrupted calls, verdicts, what people approved, what is due. Calls run in a loop
of their own, each under its own deadline, so that a receiver that hangs holds up neither rounds nor
anything else. A thread that no longer makes rounds is replaced; rows settle which runner does what.
"""

import asyncio
import contextlib
import logging
import platform
import queue
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from datetime import datetime
from typing import Any

import uvloop
from django.db import DatabaseError, OperationalError, close_old_connections

from components.clock import database_now
from components.egress import Door, Egress, through
from components.models import Heartbeat
from incidents.hooks import acting, call, judging
from incidents.hooks.call import Answer, Order
from incidents.hooks.causes import Known
from incidents.models import Act, ActState

log = logging.getLogger(__name__)
ROLE = "hooks"
EVERY_S = 1.0
BEAT_EVERY_S = 5.0
PAUSE_S = 1.0  # while the database is away
DRAIN_LOOK_S = 0.05
WEDGED_S = 60.0  # without a round: another thread takes over

Send = Callable[[Order, Egress], Coroutine[Any, Any, Answer]]


class Runner:
    """Started with `start`. `round` does what is due at `now`; tests call it without a thread."""

    def __init__(self, *, send: Send = call.send, every_s: float = EVERY_S) -> None:
        self.send_one = send
        self.every_s = every_s
        self.door = through(Door.HOOKS)
        self.loop = uvloop.new_event_loop()
        self.answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self.unwritten: list[Answer] = []
        self.diagnosed: Known = {}  # a hook that is not for this cause, or waits for a person, is asked often
        self.tasks: set[asyncio.Task[None]] = set()  # the loop itself holds only weak references
        self.stopping = threading.Event()
        self.round_at = time.monotonic()
        self.beat_at = self.ends_at = 0.0
        self.in_hand = 0
        self.threads = [
            threading.Thread(target=self._run_loop, name="hook calls", daemon=True),
            threading.Thread(target=self._work, name="hooks", daemon=True),
        ]

    def start(self) -> None:
        """In threads of its own."""
        for thread in self.threads:
            thread.start()

    def stop(self, timeout_s: float = 0.0) -> None:
        """Begin nothing more; wait at most this long for the calls that are under way."""
        self.ends_at = time.monotonic() + timeout_s
        self.stopping.set()
        if timeout_s and self.threads[1].is_alive():
            self.threads[1].join(timeout_s + DRAIN_LOOK_S * 10)

    @property
    def is_working(self) -> bool:
        """Whether its thread lives and has made a round lately."""
        return self.threads[1].is_alive() and time.monotonic() - self.round_at < WEDGED_S

    # The thread that writes

    def _work(self) -> None:
        while not self.stopping.wait(self.every_s):
            try:
                self.round(database_now())
            except DatabaseError as error:
                log.warning("hooks are waiting for the database: %s", str(error).strip().split("\n")[0])
                self.stopping.wait(PAUSE_S)
            except Exception:  # our own error must not end the thread: no hook would be called any more
                log.exception("a round of hooks failed")
                self.stopping.wait(PAUSE_S)
            finally:
                close_old_connections()
                self.round_at = time.monotonic()
        self._drain()
        self.loop.call_soon_threadsafe(self.loop.stop)

    def _drain(self) -> None:
        """Write what still comes back. A call that does not is found interrupted by the next runner."""
        with contextlib.suppress(DatabaseError):
            while self.in_hand and time.monotonic() < self.ends_at:
                self._write_answers(database_now())
                time.sleep(DRAIN_LOOK_S)
        close_old_connections()

    def round(self, now: datetime) -> None:
        """Everything that is due. Raises OperationalError: the database as a whole is away."""
        self._beat(now)
        self._write_answers(now)
        with _isolated("interrupted calls"):
            acting.recover_interrupted(now)
        for pk in judging.due(now):
            with _isolated(f"act {pk}"):
                judging.judge(pk, now)
        for pk in acting.waiting():
            with _isolated(f"act {pk}"):
                self._call_if(acting.begin_waiting(pk, now, self.diagnosed))
        for hook, incident in acting.pairs():
            with _isolated(f"hook {hook.public_id}"):
                if not acting.refusal(hook, incident, now, self.diagnosed):
                    self._call_if(acting.begin(hook, incident, now))

    def _beat(self, now: datetime) -> None:
        if (back := Heartbeat.objects.set_back(ROLE, now)) is not None:
            Act.objects.set_back(now, back)
        if time.monotonic() - self.beat_at >= BEAT_EVERY_S or not self.beat_at:
            Heartbeat.objects.beat(ROLE, platform.node()[:200], now)
            self.beat_at = time.monotonic()

    def _write_answers(self, now: datetime) -> None:
        """While the database is away they stay, and are tried again in the next round."""
        while not self.answers.empty():
            self.unwritten.append(self.answers.get())
        while self.unwritten:
            with _isolated(f"act {self.unwritten[0].key}"):  # one that never fits is found interrupted later
                acting.finish(self.unwritten[0], now)
            del self.unwritten[0]
            self.in_hand -= 1

    def _call_if(self, order: Order | None) -> None:
        """Send it at once, as it was just written down as started."""
        if order is not None:
            self.call(order)

    # The loop that calls

    def call(self, order: Order) -> None:
        """Send it, once. What comes of it is written in a later round."""
        self.in_hand += 1
        asyncio.run_coroutine_threadsafe(self._begin(order), self.loop)

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    async def _begin(self, order: Order) -> None:
        task = self.loop.create_task(self._call(order))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _call(self, order: Order) -> None:
        try:
            self.answers.put(await self.send_one(order, self.door))
        except Exception:
            log.exception("internal error in the call of a hook")
            self.answers.put(Answer(order.key, ActState.FAILED, why="Internal error; see the log."))


@contextlib.contextmanager
def _isolated(what: str) -> Iterator[None]:
    """An error with one act or hook holds up no other. Raises OperationalError."""
    try:
        yield
    except OperationalError:
        raise
    except Exception:
        log.exception("hooks: %s could not be dealt with", what)


_runner: Runner | None = None


def watch() -> None:
    """See to it that this process has a runner that works."""
    global _runner  # noqa: PLW0603 - one per process, made after the fork
    if _runner is not None and not _runner.is_working:
        log.warning("hooks.runner_replaced: it made no round for %.0f s", WEDGED_S)
        _runner.stop()
        _runner = None
    if _runner is None:
        _runner = Runner()
        _runner.start()


def stop(timeout_s: float) -> None:
    """Stop this process's runner; wait at most this long for its calls."""
    if _runner is not None:
        _runner.stop(timeout_s)
