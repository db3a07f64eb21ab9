"""Every loop of the program that must never stand still: what it does, and how often it must say so.

A loop calls `mark` at the end of each round, which costs nothing. A thread beside it (`report`) writes
the marks of its process as heartbeats. So the row of a loop that hangs grows old, and so do all rows of
a process that is stopped; and a database that is away delays no loop.
"""

import logging
import os
import platform
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, close_old_connections

from components.clock import database_now
from components.models import Heartbeat
from components.models.heartbeat import MAX_AHEAD

log = logging.getLogger(__name__)

REPORT_S = 5.0
LEFT = timedelta(hours=1)  # one that was silent for so long, while others of its role worked, has left


@dataclass(frozen=True, slots=True)
class Loop:
    """One loop. `check` is its name in /healthz; `deadline_s` the age at which its heartbeat fails."""

    role: str
    check: str
    deadline_s: float
    name: str  # what staff call it
    does: str
    loss: str  # what stops without it


LOOPS = {
    loop.role: loop
    for loop in (
        Loop("beat", "beat:heartbeat", 60, "clock", "sends what is due, each second", "nothing is scheduled"),
        Loop("worker", "worker:heartbeat", 60, "worker", "runs checks and opens incidents", "no checks run"),
        Loop("post", "deliveries:heartbeat", 60, "message worker", "finds out who is to be notified",
             "no one is notified"),
        Loop("dispatcher", "dispatcher:heartbeat", 60, "dispatcher", "sends messages to subscribers",
             "messages are not sent"),
        Loop("web", "web:heartbeat", 60, "page", "answers readers", "the page is not served"),
        Loop("renderer", "renderer:heartbeat", 60, "renderer", "renders the page after each change",
             "the page shows old data"),
        Loop("spooler", "spooler:heartbeat", 60, "spooler", "stores reports of heartbeats and other monitors",
             "reports wait on disk"),
        Loop("hooks", "hooks:heartbeat", 60, "hook runner", "calls recovery hooks", "nothing is restarted"),
        Loop("alerts", "alerts:heartbeat", 60, "alert thread", "alerts staff", "staff get no alerts"),
    )
}  # fmt: skip
OWN = ("worker", "post", "hooks")  # these write their heartbeats themselves, as part of their work


@dataclass(frozen=True, slots=True)
class State:
    """How a role is: `late` of `known` processes are late; `age_s` is of the newest, None without."""

    age_s: float | None
    known: int
    late: int
    is_ahead: bool = False  # there are heartbeats, all from the future


def state_of(loop: Loop, beats: Iterable[datetime], now: datetime, deadline_s: float | None = None) -> State:
    """How this role is, by the heartbeats of its processes."""
    times = list(beats)
    past = [at for at in times if at <= now + MAX_AHEAD]
    if not past:
        return State(None, 0, 0, is_ahead=bool(times))
    limit = timedelta(seconds=deadline_s or loop.deadline_s)
    newest = max(past)
    known = [at for at in past if now - at <= LEFT or at == newest]
    late = [at for at in known if now - at > limit]
    return State(max(0.0, (now - newest).total_seconds()), len(known), len(late))


_marks: dict[str, float] = {}  # of this process: when each loop was at the end of a round (monotonic)
_written: dict[str, float] = {}
_stopping = threading.Event()
_reporter: tuple[int, threading.Thread] | None = None  # with the process it belongs to
_kind = ""


def mark(role: str) -> None:
    """This loop of this process has done a round."""
    _marks[role] = time.monotonic()


def name(kind: str) -> str:
    """The name of this machine's process of a kind; a process that takes its place has the same."""
    return f"{platform.node()[:80]}:{settings.PORT} {kind[:80]}"


def report(kind: str) -> None:
    """Write the marks of this process from now on, in a thread; does nothing if it does already.

    `kind` tells it from the other processes of this machine.
    """
    global _reporter, _kind  # noqa: PLW0603 - one per process, also after a fork
    if _reporter is not None and _reporter[0] == os.getpid() and _reporter[1].is_alive():
        return
    _stopping.clear()
    _kind = kind
    thread = threading.Thread(target=_work, name="heartbeats", daemon=True)
    _reporter = (os.getpid(), thread)
    thread.start()


endings: list[Callable[[], None]] = []


def at_end(finish: Callable[[], None]) -> None:
    """Have this called when a process that does everything ends; all of them at the same time."""
    endings.append(finish)


def leave() -> None:
    """This process ends in order: its heartbeats are removed, so that no one waits for them."""
    if _reporter is None or _reporter[0] != os.getpid():
        return
    _stopping.set()
    try:
        Heartbeat.objects.filter(role__in=list(_marks), name=name(_kind)).delete()
    except DatabaseError as error:
        log.warning("heartbeat.kept reason=%s", str(error).strip().split("\n")[0])
    finally:
        _marks.clear()
        close_old_connections()


def write_marks() -> None:
    """Write the marks made since the last time. Raises DatabaseError."""
    new = {role: at for role, at in list(_marks.items()) if at != _written.get(role)}
    if not new:
        return
    now, here = database_now(), time.monotonic()
    for role, at in new.items():
        Heartbeat.objects.beat(role, name(_kind), now - timedelta(seconds=here - at))
        _written[role] = at


def _work() -> None:
    while not _stopping.wait(REPORT_S if _written else 1.0):
        try:
            write_marks()
        except DatabaseError as error:
            log.debug("heartbeat.not_written reason=%s", error)  # /healthz says so itself
        except Exception:  # our own error must not end the thread
            log.exception("heartbeat.failed")
        finally:
            close_old_connections()
