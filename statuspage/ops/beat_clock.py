"""Beat's scheduler on the monotonic clock: a wall clock that is set back stops no task.

Celery's own scheduler keeps wall-clock times and sleeps until they come, and reads back from a file
when each task ran last: put the wall clock back by an hour and nothing is sent for an hour, restarts
included. This one keeps nothing between starts, and starts again when wall and monotonic clock diverge.
"""

import logging
import time
from datetime import timedelta
from typing import Any

from celery.beat import ScheduleEntry, Scheduler

from components import loops

log = logging.getLogger(__name__)

MAX_DRIFT_S = 2.0  # between two looks, a second apart: slewing stays far below, a step is above


class Metronome(Scheduler):
    """Celery's scheduler in memory; every task is due at its start."""

    _seen: tuple[float, float] | None = None

    def setup_schedule(self) -> None:
        """As configured. A task that runs once an hour must also run when we start every half hour."""
        super().setup_schedule()
        self._begin()

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due. Returns the seconds until the next tick."""
        self.watch(time.monotonic(), time.time())
        pause_s = float(super().tick(*args, **kwargs))
        loops.mark("beat")
        return pause_s

    def watch(self, monotonic: float, wall: float) -> None:
        """Start again if the wall clock was set back or forward since the last tick (both in s)."""
        before, self._seen = self._seen, (monotonic, wall)
        if before is None:
            return
        drift = (wall - before[1]) - (monotonic - before[0])
        if abs(drift) > MAX_DRIFT_S:
            log.warning("clock.stepped seconds=%+.0f: all tasks are rescheduled", drift)
            self._begin()

    def apply_entry(self, entry: ScheduleEntry, producer: Any = None) -> None:
        """Send one task. While the broker is away this logs one line, not a traceback each second."""
        try:
            self.apply_async(entry, producer=producer, advance=False)
        except Exception as error:
            log.warning("beat cannot send %s: %s: %s", entry.name, type(error).__name__, error)

    def _begin(self) -> None:
        """Every task is due now."""
        for entry in self.schedule.values():
            every: timedelta = getattr(entry.schedule, "run_every", timedelta())
            entry.last_run_at = entry.default_now() - every
        self._heap = None
