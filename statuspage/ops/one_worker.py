"""The clock, the checks and the messages of one machine in one process.

Each line is a thread that does its tasks one after the other, so that a long one holds up only its own
line. The clock calls the tasks itself: there is no queue between them, and checks go on while the
broker is away. What hangs (a target, a receiver of hooks, a mail server) is in the loops of
`components/checking.py`, `incidents/hooks/runner.py` and `subscribers/delivery/dispatcher.py`, as
in workers of their own. A line that hangs itself leaves no heartbeat, and the supervisor starts
the process again (`statuspage/ops/watch.py`).
"""

import logging
import secrets
import signal
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import OperationalError, close_old_connections

from components import event_log, loops
from incidents.tasks import begin_here

log = logging.getLogger(__name__)

# into each second (s): apart, since they all write to one database
BEGINS_S = {"checks": 0.005, "messages": 0.3, "books": 0.6}
SLACK_S = 0.5  # a round that begins a little early counts: otherwise every other second would be skipped
LINE_END_S = 2.0  # for the task in hand when we are stopped; its transaction is rolled back otherwise


@dataclass
class Job:
    """A task of the schedule: every so many seconds, by the monotonic clock."""

    name: str
    run: Callable[[], Any]
    every_s: float
    due_at: float = 0.0  # at once after a start


class Line:
    """Does its jobs one after the other, in a thread of its own, once each is due."""

    def __init__(self, name: str, jobs: list[Job], *, marks: str = "") -> None:
        self.name = name
        self.jobs = jobs
        self.marks = marks
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._work, name=name, daemon=True)

    def stop(self) -> None:
        """Begin nothing more."""
        self.stopping.set()

    def round(self, now: float) -> None:
        """Do what is due at this moment (monotonic, s)."""
        for job in self.jobs:
            if self.stopping.is_set():
                return
            if now >= job.due_at - SLACK_S:
                job.due_at = now + job.every_s
                perform(job)
        if self.marks:
            loops.mark(self.marks)

    def _work(self) -> None:
        while not self.stopping.wait(until_next_s(time.time(), BEGINS_S[self.name])):
            self.round(time.monotonic())


def until_next_s(wall: float, begins_s: float) -> float:
    """How long until this part of a second comes next. The wall clock gives the part, nothing else."""
    return (begins_s - wall) % 1 or 1.0


def perform(job: Job) -> None:
    """Do it. Its errors are logged, and it is done again when it is due."""
    with event_log.within(task=secrets.token_hex(4)):
        try:
            job.run()
        except OperationalError as error:
            log.warning("%s is waiting for the database: %s", job.name, str(error).strip().split("\n")[0])
        except Exception:  # our own error must not end the line
            log.exception("%s failed", job.name)
        finally:
            close_old_connections()


def lines(schedule: Mapping[str, Mapping[str, Any]], tasks: Mapping[str, Any]) -> list[Line]:
    """The jobs of a schedule as Celery's beat has it, by line: checks, messages, and the books."""
    jobs: dict[str, list[Job]] = {name: [] for name in BEGINS_S}
    for entry in schedule.values():
        every_s = float(getattr(entry["schedule"], "seconds", entry["schedule"]))
        job = Job(entry["task"], tasks[entry["task"]].run, every_s)
        is_message = entry.get("options", {}).get("queue") == "post" or job.name.startswith("subscribers.")
        line = "checks" if job.name == "incidents.tick" else "messages" if is_message else "books"
        jobs[line].append(job)
    return [Line(name, found, marks="beat" if name == "checks" else "") for name, found in jobs.items()]


def run(working: list[Line]) -> None:
    """Work until SIGTERM; then finish what is in hand."""
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    begin_here(settings.REGION)
    loops.report("beat")
    for line in working:
        line.thread.start()
    stopping.wait()
    for line in working:
        line.stop()
    end = time.monotonic() + LINE_END_S
    for line in working:
        line.thread.join(max(0.0, end - time.monotonic()))
    _finish()


def _finish() -> None:
    """Checks, messages and calls of hooks in flight: each has its own time, all of them together."""
    threads = [threading.Thread(target=finish, daemon=True) for finish in loops.endings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
